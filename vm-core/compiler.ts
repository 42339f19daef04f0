/** The other door, to the compiler alone: what a thread loads that compiles for machines of another thread. */
export { serveCompiler } from './engine/compiler/compiler-thread.ts';
