/**
 * The loads and stores of staged instructions: from an offset in a segment to a linear address, through the translation
 * table to the host, with slow paths for all that is not plain memory (DESIGN §4).
 *
 * In 64-bit mode segments have no limits and the same offset reaches everything; an address that is not canonical has no
 * entry in the table, so that the slow path finds it.
 */
import type { OperandBits } from '../isa/operand.ts';
import type { Alignment, SegmentChoice } from '../isa/semantics.ts';
import { ENTRY_ADDEND, TLB_PLACE_MASK, TLB_PLACE_SHIFT, TLB_READ, TLB_WRITE } from '../memory/layout.ts';
import { ENTRY_BASE, ENTRY_READ_END, ENTRY_WRITE_END, ES, internal, SEGMENT_ENTRY_SIZE, SS } from '../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../wasm/function-builder.ts';
import * as record from './record.ts';
import { passAddress, SIZE_CHECK, SIZE_LONG, SIZE_STACK, SIZE_UNALIGNED, type SlowPaths } from './slow-paths.ts';

const FIXED_SEGMENTS: Readonly<Record<Exclude<SegmentChoice, 'instruction'>, number>> = {
  ES: internal.SEGMENTS + ES * SEGMENT_ENTRY_SIZE,
  SS: internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE,
};

/** What the code of an instruction accesses memory with. */
export interface MemoryAccessPlace {
  readonly paths: SlowPaths;
  readonly cpu: Value;
  readonly record: Value;
  /** Gets what the state's EXIT_REQUEST said after the last slow path. */
  readonly status: Variable;
  /** Ends the instruction with the fault that a slow path has raised. */
  leaveWithFault(): void;
}

/** A memory operand that was read with the promise to write it: nothing about it can fault any more. */
export interface HeldPlace {
  readonly linear: Value;
  /** Host address, or 0 when the write must take the slow path. */
  readonly host: Variable;
  /** The size as slow paths take it. */
  readonly size: Value;
}

/** Bytes of a vector as it lies in memory. */
type VectorBytes = 16 | 32;

export class MemoryAccess {
  readonly #f: FunctionBuilder;
  readonly #place: MemoryAccessPlace;

  constructor(f: FunctionBuilder, place: MemoryAccessPlace) {
    this.#f = f;
    this.#place = place;
  }

