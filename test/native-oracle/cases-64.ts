/** Cases of 64-bit code for the native oracle: an encoding of a row, and registers and memory that make it harmless. */
import { hasFeature } from '../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { parseOpcode } from '../../vm-core/isa/opcode-map.ts';
import {
  hasNo16BitForm,
  immediateSize,
  isMemoryOnly,
  isRegisterOrMemory,
  needsModRm,
  type OperandSize,
} from '../../vm-core/isa/operand.ts';
import { ARITHMETIC_FLAGS } from '../../vm-core/state/lazy-flags.ts';

/** Where code and data lie in both worlds; oracle-64.c has the same. */
export const CODE = 0x300000;
export const DATA = 0x200000;
export const DATA_SIZE = 512;

/** Operands in memory and the stack begin here, with room on both sides. */
const MIDDLE = DATA + 256;

export interface Case {
  readonly row: InstructionRow;
  readonly size: OperandSize;
  readonly registers: bigint[];
  readonly flags: number;
  readonly memory: Uint8Array;
  readonly code: readonly number[];
}

const [RCX, RBX, RSP, RBP, RSI, RDI] = [1, 3, 4, 5, 6, 7];
const IF = 0x200;

const EDGES = [0n, 1n, 2n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fffffffn, 0x80000000n, 0xffffffffn];
const WIDE_EDGES = [1n << 32n, (1n << 63n) - 1n, 1n << 63n, (1n << 64n) - 1n, 0xffff_ffff_8000_0000n];

/** Rows that need the system, or of which nothing can be seen in registers and memory. */
const NOT_ASKED = new Set(['ESC', 'WAIT', 'UD0', 'UD1', 'UD2']);

/** Rows that are covered: those of the newest model. */
export const rowsOf64BitMode: readonly InstructionRow[] = instructionRows.filter(
  ({ semantics, mode, name, feature, operands }) =>
    semantics !== undefined &&
    !operands.includes('Sw') &&
    mode !== 'i64' &&
    !NOT_ASKED.has(name) &&
    hasFeature('max', feature),
);

export type Random = () => number;

function wide(next: Random): bigint {
  return (BigInt(next()) << 32n) | BigInt(next());
}

function value(next: Random): bigint {
  const kind = next() % 4;
  if (kind === 0) return wide(next);
  if (kind === 1) return BigInt(next());
  const edges = kind === 2 ? EDGES : WIDE_EDGES;
  return edges[next() % edges.length] as bigint;
}

export function sizesOf({ mode, operands }: InstructionRow): readonly OperandSize[] {
  if (mode === 'f64' || mode === 'n64') return [64];
  if (hasNo16BitForm(operands)) return [32, 64];
  return mode === 'd64' ? [16, 64] : [16, 32, 64];
}

const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const VEX_PREFIXES: readonly unknown[] = [0, 0x66, 0xf3, 0xf2];

/** Puts an instruction together; registers are changed so that its addresses are those of the data. */
class Encoder {
  readonly row: InstructionRow;
  readonly size: OperandSize;
  readonly registers: bigint[];
  readonly next: Random;
  readonly #prefixes: number[] = [];
  readonly #tail: number[] = [];
  #rex = 0;
  #relative: { readonly at: number; readonly target: number } | undefined;
  #shortAddress = false;

  constructor(row: InstructionRow, size: OperandSize, registers: bigint[], next: Random) {
    this.row = row;
    this.size = size;
    this.registers = registers;
    this.next = next;
  }

