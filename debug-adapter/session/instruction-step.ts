/**
 * One instruction as a plan, the way the user means it: interrupts that happen to arrive are served unseen, and what is
 * stepped over (a call, a software interrupt, a repeated string instruction, a loop) runs at full speed to a breakpoint
 * behind it that holds only for the same depth of the stack.
 */
import type { DecodedInstruction, InstructionKind } from '../disassembly/decode-instruction.ts';
import { isInBios } from './bios-place.ts';
import type { Guest } from './guest.ts';
import { PlanBreakpoint } from './plan-breakpoint.ts';
import { waitsForStartup } from './thread-name.ts';
import type { Plan, PlanStep } from './runner.ts';

const STEPPED_OVER: ReadonlySet<InstructionKind> = new Set(['call', 'interrupt', 'repeat', 'loop']);

/** Where the processor stood before the instruction. */
interface Start {
  readonly address: number;
  readonly stackPointer: number;
  readonly kind: InstructionKind;
  /** Where the return address of the routine lies, if its call was recorded. */
  readonly slot: number | undefined;
  /** Linear address behind the instruction. */
  readonly behind: number;
  /** Linear address of a direct target. */
  readonly target: number | undefined;
  /** Linear addresses at which the processor may be after the instruction; undefined where that cannot be told. */
  readonly successors: readonly number[] | undefined;
}

/** `events`: what is pending is delivered; `fault`: the instruction's exception is next; the last three run to a breakpoint. */
type Phase =
  | 'begin'
  | 'events'
  | 'instruction'
  | 'fault'
  | 'fault-delivered'
  | 'handler-before'
  | 'handler-after'
  | 'behind';

export class InstructionStep implements Plan {
  readonly cpu: number;
  readonly #guest: Guest;
  readonly #start: Start;
  readonly #over: boolean;
  #phase: Phase = 'begin';
  #breakpoint: PlanBreakpoint | undefined;
  /** Instructions retired when this one was let run; the same number afterwards means that it waits. */
  #retiredBefore = 0;

  /** Steps the next instruction, `over` what it calls or repeats. */
  constructor(guest: Guest, over: boolean) {
    this.cpu = guest.vcpu.index;
    this.#guest = guest;
    this.#start = describeStart(guest);
    // Where a processor waits to be started is not where it begins.
    this.#over = over && isSteppedOver(this.#start) && !waitsForStartup(guest);
  }

  advance(): PlanStep {
    switch (this.#phase) {
      case 'begin':
        return this.#over ? this.#runTo(this.#start.behind, this.#start.stackPointer, 'behind') : this.#go('events');
      case 'events':
        return this.#afterEvents();
      case 'instruction':
        return this.#afterInstruction();
      case 'fault':
        this.#phase = 'fault-delivered';
        return 'deliver-events';
      case 'fault-delivered':
        return 'done';
      default:
        return this.#atBreakpoint();
    }
  }

  faulted(): void {
    this.#phase = 'fault';
  }

  dispose(): void {
    this.#breakpoint?.remove();
    this.#breakpoint = undefined;
  }

  #go(phase: 'events' | 'instruction'): PlanStep {
    this.#phase = phase;
    this.#retiredBefore = this.#guest.vcpu.retired;
    return phase === 'events' ? 'deliver-events' : 'one-instruction';
  }

  /** Pending interrupts have been entered. Their handlers run before the instruction is let go. */
  #afterEvents(): PlanStep {
    const { address, stackPointer } = this.#start;
    if (this.#guest.vcpu.linearEip !== address) {
      return this.#interruptReturn([address]) === undefined
        ? 'done'
        : this.#runTo(address, stackPointer, 'handler-before');
    }
    return this.#go(isAsleep(this.#guest) ? 'events' : 'instruction');
  }

  #afterInstruction(): PlanStep {
    const { vcpu } = this.#guest;
    if (vcpu.retired === this.#retiredBefore) return 'one-instruction';
    const { successors, behind, stackPointer } = this.#start;
    if (successors && !successors.includes(vcpu.linearEip)) {
      const interrupted = this.#interruptReturn(successors);
      if (interrupted) return this.#runTo(interrupted.address, interrupted.stackPointer, 'handler-after');
    }
    return this.#enteredBios() ? this.#runTo(behind, stackPointer, 'behind') : 'done';
  }

  #atBreakpoint(): PlanStep {
    if (!this.#breakpoint?.reached) return 'run';
    this.dispose();
    return this.#phase === 'handler-before' ? this.#go('events') : 'done';
  }

  #runTo(address: number, stackPointer: number, phase: Phase): PlanStep {
    const isMet = (): boolean =>
      isAtOrAbove(this.#guest, stackPointer) && (phase !== 'behind' || this.#isSameActivation());
    this.#breakpoint = new PlanBreakpoint(this.#guest, address, isMet);
    this.#phase = phase;
    return 'run';
  }

  /** False for another task that comes by in the same routine. */
  #isSameActivation(): boolean {
    const slot = this.#guest.vcpu.callStack(1).calls[0]?.slot;
    return slot === this.#start.slot || slot === undefined;
  }

  /** Where the handler that was just entered returns to, if its frame leads to one of the places expected. */
  #interruptReturn(
    expected: readonly number[],
  ): { readonly address: number; readonly stackPointer: number } | undefined {
    const guest = this.#guest;
    const { stackPointer } = guest;
    if (guest.is64Bit) return longInterruptReturn(guest, expected);
    const size = guest.vcpu.mode === 'real' ? 2 : 4;
    const offset = guest.readInteger(guest.stackAddress(stackPointer), size);
    const selector = guest.readInteger(guest.stackAddress(stackPointer + size), 2);
    if (offset === undefined || selector === undefined) return undefined;
    const base = guest.vcpu.mode === 'real' ? selector << 4 : (guest.expressions.segmentBase(selector) ?? 0);
    const address = (base + offset) >>> 0;
    return expected.includes(address) ? { address, stackPointer: stackPointer + 3 * size } : undefined;
  }

  /** True when a call or interrupt led into the built-in BIOS, whose services count as one step. */
  #enteredBios(): boolean {
    const { address, kind } = this.#start;
    if (kind !== 'call' && kind !== 'interrupt') return false;
    const { machine, vcpu } = this.#guest;
    return machine.config.firmware === 'builtin' && isInBios(vcpu.linearEip) && !isInBios(address);
  }
}

