/** The extension's end of the channel to a worker that holds one session and its machine (DESIGN §1). */
import type { FromWorker, ToWorker } from '../debug-adapter/protocol/worker.ts';

export interface WorkerLink {
  post(message: ToWorker): void;
  /** Called once, before the first `post`. `died` tells why a worker that nobody terminated is gone. */
  listen(receive: (message: FromWorker) => void, died: (reason: string) => void): void;
  /** Ends the worker at once, whatever it is doing; `died` is not called. */
  terminate(): void;
}
