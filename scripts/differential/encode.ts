/** Machine code for one form of an instruction, with operands that suit the processor's present state. */
import { immediateSize, needsModRm, type OperandCode } from '../../vm-core/isa/operand.ts';
import type { CpuState, SegmentState } from '../../vm-core/state/cpu-state.ts';
import { CS, DS, generalSlots, SS, slot } from '../../vm-core/state/layout.ts';
import { isInside, isPermitted } from './accesses.ts';
import type { Form } from './forms.ts';
import { dataZones, isInDataZone } from './layout.ts';
import { u16, u32 } from './machine-code.ts';
import type { Random } from './random.ts';

export type Size = 16 | 32;

/** What encoding depends on. */
export interface Situation {
  readonly random: Random;
  readonly state: CpuState;
  readonly codeSize: Size;
}

/** What a form's builder wants to have its way with; the rest is chosen at random. */
export interface Wishes {
  readonly addressSize?: Size;
  /** Bytes that the memory operand covers, and whether they are written. */
  readonly memorySize?: number;
  readonly isWrite?: boolean;
  /** Where the memory operand is to lie. */
  readonly linear?: number;
  /** Added to the address by the instruction itself. */
  readonly extraDisplacement?: number;
  readonly reg?: number;
  readonly rm?: number;
  readonly immediate?: readonly number[];
  readonly repeatPrefix?: 0xf2 | 0xf3;
}

/** ModR/M with what follows it, and the prefix that makes it reach. */
interface MemoryOperand {
  readonly modRm: readonly number[];
  readonly override: number | undefined;
}

/** The override prefixes of ES, CS, SS, DS, FS, GS. */
export const SEGMENT_PREFIXES = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65] as const;
const LOCK = 0xf0;

/** Base and index of the 16-bit address forms, by register number. */
const FORMS_16: readonly (readonly number[])[] = [[3, 6], [3, 7], [5, 6], [5, 7], [6], [7], [5], [3]];

const TRIES = 12;

export function registerOf(state: CpuState, number: number): number {
  return state.read32(generalSlots[number] as number);
}

/** The bytes of a form; undefined if no operand could be found that reaches allowed memory. */
export function encode(situation: Situation, form: Form, wishes: Wishes = {}): number[] | undefined {
  const { random, codeSize } = situation;
  const { row, operandSize } = form;
  const otherSize: Size = codeSize === 16 ? 32 : 16;
  const addressSize = wishes.addressSize ?? (random.chance(30) ? otherSize : codeSize);
  const opcode = opcodeOf(row.opcode, random);
  const prefixes: number[] = [];
  const body = [...opcode.bytes];
  if (form.operand === 'memory' && row.operands.some((code) => code === 'Ob' || code === 'Ov')) {
    const offset = findOffset(situation, addressSize, wishes);
    if (!offset) return undefined;
    body.push(...offset.modRm);
    if (offset.override !== undefined) prefixes.push(offset.override);
  } else if (row.operands.some(needsModRm)) {
    const reg = wishes.reg ?? opcode.extension ?? random.below(row.operands.includes('Sw') ? 6 : 8);
    if (form.operand === 'memory') {
      const operand = findOperand(situation, addressSize, wishes);
      if (!operand) return undefined;
      body.push((operand.modRm[0] as number) | (reg << 3), ...operand.modRm.slice(1));
      if (operand.override !== undefined) prefixes.push(operand.override);
    } else body.push(0xc0 | (reg << 3) | (wishes.rm ?? random.below(8)));
  }
  body.push(...immediateOf(form, random, wishes));
  if (operandSize !== codeSize) prefixes.push(0x66);
  if (addressSize !== codeSize) prefixes.push(0x67);
  if (wishes.repeatPrefix !== undefined) prefixes.push(wishes.repeatPrefix);
  else if (form.operand === 'none' && random.chance(3)) prefixes.push(random.pick(SEGMENT_PREFIXES));
  if (row.lockable && form.operand === 'memory' && random.chance(10)) prefixes.push(LOCK);
  return [...shuffled(random, prefixes), ...body];
}

function shuffled(random: Random, prefixes: readonly number[]): number[] {
  const out: number[] = [];
  for (const prefix of prefixes) out.splice(random.below(out.length + 1), 0, prefix);
  return out;
}

