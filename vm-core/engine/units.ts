/**
 * Which units may be used (SDM vol. 3A §2.5, §12.1, §13.1): CR0, CR4 and XCR0 forbid them with #UD or #NM. The answer is one
 * word of the state, so that an instruction of a unit asks with one load.
 */
import { usesDescriptors } from '../cpu/mode.ts';
import { VECTOR_NM, VECTOR_UD } from '../isa/vectors.ts';
import type { ExecutionUnit } from '../isa/instruction-row.ts';
import type { Semantics } from '../isa/semantics.ts';
import { CR0_EM, CR0_TS, CR4_OSFXSR, CR4_OSXSAVE } from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';

/** Bits of a unit in the word: its instructions are invalid; they find the device not available. */
const bitsOf: Readonly<Record<ExecutionUnit, { readonly invalid: number; readonly unavailable: number }>> = {
  x87: { invalid: 0, unavailable: 1 << 1 },
  MMX: { invalid: 1 << 2, unavailable: 1 << 3 },
  SSE: { invalid: 1 << 4, unavailable: 1 << 5 },
  AVX: { invalid: 1 << 6, unavailable: 1 << 7 },
  free: { invalid: 0, unavailable: 0 },
};

/** XCR0 with the x87, XMM and YMM states; what AVX needs of it. */
const XCR0_AVX = 6;

/** CR0, CR4, XCR0 or the mode have changed: VEX prefixes are for protected mode (SDM vol. 2A table 2-15). */
export function deriveUnits(state: CpuState): void {
  const control0 = state.read32(slot.CR0);
  const control4 = state.read32(slot.CR4);
  const isEmulated = (control0 & CR0_EM) !== 0;
  const isSwitched = (control0 & CR0_TS) !== 0;
  const isVexReady = (control4 & CR4_OSXSAVE) !== 0 && (state.read32(slot.XCR0) & XCR0_AVX) === XCR0_AVX;
  let word = 0;
  if (isEmulated || isSwitched) word |= bitsOf.x87.unavailable;
  if (isEmulated) word |= bitsOf.MMX.invalid;
  if (isEmulated || (control4 & CR4_OSFXSR) === 0) word |= bitsOf.SSE.invalid;
  if (!isVexReady || !usesDescriptors(state)) word |= bitsOf.AVX.invalid;
  if (isSwitched) word |= bitsOf.MMX.unavailable | bitsOf.SSE.unavailable | bitsOf.AVX.unavailable;
  state.write32(internal.UNITS, word);
}

/** The bits of the word of units that keep a unit from being used. */
export function forbiddingBits(unit: ExecutionUnit): number {
  return bitsOf[unit].invalid | bitsOf[unit].unavailable;
}

/** The beginning of an instruction of a unit: its fault, if there is one. */
export function requireUnit(s: Semantics, unit: ExecutionUnit): void {
  const { invalid, unavailable } = bitsOf[unit];
  if ((invalid | unavailable) === 0) return;
  const found = s.and(s.f.load('i32', 32, s.cpuAddress(), internal.UNITS), invalid | unavailable);
  s.if(found, () => {
    if (invalid !== 0) s.if(s.and(found, invalid), () => s.raise(VECTOR_UD));
    s.raise(VECTOR_NM);
  });
}
