/**
 * What the engine derives from architectural state so that compiled code need not ask: where segments begin and end,
 * how wide the stack pointer is, how code is to be decoded. Recomputed when its sources change.
 */
import {
  ATTRIBUTE_BIG,
  ATTRIBUTE_CODE,
  ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_S,
  ATTRIBUTE_WRITABLE_OR_READABLE,
  type CpuState,
} from '../state/cpu-state.ts';
import {
  CS,
  ENTRY_BASE,
  ENTRY_READ_END,
  ENTRY_WRITE_END,
  FS,
  internal,
  SEGMENT_ATTRIBUTES,
  SEGMENT_BASE,
  SEGMENT_ENTRY_SIZE,
  SEGMENT_LIMIT,
  SS,
  segmentSlots,
  slot,
} from '../state/layout.ts';
import { factsOf } from './compiler/segment-facts.ts';
import { VM } from '../state/lazy-flags.ts';
import { CR0_PE, CR4_LA57, EFER_LMA } from '../state/control-bits.ts';
import { is64BitMode, isLongMode, isVirtual8086, usesDescriptors } from '../cpu/mode.ts';
import { REGISTERS_SIZE } from '../state/register-table.ts';
import type { CpuMode } from '../machine/vcpu.ts';

/** An address is canonical if its upper 17 bits are equal, with 5-level paging 8. */
const CANONICAL_SHIFT_4_LEVELS = 16;
const CANONICAL_SHIFT_5_LEVELS = 7;

/** The part of a mode key that tells code sizes apart. */
const CODE_SIZE_MASK = 3;
const CODE_SIZE_64 = 2;

/** The segment register that a place in the state belongs to; -1 for none. */
export const segmentOfSlot: Int8Array = Int8Array.from({ length: REGISTERS_SIZE }, (_, offset) =>
  segmentSlots.findIndex((first) => offset >= first && offset < first + 32),
);

/** Whether a segment's type allows an access; its limit is another question. */
function mayUse(attributes: number, isWrite: boolean): boolean {
  const usable = (attributes & (ATTRIBUTE_PRESENT | ATTRIBUTE_S)) === (ATTRIBUTE_PRESENT | ATTRIBUTE_S);
  if (!usable) return false;
  const second = (attributes & ATTRIBUTE_WRITABLE_OR_READABLE) !== 0;
  if ((attributes & ATTRIBUTE_CODE) !== 0) return second && !isWrite;
  return second || !isWrite;
}

/** Type checks are for protected mode; elsewhere only the limit counts. */
export function mayAccess(state: CpuState, index: number, isWrite: boolean): boolean {
  if (!usesDescriptors(state)) return true;
  return mayUse(state.read16((segmentSlots[index] as number) + SEGMENT_ATTRIBUTES), isWrite);
}

function expandsDown(attributes: number): boolean {
  return (attributes & (ATTRIBUTE_CODE | ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING)) === ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING;
}

/** Derives the entry of one segment (0 ES … 5 GS). */
export function deriveSegment(state: CpuState, index: number): void {
  const slot = segmentSlots[index] as number;
  const attributes = state.read16(slot + SEGMENT_ATTRIBUTES);
  const limit = state.read32(slot + SEGMENT_LIMIT);
  const isSimple = !expandsDown(attributes);
  const entry = internal.SEGMENTS + index * SEGMENT_ENTRY_SIZE;
  const hasBase = index >= FS || !is64BitMode(state);
  state.writeAddress(entry + ENTRY_BASE, hasBase ? state.readExact(slot + SEGMENT_BASE) : 0);
  writeEnd(state, entry + ENTRY_READ_END, isSimple && mayAccess(state, index, false), limit);
  writeEnd(state, entry + ENTRY_WRITE_END, isSimple && mayAccess(state, index, true), limit);
  const big = (attributes & ATTRIBUTE_BIG) !== 0;
  deriveFacts(state, index, big);
  if (index === SS) state.write32(internal.STACK_MASK, big ? 0xffffffff : 0xffff);
  if (index === CS) state.write32(internal.CODE_LIMIT, limit);
}

