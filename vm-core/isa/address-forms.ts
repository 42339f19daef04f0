/** The address forms of 16 bits (SDM vol. 2A table 2-1). */
import { DS, generalSlots, internal, type SegmentIndex, SS } from '../state/layout.ts';

const [, , , EBX, , EBP, ESI, EDI] = generalSlots as [number, number, number, number, number, number, number, number];
const NONE = internal.ZERO;

/** Base, index and default segment of each, by ModR/M's r/m field. */
export const forms16: readonly (readonly [base: number, index: number, segment: SegmentIndex])[] = [
  [EBX, ESI, DS],
  [EBX, EDI, DS],
  [EBP, ESI, SS],
  [EBP, EDI, SS],
  [ESI, NONE, DS],
  [EDI, NONE, DS],
  [EBP, NONE, SS],
  [EBX, NONE, DS],
];
