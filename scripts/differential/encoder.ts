/**
 * Puts an instruction together: prefixes in any order, with some that change nothing, REX or VEX, every address
 * form of the mode, immediates (SDM vol. 2A §2.1, §2.2, §2.3).
 */
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { parseOpcode } from '../../vm-core/isa/opcode-map.ts';
import {
  hasNo16BitForm,
  hasVectorIndex,
  immediateSize,
  needsModRm,
  type OperandCode,
  type OperandSize,
  vectorLetter,
} from '../../vm-core/isa/operand.ts';
import { oneOf, type RandomWords } from './random.ts';

/** What is to be encoded. */
export interface Form {
  readonly row: InstructionRow;
  readonly mode: OperandSize;
  readonly size: OperandSize;
  readonly memory: boolean;
}

/** The registers of a memory operand, and what the instruction adds. */
export interface Address {
  readonly size: OperandSize;
  readonly base: number | undefined;
  readonly index: number | undefined;
  /** The vector register with the indices of a gather. */
  readonly vectorIndex?: number;
  readonly scale: number;
  readonly displacement: number;
  /** The displacement is to be what the target needs: there is no register, or it counts from RIP. */
  readonly isDirect: boolean;
  readonly isRelative: boolean;
}

/** An instruction whose displacement or target may still be open. */
export interface Encoded {
  readonly bytes: number[];
  readonly address: Address | undefined;
  /** Where the open displacement lies, and its size. */
  readonly displacementAt: number;
  readonly displacementSize: number;
  /** Segment override as it is written, or undefined. */
  readonly segment: number | undefined;
  readonly reg: number;
  readonly rm: number;
  readonly vvvv: number;
  readonly immediateAt: number;
}

/** What a VEX prefix is made of, as `parseOpcode` tells it. */
interface VexFields {
  readonly prefix: unknown;
  readonly vvvv: number;
  readonly plain: boolean;
  readonly vexL: 0 | 1 | undefined;
  readonly vexW: 0 | 1 | undefined;
}

const ESCAPES: readonly (readonly number[])[] = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
const VEX_PREFIXES: readonly unknown[] = [0, 0x66, 0xf3, 0xf2];
const SEGMENTS = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] as const;
/** Base and index of the 16-bit address forms. */
const FORMS_16 = [[3, 6], [3, 7], [5, 6], [5, 7], [6], [7], [5], [3]] as const;

/** What an instruction without prefixes of its own choice is to have. */
export interface EncoderWishes {
  readonly addressSize?: OperandSize;
  /** The prefix of a segment, and that of a repeated instruction. */
  readonly segment?: number;
  readonly repeat?: number;
  /** Bits of VEX that mean nothing outside of 64-bit mode are as others are. */
  readonly strictVex?: boolean;
}

export class Encoder {
  readonly #form: Form;
  readonly #next: RandomWords;
  readonly #prefixes: number[] = [];
  readonly #tail: number[] = [];
  #rex = 0;
  #addressSize: OperandSize;
  readonly #strictVex: boolean;
  #address: Address | undefined;
  #displacementAt = -1;
  #displacementSize = 0;
  #segment: number | undefined;
  #reg = 0;
  #rm = 0;

