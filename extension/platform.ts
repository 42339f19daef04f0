/** What differs between the desktop's extension host and the browser's; everything else is written once against this. */
import type { Uri } from 'vscode';
import type { Host } from '../debug-adapter/host.ts';
import type { WorkerLink } from './worker-link.ts';

export interface Platform {
  /** Answers what sessions ask about files and the assembler. */
  readonly host: Host;
  /** Starts a worker on the bundle at `script`; rejects when it cannot be read. */
  startWorker(script: Uri): Promise<WorkerLink>;
  /** How a session is to name a file of the workspace so that `host` finds it. */
  sessionPath(uri: Uri): string;
}