  encode(memoryForm: boolean): number[] {
    const { row, next } = this;
    const { place, extension, count, prefix } = parseOpcode(row.opcode);
    const map = place >> 8;
    const isVex = map >= ESCAPES.length;
    if (this.size === 16) this.#prefixes.push(0x66);
    if (this.size === 64 && row.mode === undefined) this.#rex |= 0x48;
    if (this.size === 64 && row.mode === 'o64') this.#rex |= 0x48;
    if (!isVex && typeof prefix === 'number' && prefix !== 0) this.#prefixes.push(prefix);
    if (row.repeat) this.#repeat();
    this.#shortAddress = next() % 4 === 0 && (memoryForm || row.repeat !== undefined || hasOffset(row));
    if (this.#shortAddress) this.#prefixes.push(0x67);
    let opcode = place & 0xff;
    if (count > 1) {
      const register = next() & 15;
      opcode += register & 7;
      if (register > 7) this.#rex |= 0x41;
    }
    if (row.operands.some(needsModRm)) this.#modRm(extension, memoryForm);
    for (const code of row.operands) this.#immediate(code);
    if (next() % 3 === 0) this.#rex |= 0x40;
    const start = isVex ? this.#vex(map - 3, prefix) : [...(this.#rex ? [this.#rex] : []), ...(ESCAPES[map] ?? [])];
    return this.#finish([...this.#prefixes, ...start, opcode]);
  }

  #repeat(): void {
    const prefix = [0, 0xf3, 0xf2][this.next() % 3] as number;
    if (prefix === 0) return;
    this.#prefixes.push(prefix);
    this.registers[RCX] = BigInt(this.next() % 6);
  }

  /** The three bytes of a VEX prefix; a row without a register in vvvv has ones there. */
  #vex(map: number, prefix: unknown): number[] {
    const vvvv = this.row.operands.includes('By') ? this.next() & 15 : 0;
    const last = ((this.#rex & 8) << 4) | ((vvvv ^ 15) << 3) | VEX_PREFIXES.indexOf(prefix);
    return [0xc4, ((~this.#rex & 7) << 5) | map, last];
  }

  #modRm(extension: number | undefined, memoryForm: boolean): void {
    const reg = extension ?? this.next() & 15;
    if (reg > 7) this.#rex |= 0x44;
    if (!memoryForm) {
      const rm = this.next() & 15;
      if (rm > 7) this.#rex |= 0x41;
      this.#tail.push(0xc0 | ((reg & 7) << 3) | (rm & 7));
      return;
    }
    const isBitString = /^BT/.test(this.row.name) && this.row.operands.includes('Gv');
    if (isBitString) this.registers[reg] = BigInt.asUintN(64, BigInt((this.next() % 1024) - 512));
    this.#memory(reg);
  }

  /** One of the address forms, with registers other than `reg`. */
  #memory(reg: number): void {
    const { next } = this;
    const field = (reg & 7) << 3;
    const form = next() % 6;
    if (form === 0) {
      this.#tail.push(0x05 | field);
      this.#relative = { at: this.#tail.length, target: MIDDLE };
      this.#tail.push(0, 0, 0, 0);
      return;
    }
    if (form === 1) {
      this.#tail.push(0x04 | field, 0x25, ...bytesOf(BigInt(MIDDLE), 4));
      return;
    }
    const base = this.#otherRegister([reg]);
    if (base > 7) this.#rex |= 0x41;
    const displacement = form === 3 ? (next() % 200) - 100 : form === 4 ? (next() % 100000) - 50000 : 0;
    if (base === RSP) {
      this.#tail.push(0x44 | field, 0x24, MIDDLE - Number(this.registers[RSP]));
      return;
    }
    if (form === 5) {
      this.#withIndex(field, base, reg);
      return;
    }
    // Base 4 needs a SIB byte, base 5 a displacement.
    const mod = form === 4 ? 2 : form === 3 || (base & 7) === 5 ? 1 : 0;
    this.#tail.push((mod << 6) | field | (base & 7), ...((base & 7) === 4 ? [0x24] : []));
    if (mod > 0) this.#tail.push(...bytesOf(BigInt(displacement), mod === 1 ? 1 : 4));
    this.#setBase(base, MIDDLE - displacement);
  }

  #withIndex(field: number, base: number, reg: number): void {
    const { next } = this;
    const index = this.#otherRegister([reg, base, RSP]);
    if (index > 7) this.#rex |= 0x42;
    const scale = next() & 3;
    const count = (next() % 9) - 4;
    this.registers[index] = BigInt.asUintN(64, BigInt(count));
    this.#tail.push(0x44 | field, (scale << 6) | ((index & 7) << 3) | (base & 7), 8);
    this.#setBase(base, MIDDLE - 8 - count * (1 << scale));
  }

  /** With 32-bit addresses the upper half does not count. */
  #setBase(base: number, address: number): void {
    const noise = this.#shortAddress ? BigInt(this.next()) << 32n : 0n;
    this.registers[base] = noise | BigInt(address);
  }

