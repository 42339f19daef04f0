/** Which processor a view shows: the one that was chosen in it, else the one that the user looks at. */
import type { Guest } from './guest.ts';

export class ChosenCpu {
  #guest: Guest | undefined;
  #lookedAt = 0;
  #chosen: number | undefined;

  /** From now on this guest is shown, or none. */
  attach(guest: Guest | undefined): void {
    this.#guest = guest;
    this.#lookedAt = 0;
  }

  /** The user looks at the processor with this index; true if the view shows another one now. */
  lookAt(cpu: number): boolean {
    return this.#changes(() => {
      this.#lookedAt = cpu;
    });
  }

  /** The view shows the processor with this index, or follows the user; true if it shows another one now. */
  choose(cpu: number | undefined): boolean {
    return this.#changes(() => {
      this.#chosen = cpu;
    });
  }

  /** The guest as the processor sees it. A processor that was chosen and that the guest does not have is not shown. */
  get guest(): Guest | undefined {
    const guest = this.#guest;
    return guest && (guest.cpus[this.#chosen ?? this.#lookedAt] ?? guest.cpus[this.#lookedAt] ?? guest);
  }

  /** What views tell of it. */
  get shown(): { readonly cpus: number; readonly cpu: number } {
    return { cpus: this.#guest?.cpus.length ?? 0, cpu: this.guest?.vcpu.index ?? 0 };
  }

  #changes(change: () => void): boolean {
    const before = this.guest;
    change();
    return this.guest !== before;
  }
}
