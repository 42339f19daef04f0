/** Tells of changes of the operating mode, as far as code has left for the run loop since (SDM vol. 3A §2.2). */
import type { CpuMode } from '../machine/vcpu.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { deriveMode, modeBits, modeNameOf } from './derived-state.ts';
import type { EventReports } from './event-reports.ts';

export class ModeReports {
  readonly #state: CpuState;
  readonly #reports: EventReports;
  #bits = -1;
  #name: CpuMode = 'real';

  constructor(state: CpuState, reports: EventReports) {
    this.#state = state;
    this.#reports = reports;
  }

  /** Looks at the registers again; derives what depends on the mode if it has changed. */
  refresh(): void {
    const bits = modeBits(this.#state);
    if (bits !== this.#bits) {
      this.#bits = bits;
      deriveMode(this.#state);
    }
    const name = modeNameOf(this.#state);
    if (name === this.#name) return;
    const from = this.#name;
    this.#name = name;
    this.#reports.report(() => ({ kind: 'mode', from, to: name }));
  }
}
