/**
 * Machines whose code is compiled in a thread of its own, which all machines of a script share. Where no thread can be started,
 * or there is no script for it, they compile in the machine's.
 */
import {
  type CompilerThread,
  compilerThread,
  createMachine,
  type Machine,
  type MachineConfig,
} from '../vm-core/index.ts';
import { compilerScript } from './compiler-script.ts';
import { channelOfNode, channelOfWeb, type NodeEnd, type WebEnd } from './thread-channels.ts';

const NAME = 'x86 VM compiler';
/** What it makes of an order is soon garbage; a larger part of the heap for that takes tens of MiB and is no faster. */
const YOUNG_GENERATION_MB = 8;

interface NodeThreads {
  readonly Worker: new (script: string, options: object) => NodeEnd & { unref(): void };
}

/** What may be around; this layer knows neither the DOM nor Node. */
interface Surroundings {
  readonly process?: { getBuiltinModule?(name: 'node:worker_threads'): NodeThreads | undefined };
  readonly Worker?: new (url: string, options: { name: string }) => WebEnd;
  readonly Blob?: new (parts: readonly string[], options: { type: string }) => object;
  readonly URL?: { createObjectURL?(blob: object): string };
}

let started: { readonly thread: CompilerThread | undefined } | undefined;

/** A machine as its configuration has it, with that thread if it compiles. */
export function createCompilingMachine(config: MachineConfig): Machine {
  if (config.engine === 'interpreter') return createMachine(config);
  started ??= { thread: startThread(compilerScript) };
  return createMachine({ ...config, ...(started.thread && { compilerThread: started.thread }) });
}

function startThread(script: string | undefined): CompilerThread | undefined {
  if (script === undefined) return undefined;
  const around = globalThis as unknown as Surroundings;
  const threads = around.process?.getBuiltinModule?.('node:worker_threads');
  try {
    return threads ? startNodeThread(script, threads) : startWebWorker(script, around);
  } catch {
    // A host may forbid it: nothing but speed is lost.
    return undefined;
  }
}

function startNodeThread(script: string, { Worker }: NodeThreads): CompilerThread {
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB };
  const end = new Worker(script, { name: NAME, eval: true, resourceLimits });
  const thread = compilerThread(channelOfNode(end));
  end.on('error', () => thread.ended());
  end.on('exit', () => thread.ended());
  // It does not keep the process from ending.
  end.unref();
  return thread;
}

function startWebWorker(script: string, { Worker, Blob, URL }: Surroundings): CompilerThread | undefined {
  if (!Worker || !Blob || !URL?.createObjectURL) return undefined;
  const end = new Worker(URL.createObjectURL(new Blob([script], { type: 'text/javascript' })), { name: NAME });
  const thread = compilerThread(channelOfWeb(end));
  end.onerror = () => thread.ended();
  return thread;
}