function opcodeOf(opcode: string, random: Random): { bytes: number[]; extension: number | undefined } {
  const match = /^(0F )?([0-9A-F]{2})(?: \/([0-7]))?(\+r)?$/.exec(opcode);
  if (!match) throw new Error(`opcode ${opcode} is not in the manual's notation`);
  const byte = Number.parseInt(match[2] as string, 16) + (match[4] ? random.below(8) : 0);
  return { bytes: match[1] ? [0x0f, byte] : [byte], extension: match[3] === undefined ? undefined : Number(match[3]) };
}

function immediateOf({ row, operandSize }: Form, random: Random, wishes: Wishes): number[] {
  if (wishes.immediate) return [...wishes.immediate];
  return row.operands.flatMap((code: OperandCode) => {
    if (code === 'Ob' || code === 'Ov') return [];
    return u32(random.value()).slice(0, immediateSize(code, operandSize, 16));
  });
}

/** A place in a data zone; often at its edges, where addresses wrap and accesses end. */
export function randomPlace(random: Random, size: number): number {
  const zone = random.pick(dataZones);
  const last = zone.size - size;
  const within = random.chance(30) ? random.below(8) : random.chance(30) ? last - random.below(8) : random.below(last);
  return zone.start + Math.max(0, Math.min(last, within));
}

/** The segments that reach `size` bytes at a linear address with offsets of an address size. */
export function segmentsThatReach(
  state: CpuState,
  linear: number,
  size: number,
  isWrite: boolean,
  bits: Size,
): number[] {
  const isProtected = (state.read32(slot.CR0) & 1) !== 0;
  return [0, 1, 2, 3, 4, 5].filter((index) => {
    const segment = state.segment(index);
    const offset = (linear - segment.base) >>> 0;
    if (bits === 16 && offset + size - 1 > 0xffff) return false;
    return isInside(segment, offset, size) && (!isProtected || isPermitted(segment, isWrite));
  });
}

/** Whether bytes at an offset of a segment may be touched and lie in a data zone. */
function isGood(state: CpuState, segment: SegmentState, offset: number, size: number, isWrite: boolean): boolean {
  const isProtected = (state.read32(slot.CR0) & 1) !== 0;
  if (!isInside(segment, offset, size) || (isProtected && !isPermitted(segment, isWrite))) return false;
  const linear = (segment.base + offset) >>> 0;
  return isInDataZone(linear, size);
}

function findOffset({ random, state }: Situation, addressSize: Size, wishes: Wishes): MemoryOperand | undefined {
  const size = wishes.memorySize ?? 4;
  const linear = wishes.linear ?? randomPlace(random, size);
  const reachable = segmentsThatReach(state, linear, size, wishes.isWrite ?? true, addressSize);
  if (reachable.length === 0) return undefined;
  const segment = random.pick(reachable);
  const offset = (linear - state.segment(segment).base) >>> 0;
  const override = segment === DS ? undefined : SEGMENT_PREFIXES[segment];
  return { modRm: addressSize === 16 ? u16(offset) : u32(offset), override };
}

/** Chooses registers, then the displacement that brings them to an allowed place. */
function findOperand(situation: Situation, addressSize: Size, wishes: Wishes): MemoryOperand | undefined {
  for (let tries = 0; tries < TRIES; tries++) {
    const found = addressSize === 16 ? tryOperand16(situation, wishes) : tryOperand32(situation, wishes);
    if (found) return found;
  }
  return undefined;
}

function tryOperand16(situation: Situation, wishes: Wishes): MemoryOperand | undefined {
  const { random, state } = situation;
  const rm = random.below(8);
  const absolute = rm === 6 && random.chance(60);
  const registers = absolute ? [] : (FORMS_16[rm] as readonly number[]);
  const sum = registers.reduce((total, number) => total + registerOf(state, number), 0) & 0xffff;
  const base = registers.includes(5) ? SS : DS;
  const place = choosePlace(situation, wishes, base, sum, 16);
  if (!place) return undefined;
  if (absolute) return { modRm: [rm, ...u16(place.offset)], override: place.override };
  const mod = chooseMod(random, place.displacement, 16, rm !== 6);
  const bytes = mod === 0 ? [] : mod === 1 ? [place.displacement & 0xff] : u16(place.displacement);
  return { modRm: [(mod << 6) | rm, ...bytes], override: place.override };
}

