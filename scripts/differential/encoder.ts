/**
 * Machine code for one form of an instruction with random operands, for code of any size: registers are given the values
 * with which its addresses are those of the data. Encodings are in SDM vol. 2A §2.1–§2.3.
 */
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { parseOpcode } from '../../vm-core/isa/opcode-map.ts';
import { hasNo16BitForm, immediateSize, needsModRm, type OperandSize } from '../../vm-core/isa/operand.ts';

/** Any 32 bits. */
export type RandomWords = () => number;

/** Where an instruction and its data lie. */
export interface Surroundings {
  readonly codeSize: OperandSize;
  /** Address of the instruction, as it sees it itself. */
  readonly code: bigint;
  /** Offset in the segment at which the operand in memory is to lie, with room on both sides. */
  readonly middle: bigint;
  /** What RSP holds, if an operand may be addressed by it. */
  readonly stackPointer?: bigint;
  /** A prefix that names the segment. */
  readonly segmentPrefix?: number;
}

/** What an instruction needs, and its bytes. */
export interface Encoded {
  readonly code: readonly number[];
  /** Registers that must have these values. */
  readonly registers: ReadonlyMap<number, bigint>;
}

const [RCX, RSP] = [1, 4];
const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const VEX_PREFIXES: readonly unknown[] = [0, 0x66, 0xf3, 0xf2];

/** The operand sizes that a row has in code of a size. */
export function operandSizes({ mode, operands }: InstructionRow, codeSize: OperandSize): readonly OperandSize[] {
  if (codeSize !== 64) return hasNo16BitForm(operands) ? [32] : [16, 32];
  if (mode === 'f64' || mode === 'n64') return [64];
  if (hasNo16BitForm(operands)) return [32, 64];
  return mode === 'd64' ? [16, 64] : [16, 32, 64];
}

/** Little-endian bytes of a number. */
export function littleEndian(number: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, n) => Number((number >> BigInt(8 * n)) & 0xffn));
}

/** Encodes a row at an operand size, with a register or memory where ModR/M has the choice. */
export function encodeRow(
  row: InstructionRow,
  size: OperandSize,
  memoryForm: boolean,
  around: Surroundings,
  next: RandomWords,
): Encoded {
  const encoder = new RowEncoder(row, size, around, next);
  return { code: encoder.encode(memoryForm), registers: encoder.registers };
}

class RowEncoder {
  readonly registers = new Map<number, bigint>();
  readonly #row: InstructionRow;
  readonly #size: OperandSize;
  readonly #around: Surroundings;
  readonly #next: RandomWords;
  readonly #prefixes: number[] = [];
  readonly #tail: number[] = [];
  /** Bits of a register number. */
  readonly #numbers: 7 | 15;
  #rex = 0;
  #relativeAt: number | undefined;
  #otherAddress = false;

  constructor(row: InstructionRow, size: OperandSize, around: Surroundings, next: RandomWords) {
    this.#row = row;
    this.#size = size;
    this.#around = around;
    this.#next = next;
    this.#numbers = around.codeSize === 64 ? 15 : 7;
  }

