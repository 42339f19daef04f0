/**
 * What the instructions of the x87 have in common: the stack and its tags, the exceptions and what becomes of them, the
 * pointers to the last instruction (SDM vol. 1 §8.1, §8.5, §8.6).
 */
import { CS, internal, segmentSlots, slot } from '../state/layout.ts';
import type { Label, Value, Variable } from '../wasm/function-builder.ts';
import type { SharedFunction } from '../wasm/module-builder.ts';
import { ExtendedOperation, indefinite } from './float/extended.ts';
import * as format from './float/formats.ts';
import { type QuickOperation, quickly } from './float/quickly.ts';
import type { Semantics } from './semantics.ts';
import { VECTOR_MF } from './vectors.ts';
import { readX87, writeX87 } from './x87-fields.ts';

/** Bits of the status word. */
export const STACK_FAULT = 0x40;
const ERROR_SUMMARY = 0x80;
const BUSY = 0x8000;
const C1 = 0x200;
export const CONDITIONS = 0x4700;
const TOP_SHIFT = 11;
const TOP = 7 << TOP_SHIFT;

const EXCEPTIONS = 0x3f;
/** Exceptions that are found before anything is computed. */
const EARLY = format.INVALID | format.DENORMAL | format.ZERO_DIVIDE;
/** Those that keep a result from memory. */
const KEPT_FROM_MEMORY = EARLY | format.OVERFLOW | format.UNDERFLOW;

const SLOT_SHIFT = 4;

/** A place on the stack: its distance from the top, as a number or as the operand ST(i) has it. */
type Place = number | 'operand';

export class X87 {
  readonly s: Semantics;
  readonly #cpu: Value;
  readonly #control: Value;
  readonly #status: Variable;
  readonly #tags: Variable;
  readonly #index: Value | undefined;
  /** What was raised, where most operations raise nothing; otherwise the state has it. */
  readonly #raised: Variable | undefined;

