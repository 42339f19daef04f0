/**
 * What the generated functions that deliver events and return from them are written with: the state, memory that compiled
 * code reaches without asking, and a way out before anything has changed. Such a function gives 0 where it refuses: the
 * event is unusual, and the cpu layer does the whole of it.
 */
import { Arithmetic } from '../../isa/arithmetic.ts';
import { type FlagKeeper, flagsByte, overflowFlag, setFlagsFromByte } from '../../isa/flags.ts';
import { ENTRY_ADDEND, PAGE_SIZE, TLB_PLACE_MASK, TLB_PLACE_SHIFT, TLB_READ, TLB_WRITE } from '../../memory/layout.ts';
import { CR0_AM, CR0_PE, CR0_PG, CR4_SMAP } from '../../state/control-bits.ts';
import { internal, slot } from '../../state/layout.ts';
import { AC, ARITHMETIC_FLAGS, RF, TF, VM } from '../../state/lazy-flags.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { FunctionReference } from '../../wasm/module-builder.ts';
import type { Bits } from '../../wasm/opcodes.ts';

/** What keeps the class of the privilege apart from the rest of a mode key (see derived-state.ts). */
const CODE_SIZE_MASK = 3;
const OVERFLOW_BIT = 11;
/** Bit 1 of EFLAGS is always set. */
const FLAGS_FIXED = 2;

/** Who makes an access: the code that runs, or the processor by itself. */
export type Accessor = 'current' | 'system';
/** Bits of an access that is translated: it writes, as in memory/page-access.ts; the processor makes it; it may not fault. */
export const ACCESS_WRITE = 2;
export const ACCESS_SYSTEM = 32;
export const ACCESS_QUIET = 64;

/** Where the contexts of accesses are. */
export const CONTEXTS = {
  read: { current: internal.TLB_GENERATION, system: internal.TLB_SYSTEM_GENERATION },
  write: { current: internal.TLB_WRITE_GENERATION, system: internal.TLB_SYSTEM_WRITE_GENERATION },
} as const;

export class EventCode extends Arithmetic implements FlagKeeper {
  readonly cpu: Value;
  readonly isWide: boolean;
  /** (cpu, linear, access) → host address, or 0. */
  readonly #reach: FunctionReference | undefined;

  /** The first parameter of the function is the vCPU's base. `reach` finds pages that the translation tables have not. */
  constructor(f: FunctionBuilder, addressBits: 32 | 64, reach?: FunctionReference) {
    super(f);
    this.#reach = reach;
    this.cpu = f.parameters[0] as Value;
    this.isWide = addressBits === 64;
  }

  /** A field of the state, zero-extended. */
  field(offset: number, bits: 8 | 16 | 32 = 32): Value {
    return this.f.load('i32', bits, this.cpu, offset);
  }

  setField(offset: number, value: Value | number, bits: Bits = 32): void {
    this.f.store(bits, this.cpu, offset, typeof value === 'number' ? this.constant(value) : value);
  }

  setAt(host: Value, offset: number, value: Value): void {
    this.f.store(32, host, offset, value);
  }

  /** A slot that holds an address. */
  address(offset: number): Value {
    return this.isWide ? this.f.load('i64', 64, this.cpu, offset) : this.field(offset);
  }

  /** Writes all 64 bits of such a slot. */
  setAddress(offset: number, value: Value): void {
    this.f.store(64, this.cpu, offset, this.wideUnsigned(value));
  }

  /** An i32 as an address. */
  asAddress(value: Value): Value {
    return this.isWide ? this.wideUnsigned(value) : value;
  }

  refuse(): void {
    this.f.return(this.constant(0));
  }

  refuseIf(condition: Value): void {
    this.if(condition, () => this.refuse());
  }

  refuseUnless(condition: Value): void {
    this.refuseIf(this.isZero(condition));
  }

  /** In 64-bit mode: refuses a target that is not canonical. */
  refuseUnlessCanonical(target: Value): void {
    const shift = this.field(internal.CANONICAL_SHIFT);
    this.refuseIf(this.ne(this.shrS(this.shl(target, shift), shift), target));
  }

  /** True if some bits of a value are what is asked for. */
  matches(value: Value, mask: number, bits: number): Value {
    return this.eq(this.and(value, mask), bits);
  }

