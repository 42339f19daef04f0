/** The address forms of 16 bits (SDM vol. 2A table 2-1). */
import { CS, DS, ES, FS, GS, SS, generalSlots, internal, type SegmentIndex } from '../state/layout.ts';

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

/** The segments that prefixes choose. */
export const SEGMENT_PREFIXES: ReadonlyMap<number, SegmentIndex> = new Map([
  [0x26, ES],
  [0x2e, CS],
  [0x36, SS],
  [0x3e, DS],
  [0x64, FS],
  [0x65, GS],
]);