  /** The beginning of an instruction; all but the control instructions wait for the exceptions of those before. */
  constructor(s: Semantics, uses: { readonly operand?: boolean; readonly waits?: boolean } = {}) {
    const { f } = s;
    this.s = s;
    this.#cpu = s.cpuAddress();
    this.#status = f.variable(readX87(s, 'FSW'));
    if (uses.waits !== false) requireNoError(s, this.#status);
    this.#control = readX87(s, 'FCW');
    this.#tags = f.variable(readX87(s, 'FTW'));
    if (s.isForUsual) this.#raised = f.variable(s.constant(0));
    this.#index = uses.operand ? s.stackIndex() : undefined;
  }

  /** Where the exceptions of an operation are gathered. */
  get exceptionsAt(): Value {
    return this.s.add(this.#cpu, this.s.constant(internal.FLOAT_EXCEPTIONS));
  }

  /** The environment of the operations on numbers, by the control word. */
  environment(): Value {
    const { s } = this;
    const rounding = s.and(s.shrU(this.#control, 10), 3);
    const precision = s.and(s.shrU(this.#control, 6), 0xc);
    const unmasked = s.and(s.shl(s.not(this.#control), 1), 0x30);
    return s.or(s.or(rounding, precision), unmasked);
  }

  clearExceptions(): void {
    if (!this.#raised) this.#clearInState();
  }

  #clearInState(): void {
    this.s.f.store(32, this.#cpu, internal.FLOAT_EXCEPTIONS, this.s.constant(0));
  }

  #top(): Value {
    return this.s.and(this.s.shrU(this.#status, TOP_SHIFT), 7);
  }

  #number(place: Place): Value {
    const { s } = this;
    const distance = place === 'operand' ? (this.#index as Value) : s.constant(place);
    return s.and(s.add(this.#top(), distance), 7);
  }

  #address(place: Place): Value {
    return this.s.add(this.#cpu, this.s.shl(this.#number(place), SLOT_SHIFT));
  }

  isEmpty(place: Place): Value {
    return this.s.isZero(this.s.bit(this.#tags, this.#number(place)));
  }

  read(place: Place): Value {
    return this.s.f.loadVector(128, this.#address(place), slot.FPR0);
  }

  write(place: Place, number: Value): void {
    const { s } = this;
    s.f.storeVector(this.#address(place), slot.FPR0, number);
    s.set(this.#tags, s.or(this.#tags, s.shl(s.constant(1), this.#number(place))));
  }

  /** The register is empty; its contents stay. */
  free(place: Place): void {
    const { s } = this;
    s.set(this.#tags, s.and(this.#tags, s.not(s.shl(s.constant(1), this.#number(place)))));
  }

  pop(): void {
    this.free(0);
    this.move(1);
  }

  /** Makes room on the stack; what is there then is written by `write(0, …)`. */
  push(): void {
    this.move(-1);
  }

  /** Moves the top of the stack by a number of registers. */
  move(by: number): void {
    const { s } = this;
    const moved = s.and(s.add(this.#status, s.constant(by << TOP_SHIFT)), TOP);
    s.set(this.#status, s.or(s.and(this.#status, ~TOP), moved));
  }

  indefinite(): Value {
    return indefinite(this.s);
  }

  setConditions(codes: Value): void {
    const { s } = this;
    s.set(this.#status, s.or(s.and(this.#status, ~CONDITIONS), codes));
  }

  /** C1 is 0 after what neither rounds nor overflows the stack. */
  clearC1(): void {
    this.s.set(this.#status, this.s.and(this.#status, ~C1));
  }

  /**
   * Where registers that are needed are empty: an invalid operation of the stack, whose result, if that is masked, is what
   * `masked` writes. Otherwise goes on.
   */
  requireFull(places: readonly Place[], masked: () => void): void {
    const empty = places.map((place) => this.isEmpty(place)).reduce((x, y) => this.s.or(x, y));
    this.s.if(empty, () => this.#stackFault(0, masked));
  }

  /** The same for a register into which something is to be pushed. */
  requireRoom(masked: () => void): void {
    this.s.if(this.s.isZero(this.isEmpty(-1)), () => this.#stackFault(C1, masked));
  }

  #stackFault(direction: number, masked: () => void): void {
    const { s } = this;
    if (s.isForUsual) {
      s.raise(VECTOR_MF);
      return;
    }
    const found = STACK_FAULT | format.INVALID | direction;
    s.set(this.#status, s.or(s.and(this.#status, ~C1), found));
    s.if(s.and(this.#control, format.INVALID), masked, () => this.#summarize());
    this.commit();
    s.end();
  }

  #summarize(): void {
    this.s.set(this.#status, this.s.or(this.#status, ERROR_SUMMARY | BUSY));
  }

  /**
   * What an operation has raised goes into the status word; `deliver` writes the result, unless an exception without a
   * mask keeps it. `toMemory`: one that is found after the operation keeps it too.
   */
  finish(deliver: () => void, toMemory = false): void {
    const { s } = this;
    const raised = s.f.variable(this.#gathered());
    // They come before a denormal operand, which is then not told of.
    s.if(s.and(raised, format.INVALID | format.ZERO_DIVIDE), () => s.set(raised, s.and(raised, ~format.DENORMAL)));
    const unmasked = s.f.copy(s.and(s.and(raised, s.not(this.#control)), EXCEPTIONS));
    s.if(s.and(unmasked, EARLY), () => s.set(raised, s.and(raised, EARLY)));
    // What is too large or too small for memory is not rounded.
    if (toMemory) {
      const range = format.OVERFLOW | format.UNDERFLOW;
      s.if(s.and(unmasked, range), () => s.set(raised, s.and(raised, EARLY | range)));
    }
    s.set(this.#status, s.or(s.and(this.#status, ~C1), s.and(raised, EXCEPTIONS | C1)));
    s.if(s.isZero(s.and(unmasked, toMemory ? KEPT_FROM_MEMORY : EARLY)), deliver);
    s.if(unmasked, () => this.#summarize());
  }

  /** A denormal number in memory is not told of where the other operand is a NaN or no number. */
  forgetDenormalBeside(number: Value): void {
    const { s } = this;
    s.if(s.and(this.#gathered(), format.DENORMAL), () => {
      const other = new ExtendedOperation(s.f, this.exceptionsAt, s.constant(0));
      const parts = other.take(number);
      s.if(s.or(other.isNaN(parts), other.isUnsupported(parts)), () => {
        const others = s.and(this.#gathered(), ~format.DENORMAL);
        if (this.#raised) s.set(this.#raised, others);
        else s.f.store(32, this.#cpu, internal.FLOAT_EXCEPTIONS, others);
      });
    });
  }

  #gathered(): Value {
    return this.#raised ?? this.s.f.load('i32', 32, this.#cpu, internal.FLOAT_EXCEPTIONS);
  }

  /** Calls an operation on numbers that takes the place of its exceptions first. */
  operate(operation: QuickOperation, ...operands: readonly Value[]): Value {
    const { quick } = operation;
    const { f } = this.s;
    if (!quick || !this.#raised) return this.#call(operation, operands);
    const way = (unusual: Label) => quick(f, unusual, operands);
    return quickly(f, operation, way, () => this.#call(operation, operands));
  }

  #call(operation: SharedFunction, operands: readonly Value[]): Value {
    const { s } = this;
    if (this.#raised) this.#clearInState();
    const result = s.callUnit(operation, this.exceptionsAt, ...operands);
    const now = () => s.f.load('i32', 32, this.#cpu, internal.FLOAT_EXCEPTIONS);
    if (this.#raised) s.set(this.#raised, s.or(this.#raised, now()));
    return result;
  }

  /** Writes status and tags back. */
  commit(): void {
    writeX87(this.s, 'FSW', this.#status);
    writeX87(this.s, 'FTW', this.#tags);
  }
}

/** #MF, or the error line, if an exception waits. */
export function requireNoError(s: Semantics, status: Value): void {
  s.if(s.and(status, ERROR_SUMMARY), () => {
    const ignored = s.f.load('i32', 32, s.cpuAddress(), internal.FLOAT_ERRORS_IGNORED);
    s.if(s.isZero(ignored), () => s.raise(VECTOR_MF));
  });
}

/** The instruction becomes the last one; those of the control instructions do not. */
export function rememberInstruction(s: Semantics, hasMemory: boolean): void {
  const { f } = s;
  writeX87(s, 'FOP', s.immediate());
  writeX87(s, 'FIP', f.widen(s.instructionPointer(), false));
  writeX87(s, 'FCS', f.load('i32', 16, s.cpuAddress(), segmentSlots[CS] as number));
  if (!hasMemory) return;
  writeX87(s, 'FDP', f.widen(s.effectiveAddress(), false));
  writeX87(s, 'FDS', s.segmentSelector());
}