  encode(memoryForm: boolean): number[] {
    const next = this.#next;
    const row = this.#row;
    const { codeSize, segmentPrefix } = this.#around;
    const { place, extension, count, prefix } = parseOpcode(row.opcode);
    const map = place >> 8;
    const isVex = map >= ESCAPES.length;
    if (codeSize === 16 ? this.#size === 32 : this.#size === 16) this.#prefixes.push(0x66);
    if (this.#size === 64 && (row.mode === undefined || row.mode === 'o64')) this.#rex |= 0x48;
    if (!isVex && typeof prefix === 'number' && prefix !== 0) this.#prefixes.push(prefix);
    if (row.repeat) this.#repeat();
    this.#chooseAddressSize(memoryForm);
    if (segmentPrefix !== undefined) this.#prefixes.push(segmentPrefix);
    let opcode = place & 0xff;
    if (count > 1) {
      const register = next() & this.#numbers;
      opcode += register & 7;
      if (register > 7) this.#rex |= 0x41;
    }
    if (row.operands.some(needsModRm)) this.#modRm(extension, memoryForm);
    for (const code of row.operands) this.#immediate(code);
    if (codeSize === 64 && next() % 3 === 0) this.#rex |= 0x40;
    const start = isVex ? this.#vex(map - 3, prefix) : [...(this.#rex ? [this.#rex] : []), ...(ESCAPES[map] ?? [])];
    return this.#finish([...this.#prefixes, ...start, opcode]);
  }

  /** 16-bit code needs 32-bit addresses to reach the data; there are no forms with 16-bit addresses. */
  #chooseAddressSize(memoryForm: boolean): void {
    const { codeSize } = this.#around;
    const addresses = memoryForm || this.#row.repeat !== undefined || hasOffset(this.#row);
    this.#otherAddress = addresses && (codeSize === 64 ? this.#next() % 4 === 0 && this.#reaches32 : codeSize === 16);
    if (this.#otherAddress) this.#prefixes.push(0x67);
  }

  get #addressSize(): OperandSize {
    if (this.#around.codeSize === 64) return this.#otherAddress ? 32 : 64;
    return 32;
  }

  /** Whether the data lies where a displacement alone reaches. */
  get #isNear(): boolean {
    return BigInt.asIntN(32, this.#around.middle) === BigInt.asIntN(64, this.#around.middle);
  }

  get #reaches32(): boolean {
    return BigInt.asUintN(64, this.#around.middle) < 0xf000_0000n;
  }

  #repeat(): void {
    const prefix = [0, 0xf3, 0xf2][this.#next() % 3] as number;
    if (prefix === 0) return;
    this.#prefixes.push(prefix);
    this.registers.set(RCX, BigInt(this.#next() % 6));
  }

  /** The three bytes of a VEX prefix; a row without a register in vvvv has ones there. */
  #vex(map: number, prefix: unknown): number[] {
    const vvvv = this.#row.operands.includes('By') ? this.#next() & this.#numbers : 0;
    const last = ((this.#rex & 8) << 4) | ((vvvv ^ 15) << 3) | VEX_PREFIXES.indexOf(prefix);
    return [0xc4, ((~this.#rex & 7) << 5) | map, last];
  }

  #modRm(extension: number | undefined, memoryForm: boolean): void {
    const reg = extension ?? this.#next() & this.#numbers;
    if (reg > 7) this.#rex |= 0x44;
    if (!memoryForm) {
      const rm = this.#next() & this.#numbers;
      if (rm > 7) this.#rex |= 0x41;
      this.#tail.push(0xc0 | ((reg & 7) << 3) | (rm & 7));
      return;
    }
    const isBitString = /^BT/.test(this.#row.name) && this.#row.operands.includes('Gv');
    if (isBitString) this.registers.set(reg, BigInt.asUintN(64, BigInt((this.#next() % 1024) - 512)));
    this.#memory(reg);
  }

  /** One of the address forms, with registers other than `reg`. */
  #memory(reg: number): void {
    const next = this.#next;
    const { middle, codeSize, segmentPrefix, stackPointer } = this.#around;
    const field = (reg & 7) << 3;
    const form = next() % 6;
    if (form === 0 && segmentPrefix === undefined && this.#isNear) {
      this.#tail.push(0x05 | field);
      if (codeSize === 64) this.#relativeAt = this.#tail.length;
      this.#tail.push(...littleEndian(middle, 4));
      return;
    }
    if (form === 1 && this.#isNear) {
      this.#tail.push(0x04 | field, 0x25, ...littleEndian(middle, 4));
      return;
    }
    const base = this.#otherRegister(stackPointer === undefined ? [reg, RSP] : [reg]);
    if (base > 7) this.#rex |= 0x41;
    if (base === RSP) {
      this.#tail.push(0x84 | field, 0x24, ...littleEndian(middle - (stackPointer ?? 0n), 4));
      return;
    }
    if (form === 5) {
      this.#withIndex(field, base, reg);
      return;
    }
    const displacement = form === 3 ? (next() % 200) - 100 : form === 4 ? (next() % 100000) - 50000 : 0;
    // Base 4 needs a SIB byte, base 5 a displacement.
    const mod = form === 4 ? 2 : form === 3 || (base & 7) === 5 ? 1 : 0;
    this.#tail.push((mod << 6) | field | (base & 7), ...((base & 7) === 4 ? [0x24] : []));
    if (mod > 0) this.#tail.push(...littleEndian(BigInt(displacement), mod === 1 ? 1 : 4));
    this.#setBase(base, middle - BigInt(displacement));
  }

  #withIndex(field: number, base: number, reg: number): void {
    const next = this.#next;
    const index = this.#otherRegister([reg, base, RSP]);
    if (index > 7) this.#rex |= 0x42;
    const scale = next() & 3;
    const count = (next() % 9) - 4;
    this.registers.set(index, BigInt.asUintN(64, BigInt(count)));
    this.#tail.push(0x44 | field, (scale << 6) | ((index & 7) << 3) | (base & 7), 8);
    this.#setBase(base, this.#around.middle - 8n - BigInt(count * (1 << scale)));
  }

  /** With 32-bit addresses the upper half does not count. */
  #setBase(base: number, address: bigint): void {
    const noise = this.#addressSize === 32 ? BigInt(this.#next()) << 32n : 0n;
    const value = this.#addressSize === 32 ? BigInt.asUintN(32, address) : address;
    this.registers.set(base, BigInt.asUintN(64, noise | value));
  }

  #otherRegister(taken: readonly number[]): number {
    for (;;) {
      const register = this.#next() & this.#numbers;
      if (!taken.includes(register)) return register;
    }
  }

  #immediate(code: InstructionRow['operands'][number]): void {
    const size = immediateSize(code, this.#size, this.#addressSize);
    if (code === 'Jb' || code === 'Jz') this.#tail.push(...littleEndian(0n, size));
    else if (code === 'Ob' || code === 'Ov') this.#tail.push(...littleEndian(this.#around.middle, size));
    // ENTER reserves little, RET drops little.
    else if (code === 'Iw') this.#tail.push((this.#next() % 8) * 8, 0);
    else for (let n = 0; n < size; n++) this.#tail.push(this.#next() & 0xff);
  }

  #finish(head: readonly number[]): number[] {
    const code = [...head, ...this.#tail];
    if (this.#relativeAt !== undefined) {
      const distance = this.#around.middle - (this.#around.code + BigInt(code.length));
      code.splice(head.length + this.#relativeAt, 4, ...littleEndian(distance, 4));
    }
    return code;
  }
}

function hasOffset({ operands }: InstructionRow): boolean {
  return operands.some((code) => code === 'Ob' || code === 'Ov');
}
