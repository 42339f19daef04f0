/**
 * Records that instructions have in common. What a decoded instruction is depends on its head, which is prefixes, opcode,
 * ModR/M and SIB (SDM vol. 2A §2.1), but for a displacement and an immediate: a head that was decoded before is not decoded
 * again, its record is copied and these two are put in. There are few heads in a program.
 */
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import { instructionRows, opcodeMapOf } from '../isa/instruction-table.ts';
import { immediateSize, isSignedImmediate, type OperandCode, type OperandSize } from '../isa/operand.ts';
import { MAP_0F } from '../isa/opcode-map.ts';
import { RELATIVE_MAX } from './interpreter-plan.ts';
import * as record from './record.ts';

const ENTRIES_SHIFT = 14;
/** An entry: two words with the head's bytes, its length and the code size; one with the shape of the rest; the record. */
const ENTRY_WORDS = 16;
const SHAPE = 2;
const RECORD = 3;

/** Longer heads are not kept. */
const HEAD_MAX = 7;

/** The shape: bytes of the displacement and of the immediate, and bits. */
const SIZE_MASK = 7;
const IMMEDIATE_SHIFT = 3;
const SIGNED = 1 << 6;
const RELATIVE = 1 << 7;
const ENDS_BLOCK = 1 << 8;

const NO_OPCODES = new Uint8Array(2 * MAP_0F);

const PREFIX = 1;
const REX = 2;
/** What a byte before the opcode is. */
const prefixes: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => ((byte & 0xf0) === 0x40 ? REX : 0));
for (const byte of [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]) prefixes[byte] = PREFIX;

/** Immediates that lie at the end of the instruction and go where records have one. */
const IMMEDIATES: ReadonlySet<OperandCode> = new Set(['Ib', 'sIb', 'Iw', 'Iz', 'Iv', 'Jb', 'Jz'] as const);

/** By the indices of rows: the code of the one immediate; undefined: there is none; `other`: another one, or two. */
const codes: readonly (OperandCode | 'other' | undefined)[] = instructionRows.map(({ operands }) => {
  const behind = operands.filter((code) => immediateSize(code, 32, 32) > 0 && code !== 'Ob' && code !== 'Ov');
  const [code] = behind;
  return code === undefined || (behind.length === 1 && IMMEDIATES.has(code)) ? code : 'other';
});

export class RecordTemplates {
  /** Whether the instruction whose record was written last ends its block. */
  endsBlock = false;
  readonly #view: DataView;
  readonly #entries = new Int32Array(ENTRY_WORDS << ENTRIES_SHIFT);
  /** Which opcodes of one byte, and of two that begin with 0Fh, ModR/M follows; of a code size whose heads are not kept yet, none. */
  readonly #hasModRm: Record<OperandSize, Uint8Array> = { 16: NO_OPCODES, 32: NO_OPCODES, 64: NO_OPCODES };
  #low = 0;
  #high = 0;

  constructor(view: DataView) {
    this.#view = view;
  }

  /**
   * Writes the record of an instruction at `host` in the machine's memory, behind which are fifteen more bytes of its page; gives
   * its length, or 0 where the head is not known. `offset` is its distance from the block's start.
   */
  write(host: number, codeSize: OperandSize, at: number, offset: number): number {
    const view = this.#view;
    const head = this.#findHead(host, codeSize);
    const entry = head === 0 ? -1 : this.#knownEntry();
    if (entry < 0) return 0;
    const entries = this.#entries;
    const shape = entries[entry + SHAPE] as number;
    const displacementSize = shape & SIZE_MASK;
    const size = (shape >> IMMEDIATE_SHIFT) & SIZE_MASK;
    const behind = host + head + displacementSize;
    const length = head + displacementSize + size;
    let displacement = 0;
    if (displacementSize !== 0) {
      displacement = displacementSize === 1 ? view.getInt8(behind - 1) : view.getInt32(behind - 4, true);
    }
    if ((shape & RELATIVE) !== 0) {
      if (displacement > RELATIVE_MAX) return 0;
      displacement += offset + length;
    }
    this.endsBlock = (shape & ENDS_BLOCK) !== 0;
    const template = entry + RECORD;
    view.setInt32(at, (entries[template] as number) | ((offset + length) << 16), true);
    view.setInt32(at + 4, entries[template + 1] as number, true);
    view.setInt32(at + 8, entries[template + 2] as number, true);
    view.setInt32(at + record.RECORD_DISPLACEMENT, displacement, true);
    const immediate =
      size === 0 ? (entries[template + 4] as number) : this.#immediateAt(behind, size, (shape & SIGNED) !== 0);
    view.setInt32(at + record.RECORD_IMMEDIATE, immediate, true);
    view.setInt32(at + 20, entries[template + 5] as number, true);
    view.setInt32(at + 24, entries[template + 6] as number, true);
    view.setInt32(at + 28, entries[template + 7] as number, true);
    return length;
  }