/** In real mode generated code changes bases by itself. */
function deriveFacts(state: CpuState, index: number, isBig: boolean): void {
  const entry = internal.SEGMENTS + index * SEGMENT_ENTRY_SIZE;
  const end = Math.min(endAt(state, entry + ENTRY_READ_END), endAt(state, entry + ENTRY_WRITE_END));
  const isBaseFixed = usesDescriptors(state);
  const isRealMode = (state.read32(slot.CR0) & CR0_PE) === 0;
  const base = state.read32(entry + ENTRY_BASE);
  const { facts, mask } = factsOf(index, { isBaseFixed, base, end, isBig, isRealMode });
  state.write32(internal.SEGMENT_FACTS, (state.read32(internal.SEGMENT_FACTS) & ~mask) | facts);
}

function endAt(state: CpuState, offset: number): number {
  return state.read32(offset) + state.read32(offset + 4) * 0x1_0000_0000;
}

/** The exclusive end limit + 1 as an i64, or 0 where the slow path must decide. */
function writeEnd(state: CpuState, offset: number, allowed: boolean, limit: number): void {
  state.write32(offset, allowed ? (limit + 1) >>> 0 : 0);
  state.write32(offset + 4, allowed && limit === 0xffffffff ? 1 : 0);
}

export function deriveAllSegments(state: CpuState): void {
  for (let index = 0; index < segmentSlots.length; index++) deriveSegment(state, index);
}

/** Default size of the code segment: 16 or 32; 64 in 64-bit mode. */
export function codeSizeOf(state: CpuState): 16 | 32 | 64 {
  if (is64BitMode(state)) return 64;
  const attributes = state.read16((segmentSlots[CS] as number) + SEGMENT_ATTRIBUTES);
  return (attributes & ATTRIBUTE_BIG) !== 0 ? 32 : 16;
}

/** What must be equal for a block to be used again: code size, and the generation of translations. */
export function deriveModeKey(state: CpuState): void {
  const generation = state.read32(internal.TLB_GENERATION);
  state.write32(internal.MODE_KEY, generation * 4 + (codeSizeOf(state) >> 5));
}

/** The code segment has changed. In 64-bit mode most segments begin at 0, whatever their registers hold. */
export function deriveCodeSize(state: CpuState): void {
  const before = state.read32(internal.MODE_KEY) & CODE_SIZE_MASK;
  deriveModeKey(state);
  const after = state.read32(internal.MODE_KEY) & CODE_SIZE_MASK;
  if ((before === CODE_SIZE_64) !== (after === CODE_SIZE_64)) deriveAllSegments(state);
}

/** The bits of registers that `deriveMode` depends on, in one number. */
export function modeBits(state: CpuState): number {
  const control = (state.read32(slot.CR0) & CR0_PE) | (state.read32(slot.CR4) & CR4_LA57);
  return control | (state.read32(slot.EFLAGS) & VM) | (state.read32(slot.EFER) & EFER_LMA);
}

/** The operating mode has changed. */
export function deriveMode(state: CpuState): void {
  const is5Level = (state.read32(slot.CR4) & CR4_LA57) !== 0;
  state.write32(internal.CANONICAL_SHIFT, is5Level ? CANONICAL_SHIFT_5_LEVELS : CANONICAL_SHIFT_4_LEVELS);
  deriveModeKey(state);
  deriveAllSegments(state);
}

/** The operating mode by its name. */
export function modeNameOf(state: CpuState): CpuMode {
  if (isVirtual8086(state)) return 'virtual-8086';
  if (!usesDescriptors(state)) return 'real';
  if (!isLongMode(state)) return 'protected';
  return is64BitMode(state) ? '64-bit' : 'compatibility';
}
