/** Bytes to a decoded instruction (SDM vol. 2A §2.1): prefixes, opcode, ModR/M, SIB, displacement, immediates. */
import {
  CS,
  DS,
  FS,
  generalSlots,
  internal,
  longGeneralSlots,
  type SegmentIndex,
  SS,
  slot,
  vectorSlots,
} from '../state/layout.ts';
import { forms16, SEGMENT_PREFIXES } from './address-forms.ts';
import type { CpuFeature } from './cpu-feature.ts';
import { type CpuModel, modelFacts } from './cpu-model.ts';
import { type ByteSource, type DecodedInstruction, ROW_INVALID, ROW_TOO_LONG } from './decoded-instruction.ts';
import type { InstructionRow } from './instruction-row.ts';
import { instructionRows, opcodeMapOf } from './instruction-table.ts';
import { immediateSize, isSignedImmediate, type OperandCode, type OperandSize } from './operand.ts';
import { type Candidate, MAP_0F, MAP_0F38, MAP_0F3A, MAPS_VEX } from './opcode-map.ts';
import { selectorSlot } from './rows/data-transfer.ts';
import { isGather, nameUnitRegisters, nameVectorIndex, REX_B, REX_R, REX_W, REX_X } from './unit-registers.ts';

/** Longer instructions raise #GP(0). */
export const INSTRUCTION_LENGTH_MAX = 15;

const NONE = internal.ZERO;

const NOP = 0x90;

/** Modes of rows whose operands have 64 bits in 64-bit mode, all of them or those that 66h does not make 16-bit. */
const WIDENED: ReadonlySet<InstructionRow['mode']> = new Set(['d64', 'f64', 'n64'] as const);

/** There are CR0, CR2, CR3, CR4, and with REX.R also CR8. */
const CONTROL_REGISTERS: ReadonlySet<number> = new Set([0, 2, 3, 4, 8]);

/** What VEX.pp stands for. */
const VEX_PREFIXES = [0, 0x66, 0xf3, 0xf2] as const;

