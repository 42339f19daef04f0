/**
 * Machines that compile in a thread of its own: the script in which they run is started once more, and does nothing else
 * there. Where no thread can be started, as from sources, they compile in their own.
 */
import {
  type CompilerThread,
  compilerThread,
  createMachine,
  type Machine,
  type MachineConfig,
  serveCompiler,
  type ThreadChannel,
} from '../vm-core/index.ts';

/** By which a script that is started knows what it is to do. */
const ROLE = 'x86 VM compiler';

/** A thread of Node as its maker sees it, or the port to its maker. */
interface NodeEnd {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  on(event: 'message' | 'error' | 'exit', listener: (message: unknown) => void): void;
}

interface NodeThreads {
  readonly Worker: new (script: string, options: { name: string; workerData: string }) => NodeEnd & { unref(): void };
  readonly parentPort: NodeEnd | null;
  readonly workerData: unknown;
}

/** A Web Worker as its maker sees it, or the scope of one. */
interface WebEnd {
  postMessage(message: unknown, transfer: readonly ArrayBufferLike[]): void;
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  onerror: (() => void) | null;
}

/** What may be around; this layer knows neither the DOM nor Node. */
interface Surroundings extends WebEnd {
  readonly process?: { getBuiltinModule?(name: string): NodeThreads | undefined };
  readonly Worker?: new (script: string, options: { name: string }) => WebEnd;
  readonly location?: { readonly href: string };
  readonly name?: string;
}

/** Path of the script, in Node. */
declare const __filename: string;

const around = globalThis as unknown as Surroundings;
const threads = around.process?.getBuiltinModule?.('node:worker_threads');

const channelOfNode = (end: NodeEnd): ThreadChannel => ({
  post: (message, transfer) => end.postMessage(message, transfer),
  listen: (receive) => end.on('message', receive),
});

const channelOfWeb = (end: WebEnd): ThreadChannel => ({
  post: (message, transfer) => end.postMessage(message, transfer),
  listen: (receive) => {
    end.onmessage = ({ data }) => receive(data);
  },
});

/** Compiles for another thread if this one was started for that; false otherwise. */
export function compilesForAnother(): boolean {
  if (threads?.parentPort && threads.workerData === ROLE) serveCompiler(channelOfNode(threads.parentPort));
  else if (!threads && around.name === ROLE) serveCompiler(channelOfWeb(around));
  else return false;
  return true;
}

let started: { readonly thread: CompilerThread | undefined } | undefined;

/** A machine whose code is compiled by the thread that all of this script's machines have for that. */
export function createCompilingMachine(config: MachineConfig): Machine {
  if (config.engine === 'interpreter') return createMachine(config);
  started ??= { thread: startThread() };
  return createMachine({ ...config, ...(started.thread && { compilerThread: started.thread }) });
}

function startThread(): CompilerThread | undefined {
  try {
    return threads ? startNodeThread(threads) : startWebWorker();
  } catch {
    return undefined;
  }
}

function startNodeThread({ Worker }: NodeThreads): CompilerThread | undefined {
  if (typeof __filename === 'undefined') return undefined;
  const end = new Worker(__filename, { name: ROLE, workerData: ROLE });
  const thread = compilerThread(channelOfNode(end));
  end.on('error', () => thread.ended());
  end.on('exit', () => thread.ended());
  // It does not keep the process from ending.
  end.unref();
  return thread;
}

function startWebWorker(): CompilerThread | undefined {
  const { Worker, location } = around;
  if (!Worker || !location) return undefined;
  const end = new Worker(location.href, { name: ROLE });
  const thread = compilerThread(channelOfWeb(end));
  end.onerror = () => thread.ended();
  return thread;
}
