/** A decoded record as system operations see it. */
import type { Instruction } from '../cpu/cpu.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import { type Address, addressOf } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import type { OperandSize } from '../isa/operand.ts';
import { internal, SEGMENT_ENTRY_SIZE, type SegmentIndex, slot } from '../state/layout.ts';
import * as record from './record.ts';

/** One object serves all instructions: `address` is set before each use. */
export class RecordInstruction implements Instruction {
  address = 0;
  readonly #state: CpuState;

  constructor(state: CpuState) {
    this.#state = state;
  }

  get rowIndex(): number {
    return this.#u16(record.RECORD_ROW);
  }

  get name(): string {
    return instructionRows[this.rowIndex]?.name ?? '';
  }

  get length(): number {
    return this.#u8(record.RECORD_LENGTH);
  }

  get nextOffset(): number {
    return this.#u16(record.RECORD_NEXT_OFFSET);
  }

  get operandSize(): OperandSize {
    const flags = this.#u8(record.RECORD_FLAGS);
    if ((flags & record.FLAG_OPERAND_64) !== 0) return 64;
    return (flags & record.FLAG_OPERAND_32) !== 0 ? 32 : 16;
  }

  get addressSize(): OperandSize {
    return ((this.#isLong ? 64 : 32) - this.#u8(record.RECORD_ADDRESS_SHIFT)) as OperandSize;
  }

  get immediate(): number {
    return this.#state.view.getInt32(this.address + record.RECORD_IMMEDIATE, true);
  }

  get immediate2(): number {
    return this.#u16(record.RECORD_IMMEDIATE2);
  }

  get reg(): number {
    return this.#u8(record.RECORD_REG);
  }

  get regSlot(): number {
    return this.#u16(record.RECORD_REG_SLOT);
  }

  get rmSlot(): number {
    return this.#u16(record.RECORD_RM_SLOT);
  }

  get isMemory(): boolean {
    return (this.#u8(record.RECORD_FLAGS) & record.FLAG_MEMORY) !== 0;
  }

  get segment(): SegmentIndex {
    return ((this.#u16(record.RECORD_SEGMENT_ENTRY) - internal.SEGMENTS) / SEGMENT_ENTRY_SIZE) as SegmentIndex;
  }

  get repeat(): boolean {
    return (this.#u8(record.RECORD_FLAGS) & record.FLAG_REPEAT) !== 0;
  }

  get #isLong(): boolean {
    return (this.#u8(record.RECORD_FLAGS) & record.FLAG_LONG) !== 0;
  }

  offset(): Address {
    const state = this.#state;
    if (this.#isLong) return this.#longOffset();
    const base = state.read32(this.#u16(record.RECORD_BASE_SLOT));
    const index = state.read32(this.#u16(record.RECORD_INDEX_SLOT)) << this.#u8(record.RECORD_SCALE);
    const displacement = state.view.getInt32(this.address + record.RECORD_DISPLACEMENT, true);
    const sum = base + index + displacement;
    return this.addressSize === 16 ? sum & 0xffff : sum >>> 0;
  }

  /** While an operation runs, RIP's slot is that of the next instruction. */
  #longOffset(): Address {
    const state = this.#state;
    const baseSlot = this.#u16(record.RECORD_BASE_SLOT);
    const base = state.read64(baseSlot) - (baseSlot === slot.EIP ? BigInt(this.nextOffset) : 0n);
    const index = state.read64(this.#u16(record.RECORD_INDEX_SLOT)) << BigInt(this.#u8(record.RECORD_SCALE));
    const sum = base + index + BigInt(state.view.getInt32(this.address + record.RECORD_DISPLACEMENT, true));
    return addressOf(this.addressSize === 32 ? BigInt.asUintN(32, sum) : BigInt.asIntN(64, sum));
  }

  #u8(offset: number): number {
    return this.#state.view.getUint8(this.address + offset);
  }

  #u16(offset: number): number {
    return this.#state.view.getUint16(this.address + offset, true);
  }
}
