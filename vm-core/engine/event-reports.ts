/** Events on their way to the embedder: told as they happen, and kept until the run loop has come back. */
import type { MachineEvent } from '../machine/machine.ts';

export class EventReports {
  onEvent: ((event: MachineEvent) => boolean) | undefined;
  #pending: MachineEvent | undefined;

  /** Tells the embedder; true if it wants to stop. Nothing is made while nobody listens: pass a function. */
  report(makeEvent: () => MachineEvent): boolean {
    if (!this.onEvent) return false;
    const event = makeEvent();
    if (!this.onEvent(event)) return false;
    this.#pending ??= event;
    return true;
  }

  /** The first event that asked for a stop since the last call. */
  take(): MachineEvent | undefined {
    const event = this.#pending;
    this.#pending = undefined;
    return event;
  }
}