function tryOperand32(situation: Situation, wishes: Wishes): MemoryOperand | undefined {
  const { random, state } = situation;
  const rm = random.below(8);
  const hasSib = rm === 4;
  const base = hasSib ? random.below(8) : rm;
  const index = hasSib ? random.below(8) : 4;
  const scale = random.below(4);
  const noBase = base === 5 && random.chance(50);
  let sum = noBase ? 0 : registerOf(state, base);
  if (index !== 4) sum += registerOf(state, index) * 2 ** scale;
  const byStack = !noBase && (base === 4 || base === 5);
  const place = choosePlace(situation, wishes, byStack ? SS : DS, sum >>> 0, 32);
  if (!place) return undefined;
  const sib = hasSib ? [(scale << 6) | (index << 3) | base] : [];
  if (noBase) return { modRm: [rm, ...sib, ...u32(place.displacement)], override: place.override };
  const mod = chooseMod(random, place.displacement, 32, base !== 5);
  const bytes = mod === 0 ? [] : mod === 1 ? [place.displacement & 0xff] : u32(place.displacement);
  return { modRm: [(mod << 6) | rm, ...sib, ...bytes], override: place.override };
}

/** The shortest mod field that a displacement allows, sometimes a longer one. */
function chooseMod(random: Random, displacement: number, bits: Size, mayBeZero: boolean): 0 | 1 | 2 {
  const signed = bits === 16 ? (displacement << 16) >> 16 : displacement | 0;
  if (mayBeZero && signed === 0 && random.chance(80)) return 0;
  return signed >= -128 && signed < 128 && random.chance(80) ? 1 : 2;
}

interface Place {
  readonly offset: number;
  readonly displacement: number;
  readonly override: number | undefined;
}

/**
 * The displacement to an allowed place for registers that add up to `sum`: none or a short one where that will do, else
 * whatever reaches a random place.
 */
function choosePlace(
  { random, state }: Situation,
  wishes: Wishes,
  defaultSegment: number,
  sum: number,
  bits: Size,
): Place | undefined {
  const size = wishes.memorySize ?? 4;
  const isWrite = wishes.isWrite ?? true;
  const extra = wishes.extraDisplacement ?? 0;
  const mask = bits === 16 ? 0xffff : 0xffffffff;
  const index = random.chance(25) ? random.below(6) : defaultSegment;
  const override = index === defaultSegment && !random.chance(5) ? undefined : SEGMENT_PREFIXES[index];
  const segment = state.segment(index);
  if (wishes.linear === undefined) {
    for (const displacement of [0, random.between(-128, 127)]) {
      const offset = ((sum + displacement + extra) & mask) >>> 0;
      if (random.chance(60) && isGood(state, segment, offset, size, isWrite)) {
        return { offset, displacement: (displacement & mask) >>> 0, override };
      }
    }
  }
  const linear = wishes.linear ?? randomPlace(random, size);
  const offset = (linear - segment.base) >>> 0;
  if (offset > mask || !isGood(state, segment, offset, size, isWrite)) return undefined;
  return { offset: ((offset - extra) & mask) >>> 0, displacement: ((offset - extra - sum) & mask) >>> 0, override };
}

/** `MOV register, immediate` with a 16- or 32-bit immediate. */
export function loadRegister(codeSize: Size, register: number, value: number, size: Size): number[] {
  return [
    ...(size === codeSize ? [] : [0x66]),
    0xb8 + register,
    ...(size === 16 ? u16(value & 0xffff) : u32(value >>> 0)),
  ];
}

/** `PUSH immediate`. */
export function pushImmediate(codeSize: Size, value: number, size: Size): number[] {
  return [...(size === codeSize ? [] : [0x66]), 0x68, ...(size === 16 ? u16(value & 0xffff) : u32(value >>> 0))];
}

/** `MOV byte [linear], value` for each byte, by the first segment that can write there; undefined if none can. */
export function storeBytes(
  { state, codeSize }: Situation,
  linear: number,
  bytes: readonly number[],
): number[][] | undefined {
  const out: number[][] = [];
  for (let n = 0; n < bytes.length; n += 2) {
    const size = bytes.length - n >= 2 ? 2 : 1;
    const [index] = segmentsThatReach(state, linear + n, size, true, 32).filter((segment) => segment !== CS);
    if (index === undefined) return undefined;
    const offset = (linear + n - state.segment(index).base) >>> 0;
    const prefixes = [SEGMENT_PREFIXES[index] as number, ...(codeSize === 16 ? [0x67] : [])];
    if (size === 2) {
      const wide = codeSize === 16 ? [] : [0x66];
      out.push([...prefixes, ...wide, 0xc7, 0x05, ...u32(offset), ...bytes.slice(n, n + 2)]);
    } else out.push([...prefixes, 0xc6, 0x05, ...u32(offset), bytes[n] as number]);
  }
  return out;
}
