/**
 * Access to one vCPU's state where it lies. Nothing is copied: the engine's compiled code and these accessors see the
 * same bytes of the machine's memory.
 */
import { type Address, addressFrom, highHalf, lowHalf } from './address.ts';
import { ARITHMETIC_FLAGS, lazyPairOf, materializeFlags } from './lazy-flags.ts';
import { internal, SEGMENT_ATTRIBUTES, SEGMENT_BASE, SEGMENT_LIMIT, segmentSlots, slot } from './layout.ts';
import type { Register } from './register-table.ts';

/**
 * A segment register whole: what software sees and the hidden part. `attributes` as in the register table; a base of 64
 * bits is a signed number, rounded where numbers are not exact: `baseAt` has it whole.
 */
export interface SegmentState {
  readonly selector: number;
  readonly base: number;
  readonly limit: number;
  readonly attributes: number;
}

/** The same as it is written. */
export type NewSegmentState = Omit<SegmentState, 'base'> & { readonly base: Address };

/** Attribute bits of a descriptor cache. */
export const ATTRIBUTE_ACCESSED = 1 << 0;
export const ATTRIBUTE_WRITABLE_OR_READABLE = 1 << 1;
export const ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING = 1 << 2;
export const ATTRIBUTE_CODE = 1 << 3;
export const ATTRIBUTE_S = 1 << 4;
export const ATTRIBUTE_PRESENT = 1 << 7;
export const ATTRIBUTE_LONG = 1 << 9;
export const ATTRIBUTE_BIG = 1 << 10;
export const ATTRIBUTE_GRANULARITY = 1 << 11;

export class CpuState {
  readonly view: DataView;
  readonly base: number;
  /** Called after a write that the engine derives something from (segments, control and debug registers, EIP). */
  onDerivedChange: (offset: number) => void = () => {};

  /** `base` is the byte address of this vCPU's state in the machine's memory. */
  constructor(memory: WebAssembly.Memory, base: number) {
    this.view = new DataView(memory.buffer);
    this.base = base;
  }

  /** Reads 32 bits of a slot (see layout.ts), unsigned. */
  read32(offset: number): number {
    return this.view.getUint32(this.base + offset, true);
  }

  write32(offset: number, value: number): void {
    this.view.setUint32(this.base + offset, value, true);
  }

  read16(offset: number): number {
    return this.view.getUint16(this.base + offset, true);
  }

  write16(offset: number, value: number): void {
    this.view.setUint16(this.base + offset, value, true);
  }

  read8(offset: number): number {
    return this.view.getUint8(this.base + offset);
  }

  write8(offset: number, value: number): void {
    this.view.setUint8(this.base + offset, value);
  }

  /** EFLAGS as the guest would see it; the arithmetic flags are worked out on demand. */
  get eflags(): number {
    const at = this.base + internal.FLAGS_RESULT;
    const arithmetic = materializeFlags(
      this.view.getInt32(at, true),
      this.view.getInt32(at + 4, true),
      this.view.getInt32(this.base + internal.FLAGS_AUX, true),
    );
    return ((this.read32(slot.EFLAGS) & ~ARITHMETIC_FLAGS) | arithmetic | 2) >>> 0;
  }

  set eflags(value: number) {
    const pair = lazyPairOf(value);
    const at = this.base + internal.FLAGS_RESULT;
    this.view.setInt32(at, pair.result, true);
    this.view.setInt32(at + 4, 0, true);
    this.view.setInt32(this.base + internal.FLAGS_AUX, pair.aux, true);
    this.write32(slot.EFLAGS, (value & ~ARITHMETIC_FLAGS) | 2);
  }

  /** EIP, in 64-bit mode RIP as a signed number, which is rounded where numbers are not exact. */
  get eip(): number {
    return Number(this.rip);
  }

  set eip(value: Address) {
    this.writeAddress(slot.EIP, value);
  }

  /** RIP or EIP, exactly. */
  get rip(): Address {
    return this.readExact(slot.EIP);
  }

  /** A slot that holds an address: of 32 bits, or of 64 and then signed. */
  readExact(offset: number): Address {
    const at = this.base + offset;
    return addressFrom(this.view.getInt32(at + 4, true), this.view.getUint32(at, true));
  }

  /** The same as a number, for those who show it: rounded where numbers are not exact. */
  readAddress(offset: number): number {
    return Number(this.readExact(offset));
  }

  writeAddress(offset: number, value: Address): void {
    const at = this.base + offset;
    this.view.setInt32(at, lowHalf(value), true);
    this.view.setInt32(at + 4, highHalf(value), true);
  }

  /** The base of the segment whose selector lies at `selectorSlot`, exactly. */
  baseAt(selectorSlot: number): Address {
    return this.readExact(selectorSlot + SEGMENT_BASE);
  }

  /** All 64 bits of a slot. */
  read64(offset: number): bigint {
    return this.view.getBigUint64(this.base + offset, true);
  }

  /** The value is taken modulo 2^64. */
  write64(offset: number, value: bigint): void {
    this.view.setBigUint64(this.base + offset, BigInt.asUintN(64, value), true);
  }

  /** The segment whose selector lies at `selectorSlot` (also LDTR and TR). */
  segmentAt(selectorSlot: number): SegmentState {
    return {
      selector: this.read16(selectorSlot),
      base: Number(this.baseAt(selectorSlot)),
      limit: this.read32(selectorSlot + SEGMENT_LIMIT),
      attributes: this.read16(selectorSlot + SEGMENT_ATTRIBUTES),
    };
  }

  setSegmentAt(selectorSlot: number, segment: NewSegmentState): void {
    this.write16(selectorSlot, segment.selector);
    this.writeAddress(selectorSlot + SEGMENT_BASE, segment.base);
    this.write32(selectorSlot + SEGMENT_LIMIT, segment.limit);
    this.write16(selectorSlot + SEGMENT_ATTRIBUTES, segment.attributes);
    this.onDerivedChange(selectorSlot);
  }

  /** The segment with the hardware's number (0 ES … 5 GS). */
  segment(index: number): SegmentState {
    return this.segmentAt(segmentSlots[index] as number);
  }

  setSegment(index: number, segment: NewSegmentState): void {
    this.setSegmentAt(segmentSlots[index] as number, segment);
  }

  /** Reads any register of the table as an unsigned integer. */
  readRegister(register: Register): bigint {
    if (register.offset === slot.EFLAGS) return BigInt(this.eflags);
    if (register.size > 8) return this.#readLarge(register);
    const raw = this.view.getBigUint64(this.base + register.offset, true);
    return BigInt.asUintN((register.longSize ?? register.size) * 8, raw);
  }

  /** Writes any register of the table; bits beyond its size are dropped, an upper half that it does not show stays. */
  writeRegister(register: Register, value: bigint): void {
    if (register.offset === slot.EFLAGS) this.eflags = Number(BigInt.asUintN(32, value));
    else if (register.size > 8) this.#writeLarge(register, value);
    else if ((register.longSize ?? register.size) === 8) this.write64(register.offset, value);
    else this.write32(register.offset, Number(BigInt.asUintN(register.size * 8, value)));
    this.onDerivedChange(register.offset);
  }

  #readLarge({ offset, size }: Register): bigint {
    let value = 0n;
    for (let n = size - 1; n >= 0; n--) value = (value << 8n) | BigInt(this.read8(offset + n));
    return value;
  }

  #writeLarge({ offset, size }: Register, value: bigint): void {
    for (let n = 0; n < size; n++) this.write8(offset + n, Number((value >> BigInt(8 * n)) & 0xffn));
  }
}
