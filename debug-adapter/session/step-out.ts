/**
 * The plan that runs until the routine that is being executed has returned: to the return address that is on the stack,
 * where the machine has recorded the call, and from whatever way out of the routine leads elsewhere.
 */
import type { CallRecord } from '../../vm-core/index.ts';
import type { Guest } from './guest.ts';
import { InstructionStep, isAtOrAbove } from './instruction-step.ts';
import { isReturn, type RoutineExit, routineExits } from './routine-exits.ts';
import { PlanBreakpoint } from './plan-breakpoint.ts';
import type { Plan, PlanStep } from './runner.ts';
import { frameAt } from './stack-frames.ts';

/**
 * Ways out are found by following the code from here; breakpoints at them hold only in this activation of the routine,
 * so that a recursive call's return, or another task's, is not taken for ours. Where the call was not recorded, that is
 * told by the depth of the stack, and code that cannot be followed further is left by single steps from there.
 */
export function stepOutPlan(guest: Guest): Plan {
  return new StepOut(guest);
}

class StepOut implements Plan {
  readonly cpu: number;
  readonly #guest: Guest;
  readonly #stackPointer: number;
  /** The call that led here, if it was recorded. */
  readonly #call: CallRecord | undefined;
  readonly #returned: PlanBreakpoint | undefined;
  readonly #breakpoints = new Map<number, { readonly exit: RoutineExit; readonly breakpoint: PlanBreakpoint }>();
  readonly #explored = new Set<number>();
  #step: InstructionStep | undefined;
  #returning = false;

  constructor(guest: Guest) {
    this.cpu = guest.vcpu.index;
    this.#guest = guest;
    this.#stackPointer = guest.stackPointer;
    const [call, callersCall] = guest.vcpu.callStack(2).calls;
    this.#call = call;
    if (call) this.#returned = breakpointBehind(guest, call, callersCall);
    this.#explore();
  }

  advance(): PlanStep {
    if (this.#returned?.reached) return 'done';
    if (this.#step) {
      const progress = this.#step.advance();
      if (progress !== 'done') return progress;
      this.#step.dispose();
      this.#step = undefined;
      if (this.#returning) return 'done';
      this.#explore();
    }
    return this.#stepExit() ?? 'run';
  }

  faulted(): void {
    this.#step?.faulted();
  }

  dispose(): void {
    this.#step?.dispose();
    this.#returned?.remove();
    for (const { breakpoint } of this.#breakpoints.values()) breakpoint.remove();
    this.#breakpoints.clear();
  }

  /** Steps the exit that the processor stands at, if it is one; a return of ours ends the plan. */
  #stepExit(): PlanStep | undefined {
    const entry = this.#breakpoints.get(this.#guest.vcpu.linearEip);
    if (!entry) return undefined;
    this.#returning = isReturn(entry.exit) && this.#isOurs();
    this.#step = new InstructionStep(this.#guest, false);
    return this.#step.advance();
  }

  #isOurs(): boolean {
    if (this.#call === undefined) return isAtOrAbove(this.#guest, this.#stackPointer);
    return this.#guest.vcpu.callStack(1).calls[0]?.slot === this.#call.slot;
  }

  /** A recorded call needs only the returns: what else leaves the routine comes back to the return address. */
  #explore(): void {
    for (const exit of routineExits(this.#guest, this.#guest.vcpu.linearEip, this.#explored)) {
      if (this.#breakpoints.has(exit.address) || (this.#call && !isReturn(exit))) continue;
      const breakpoint = new PlanBreakpoint(this.#guest, exit.address);
      this.#breakpoints.set(exit.address, { exit, breakpoint });
    }
  }
}

/** Where the innermost call returns to; it holds once the caller's own call is the innermost, on the same stack. */
function breakpointBehind(
  guest: Guest,
  call: CallRecord,
  callersCall: CallRecord | undefined,
): PlanBreakpoint | undefined {
  const caller = frameAt(guest, 1);
  if (!caller) return undefined;
  const begin = call.callerStack ? undefined : guest.vcpu.callStack(1).begin;
  const isBack = (): boolean => {
    const now = guest.vcpu.callStack(1);
    return now.calls[0]?.slot === callersCall?.slot && (begin === undefined || now.begin === begin);
  };
  return new PlanBreakpoint(guest, caller.address, isBack);
}
