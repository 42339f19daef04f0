/**
 * What event selects mean here (docs/decisions/0015; SDM vol. 3B §19.2.1.2 and its tables of events for the P6 family; AMD's
 * processor programming reference for family 17h). Time is a count of instructions, so there is at most one of each event in
 * a tick. There are no caches and no predictions: events of these, as all that are not in the tables, never happen.
 */
import type { CounterFacts } from './counter-facts.ts';

/** What may happen in a tick; indices of counts. */
export const NEVER = 0;
export const CYCLE = 1;
export const INSTRUCTION = 2;
export const BRANCH_INSTRUCTION = 3;
export const TAKEN_BRANCH = 4;
export const HARDWARE_INTERRUPT = 5;
export const EVENT_KINDS = 6;

/** By unit mask << 8 | event. */
const architectural: ReadonlyMap<number, number> = new Map([
  [0x003c, CYCLE],
  [0x013c, CYCLE],
  [0x00c0, INSTRUCTION],
  [0x00c4, BRANCH_INSTRUCTION],
]);

const ofP6: ReadonlyMap<number, number> = new Map([
  [0x0079, CYCLE],
  [0x00c0, INSTRUCTION],
  [0x00c4, BRANCH_INSTRUCTION],
  [0x00c9, TAKEN_BRANCH],
  [0x00c8, HARDWARE_INTERRUPT],
]);

const ofAmd: ReadonlyMap<number, number> = new Map([
  [0x0076, CYCLE],
  [0x00c0, INSTRUCTION],
  [0x00c2, BRANCH_INSTRUCTION],
  [0x00c4, TAKEN_BRANCH],
]);

/** Of the fixed counters in their order. */
export const fixedEvents: readonly number[] = [INSTRUCTION, CYCLE, CYCLE];

const GUEST_ONLY = 1n << 40n;
const HOST_ONLY = 1n << 41n;

/** What an event select counts. The unit masks of AMD's events that are here mean nothing. */
export function eventOf({ scheme }: CounterFacts, select: bigint): number {
  const code = Number(select & 0xffffn);
  if (scheme === 'P6') return ofP6.get(code) ?? NEVER;
  if (scheme === 'architectural') return architectural.get(code) ?? NEVER;
  const isOfGuests = (select & (GUEST_ONLY | HOST_ONLY)) === GUEST_ONLY;
  const upper = Number((select >> 32n) & 0xfn);
  return upper === 0 && !isOfGuests ? (ofAmd.get(code & 0xff) ?? NEVER) : NEVER;
}
