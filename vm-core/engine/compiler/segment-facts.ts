/**
 * What compiled code takes for granted about segments, as a number: a region that was built for one is entered only while
 * the state has the same (SDM vol. 3A §3.2.1). derived-state.ts keeps it.
 */
import { SS, type SegmentIndex } from '../../state/layout.ts';

/** The segment begins at 0 and all of 32-bit space may be read and written through it. */
const FLAT = 1;
/** Offsets of 16 bits may be read and written through it. */
const HAS_64_KIB = 2;
/** The stack pointer has 32 bits. */
const STACK_IS_BIG = 1 << 30;

/** Calls are recorded. */
export const CALLS_RECORDED: number = 1 << 29;
/** Regions are not to be entered: something is recorded that they do not record. */
export const REGIONS_OFF: number = 1 << 31;

const TWO_32 = 0x1_0000_0000;

/** The part of the number that is about one segment, and the bits that the part covers. */
export function factsOf(
  index: number,
  segment: { readonly isBaseFixed: boolean; readonly base: number; readonly end: number; readonly isBig: boolean },
): { readonly facts: number; readonly mask: number } {
  const { isBaseFixed, base, end, isBig } = segment;
  const isFlat = isBaseFixed && base === 0 && end === TWO_32;
  const facts = ((isFlat ? FLAT : 0) | (end >= 0x10000 ? HAS_64_KIB : 0)) << (2 * index);
  const isStack = index === SS;
  return {
    facts: facts | (isStack && isBig ? STACK_IS_BIG : 0),
    mask: (3 << (2 * index)) | (isStack ? STACK_IS_BIG : 0),
  };
}

export function isFlat(facts: number, index: SegmentIndex): boolean {
  return ((facts >> (2 * index)) & FLAT) !== 0;
}

export function has64KiB(facts: number, index: SegmentIndex): boolean {
  return ((facts >> (2 * index)) & HAS_64_KIB) !== 0;
}

export function isStackBig(facts: number): boolean {
  return (facts & STACK_IS_BIG) !== 0;
}