  #otherRegister(taken: readonly number[]): number {
    for (;;) {
      const register = this.next() & 15;
      if (!taken.includes(register)) return register;
    }
  }

  #immediate(code: InstructionRow['operands'][number]): void {
    const size = immediateSize(code, this.size, this.#shortAddress ? 32 : 64);
    if (code === 'Jb' || code === 'Jz') this.#tail.push(...bytesOf(0n, size));
    else if (code === 'Ob' || code === 'Ov') this.#tail.push(...bytesOf(BigInt(MIDDLE), size));
    else if (code === 'Iw') this.#tail.push((this.next() % 8) * 8, 0);
    else for (let n = 0; n < size; n++) this.#tail.push(this.next() & 0xff);
  }

  #finish(head: readonly number[]): number[] {
    const code = [...head, ...this.#tail];
    if (this.#relative) {
      const distance = this.#relative.target - (CODE + code.length);
      code.splice(head.length + this.#relative.at, 4, ...bytesOf(BigInt(distance), 4));
    }
    return code;
  }
}

function bytesOf(number: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, n) => Number((number >> BigInt(8 * n)) & 0xffn));
}

function hasOffset({ operands }: InstructionRow): boolean {
  return operands.some((code) => code === 'Ob' || code === 'Ov');
}

/** Where an instruction addresses memory by registers of its own choice, these point into the data. */
function prepare(row: InstructionRow, registers: bigint[], next: Random): void {
  registers[RSP] = BigInt(MIDDLE - 120 + (next() % 120));
  if (row.repeat) {
    registers[RSI] = BigInt(MIDDLE + (next() % 64));
    registers[RDI] = BigInt(MIDDLE + (next() % 64));
  }
  if (row.name === 'XLAT') registers[RBX] = BigInt(DATA);
  if (row.name === 'LEAVE') registers[RBP] = BigInt(MIDDLE);
  if (/^LOOP|JCXZ/.test(row.name) && next() % 2 === 0) registers[RCX] = BigInt(next() % 2);
}

const isIndirectTransfer = ({ opcode }: InstructionRow) => /^FF \/[24]$/.test(opcode);

/** Transfers go to the next instruction, whether they are taken or not. */
function aimAtNext({ row, registers, memory, code }: Omit<Case, 'flags'>, memoryForm: boolean): void {
  const view = new DataView(memory.buffer);
  const target = BigInt(CODE + code.length);
  if (row.name === 'RET') view.setBigUint64(Number(registers[RSP]) - DATA, target, true);
  if (!isIndirectTransfer(row)) return;
  if (memoryForm) view.setBigUint64(MIDDLE - DATA, target, true);
  else registers[registerOf(code)] = target;
}

/** The register of an instruction that ends with ModR/M. */
function registerOf(code: readonly number[]): number {
  const rex = code.length > 2 ? (code[code.length - 3] as number) : 0;
  return ((code.at(-1) as number) & 7) | ((rex & 0xf0) === 0x40 ? (rex & 1) << 3 : 0);
}

export function casesOf(row: InstructionRow, count: number, next: Random): Case[] {
  const choice = row.operands.some(isRegisterOrMemory);
  const memoryOnly = row.operands.some(isMemoryOnly);
  const forms = choice ? [false, true] : [memoryOnly];
  return sizesOf(row).flatMap((size) =>
    forms.flatMap((memoryForm) =>
      Array.from({ length: count }, () => {
        const registers = Array.from({ length: 16 }, () => value(next));
        const memory = Uint8Array.from({ length: DATA_SIZE }, () => (next() % 2 === 0 ? 0xff * (next() & 1) : next()));
        prepare(row, registers, next);
        const code = new Encoder(row, size, registers, next).encode(memoryForm);
        const test = { row, size, registers, memory, code };
        aimAtNext(test, memoryForm);
        const direction = row.repeat && next() % 3 === 0 ? 0x400 : 0;
        return { ...test, flags: 2 | IF | direction | (next() & ARITHMETIC_FLAGS) };
      })
        // The stack pointer cannot be where the code is as well.
        .filter((test) => memoryForm || !isIndirectTransfer(row) || registerOf(test.code) !== RSP),
    ),
  );
}
