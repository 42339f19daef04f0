/**
 * The interpreter's staging of the instruction semantics: operands are read from a decoded record, registers live in
 * the vCPU's state, and the function returns an outcome (DESIGN §3, §4).
 */
import { BRANCH, FAULT, REPEAT } from '../cpu/cpu.ts';
import type { Operand, OperandBits, OperandSize } from '../isa/operand.ts';
import { type SegmentChoice, Semantics } from '../isa/semantics.ts';
import { VECTOR_GP } from '../isa/vectors.ts';
import { ENTRY_ADDEND, TLB_READ, TLB_WRITE } from '../memory/layout.ts';
import {
  ENTRY_BASE,
  ENTRY_READ_END,
  ENTRY_WRITE_END,
  ES,
  internal,
  SEGMENT_ENTRY_SIZE,
  SS,
  slot,
} from '../state/layout.ts';
import type { FunctionBuilder, Label, Value, Variable } from '../wasm/function-builder.ts';
import { stageCall, stageReturn } from './call-stage.ts';
import type { SlowPaths } from './slow-paths.ts';
import * as record from './record.ts';

const FIXED_SEGMENTS: Readonly<Record<Exclude<SegmentChoice, 'instruction'>, number>> = {
  ES: internal.SEGMENTS + ES * SEGMENT_ENTRY_SIZE,
  SS: internal.SEGMENTS + SS * SEGMENT_ENTRY_SIZE,
};

/** How a memory operand is addressed: by a displacement alone, with a base, or with base and index. */
export const addressings = ['direct', 'based', 'indexed'] as const;
export type Addressing = (typeof addressings)[number];

/** Where an instruction's code stands. */
export interface StagePlace {
  readonly paths: SlowPaths;
  readonly addressing: Addressing | undefined;
  readonly cpu: Value;
  readonly record: Value;
  /** Absent: the code is a function of its own and returns its outcome. Otherwise it sets it and goes to the label. */
  readonly exit?: { readonly status: Variable; readonly end: Label };
}

/** A memory operand that was read with the promise to write it: nothing about it can fault any more. */
interface HeldPlace {
  readonly linear: Value;
  /** Host address, or 0 when the write must take the slow path. */
  readonly host: Variable;
}

export class InterpreterStage extends Semantics {
  readonly #paths: SlowPaths;
  readonly #addressing: Addressing;
  readonly #cpu: Value;
  readonly #record: Value;
  readonly #exit: StagePlace['exit'];
  readonly #status: Variable;
  readonly #held = new Map<Operand, HeldPlace>();
  readonly #moved = new Map<Operand, Value>();

  constructor(f: FunctionBuilder, operandSize: OperandSize, place: StagePlace) {
    super(f, operandSize);
    this.#addressing = place.addressing ?? 'indexed';
    this.#paths = place.paths;
    this.#cpu = place.cpu;
    this.#record = place.record;
    this.#exit = place.exit;
    this.#status = f.variable(f.i32(0));
  }

  /** Ends the function: the next instruction follows, unless something asked to leave. */
  finish(): void {
    this.#leave(this.#status);
  }

  read(operand: Operand, willWrite = false): Value {
    switch (operand.kind) {
      case 'register':
        return this.#loadRegister(this.#registerAddress(operand.field), 0, operand.bits);
      case 'fixed':
        return this.#loadRegister(this.#cpu, operand.slot, operand.bits);
      case 'immediate':
        return this.immediate();
      case 'constant':
        return this.f.i32(operand.value);
      case 'memory': {
        const offset = this.#moved.get(operand) ?? this.effectiveAddress();
        return willWrite ? this.#readHolding(operand, offset) : this.load('instruction', offset, operand.bits);
      }
    }
  }

