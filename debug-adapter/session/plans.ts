/** The plans a run can have: to the boot sector, to the next branch, and by source line or instruction. */
import type { DecodedInstruction } from '../disassembly/decode-instruction.ts';
import type { Guest } from './guest.ts';
import { InstructionStep } from './instruction-step.ts';
import { PlanBreakpoint } from './plan-breakpoint.ts';
import type { Plan, PlanStep } from './runner.ts';

/** Runs until the instruction at a linear address comes up. */
export function runToPlan(guest: Guest, linearAddress: number): Plan {
  const breakpoint = new PlanBreakpoint(guest, linearAddress);
  return {
    cpu: guest.vcpu.index,
    advance: () => (breakpoint.reached ? 'done' : 'run'),
    faulted: () => {},
    dispose: () => breakpoint.remove(),
  };
}

/** Runs until a branch was taken: by a jump, a call or a return, an interrupt or an exception. */
export function branchPlan(guest: Guest): Plan {
  return { cpu: guest.vcpu.index, advance: () => 'run-to-branch', faulted: () => {}, dispose: () => {} };
}

/** Steps one instruction, or instructions until another source line is reached when the first has a line. */
export function stepPlan(guest: Guest, depth: 'in' | 'over', granularity: 'line' | 'instruction'): Plan {
  return new LineStep(guest, depth === 'over', granularity);
}

class LineStep implements Plan {
  readonly cpu: number;
  readonly #guest: Guest;
  readonly #over: boolean;
  readonly #first: number;
  /** Tells what is to be left; undefined steps a single instruction. */
  readonly #onLine: OnLine | undefined;
  #step: InstructionStep;

  constructor(guest: Guest, over: boolean, granularity: 'line' | 'instruction') {
    this.cpu = guest.vcpu.index;
    this.#guest = guest;
    this.#over = over;
    this.#first = guest.vcpu.linearEip;
    this.#onLine = granularity === 'line' ? onLineOf(guest, this.#first, over) : undefined;
    this.#step = new InstructionStep(guest, over);
  }

  advance(): PlanStep {
    const progress = this.#step.advance();
    if (progress !== 'done') return progress;
    this.#step.dispose();
    if (this.#leftLine()) return 'done';
    this.#step = new InstructionStep(this.#guest, this.#over);
    return this.#step.advance();
  }

  faulted(): void {
    this.#step.faulted();
  }

  dispose(): void {
    this.#step.dispose();
  }

  /** Coming back to where the step began counts as another line, or a jump to itself would never end. */
  #leftLine(): boolean {
    const address = this.#guest.vcpu.linearEip;
    return this.#onLine === undefined || address === this.#first || !this.#onLine(address);
  }
}

/** Whether an address is of the line where a step began. */
type OnLine = (linearAddress: number) => boolean;

/** `whole`: a call of a macro is one line with all that it expands to; else the lines of its body count. */
function onLineOf(guest: Guest, first: number, whole: boolean): OnLine | undefined {
  const line = lineKey(guest, first);
  const span = whole ? guest.symbols.spanAt(first) : undefined;
  if (line === undefined) return undefined;
  return (address) => (span && address >= span.start && address < span.end) || lineKey(guest, address) === line;
}

function lineKey(guest: Guest, linearAddress: number): string | undefined {
  const place = guest.symbols.lineAt(linearAddress);
  return place && `${place.line}:${place.file}`;
}

/** The calls and interrupts of the line that is executed next, from here on; of a lone instruction itself. */
export function callsOfLine(
  guest: Guest,
): readonly { readonly address: number; readonly instruction: DecodedInstruction }[] {
  const calls: { address: number; instruction: DecodedInstruction }[] = [];
  const first = guest.vcpu.linearEip;
  const onLine = onLineOf(guest, first, true);
  let address = first;
  for (let count = 0; count < LINE_INSTRUCTIONS_MAX; count++) {
    const instruction = guest.decode(address);
    if (!instruction?.valid) break;
    if (instruction.kind === 'call' || instruction.kind === 'interrupt') calls.push({ address, instruction });
    address = guest.codeAddress(address - guest.codeBase + instruction.length);
    if (!onLine?.(address)) break;
  }
  return calls;
}

/** A line that a macro or `times` made has more instructions than anybody lists. */
const LINE_INSTRUCTIONS_MAX = 256;

/** Runs to a call of this line and steps into what it calls; ends like a step where the line is left before. */
export function stepIntoPlan(guest: Guest, callAddress: number): Plan {
  const onLine = onLineOf(guest, guest.vcpu.linearEip, true);
  let step: InstructionStep | undefined;
  let stepsIn = false;
  return {
    cpu: guest.vcpu.index,
    advance() {
      for (;;) {
        const progress = step?.advance() ?? 'done';
        if (progress !== 'done') return progress;
        step?.dispose();
        const address = guest.vcpu.linearEip;
        if (stepsIn || (step && !onLine?.(address))) return 'done';
        stepsIn = address === callAddress;
        step = new InstructionStep(guest, !stepsIn);
      }
    },
    faulted: () => step?.faulted(),
    dispose: () => step?.dispose(),
  };
}
