/** A worker of the desktop's extension host: a thread of its own (node:worker_threads). */
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../../debug-adapter/protocol/worker.ts';
import type { WorkerLink } from '../worker-link.ts';

class ThreadLink implements WorkerLink {
  private readonly worker: Worker;
  private terminated = false;

  constructor(script: string, codeFolder: string | undefined) {
    this.worker = new Worker(script, { name: 'x86 VM', ...(codeFolder && { env: environmentOf(codeFolder) }) });
  }

  post(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  listen(receive: (message: FromWorker) => void, died: (reason: string) => void): void {
    this.worker.on('message', receive);
    this.worker.on('messageerror', (error) => died(error.message));
    this.worker.on('error', (error) => died(error instanceof Error ? (error.stack ?? error.message) : String(error)));
    this.worker.on('exit', (code) => {
      if (!this.terminated) died(`the thread ended with status ${code}`);
    });
  }

  terminate(): void {
    this.terminated = true;
    void this.worker.terminate();
  }
}

/**
 * Node 22 and later read a script's compiled code from there and write it there when the thread ends, to the next one's gain;
 * an earlier one knows nothing of it, and a folder that cannot be had is passed over.
 */
function environmentOf(codeFolder: string): NodeJS.ProcessEnv {
  return { ...process.env, NODE_COMPILE_CACHE: codeFolder };
}

/** Starts a thread on the script at a path of the file system. Its compiled code is kept in the folder, if there is one. */
export function startThread(script: string, codeFolder?: string): WorkerLink {
  return new ThreadLink(script, codeFolder);
}