  write(operand: Operand, value: Value): void {
    switch (operand.kind) {
      case 'register':
        this.f.store(operand.bits, this.#registerAddress(operand.field), 0, value);
        return;
      case 'fixed':
        this.f.store(operand.bits, this.#cpu, operand.slot, value);
        return;
      case 'memory': {
        const held = this.#held.get(operand);
        if (held) this.#writeHeld(held, operand.bits, value);
        else this.store('instruction', this.#moved.get(operand) ?? this.effectiveAddress(), operand.bits, value);
        return;
      }
      default:
        throw new Error(`${operand.kind} operands cannot be written`);
    }
  }

  movedBy(operand: Operand, bytes: Value): Operand {
    const moved = { ...operand };
    this.#moved.set(moved, this.and(this.add(this.effectiveAddress(), bytes), this.addressMask()));
    return moved;
  }

  effectiveAddress(): Value {
    const displacement = this.f.load('i32', 32, this.#record, record.RECORD_DISPLACEMENT);
    if (this.#addressing === 'direct') return displacement;
    const base = this.add(this.#loadSlot(record.RECORD_BASE_SLOT), displacement);
    if (this.#addressing === 'based') return this.and(base, this.addressMask());
    const index = this.#loadSlot(record.RECORD_INDEX_SLOT);
    const scaled = this.shl(index, this.f.load('i32', 8, this.#record, record.RECORD_SCALE));
    return this.and(this.add(base, scaled), this.addressMask());
  }

  readRegister(slotOffset: number, bits: OperandBits): Value {
    return this.#loadRegister(this.#cpu, slotOffset, bits);
  }

  writeRegister(slotOffset: number, bits: OperandBits, value: Value): void {
    this.f.store(bits, this.#cpu, slotOffset, value);
  }

  load(segment: SegmentChoice, offset: Value, bits: OperandBits): Value {
    const linear = this.#linear(segment, offset, bits, ENTRY_READ_END);
    const value = this.f.variable(this.f.i32(0));
    const entry = this.#tlbEntry(linear, TLB_READ);
    this.if(
      this.#hits(entry, linear, bits),
      () => this.set(value, this.f.load('i32', bits, this.#hostAddress(entry, linear))),
      () => {
        this.set(
          value,
          this.f.call(this.#paths.read, this.f.addressNumber(linear), this.f.i32(bits / 8), this.#record),
        );
        this.#afterSlowPath();
      },
    );
    return value;
  }

  store(segment: SegmentChoice, offset: Value, bits: OperandBits, value: Value): void {
    const linear = this.#linear(segment, offset, bits, ENTRY_WRITE_END);
    const entry = this.#tlbEntry(linear, TLB_WRITE);
    this.if(
      this.#hits(entry, linear, bits),
      () => this.f.store(bits, this.#hostAddress(entry, linear), 0, value),
      () => this.#writeSlow(linear, bits, value),
    );
  }

  addressMask(): Value {
    return this.shrU(this.f.i32(-1), this.f.load('i32', 8, this.#record, record.RECORD_ADDRESS_SHIFT));
  }

  stackMask(): Value {
    return this.f.load('i32', 32, this.#cpu, internal.STACK_MASK);
  }

  nextEip(): Value {
    const entry = this.f.load('i32', 32, this.#cpu, slot.EIP);
    const next = this.add(entry, this.f.load('i32', 16, this.#record, record.RECORD_NEXT_OFFSET));
    return this.cut(next, this.operandSize);
  }

  requireTarget(target: Value): void {
    const limit = this.f.load('i32', 32, this.#cpu, internal.CODE_LIMIT);
    this.if(this.gtU(target, limit), () => this.raise(VECTOR_GP, 0));
  }

  jump(target: Value): void {
    this.f.store(32, this.#cpu, slot.EIP, target);
    this.#leave(this.or(this.#status, BRANCH));
  }

  recordCall(target: Value, back: Value): void {
    stageCall(this.f, this.#cpu, this.#paths, { target, back, size: this.operandSize / 8 });
  }

  recordReturn(): void {
    stageReturn(this.f, this.#cpu, this.#paths);
  }

  raise(vector: number, errorCode = -1): void {
    this.f.callVoid(this.#paths.raise, this.f.i32(vector), this.f.i32(errorCode));
    this.#leave(this.f.i32(FAULT));
  }

  repeat(): void {
    this.#leave(this.or(this.#status, REPEAT));
  }

  repeatMax(): Value {
    return this.f.load('i32', 32, this.#cpu, internal.REPEAT_MAX);
  }

  immediate(): Value {
    return this.f.load('i32', 32, this.#record, record.RECORD_IMMEDIATE);
  }

  exitRequested(): Value {
    return this.#status;
  }

  readFlagsResult(): Value {
    return this.f.load('i64', 64, this.#cpu, internal.FLAGS_RESULT);
  }

  readFlagsAux(): Value {
    return this.f.load('i32', 32, this.#cpu, internal.FLAGS_AUX);
  }

  writeFlags(result: Value, aux: Value): void {
    this.f.store(64, this.#cpu, internal.FLAGS_RESULT, result);
    this.writeFlagsAux(aux);
  }

  writeFlagsAux(aux: Value): void {
    this.f.store(32, this.#cpu, internal.FLAGS_AUX, aux);
  }

  readSystemFlags(): Value {
    return this.f.load('i32', 32, this.#cpu, slot.EFLAGS);
  }

  writeSystemFlags(value: Value): void {
    this.f.store(32, this.#cpu, slot.EFLAGS, value);
  }

  readControl0(): Value {
    return this.f.load('i32', 32, this.#cpu, slot.CR0);
  }

  /** Ends the instruction: a function of its own returns, one that is part of the loop goes on there. */
  #leave(outcome: Value): void {
    if (!this.#exit) {
      this.f.return(outcome);
      return;
    }
    this.f.set(this.#exit.status, outcome);
    this.f.branch(this.#exit.end);
  }

  #registerAddress(field: 'rm' | 'reg'): Value {
    const place = field === 'rm' ? record.RECORD_RM_SLOT : record.RECORD_REG_SLOT;
    return this.add(this.#cpu, this.f.load('i32', 16, this.#record, place));
  }

  #loadRegister(address: Value, offset: number, bits: OperandBits): Value {
    return this.f.load('i32', bits, address, offset);
  }

  #loadSlot(place: number): Value {
    return this.f.load('i32', 32, this.add(this.#cpu, this.f.load('i32', 16, this.#record, place)));
  }

  /** Offset to linear address; beyond the segment's end a slow path decides, which may fault. */
  #linear(segment: SegmentChoice, offset: Value, bits: OperandBits, endField: number): Value {
    const fixed = segment === 'instruction' ? undefined : FIXED_SEGMENTS[segment];
    const entry =
      fixed === undefined
        ? this.add(this.#cpu, this.f.load('i32', 16, this.#record, record.RECORD_SEGMENT_ENTRY))
        : this.#cpu;
    const at = fixed ?? 0;
    const end = this.add(this.wideUnsigned(offset), this.f.i64(BigInt(bits / 8)));
    const linear = this.f.variable(this.add(this.f.load('i32', 32, entry, at + ENTRY_BASE), offset));
    this.if(this.gtU(end, this.f.load('i64', 64, entry, at + endField)), () => {
      const entryOffset = this.sub(this.add(entry, this.f.i32(at)), this.#cpu);
      const isWrite = this.f.i32(endField === ENTRY_WRITE_END ? 1 : 0);
      this.set(linear, this.f.call(this.#paths.segment, entryOffset, offset, this.f.i32(bits / 8), isWrite));
      this.#leaveIfFaulted();
    });
    return linear;
  }

  #tlbEntry(linear: Value, table: number): Value {
    const place = this.and(this.shrU(linear, 8), 0x3ff0);
    return this.add(this.add(this.#cpu, place), this.f.i32(table));
  }

  /** True when the entry maps the page of the access's last byte: the same page, or the access crosses a page. */
  #hits(entry: Value, linear: Value, bits: OperandBits): Value {
    const last = bits === 8 ? linear : this.add(linear, this.f.i32(bits / 8 - 1));
    const generation = this.f.load('i32', 32, this.#cpu, internal.TLB_GENERATION);
    const tag = this.or(this.and(last, ~0xfff), generation);
    return this.eq(this.f.load('i64', 64, entry), this.wideUnsigned(tag));
  }

  #hostAddress(entry: Value, linear: Value): Value {
    return this.add(linear, this.f.load('i32', 32, entry, ENTRY_ADDEND));
  }

  #readHolding(operand: Operand, offset: Value): Value {
    const bits = operand.bits;
    const linear = this.#linear('instruction', offset, bits, ENTRY_WRITE_END);
    const entry = this.#tlbEntry(linear, TLB_WRITE);
    const host = this.f.variable(this.f.i32(0));
    const value = this.f.variable(this.f.i32(0));
    this.if(
      this.#hits(entry, linear, bits),
      () => {
        this.set(host, this.#hostAddress(entry, linear));
        this.set(value, this.f.load('i32', bits, host));
      },
      () => {
        this.set(value, this.f.call(this.#paths.readForWrite, this.#cpu, linear, this.f.i32(bits / 8), this.#record));
        this.#afterSlowPath();
      },
    );
    this.#held.set(operand, { linear, host });
    return value;
  }

  #writeHeld(held: HeldPlace, bits: OperandBits, value: Value): void {
    this.if(
      held.host,
      () => this.f.store(bits, held.host, 0, value),
      () => this.#writeSlow(held.linear, bits, value),
    );
  }

  #writeSlow(linear: Value, bits: OperandBits, value: Value): void {
    this.f.callVoid(this.#paths.write, this.#cpu, linear, value, this.f.i32(bits / 8), this.#record);
    this.#afterSlowPath();
  }

  /** A slow path may have faulted, or have found a reason to leave after this instruction. */
  #afterSlowPath(): void {
    this.#leaveIfFaulted();
    this.set(this.#status, this.f.load('i32', 32, this.#cpu, internal.EXIT_REQUEST));
  }

  #leaveIfFaulted(): void {
    this.if(this.f.load('i32', 32, this.#cpu, internal.FAULT), () => this.#leave(this.f.i32(FAULT)));
  }
}
