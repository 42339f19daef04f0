/** Bytes to a decoded instruction (SDM vol. 2A §2.1): prefixes, opcode, ModR/M, SIB, displacement, immediates. */
import { CS, DS, ES, FS, GS, generalSlots, internal, type SegmentIndex, SS } from '../state/layout.ts';
import { type CpuModel, hasFeature } from './cpu-model.ts';
import type { InstructionRow } from './instruction-row.ts';
import { instructionRows, opcodeMap } from './instruction-table.ts';
import {
  immediateSize,
  isMemoryOnly,
  isRegisterOrMemory,
  isSignedImmediate,
  needsModRm,
  type OperandCode,
  type OperandSize,
} from './operand.ts';
import { selectorSlot } from './rows/data-transfer.ts';

/** Longer instructions raise #GP(0). */
export const INSTRUCTION_LENGTH_MAX = 15;

/** A decoded instruction. One object is reused by the decoder; copy what must last. */
export interface DecodedInstruction {
  /** Index in `instructionRows`; -1: invalid opcode (#UD); -2: longer than 15 bytes (#GP). */
  rowIndex: number;
  length: number;
  operandSize: OperandSize;
  addressSize: OperandSize;
  /** ModR/M names memory, or the operand is a memory offset. */
  memoryForm: boolean;
  /** The last of the F2h and F3h prefixes, or 0. */
  repeatPrefix: 0 | 0xf2 | 0xf3;
  reg: number;
  regSlot: number;
  rmSlot: number;
  baseSlot: number;
  indexSlot: number;
  scale: number;
  displacement: number;
  segment: SegmentIndex;
  immediate: number;
  immediate2: number;
}

export const ROW_INVALID = -1;
export const ROW_TOO_LONG = -2;

/** Gives the byte at an offset from the instruction's start; may throw what its owner catches (a page not present). */
export type ByteSource = (offset: number) => number;

const SEGMENT_PREFIXES: ReadonlyMap<number, SegmentIndex> = new Map([
  [0x26, ES],
  [0x2e, CS],
  [0x36, SS],
  [0x3e, DS],
  [0x64, FS],
  [0x65, GS],
]);

const [, , , EBX, , EBP, ESI, EDI] = generalSlots as [number, number, number, number, number, number, number, number];
const NONE = internal.ZERO;

/** Base, index and default segment of the eight 16-bit address forms. */
const FORMS_16: readonly (readonly [number, number, SegmentIndex])[] = [
  [EBX, ESI, DS],
  [EBX, EDI, DS],
  [EBP, ESI, SS],
  [EBP, EDI, SS],
  [ESI, NONE, DS],
  [EDI, NONE, DS],
  [EBP, NONE, SS],
  [EBX, NONE, DS],
];

export class Decoder {
  readonly result: DecodedInstruction = {
    rowIndex: ROW_INVALID,
    length: 0,
    operandSize: 16,
    addressSize: 16,
    memoryForm: false,
    repeatPrefix: 0,
    reg: 0,
    regSlot: 0,
    rmSlot: 0,
    baseSlot: 0,
    indexSlot: 0,
    scale: 0,
    displacement: 0,
    segment: DS,
    immediate: 0,
    immediate2: 0,
  };
  #bytes: ByteSource = () => 0;
  #at = 0;
  #modRm = 0;
  #segmentOverride: SegmentIndex | undefined;
  readonly #model: CpuModel;

  /** Instructions that `model` does not have are invalid. */
  constructor(model: CpuModel = '386') {
    this.#model = model;
  }

