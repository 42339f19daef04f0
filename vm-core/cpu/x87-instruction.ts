/** What the x87 instructions that are written in TypeScript have in common: as isa/x87.ts does for those that are staged. */
import { plus } from '../state/address.ts';
import { CS, internal, segmentSlots, slot } from '../state/layout.ts';
import { type Cpu, GuestFault, type Instruction, NEXT, type Outcome, VECTOR_MF } from './cpu.ts';
import {
  type ExtendedNumber,
  INVALID,
  indefinite,
  isEmpty,
  isNotNumber,
  isDenormal,
  DENORMAL,
  isSignaling,
  isUnsupported,
  type Rounded,
  readStack,
  round,
  writeStack,
} from './x87-number.ts';

const STACK_FAULT = 0x40;
const ERROR_SUMMARY = 0x8080;
const C1 = 0x200;
const C2 = 0x400;
/** Exceptions that are found before anything is computed. */
const EARLY = 7;
const EXCEPTIONS = 0x3f;

export class X87Instruction {
  readonly cpu: Cpu;
  /** What was raised so far. */
  raised = 0;
  /** C1 is a condition code of this instruction, not the way it was rounded. */
  keepsC1 = false;

  /** The beginning; all but the control instructions wait for the exceptions of those before. */
  constructor(cpu: Cpu, instruction: Instruction) {
    this.cpu = cpu;
    requireNoError(cpu);
    const { state } = cpu;
    state.write16(slot.FOP, instruction.immediate);
    state.write64(slot.FIP, BigInt(plus(state.rip, -instruction.length)));
    state.write16(slot.FCS, state.read16(segmentSlots[CS] as number));
    if (!instruction.isMemory) return;
    state.write64(slot.FDP, BigInt(instruction.offset()));
    state.write16(slot.FDS, state.read16(segmentSlots[instruction.segment] as number));
  }

  get control(): number {
    return this.cpu.state.read16(slot.FCW);
  }

  get rounding(): number {
    return (this.control >> 10) & 3;
  }

  top(distance = 0): ExtendedNumber {
    return readStack(this.cpu.state, distance);
  }

  write(distance: number, number: ExtendedNumber): void {
    writeStack(this.cpu.state, distance, number);
  }

  setConditions(codes: number): void {
    const { state } = this.cpu;
    state.write16(slot.FSW, (state.read16(slot.FSW) & ~0x4700) | codes);
  }

  /** C2 tells that an operand was too large, or that a remainder has more to come. */
  setIncomplete(): void {
    const { state } = this.cpu;
    state.write16(slot.FSW, state.read16(slot.FSW) | C2);
  }

  setComplete(): void {
    const { state } = this.cpu;
    state.write16(slot.FSW, state.read16(slot.FSW) & ~C2);
  }

  /** True where all these registers are full; otherwise the fault of the stack is told, and `masked` writes the result. */
  isFull(distances: readonly number[], masked: () => void): boolean {
    if (!distances.some((distance) => isEmpty(this.cpu.state, distance))) return true;
    this.#stackFault(0, masked);
    return false;
  }

  /** The same for the register into which something is to be pushed. */
  hasRoom(masked: () => void): boolean {
    if (isEmpty(this.cpu.state, -1)) return true;
    this.#stackFault(C1, masked);
    return false;
  }

  #stackFault(direction: number, masked: () => void): void {
    const { state } = this.cpu;
    const isMasked = (this.control & INVALID) !== 0;
    if (isMasked) masked();
    const found = STACK_FAULT | INVALID | direction | (isMasked ? 0 : ERROR_SUMMARY);
    state.write16(slot.FSW, (state.read16(slot.FSW) & ~C1) | found);
  }

  /** The result where an operand is no number: undefined where all are. Denormal operands are told of. */
  special(numbers: readonly ExtendedNumber[], choose: (x: ExtendedNumber, y: ExtendedNumber) => ExtendedNumber) {
    const [x, y] = numbers as readonly [ExtendedNumber, ExtendedNumber | undefined];
    if (numbers.some(isUnsupported)) return this.invalid();
    if (numbers.some(isNotNumber)) {
      if (numbers.some(isSignaling)) this.raised |= INVALID;
      return choose(x, y ?? x);
    }
    return undefined;
  }

  noteDenormals(numbers: readonly ExtendedNumber[]): void {
    if (numbers.some(isDenormal)) this.raised |= DENORMAL;
  }

  invalid(): ExtendedNumber {
    this.raised |= INVALID;
    return indefinite;
  }

  /** `value · 2^scale`, rounded. */
  rounded(negative: boolean, value: bigint, scale: number, isInexact: boolean): ExtendedNumber {
    const result: Rounded = round(negative ? 1 : 0, value, scale, isInexact, this.rounding, this.control);
    this.raised |= result.exceptions;
    return result.number;
  }

  /** What was raised goes into the status word; `deliver` writes the result, unless an exception without a mask keeps it. */
  finish(deliver: () => void): Outcome {
    const { state } = this.cpu;
    const unmasked = this.raised & ~this.control & EXCEPTIONS;
    if ((unmasked & EARLY) !== 0) this.raised &= EARLY;
    else deliver();
    const summary = unmasked === 0 ? 0 : ERROR_SUMMARY;
    const c1 = this.keepsC1 ? 0 : C1;
    state.write16(slot.FSW, (state.read16(slot.FSW) & ~c1) | (this.raised & (EXCEPTIONS | c1)) | summary);
    return NEXT;
  }
}

/** #MF, or the error line, if an exception waits. */
export function requireNoError({ state }: Cpu): void {
  const waits = (state.read16(slot.FSW) & ERROR_SUMMARY & 0xff) !== 0;
  if (waits && state.read32(internal.FLOAT_ERRORS_IGNORED) === 0) throw new GuestFault(VECTOR_MF);
}
