/** Bytes to a decoded instruction (SDM vol. 2A §2.1): prefixes, opcode, ModR/M, SIB, displacement, immediates. */
import {
  CS,
  DS,
  ES,
  FS,
  GS,
  generalSlots,
  internal,
  longGeneralSlots,
  type SegmentIndex,
  SS,
  slot,
} from '../state/layout.ts';
import { type CpuModel, hasFeature } from './cpu-model.ts';
import type { InstructionRow } from './instruction-row.ts';
import { instructionRows, opcodeMap, opcodeMapOf64BitMode } from './instruction-table.ts';
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
  /** RIP of the next instruction is the base: `baseSlot` is RIP's. */
  isRelative: boolean;
  /** The operand is a memory offset of 64-bit mode. */
  isAbsolute: boolean;
  segment: SegmentIndex;
  /** A memory offset or an immediate of 64 bits has its lower half in `displacement` and its upper half here. */
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

const NOP = 0x90;

/** There are CR0, CR2, CR3, CR4, and with REX.R also CR8. */
const CONTROL_REGISTERS: ReadonlySet<number> = new Set([0, 2, 3, 4, 8]);

/** Bits of a REX prefix. */
const REX_W = 8;
const REX_R = 4;
const REX_X = 2;
const REX_B = 1;

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
    isRelative: false,
    isAbsolute: false,
    segment: DS,
    immediate: 0,
    immediate2: 0,
  };
  #bytes: ByteSource = () => 0;
  #at = 0;
  #modRm = 0;
  #segmentOverride: SegmentIndex | undefined;
  #codeSize: OperandSize = 16;
  /** The REX prefix, or 0. */
  #rex = 0;
  readonly #model: CpuModel;

  /** Instructions that `model` does not have are invalid. */
  constructor(model: CpuModel = '386') {
    this.#model = model;
  }

  /** Decodes one instruction for code whose default size is 16 or 32, or for 64-bit mode. */
  decode(bytes: ByteSource, codeSize: OperandSize): DecodedInstruction {
    const result = this.result;
    this.#bytes = bytes;
    this.#at = 0;
    this.#codeSize = codeSize;
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

  /** Reads prefixes; true if LOCK is among them. REX counts only right before the opcode. */
  #prefixes(codeSize: OperandSize): boolean {
    const result = this.result;
    let lock = false;
    let operandPrefix = false;
    let addressPrefix = false;
    result.repeatPrefix = 0;
    this.#segmentOverride = undefined;
    this.#rex = 0;
    for (; this.#at <= INSTRUCTION_LENGTH_MAX; this.#at++) {
      const byte = this.#bytes(this.#at);
      const segment = SEGMENT_PREFIXES.get(byte);
      if (segment !== undefined) this.#overrideSegment(segment);
      else if (byte === 0x66) operandPrefix = true;
      else if (byte === 0x67) addressPrefix = true;
      else if (byte === 0xf0) lock = true;
      else if (byte === 0xf2 || byte === 0xf3) result.repeatPrefix = byte;
      else if (codeSize === 64 && (byte & 0xf0) === 0x40) {
        this.#rex = byte;
        continue;
      } else break;
      this.#rex = 0;
    }
    this.#setSizes(codeSize, operandPrefix, addressPrefix);
    return lock;
  }

  /** In 64-bit mode only FS and GS are segments. */
  #overrideSegment(segment: SegmentIndex): void {
    if (this.#codeSize !== 64 || segment >= FS) this.#segmentOverride = segment;
  }

  #setSizes(codeSize: OperandSize, operandPrefix: boolean, addressPrefix: boolean): void {
    const result = this.result;
    if (codeSize === 64) {
      result.operandSize = (this.#rex & REX_W) !== 0 ? 64 : operandPrefix ? 16 : 32;
      result.addressSize = addressPrefix ? 32 : 64;
      return;
    }
    const other: OperandSize = codeSize === 16 ? 32 : 16;
    result.operandSize = operandPrefix ? other : codeSize;
    result.addressSize = addressPrefix ? other : codeSize;
  }

  /** Instructions of 64-bit mode whose operands have 64 bits without REX.W. */
  #widenOperands({ mode }: InstructionRow): void {
    const result = this.result;
    if (this.#codeSize === 64 && (mode === 'f64' || (mode === 'd64' && result.operandSize === 32))) {
      result.operandSize = 64;
    }
  }

  #opcode(): number {
    const first = this.#bytes(this.#at++);
    return first === 0x0f ? 256 + this.#bytes(this.#at++) : first;
  }

  #chooseRow(opcode: number): InstructionRow | undefined {
    // NOP is XCHG with R8 when REX.B says so, but not behind F3h: that is PAUSE. Its row stands in the place of XCHG.
    const isXchg = opcode === NOP && (this.#rex & REX_B) !== 0 && this.result.repeatPrefix !== 0xf3;
    const place = isXchg ? NOP + 1 : opcode;
    const entry = (this.#codeSize === 64 ? opcodeMapOf64BitMode : opcodeMap)[place];
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
    this.#widenOperands(row);
    result.memoryForm = row.operands.some((code) => code === 'Ob' || code === 'Ov');
    result.isAbsolute = result.memoryForm && this.#codeSize === 64;
    result.isRelative = false;
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
    else this.#addressWithSib();
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

  /** The address forms of 32 and 64 bits. Which fields mean something else is decided without the bits of REX. */
  #addressWithSib(): void {
    const result = this.result;
    const mod = this.#modRm >> 6;
    let base = this.#modRm & 7;
    const hasSib = base === 4;
    if (hasSib) {
      const sib = this.#bytes(this.#at++);
      base = sib & 7;
      const index = this.#extended((sib >> 3) & 7, REX_X);
      result.scale = sib >> 6;
      result.indexSlot = index === 4 ? NONE : (longGeneralSlots[index] as number);
    }
    if (mod === 0 && base === 5) {
      result.displacement = this.#signed(4);
      result.isRelative = this.#codeSize === 64 && !hasSib;
      if (result.isRelative) result.baseSlot = slot.EIP;
      return;
    }
    const extendedBase = this.#extended(base, REX_B);
    result.baseSlot = longGeneralSlots[extendedBase] as number;
    if (extendedBase === 4 || extendedBase === 5) result.segment = this.#segmentOverride ?? SS;
    if (mod === 1) result.displacement = this.#signed(1);
    else if (mod === 2) result.displacement = this.#signed(4);
  }

  /** A register number with the bit that REX adds. */
  #extended(number: number, bit: number): number {
    return (this.#rex & bit) !== 0 ? number + 8 : number;
  }

  #registersOf(row: InstructionRow, opcode: number): void {
    const result = this.result;
    const rm = this.#extended(this.#modRm & 7, REX_B);
    const reg = this.#extended(result.reg, REX_R);
    result.rmSlot = longGeneralSlots[rm] as number;
    result.regSlot = longGeneralSlots[reg] as number;
    for (const code of row.operands) {
      if (code === 'Eb') result.rmSlot = this.#byteSlot(rm);
      else if (code === 'Zb') result.rmSlot = this.#byteSlot(this.#extended(opcode & 7, REX_B));
      else if (code === 'Zv') result.rmSlot = longGeneralSlots[this.#extended(opcode & 7, REX_B)] as number;
      else if (code === 'Gb') result.regSlot = this.#byteSlot(reg);
      else if (code === 'Sw') result.regSlot = selectorSlot(result.reg);
      else if (code === 'Cd' || code === 'Dd') result.reg = reg;
    }
  }

  #immediate(code: OperandCode): void {
    const result = this.result;
    const size = immediateSize(code, result.operandSize, result.addressSize);
    if (size === 0) return;
    if (size === 8) {
      result.displacement = this.#unsigned(4);
      result.immediate = this.#unsigned(4);
    } else if (code === 'Ob' || code === 'Ov') result.displacement = this.#unsigned(size);
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
      if (code === 'Cd' && !CONTROL_REGISTERS.has(result.reg)) return false;
      if (code === 'Dd' && result.reg > 7) return false;
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

  /** Slot of AL, CL, DL, BL, AH, CH, DH, BH; with a REX prefix of the low byte of each register. */
  #byteSlot(register: number): number {
    if (this.#rex !== 0 || register < 4) return longGeneralSlots[register] as number;
    return (generalSlots[register - 4] as number) + 1;
  }
}
