/** The registers of all processors at the last two stops, which tells what changed in between. */
import type { Guest } from './guest.ts';
import { type RegisterSnapshot, takeSnapshot } from './register-view.ts';

export class RegisterHistory {
  /** By the index of the processor. */
  #before: readonly RegisterSnapshot[] = [];
  #now: readonly RegisterSnapshot[] = [];

  /** Another guest. */
  clear(): void {
    this.#before = [];
    this.#now = [];
  }

  /** The machine stopped. */
  stopped({ cpus }: Guest): void {
    this.#before = this.#now;
    this.#now = cpus.map(takeSnapshot);
  }

  /** The values of a processor's registers at the stop before the last. */
  before({ vcpu }: Guest): RegisterSnapshot | undefined {
    return this.#before[vcpu.index];
  }
}