  /** Decodes one instruction for code whose default size is 16 or 32. */
  decode(bytes: ByteSource, codeSize: OperandSize): DecodedInstruction {
    const result = this.result;
    this.#bytes = bytes;
    this.#at = 0;
    const lock = this.#prefixes(codeSize);
    if (this.#at > INSTRUCTION_LENGTH_MAX) return this.#invalid(ROW_TOO_LONG);
    const opcode = this.#opcode();
    const row = this.#chooseRow(opcode);
    if (!row) return this.#invalid(ROW_INVALID);
    this.#setDefaults(row, opcode);
    if (row.operands.some(needsModRm)) this.#modRmOperands(row);
    this.#registersOf(row, opcode);
    for (const code of row.operands) this.#immediate(code);
    result.length = this.#at;
    if (this.#at > INSTRUCTION_LENGTH_MAX) return this.#invalid(ROW_TOO_LONG);
    if (!this.#isValid(row) || (lock && !(row.lockable && result.memoryForm))) return this.#invalid(ROW_INVALID);
    return result;
  }

  #invalid(rowIndex: number): DecodedInstruction {
    this.result.rowIndex = rowIndex;
    this.result.length = Math.min(this.#at, INSTRUCTION_LENGTH_MAX);
    return this.result;
  }

  /** Reads prefixes; true if LOCK is among them. */
  #prefixes(codeSize: OperandSize): boolean {
    const result = this.result;
    const other: OperandSize = codeSize === 16 ? 32 : 16;
    let lock = false;
    result.operandSize = codeSize;
    result.addressSize = codeSize;
    result.repeatPrefix = 0;
    this.#segmentOverride = undefined;
    for (; this.#at <= INSTRUCTION_LENGTH_MAX; this.#at++) {
      const byte = this.#bytes(this.#at);
      const segment = SEGMENT_PREFIXES.get(byte);
      if (segment !== undefined) this.#segmentOverride = segment;
      else if (byte === 0x66) result.operandSize = other;
      else if (byte === 0x67) result.addressSize = other;
      else if (byte === 0xf0) lock = true;
      else if (byte === 0xf2 || byte === 0xf3) result.repeatPrefix = byte;
      else break;
    }
    return lock;
  }

  #opcode(): number {
    const first = this.#bytes(this.#at++);
    return first === 0x0f ? 256 + this.#bytes(this.#at++) : first;
  }

  #chooseRow(opcode: number): InstructionRow | undefined {
    const entry = opcodeMap[opcode];
    if (entry === undefined) return undefined;
    const index = typeof entry === 'number' ? entry : entry[(this.#bytes(this.#at) >> 3) & 7];
    if (index === undefined) {
      this.#at++;
      return undefined;
    }
    this.result.rowIndex = index;
    if (typeof entry !== 'number' && !instructionRows[index]?.operands.some(needsModRm)) this.#at++;
    const row = instructionRows[index];
    return hasFeature(this.#model, row?.feature) ? row : undefined;
  }

  #setDefaults(row: InstructionRow, opcode: number): void {
    const result = this.result;
    result.memoryForm = row.operands.some((code) => code === 'Ob' || code === 'Ov');
    result.baseSlot = NONE;
    result.indexSlot = NONE;
    result.scale = 0;
    result.displacement = 0;
    result.segment = this.#segmentOverride ?? DS;
    result.reg = opcode & 7;
    result.immediate = row.detail ?? 0;
    result.immediate2 = row.detail ?? result.operandSize / 8;
  }

  #modRmOperands(row: InstructionRow): void {
    const result = this.result;
    this.#modRm = this.#bytes(this.#at++);
    result.reg = (this.#modRm >> 3) & 7;
    const mayBeMemory = row.operands.some((code) => isRegisterOrMemory(code) || isMemoryOnly(code));
    result.memoryForm = mayBeMemory && this.#modRm < 0xc0;
    if (!result.memoryForm) return;
    if (result.addressSize === 16) this.#address16();
    else this.#address32();
  }

  #address16(): void {
    const result = this.result;
    const mod = this.#modRm >> 6;
    const rm = this.#modRm & 7;
    if (mod === 0 && rm === 6) {
      result.displacement = this.#unsigned(2);
      return;
    }
    const [base, index, segment] = FORMS_16[rm] as (typeof FORMS_16)[number];
    result.baseSlot = base;
    result.indexSlot = index;
    result.segment = this.#segmentOverride ?? segment;
    if (mod === 1) result.displacement = this.#signed(1);
    else if (mod === 2) result.displacement = this.#signed(2);
  }

  #address32(): void {
    const result = this.result;
    const mod = this.#modRm >> 6;
    let base = this.#modRm & 7;
    if (base === 4) {
      const sib = this.#bytes(this.#at++);
      base = sib & 7;
      const index = (sib >> 3) & 7;
      result.scale = sib >> 6;
      result.indexSlot = index === 4 ? NONE : (generalSlots[index] as number);
    }
    if (mod === 0 && base === 5) {
      result.displacement = this.#signed(4);
      return;
    }
    result.baseSlot = generalSlots[base] as number;
    if (base === 4 || base === 5) result.segment = this.#segmentOverride ?? SS;
    if (mod === 1) result.displacement = this.#signed(1);
    else if (mod === 2) result.displacement = this.#signed(4);
  }

  #registersOf(row: InstructionRow, opcode: number): void {
    const result = this.result;
    result.rmSlot = generalSlots[this.#modRm & 7] as number;
    result.regSlot = generalSlots[result.reg] as number;
    for (const code of row.operands) {
      if (code === 'Eb') result.rmSlot = byteSlot(this.#modRm & 7);
      else if (code === 'Zb') result.rmSlot = byteSlot(opcode & 7);
      else if (code === 'Zv') result.rmSlot = generalSlots[opcode & 7] as number;
      else if (code === 'Gb') result.regSlot = byteSlot(result.reg);
      else if (code === 'Sw') result.regSlot = selectorSlot(result.reg);
    }
  }

  #immediate(code: OperandCode): void {
    const result = this.result;
    const size = immediateSize(code, result.operandSize, result.addressSize);
    if (size === 0) return;
    if (code === 'Ob' || code === 'Ov') result.displacement = this.#unsigned(size);
    else if (code === 'Ap') {
      result.immediate = this.#unsigned(size - 2);
      result.immediate2 = this.#unsigned(2);
    } else if (code === 'Ib' && result.rowIndex >= 0 && instructionRows[result.rowIndex]?.operands[0] === 'Iw') {
      result.immediate2 = this.#unsigned(1);
    } else result.immediate = isSignedImmediate(code) ? this.#signed(size) : this.#unsigned(size);
  }

  /** Combinations that the opcode maps cannot exclude. */
  #isValid(row: InstructionRow): boolean {
    const result = this.result;
    for (const code of row.operands) {
      if (isMemoryOnly(code) && !result.memoryForm) return false;
      if (code === 'Sw' && (result.reg > 5 || (row.name === 'MOV_SREG_RM' && result.reg === CS))) return false;
      if (code === 'Cd' && (result.reg === 1 || result.reg > 4)) return false;
    }
    return true;
  }

  #unsigned(size: number): number {
    let value = 0;
    for (let n = 0; n < size; n++) value += this.#bytes(this.#at++) * 2 ** (8 * n);
    return value;
  }

  #signed(size: number): number {
    const shift = 32 - size * 8;
    return (this.#unsigned(size) << shift) >> shift;
  }
}

/** Slot of AL, CL, DL, BL, AH, CH, DH, BH. */
function byteSlot(register: number): number {
  return register < 4 ? (generalSlots[register] as number) : (generalSlots[register - 4] as number) + 1;
}
