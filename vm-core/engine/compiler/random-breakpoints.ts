/** For tests of the compiler: breakpoints that come and go in several machines at once, most of which do not stop. */
import type { Breakpoint } from '../../machine/machine.ts';
import type { Draw } from './random-program.ts';

/** What has breakpoints: a machine, or the loop of a bare one. */
interface Breakable {
  addBreakpoint(breakpoint: Breakpoint): void;
  removeBreakpoint(breakpoint: Breakpoint): void;
}

export class RandomBreakpoints {
  readonly #machines: readonly Breakable[];
  readonly #draw: Draw;
  readonly #address: () => number;
  readonly #set: Breakpoint[] = [];

  /** `address` draws where a block is. */
  constructor(machines: readonly Breakable[], draw: Draw, address: () => number) {
    this.#machines = machines;
    this.#draw = draw;
    this.#address = address;
  }

  /** Sets one, or takes the last one away, or neither. */
  change(): void {
    const draw = this.#draw;
    const what = draw(4);
    const last = this.#set.at(-1);
    if (what === 0 && last) {
      this.#set.pop();
      for (const machine of this.#machines) machine.removeBreakpoint(last);
    } else if (what === 1) {
      const stops = draw(3) === 0;
      const address = this.#address() + (draw(2) === 0 ? 0 : draw(16));
      const breakpoint: Breakpoint = { address, space: 'linear', reached: () => stops };
      this.#set.push(breakpoint);
      for (const machine of this.#machines) machine.addBreakpoint(breakpoint);
    }
  }
}
