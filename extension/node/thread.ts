/** A worker of the desktop's extension host: a thread of its own (node:worker_threads). */
import { Worker } from 'node:worker_threads';
import type { FromWorker, ToWorker } from '../../debug-adapter/protocol/worker.ts';
import type { WorkerLink } from '../worker-link.ts';

class ThreadLink implements WorkerLink {
  private readonly worker: Worker;
  private terminated = false;

  constructor(script: string) {
    this.worker = new Worker(script, { name: 'x86 VM' });
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

/** Starts a thread on the script at a path of the file system. */
export function startThread(script: string): WorkerLink {
  return new ThreadLink(script);
}
