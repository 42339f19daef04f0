/** Breakpoints that plans put into the machine: reaching one is no news to the user. */
import type { Breakpoint, Machine } from '../../vm-core/index.ts';
import type { Guest } from './guest.ts';

const planBreakpoints = new WeakSet<Breakpoint>();

/** True for a breakpoint that only brings a plan forward. */
export function isOfPlan(breakpoint: Breakpoint): boolean {
  return planBreakpoints.has(breakpoint);
}

/** A breakpoint of a plan, for one processor. It stands in the machine until it is removed. */
export class PlanBreakpoint {
  readonly #machine: Machine;
  readonly #breakpoint: Breakpoint;
  /** True once the place was reached with `qualifies` true. */
  reached = false;

  constructor({ machine, vcpu }: Guest, linearAddress: number, qualifies: () => boolean = () => true) {
    this.#machine = machine;
    this.#breakpoint = {
      address: linearAddress,
      space: 'linear',
      cpu: vcpu.index,
      reached: () => {
        if (!qualifies()) return false;
        this.reached = true;
        return true;
      },
    };
    planBreakpoints.add(this.#breakpoint);
    machine.addBreakpoint(this.#breakpoint);
  }

  remove(): void {
    this.#machine.removeBreakpoint(this.#breakpoint);
  }
}
