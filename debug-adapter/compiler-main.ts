/** Entry of the thread that compiles for machines of another one: a thread of Node or a Web Worker, found through globals. */
import { serveCompiler } from '../vm-core/compiler.ts';
import { type NodeEnd, channelOfNode, channelOfWeb, type WebEnd } from './thread-channels.ts';

interface Surroundings extends WebEnd {
  readonly process?: {
    getBuiltinModule?(name: 'node:worker_threads'): { readonly parentPort: NodeEnd | null } | undefined;
  };
}

const around = globalThis as unknown as Surroundings;
const port = around.process?.getBuiltinModule?.('node:worker_threads')?.parentPort;
serveCompiler(port ? channelOfNode(port) : channelOfWeb(around));