  load(segment: SegmentChoice, offset: Value, bits: OperandBits, alignment: Alignment = 'checked'): Value {
    const f = this.#f;
    const linear = this.#linear(segment, offset, bits, ENTRY_READ_END);
    const value = this.#variable(bits);
    const entry = this.#tlbEntry(linear, TLB_READ);
    f.if(
      this.#hits(TLB_READ, entry, linear, bits),
      () => f.set(value, f.load(value.type as 'i32' | 'i64', bits, this.#hostAddress(entry, linear))),
      () => this.#readSlow('read', value, linear, this.#size(segment, bits, alignment)),
    );
    return value;
  }

  store(
    segment: SegmentChoice,
    offset: Value,
    bits: OperandBits,
    value: Value,
    alignment: Alignment = 'checked',
  ): void {
    const f = this.#f;
    const linear = this.#linear(segment, offset, bits, ENTRY_WRITE_END);
    const entry = this.#tlbEntry(linear, TLB_WRITE);
    f.if(
      this.#hits(TLB_WRITE, entry, linear, bits),
      () => f.store(bits, this.#hostAddress(entry, linear), 0, value),
      () => this.#writeSlow(linear, this.#size(segment, bits, alignment), value),
    );
  }

  /** Reads what `writeHeld` will write. */
  readHolding(offset: Value, bits: OperandBits): { readonly value: Value; readonly held: HeldPlace } {
    const f = this.#f;
    const linear = this.#linear('instruction', offset, bits, ENTRY_WRITE_END);
    const entry = this.#tlbEntry(linear, TLB_WRITE);
    const host = f.variable(f.i32(0));
    const value = this.#variable(bits);
    const size = this.#size('instruction', bits);
    f.if(
      this.#hits(TLB_WRITE, entry, linear, bits),
      () => {
        f.set(host, this.#hostAddress(entry, linear));
        f.set(value, f.load(value.type as 'i32' | 'i64', bits, host));
      },
      () => this.#readSlow('readForWrite', value, linear, size),
    );
    return { value, held: { linear, host, size } };
  }

  writeHeld(held: HeldPlace, bits: OperandBits, value: Value): void {
    const f = this.#f;
    f.if(
      held.host,
      () => f.store(bits, held.host, 0, value),
      () => this.#writeSlow(held.linear, held.size, value),
    );
  }

  /** 128 or 256 bits, in vectors of 128. */
  loadVector(segment: SegmentChoice, offset: Value, bytes: VectorBytes): readonly Value[] {
    const f = this.#f;
    const linear = this.#linear(segment, offset, bytes * 8, ENTRY_READ_END);
    const entry = this.#tlbEntry(linear, TLB_READ);
    const values = halvesOf(bytes).map(() => f.variable(f.v128(0n, 0n)));
    const read = (address: Value, at: number) =>
      values.forEach((value, n) => {
        f.set(value, f.loadVector(128, address, at + n * 16));
      });
    f.if(
      this.#hits(TLB_READ, entry, linear, bytes * 8),
      () => read(this.#hostAddress(entry, linear), 0),
      () => {
        const { cpu, paths, record: at } = this.#place;
        f.call(paths.read, passAddress(f, cpu, linear), this.#size(segment, bytes * 8), at);
        read(cpu, internal.WIDE_VALUE);
        this.#afterSlowPath();
      },
    );
    return values;
  }

  storeVector(segment: SegmentChoice, offset: Value, values: readonly Value[]): void {
    const f = this.#f;
    const bits = values.length * 128;
    const linear = this.#linear(segment, offset, bits, ENTRY_WRITE_END);
    const entry = this.#tlbEntry(linear, TLB_WRITE);
    const write = (address: Value, at: number) =>
      values.forEach((value, n) => {
        f.storeVector(address, at + n * 16, value);
      });
    f.if(
      this.#hits(TLB_WRITE, entry, linear, bits),
      () => write(this.#hostAddress(entry, linear), 0),
      () => {
        write(this.#place.cpu, internal.WIDE_VALUE);
        this.#writeWide(linear, this.#size(segment, bits));
      },
    );
  }

  /** Finds what forbids writing so many bytes. */
  requireWritable(segment: SegmentChoice, offset: Value, bytes: number, alignment: Alignment = 'checked'): void {
    const f = this.#f;
    const linear = this.#linear(segment, offset, bytes * 8, ENTRY_WRITE_END);
    const entry = this.#tlbEntry(linear, TLB_WRITE);
    f.if(f.eqz(this.#hits(TLB_WRITE, entry, linear, bytes * 8)), () => {
      const { cpu, paths, record: at } = this.#place;
      f.call(paths.readForWrite, cpu, linear, this.#size(segment, bytes * 8, alignment, SIZE_CHECK), at);
      this.#afterSlowPath();
    });
  }

  /** The linear address of an offset, whether it may be accessed or not. */
  linearOf(segment: SegmentChoice, offset: Value): Value {
    const f = this.#f;
    if (this.#isWide && segment !== 'instruction') return offset;
    const entry = segment === 'instruction' ? this.#segmentEntry() : this.#place.cpu;
    const at = segment === 'instruction' ? 0 : FIXED_SEGMENTS[segment];
    return f.binary(
      'add',
      f.load(this.#isWide ? 'i64' : 'i32', this.#isWide ? 64 : 32, entry, at + ENTRY_BASE),
      offset,
    );
  }

  segmentEntry(segment: SegmentChoice): Value {
    if (segment === 'instruction') return this.#segmentEntry();
    return this.#f.binary('add', this.#place.cpu, this.#f.i32(FIXED_SEGMENTS[segment]));
  }

  get #isWide(): boolean {
    return this.#place.paths.addressBits === 64;
  }

  #variable(bits: OperandBits): Variable {
    return this.#f.variable(bits === 64 ? this.#f.i64(0n) : this.#f.i32(0));
  }

  #size(segment: SegmentChoice, bits: number, alignment: Alignment = 'checked', more = 0): Value {
    const size = (bits / 8) | (alignment === 'any' ? SIZE_UNALIGNED : 0) | more;
    if (!this.#isWide) return this.#f.i32(size);
    return this.#f.i32(size | SIZE_LONG | (segment === 'SS' ? SIZE_STACK : 0));
  }

  /** Offset to linear address. */
  #linear(segment: SegmentChoice, offset: Value, bits: number, endField: number): Value {
    if (!this.#isWide) return this.#limitedLinear(segment, offset, bits, endField);
    if (segment !== 'instruction') return offset;
    return this.#f.binary('add', this.#f.load('i64', 64, this.#segmentEntry(), ENTRY_BASE), offset);
  }

  /** Beyond the segment's end a slow path decides, which may fault. */
  #limitedLinear(segment: SegmentChoice, offset: Value, bits: number, endField: number): Value {
    const f = this.#f;
    const { cpu, paths } = this.#place;
    const fixed = segment === 'instruction' ? undefined : FIXED_SEGMENTS[segment];
    const entry = fixed === undefined ? this.#segmentEntry() : cpu;
    const at = fixed ?? 0;
    const end = f.binary('add', f.widen(offset, false), f.i64(BigInt(bits / 8)));
    const linear = f.variable(f.binary('add', f.load('i32', 32, entry, at + ENTRY_BASE), offset));
    f.if(f.binary('gtU', end, f.load('i64', 64, entry, at + endField)), () => {
      const entryOffset = f.binary('sub', f.binary('add', entry, f.i32(at)), cpu);
      const isWrite = f.i32(endField === ENTRY_WRITE_END ? 1 : 0);
      f.set(linear, f.call(paths.segment, entryOffset, offset, f.i32(bits / 8), isWrite));
      this.#leaveIfFaulted();
    });
    return linear;
  }

  #segmentEntry(): Value {
    const { cpu } = this.#place;
    return this.#f.binary('add', cpu, this.#f.load('i32', 16, this.#place.record, record.RECORD_SEGMENT_ENTRY));
  }

  #tlbEntry(linear: Value, table: number): Value {
    const f = this.#f;
    const place = f.binary('and', f.binary('shrU', f.narrow(linear), f.i32(TLB_PLACE_SHIFT)), f.i32(TLB_PLACE_MASK));
    return f.binary('add', f.binary('add', this.#place.cpu, place), f.i32(table));
  }

  /** True when the entry maps the page of the access's last byte: the same page, or the access crosses a page. */
  #hits(table: number, entry: Value, linear: Value, bits: number): Value {
    const f = this.#f;
    const current = table === TLB_WRITE ? internal.TLB_WRITE_GENERATION : internal.TLB_GENERATION;
    const last = bits === 8 ? linear : f.binary('add', linear, f.i32(bits / 8 - 1));
    const page = f.binary('and', last, f.i32(~0xfff));
    const generation = f.load(this.#isWide ? 'i64' : 'i32', 32, this.#place.cpu, current);
    return f.binary('eq', f.load('i64', 64, entry), f.widen(f.binary('or', page, generation), false));
  }

  #hostAddress(entry: Value, linear: Value): Value {
    return this.#f.binary('add', this.#f.narrow(linear), this.#f.load('i32', 32, entry, ENTRY_ADDEND));
  }

  #readSlow(path: 'read' | 'readForWrite', value: Variable, linear: Value, size: Value): void {
    const f = this.#f;
    const { cpu, paths } = this.#place;
    const { record: at } = this.#place;
    const low =
      path === 'read'
        ? paths.quickRead
          ? f.call(paths.quickRead, cpu, linear, size, at)
          : f.call(paths.read, passAddress(f, cpu, linear), size, at)
        : f.call(paths.readForWrite, cpu, linear, size, at);
    f.set(value, value.type === 'i64' ? f.load('i64', 64, cpu, internal.WIDE_VALUE) : low);
    this.#afterSlowPath();
  }

  #writeSlow(linear: Value, size: Value, value: Value): void {
    const f = this.#f;
    const { cpu, paths } = this.#place;
    if (value.type === 'i64' && !this.#isWide) {
      f.store(64, cpu, internal.WIDE_VALUE, value);
      this.#writeWide(linear, size);
      return;
    }
    const passed = this.#isWide ? f.widen(value, false) : value;
    f.callVoid(paths.write, cpu, linear, passed, size, this.#place.record);
    this.#afterSlowPath();
  }

  #writeWide(linear: Value, size: Value): void {
    const f = this.#f;
    const { cpu, paths, record: at } = this.#place;
    f.callVoid(paths.writeWide, passAddress(f, cpu, linear), f.i32(0), size, at);
    this.#afterSlowPath();
  }

  /** A slow path may have faulted, or have found a reason to leave after this instruction. */
  #afterSlowPath(): void {
    this.#leaveIfFaulted();
    this.#f.set(this.#place.status, this.#f.load('i32', 32, this.#place.cpu, internal.EXIT_REQUEST));
  }

  #leaveIfFaulted(): void {
    this.#f.if(this.#f.load('i32', 32, this.#place.cpu, internal.FAULT), () => this.#place.leaveWithFault());
  }
}

function halvesOf(bytes: VectorBytes): readonly number[] {
  return bytes === 16 ? [0] : [0, 1];
}