  constructor(form: Form, next: RandomWords, { addressSize, segment, repeat, strictVex }: EncoderWishes = {}) {
    this.#form = form;
    this.#next = next;
    this.#addressSize = addressSize ?? form.mode;
    this.#segment = segment;
    this.#strictVex = strictVex ?? false;
    if (this.#addressSize !== form.mode) this.#prefixes.push(0x67);
    for (const prefix of [segment, repeat]) if (prefix !== undefined) this.#prefixes.push(prefix);
  }

  /** `plain`: without prefixes that change nothing, for forms of which they would make another. */
  encode(plain: boolean): Encoded {
    const { row, memory } = this.#form;
    const { place, extension, count, prefix, modRm, anyRm, vexL, vexW } = parseOpcode(row.opcode);
    const map = place >> 8;
    const isVex = map >= ESCAPES.length;
    this.#sizePrefixes(isVex);
    if (!isVex && typeof prefix === 'number' && prefix !== 0) this.#prefixes.push(prefix);
    if (!plain) this.#freePrefixes(isVex);
    let opcode = place & 0xff;
    if (count > 1) opcode += this.#opcodeRegister();
    if (modRm !== undefined) this.#tail.push(anyRm ? modRm | (this.#next() & 7) : modRm);
    else if (extension !== undefined || row.operands.some(needsModRm)) this.#modRm(extension, memory);
    const immediateAt = this.#tail.length;
    for (const code of row.operands) this.#immediate(code);
    if (this.#form.mode === 64 && this.#next() % 4 === 0) this.#rex |= 0x40;
    const usesVvvv = row.operands.some((code) => code === 'By' || vectorLetter(code) === 'H');
    const vvvv = usesVvvv ? this.#next() % (this.#form.mode === 64 ? 16 : 8) : 0;
    const start = isVex
      ? this.#vex(map - 3, { prefix, vvvv, plain, vexL, vexW })
      : [...(this.#rex ? [this.#rex] : []), ...(ESCAPES[map] as readonly number[])];
    const head = [...this.#prefixes, ...start, opcode];
    return {
      bytes: [...head, ...this.#tail],
      address: this.#address,
      displacementAt: this.#displacementAt < 0 ? -1 : head.length + this.#displacementAt,
      displacementSize: this.#displacementSize,
      segment: this.#segment,
      reg: this.#reg,
      rm: this.#rm,
      vvvv,
      immediateAt: head.length + immediateAt,
    };
  }

  #sizePrefixes(isVex: boolean): void {
    const { mode, size, row } = this.#form;
    if (mode !== 64) {
      if (size !== mode && !isVex && !hasNo16BitForm(row.operands)) this.#prefixes.push(0x66);
    } else if (size === 16) this.#prefixes.push(0x66);
    else if (size === 64 && (row.mode === undefined || row.mode === 'o64')) this.#rex |= 0x48;
    else if (size === 64 && this.#next() % 4 === 0) this.#rex |= 0x48;
  }

  #freePrefixes(isVex: boolean): void {
    const { row, memory, mode, size } = this.#form;
    const next = this.#next;
    const addresses =
      memory || row.repeat !== undefined || row.operands.some(isOffset) || COUNTS_BY_ADDRESS.test(row.name);
    if (next() % (addresses ? 4 : 16) === 0) {
      this.#prefixes.push(0x67);
      this.#addressSize = mode === 32 ? 16 : 32;
    }
    if (next() % 6 === 0) {
      this.#segment = oneOf(next, SEGMENTS);
      this.#prefixes.push(this.#segment);
    }
    if (row.repeat && next() % 3 > 0) this.#prefixes.push(oneOf(next, [0xf2, 0xf3]));
    const rare = isVex ? 64 : 16;
    // F2 and F3 are reserved before these; AMD takes one for the other by them.
    if (!/^LOOPN?E$/.test(row.name) && next() % rare === 0) this.#prefixes.push(oneOf(next, [0xf2, 0xf3]));
    if (next() % (row.lockable && memory ? 3 : 48) === 0) this.#prefixes.push(0xf0);
    if (mode === 64 && size === 64 && row.mode === undefined && next() % rare === 0) this.#prefixes.push(0x66);
    if (next() % 16 === 0 && this.#prefixes.length > 0) this.#prefixes.push(oneOf(next, this.#prefixes));
    for (let n = this.#prefixes.length - 1; n > 0; n--) {
      const other = next() % (n + 1);
      [this.#prefixes[n], this.#prefixes[other]] = [this.#prefixes[other] as number, this.#prefixes[n] as number];
    }
    // A REX prefix that does not stand right before the opcode means nothing.
    if (mode === 64 && this.#prefixes.length > 0 && next() % 24 === 0) this.#prefixes.unshift(0x40 | (next() & 15));
  }

  #opcodeRegister(): number {
    const register = this.#next() % (this.#form.mode === 64 ? 16 : 8);
    this.#rm = register;
    if (register > 7) this.#rex |= 0x41;
    return register & 7;
  }

  /** Three bytes; bits that mean nothing outside 64-bit mode are by chance, those that must be clear rarely are not. */
  #vex(map: number, vex: VexFields): number[] {
    const { mode, size, row } = this.#form;
    const next = this.#next;
    const isFree = !this.#strictVex && (row.unit === undefined ? mode !== 64 : true);
    const wide = vex.vexW === undefined ? (isFree ? next() % 2 === 0 : size === 64) : vex.vexW === 1;
    const ignored = mode === 64 || this.#strictVex ? 0 : next() & 8;
    const wrong = row.unit === undefined && !vex.plain && next() % 48 === 0 ? 4 : 0;
    const long = vex.vexL === undefined ? (next() & 1) << 2 : (vex.vexL << 2) ^ wrong;
    const last = (wide ? 0x80 : 0) | (((vex.vvvv ^ 15) & ~ignored) << 3) | long | VEX_PREFIXES.indexOf(vex.prefix);
    const high = mode === 64 ? (~this.#rex & 7) << 5 : 0xe0;
    return [0xc4, high | map, last];
  }

  #modRm(extension: number | undefined, memory: boolean): void {
    const { mode, row } = this.#form;
    const next = this.#next;
    const registers = mode === 64 ? 16 : 8;
    const reg = extension ?? (row.operands.includes('Sw') ? next() % 8 : next() % registers);
    this.#reg = reg;
    if (reg > 7) this.#rex |= 0x44;
    const field = (reg & 7) << 3;
    if (!memory) {
      this.#rm = next() % registers;
      if (this.#rm > 7) this.#rex |= 0x41;
      this.#tail.push(0xc0 | field | (this.#rm & 7));
    } else if (this.#addressSize === 16) this.#memory16(field);
    else this.#memory(field);
  }

  #memory16(field: number): void {
    const next = this.#next;
    const mod = next() % 3;
    const form = next() % 8;
    this.#tail.push((mod << 6) | field | form);
    const isDirect = mod === 0 && form === 6;
    const [base, index] = FORMS_16[form] as readonly [number, number?];
    const displacement = this.#displacement(mod, isDirect ? 2 : mod === 0 ? 0 : mod, isDirect);
    const registers = isDirect ? { base: undefined, index: undefined } : { base, index };
    this.#address = { size: 16, ...registers, scale: 1, displacement, isDirect, isRelative: false };
  }

  /** Writes a displacement of `size` bytes; an open one is filled in later. */
  #displacement(mod: number, size: number, isOpen: boolean): number {
    if (isOpen) this.#openDisplacement(size);
    const value = isOpen || mod === 0 ? 0 : size === 1 ? (this.#next() % 256) - 128 : (this.#next() % 20_000) - 10_000;
    if (size > 0) this.#tail.push(...bytesOf(BigInt(value), size));
    return value;
  }

  #openDisplacement(size: number): void {
    this.#displacementAt = this.#tail.length;
    this.#displacementSize = size;
  }

  #memory(field: number): void {
    const next = this.#next;
    const mod = next() % 3;
    const registers = this.#form.mode === 64 ? 16 : 8;
    const isGather = this.#form.row.operands.some(hasVectorIndex);
    const rm = isGather ? 4 | (registers === 16 ? next() & 8 : 0) : next() % registers;
    if (rm > 7) this.#rex |= 0x41;
    this.#tail.push((mod << 6) | field | (rm & 7));
    const withSib = (rm & 7) === 4;
    const sib = withSib ? next() & 0xff : 0;
    if (withSib) this.#tail.push(sib);
    const index = withSib ? ((sib >> 3) & 7) | (registers === 16 && next() % 2 === 0 ? 8 : 0) : 4;
    if (index > 7) this.#rex |= 0x42;
    const baseField = withSib ? (sib & 7) | (rm & 8) : rm;
    const noBase = mod === 0 && (baseField & 7) === 5;
    const isRelative = noBase && !withSib && this.#form.mode === 64;
    const hasIndex = index !== 4 && !isGather;
    const isDirect = noBase && !hasIndex;
    const displacement =
      noBase && hasIndex
        ? this.#displacement(2, 4, false)
        : this.#displacement(mod, mod === 1 ? 1 : mod === 2 || noBase ? 4 : 0, isDirect);
    this.#address = {
      size: this.#addressSize,
      base: noBase ? undefined : baseField,
      index: hasIndex ? index : undefined,
      ...(isGather ? { vectorIndex: index } : {}),
      scale: 1 << (sib >> 6),
      displacement,
      isDirect,
      isRelative,
    };
  }

  #immediate(code: OperandCode): void {
    const size = immediateSize(code, this.#form.size, this.#addressSize);
    if (isOffset(code)) {
      this.#openDisplacement(size);
      const none = { base: undefined, index: undefined, scale: 1, displacement: 0 };
      this.#address = { size: this.#addressSize, ...none, isDirect: true, isRelative: false };
    }
    const edge = oneOf(this.#next, [0, 1, 0x7f, 0x80, 0xff]);
    const byEdge = this.#next() % 3 === 0;
    for (let n = 0; n < size; n++) this.#tail.push(byEdge ? edge : this.#next() & 0xff);
  }
}

const isOffset = (code: OperandCode) => code === 'Ob' || code === 'Ov';

/** Rows whose address size chooses the counter, or that address memory by registers of their own. */
const COUNTS_BY_ADDRESS = /^(LOOP|JCXZ|XLAT|INS$|OUTS|V?MASKMOV(Q|DQU)$)/;

/** A number as bytes, the low one first. */
export function bytesOf(number: bigint, size: number): number[] {
  return Array.from({ length: size }, (_, n) => Number((number >> BigInt(8 * n)) & 0xffn));
}