  /** Refuses all that no usual kernel does: other modes, steps, alignment checks, events that somebody wants to hear of. */
  refuseUnusual(): void {
    const control = this.field(slot.CR0);
    const flags = this.field(slot.EFLAGS);
    this.refuseUnless(this.and(control, CR0_PE));
    this.refuseIf(this.and(flags, VM | TF | RF));
    this.refuseIf(this.and(this.isZero(this.isZero(this.and(control, CR0_AM))), this.bit(flags, 18)));
  }

  /** Host address of so many bytes of plain RAM on one page; refuses all others. */
  place(kind: 'read' | 'write', linear: Value, size: Value | number, by: Accessor): Value {
    const low = this.low(linear);
    const bytes = typeof size === 'number' ? this.constant(size) : size;
    this.refuseIf(this.gtU(this.add(this.and(low, PAGE_SIZE - 1), bytes), PAGE_SIZE));
    const place = this.and(this.shrU(low, TLB_PLACE_SHIFT), TLB_PLACE_MASK);
    const entry = this.add(this.add(this.cpu, place), this.constant(kind === 'read' ? TLB_READ : TLB_WRITE));
    const context = this.asAddress(this.field(CONTEXTS[kind][by]));
    const tag = this.wideUnsigned(this.or(this.and(linear, -PAGE_SIZE), context));
    const host = this.variable(this.add(low, this.f.load('i32', 32, entry, ENTRY_ADDEND)));
    this.if(this.ne(this.f.load('i64', 64, entry), tag), () => {
      if (!this.#reach) return this.refuse();
      const access = (kind === 'write' ? ACCESS_WRITE : 0) | (by === 'system' ? ACCESS_SYSTEM : 0) | ACCESS_QUIET;
      this.set(host, this.f.call(this.#reach, this.cpu, linear, this.constant(access)));
      this.refuseUnless(host);
    });
    return host;
  }

  load(host: Value, offset = 0, bits: 16 | 32 = 32): Value {
    return this.f.load('i32', bits, host, offset);
  }

  /** EFLAGS as the guest would see it. */
  flags(): Value {
    const arithmetic = this.or(flagsByte(this), this.shl(overflowFlag(this), OVERFLOW_BIT));
    return this.or(this.and(this.field(slot.EFLAGS), ~ARITHMETIC_FLAGS), this.or(arithmetic, FLAGS_FIXED));
  }

  setFlags(value: Value): void {
    setFlagsFromByte(this, value, this.bit(value, OVERFLOW_BIT));
    this.setField(slot.EFLAGS, this.or(this.and(value, ~ARITHMETIC_FLAGS), FLAGS_FIXED));
  }

  /** Sets the privilege level; what accesses may do and which translations serve them follows. */
  setLevel(level: Value): void {
    this.if(this.ne(this.field(slot.CPL, 8), level), () => {
      this.setField(slot.CPL, level, 8);
      const isUnchecked = this.and(
        this.bit(this.field(slot.CR4), bitOf(CR4_SMAP)),
        this.bit(this.field(slot.EFLAGS), bitOf(AC)),
      );
      const privilege = this.f.copy(this.select(this.eq(level, 3), this.constant(1), this.shl(isUnchecked, 1)));
      this.setField(internal.PRIVILEGE, privilege);
      const isPaged = this.shrU(this.field(slot.CR0), bitOf(CR0_PG));
      const inContext = this.select(isPaged, privilege, this.constant(0));
      const generation = this.f.copy(this.add(this.field(internal.TLB_SYSTEM_GENERATION), inContext));
      this.setField(internal.TLB_GENERATION, generation);
      this.setField(
        internal.TLB_WRITE_GENERATION,
        this.add(this.field(internal.TLB_SYSTEM_WRITE_GENERATION), inContext),
      );
      const codeSize = this.and(this.field(internal.MODE_KEY), CODE_SIZE_MASK);
      this.setField(internal.MODE_KEY, this.or(this.shl(generation, 2), codeSize));
    });
  }

  readFlagsResult(): Value {
    return this.f.load('i64', 64, this.cpu, internal.FLAGS_RESULT);
  }

  readFlagsAux(): Value {
    return this.field(internal.FLAGS_AUX);
  }

  writeFlags(result: Value, aux: Value): void {
    this.f.store(64, this.cpu, internal.FLAGS_RESULT, result);
    this.writeFlagsAux(aux);
  }

  writeFlagsAux(aux: Value): void {
    this.setField(internal.FLAGS_AUX, aux);
  }

  knownCondition(): undefined {
    return undefined;
  }
}

/** The number of the one bit that is set. */
export function bitOf(mask: number): number {
  return 31 - Math.clz32(mask);
}