/** Whether a processor executes nothing until something wakes it. */
function isAsleep(guest: Guest): boolean {
  return guest.register('HALTED') !== 0 || waitsForStartup(guest);
}

/**
 * LOOP is run to its end only where it goes back; forward it is a branch like any other. A call of what comes next only
 * asks for the address, and does not return.
 */
function isSteppedOver({ kind, target, address, behind }: Start): boolean {
  if (kind === 'call' && target === behind) return false;
  if (kind === 'loop') return target !== undefined && target <= address;
  return STEPPED_OVER.has(kind);
}

function describeStart(guest: Guest): Start {
  const address = guest.vcpu.linearEip;
  const instruction = guest.decode(address);
  const behind = guest.codeAddress(address - guest.codeBase + (instruction?.length ?? 1));
  const target = instruction?.target === undefined ? undefined : guest.codeAddress(instruction.target);
  return {
    address,
    stackPointer: guest.stackPointer,
    slot: guest.vcpu.callStack(1).calls[0]?.slot,
    kind: instruction?.kind ?? 'fault',
    behind,
    target,
    successors: instruction && successorsOf(guest, instruction, { address, behind, target }),
  };
}

function successorsOf(
  guest: Guest,
  { kind, text }: DecodedInstruction,
  { address, behind, target }: Pick<Start, 'address' | 'behind' | 'target'>,
): readonly number[] | undefined {
  switch (kind) {
    case 'plain':
    case 'halt':
      return [behind];
    case 'repeat':
      return [behind, address];
    case 'branch':
    case 'loop':
      return [behind, target ?? behind];
    case 'jump':
    case 'call':
      return target === undefined ? undefined : [target];
    case 'return':
      return returnTarget(guest, text);
    default:
      return undefined;
  }
}

/** A handler of 64-bit mode finds RIP, CS, RFLAGS, RSP and SS on its stack; an error code is never what an interrupt has. */
function longInterruptReturn(
  guest: Guest,
  expected: readonly number[],
): { readonly address: number; readonly stackPointer: number } | undefined {
  const address = guest.readInteger(guest.stackPointer, 8);
  const stackPointer = guest.readInteger(guest.stackPointer + 24, 8);
  if (address === undefined || stackPointer === undefined) return undefined;
  return expected.includes(address) ? { address, stackPointer } : undefined;
}

/** The return address on the stack: of a near return in this segment, of a far one and IRET in the segment with it. */
function returnTarget(guest: Guest, text: string): readonly number[] | undefined {
  const size = returnSize(guest, text);
  const offset = guest.readInteger(guest.stackAddress(guest.stackPointer), size);
  if (offset === undefined) return undefined;
  if (/^ret\b/.test(text)) return [guest.codeAddress(offset)];
  const selector = guest.readInteger(guest.stackAddress(guest.stackPointer + size), 2);
  const base = selector === undefined ? undefined : guest.expressions.segmentBase(selector);
  return base === undefined ? undefined : [guest.wrapLinear(base + offset)];
}

/** Bytes of the return address: near returns of 64-bit code have 8, far ones and IRET those of the operand size. */
function returnSize({ vcpu: { codeSize } }: Guest, text: string): 2 | 4 | 8 {
  if (codeSize !== 64) return codeSize === 16 ? 2 : 4;
  return /^(ret\b|\w+q\b|o64\b)/.test(text) ? 8 : 4;
}

/** True when the stack is not deeper than `stackPointer`; stack offsets wrap at their width. */
export function isAtOrAbove(guest: Guest, stackPointer: number): boolean {
  if (guest.is64Bit) return guest.stackPointer >= stackPointer;
  const shift = guest.stackSize === 16 ? 16 : 0;
  return (guest.stackPointer - stackPointer) << shift >= 0;
}