  /** Keeps the record at `at` of an instruction at `host` that was decoded, if others with its head have the same. */
  learn(host: number, codeSize: OperandSize, at: number, instruction: DecodedInstruction): void {
    const { rowIndex, headLength, length, operandSize, addressSize, isRelative, displacement } = instruction;
    if (this.#hasModRm[codeSize] === NO_OPCODES) this.#hasModRm[codeSize] = opcodesWithModRm(codeSize);
    const code = rowIndex < 0 ? 'other' : codes[rowIndex];
    if (code === 'other' || this.#findHead(host, codeSize) !== headLength) return;
    const size = code === undefined ? 0 : immediateSize(code, operandSize, addressSize);
    const displacementSize = length - headLength - size;
    const isShort = addressSize === 16 && instruction.memoryForm;
    if (isShort || size > 4 || displacementSize > 4 || (isRelative && displacement > RELATIVE_MAX)) return;
    const signed = code !== undefined && isSignedImmediate(code) ? SIGNED : 0;
    const ends = instructionRows[rowIndex]?.endsBlock ? ENDS_BLOCK : 0;
    const entry = this.#firstEntry();
    const entries = this.#entries;
    entries.copyWithin(beside(entry), entry, entry + ENTRY_WORDS);
    entries[entry] = this.#low;
    entries[entry + 1] = this.#high;
    entries[entry + SHAPE] = displacementSize | (size << IMMEDIATE_SHIFT) | signed | (isRelative ? RELATIVE : 0) | ends;
    for (let n = 0; n < record.RECORD_SIZE / 4; n++)
      entries[entry + RECORD + n] = this.#view.getInt32(at + 4 * n, true);
    entries[entry + RECORD] = this.#view.getUint16(at + record.RECORD_HANDLER, true);
  }

  /** Reads a head; its length, or 0 if it is too long or of another kind. */
  #findHead(host: number, codeSize: OperandSize): number {
    const view = this.#view;
    let at = host;
    let opcode = view.getUint8(at++);
    for (let kind = prefixes[opcode] as number; kind === PREFIX || (kind === REX && codeSize === 64); ) {
      if (at - host === HEAD_MAX) return 0;
      opcode = view.getUint8(at++);
      kind = prefixes[opcode] as number;
    }
    if (opcode === 0x0f) opcode = MAP_0F + view.getUint8(at++);
    if (this.#hasModRm[codeSize][opcode] === 1) {
      const modRm = view.getUint8(at++);
      if (modRm < 0xc0 && (modRm & 7) === 4) at++;
    }
    const length = at - host;
    if (length > HEAD_MAX) return 0;
    const low = view.getInt32(host, true);
    const tag = ((codeSize >> 1) | length) << 24;
    this.#low = length < 4 ? low & ((1 << (8 * length)) - 1) : low;
    this.#high = length <= 4 ? tag : (view.getInt32(host + 4, true) & ((1 << (8 * (length - 4))) - 1)) | tag;
    return length;
  }

  /** The entry that has the head which was read last, or -1. */
  #knownEntry(): number {
    const entries = this.#entries;
    const first = this.#firstEntry();
    if (entries[first] === this.#low && entries[first + 1] === this.#high) return first;
    const second = beside(first);
    return entries[second] === this.#low && entries[second + 1] === this.#high ? second : -1;
  }

  /** The entry where the head that was read last is put; another one that was there goes to the place beside it. */
  #firstEntry(): number {
    const mixed = Math.imul(this.#low ^ Math.imul(this.#high, 0x85eb_ca6b), 0x9e37_79b1);
    return (mixed >>> (32 - ENTRIES_SHIFT)) * ENTRY_WORDS;
  }

  #immediateAt(at: number, size: number, isSigned: boolean): number {
    const view = this.#view;
    if (size === 4) return view.getInt32(at, true);
    if (size === 2) return isSigned ? view.getInt16(at, true) : view.getUint16(at, true);
    return isSigned ? view.getInt8(at) : view.getUint8(at);
  }
}

function beside(entry: number): number {
  return entry ^ ENTRY_WORDS;
}

function opcodesWithModRm(codeSize: OperandSize): Uint8Array {
  const map = opcodeMapOf(codeSize);
  return Uint8Array.from({ length: 2 * MAP_0F }, (_, place) => (map.hasModRm(place) ? 1 : 0));
}
