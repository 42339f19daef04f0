/**
 * A worker of the browser's extension host. A worker's script must come from the page's own origin, which an
 * extension's files do not: the script is read through the workspace and started from a Blob URL.
 */
import type { FromWorker, ToWorker } from '../../debug-adapter/protocol/worker.ts';
import type { WorkerLink } from '../worker-link.ts';

class WebWorkerLink implements WorkerLink {
  private readonly worker: Worker;
  private readonly url: string;

  constructor(script: Uint8Array<ArrayBuffer>) {
    this.url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
    this.worker = new Worker(this.url, { name: 'x86 VM' });
  }

  post(message: ToWorker): void {
    this.worker.postMessage(message);
  }

  listen(receive: (message: FromWorker) => void, died: (reason: string) => void): void {
    this.worker.onmessage = (event: MessageEvent<FromWorker>) => receive(event.data);
    this.worker.onmessageerror = () => died('a message could not be read');
    this.worker.onerror = (event) => died(event.message ?? 'its script could not be started');
  }

  terminate(): void {
    this.worker.terminate();
    URL.revokeObjectURL(this.url);
  }
}

/** Starts a Web Worker on the text of a script. */
export function startWebWorker(script: Uint8Array<ArrayBuffer>): WorkerLink {
  return new WebWorkerLink(script);
}