export class Decoder {
  readonly result: DecodedInstruction = {
    rowIndex: ROW_INVALID,
    length: 0,
    headLength: 0,
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
  #lock = false;
  /** The prefix that chooses between rows: 66h, F2h, F3h or 0; what VEX has in pp counts too. */
  #mandatoryPrefix = 0;
  /** Inverted, as VEX has it; 15 without one. */
  #vvvv = 15;
  /** VEX.L in bit 0, VEX.W in bit 1. */
  #vex = 0;
  readonly #features: ReadonlySet<CpuFeature>;
  /** Near branches of 16 bits in 64-bit mode; no far pointers with offsets of 64 bits. */
  readonly #isAmd: boolean;

  /** Instructions that `model` does not have are invalid. */
  constructor(model: CpuModel = '386') {
    const { features, vendor } = modelFacts(model);
    this.#features = features;
    this.#isAmd = vendor === 'AuthenticAMD';
  }

  /** Decodes one instruction for code whose default size is 16 or 32, or for 64-bit mode. */
  decode(bytes: ByteSource, codeSize: OperandSize): DecodedInstruction {
    const result = this.result;
    this.#bytes = bytes;
    this.#at = 0;
    this.#modRm = 0;
    this.#codeSize = codeSize;
    this.#prefixes(codeSize);
    if (this.#at > INSTRUCTION_LENGTH_MAX) return this.#invalid(ROW_TOO_LONG);
    const opcode = this.#opcode();
    const chosen = this.#choose(opcode);
    if (!chosen) return this.#invalid(ROW_INVALID);
    const row = instructionRows[chosen.index] as InstructionRow;
    this.#setDefaults(row, opcode, chosen.isOffset);
    result.headLength = this.#at;
    if (chosen.readsModRm) this.#modRmOperands(chosen.mayBeMemory);
    if (chosen.hasVectorIndex) nameVectorIndex(result);
    this.#registersOf(row, opcode);
    if (row.unit !== undefined) {
      nameUnitRegisters(result, row.operands, this.#modRm, this.#rex, this.#inMode(~this.#vvvv & 15));
    }
    if (chosen.hasImmediate) for (const code of row.operands) this.#immediate(code);
    result.length = this.#at;
    if (this.#at > INSTRUCTION_LENGTH_MAX) return this.#invalid(ROW_TOO_LONG);
    if (!this.#isValid(row, chosen) || (this.#lock && !this.#mayLock(row))) return this.#invalid(ROW_INVALID);
    return result;
  }

  /** LOCK is for some instructions that write memory; before MOV of CR0 it makes that CR8 (AMD64 manual vol. 3, MOV CRn). */
  #mayLock(row: InstructionRow): boolean {
    const result = this.result;
    if (row.lockable) return result.memoryForm;
    const isOfCr8 = row.operands[0] === 'Cd' && result.reg === 0 && this.#features.has('AltMovCr8');
    if (isOfCr8) result.reg = 8;
    return isOfCr8;
  }

  #invalid(rowIndex: number): DecodedInstruction {
    this.result.rowIndex = rowIndex;
    this.result.length = Math.min(this.#at, INSTRUCTION_LENGTH_MAX);
    return this.result;
  }

  /** Reads prefixes. REX counts only right before the opcode. */
  #prefixes(codeSize: OperandSize): void {
    const result = this.result;
    this.#lock = false;
    this.#vvvv = 15;
    this.#vex = 0;
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
      else if (byte === 0xf0) this.#lock = true;
      else if (byte === 0xf2 || byte === 0xf3) result.repeatPrefix = byte;
      else if (codeSize === 64 && (byte & 0xf0) === 0x40) {
        this.#rex = byte;
        continue;
      } else break;
      this.#rex = 0;
    }
    this.#setSizes(codeSize, operandPrefix, addressPrefix);
    this.#mandatoryPrefix = result.repeatPrefix || (operandPrefix ? 0x66 : 0);
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
  #widenOperands({ mode, operands }: InstructionRow): void {
    const result = this.result;
    if (this.#isAmd && result.operandSize === 64 && operands.includes('Mp')) result.operandSize = 32;
    if (this.#codeSize !== 64 || mode === undefined) return;
    const is16Bit = result.operandSize === 16 && (mode === 'd64' || (mode === 'n64' && this.#isAmd));
    if (WIDENED.has(mode) && !is16Bit) result.operandSize = 64;
  }

  /** Reads the opcode: its place in the opcode map, or -1 for a VEX prefix that no instruction has. */
  #opcode(): number {
    const first = this.#bytes(this.#at++);
    if (first === 0x0f) return this.#opcodeAfter0F();
    if ((first === 0xc4 || first === 0xc5) && this.#isVex()) return this.#opcodeAfterVex(first === 0xc4);
    return first;
  }

  #opcodeAfter0F(): number {
    const second = this.#bytes(this.#at++);
    if (second === 0x38) return MAP_0F38 + this.#bytes(this.#at++);
    if (second === 0x3a) return MAP_0F3A + this.#bytes(this.#at++);
    return MAP_0F + second;
  }

  /** LES and LDS need memory: with what would be a register in ModR/M, C4h and C5h are VEX prefixes. */
  #isVex(): boolean {
    return this.#codeSize === 64 || this.#bytes(this.#at) >= 0xc0;
  }

  /**
   * SDM vol. 2A §2.3.5. The bits R, X and B, inverted, are those of REX and mean nothing outside 64-bit mode; W makes no
   * general register wider there.
   */
  #opcodeAfterVex(long: boolean): number {
    const hasPrefix = this.#mandatoryPrefix !== 0 || this.#lock || this.#rex !== 0;
    const first = this.#bytes(this.#at++);
    const last = long ? this.#bytes(this.#at++) : first;
    const map = long ? first & 31 : 1;
    if (this.#codeSize === 64) this.#rex = (~first >> 5) & (long ? REX_R | REX_X | REX_B : REX_R);
    const wide = this.#codeSize === 64 && long && (last & 0x80) !== 0;
    this.result.operandSize = wide ? 64 : 32;
    this.#mandatoryPrefix = VEX_PREFIXES[last & 3] as number;
    this.#vvvv = (last >> 3) & 15;
    this.#vex = ((last >> 2) & 1) | (long ? (last >> 6) & 2 : 0);
    const opcode = this.#bytes(this.#at++);
    const exists = !hasPrefix && map >= 1 && map <= 3;
    return exists ? MAPS_VEX + map * 256 + opcode : -1;
  }

  #choose(opcode: number): Candidate | undefined {
    if (opcode < 0) return undefined;
    // NOP is XCHG with R8 when REX.B says so, but not behind F3h: that is PAUSE. Its row stands in the place of XCHG.
    const isXchg = opcode === NOP && (this.#rex & REX_B) !== 0 && this.result.repeatPrefix !== 0xf3;
    const place = isXchg ? NOP + 1 : opcode;
    const map = opcodeMapOf(this.#codeSize);
    const byModRm = map.needsModRm(place);
    const modRm = byModRm ? this.#bytes(this.#at) : 0;
    const chosen = map.choose(place, this.#mandatoryPrefix, modRm, this.#features, this.#vex);
    if (byModRm && chosen?.skipsModRm !== false) {
      this.#modRm = modRm;
      this.#at++;
    }
    if (!chosen) return undefined;
    this.result.rowIndex = chosen.index;
    if (chosen.hasNo16BitForm && this.result.operandSize === 16) this.result.operandSize = 32;
    return chosen;
  }

  #setDefaults(row: InstructionRow, opcode: number, isOffset: boolean): void {
    const result = this.result;
    this.#widenOperands(row);
    result.memoryForm = isOffset;
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

  #modRmOperands(mayBeMemory: boolean): void {
    const result = this.result;
    this.#modRm = this.#bytes(this.#at++);
    result.headLength = this.#at;
    result.reg = (this.#modRm >> 3) & 7;
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
    const [base, index, segment] = forms16[rm] as (typeof forms16)[number];
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
      result.headLength = this.#at;
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
      else if (code === 'By') result.immediate2 = longGeneralSlots[this.#inMode(~this.#vvvv & 15)] as number;
    }
  }

  /** A register number as VEX has it: outside 64-bit mode there are eight. */
  #inMode(number: number): number {
    return this.#codeSize === 64 ? number : number & 7;
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
    } else if (code === 'Ldq' || code === 'Lqq') {
      result.immediate = vectorSlots[this.#inMode(this.#unsigned(1) >> 4)] as number;
    } else result.immediate = isSignedImmediate(code) ? this.#signed(size) : this.#unsigned(size);
  }

  /** Combinations that the opcode maps cannot exclude. */
  #isValid(row: InstructionRow, chosen: Candidate): boolean {
    const result = this.result;
    if (this.#vvvv !== 15 && !chosen.usesVvvv) return false;
    if (chosen.hasVectorIndex && !isGather(result, this.#modRm)) return false;
    if (chosen.needsMemory && !result.memoryForm) return false;
    if (chosen.needsRegister && this.#modRm < 0xc0) return false;
    return !chosen.namesSystemRegister || row.operands.every((code) => this.#isRegister(row, code));
  }

  /** False for the numbers of segment, control and debug registers that there are not, or not for this. */
  #isRegister(row: InstructionRow, code: OperandCode): boolean {
    const { reg } = this.result;
    if (code === 'Sw') return reg <= 5 && (row.name !== 'MOV_SREG_RM' || reg !== CS);
    if (code === 'Cd') return CONTROL_REGISTERS.has(reg);
    return code !== 'Dd' || reg <= 7;
  }

  #unsigned(size: number): number {
    let value = 0;
    for (let shift = 0; shift < 8 * size; shift += 8) value |= this.#bytes(this.#at++) << shift;
    return value >>> 0;
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
