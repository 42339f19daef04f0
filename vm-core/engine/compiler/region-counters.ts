/**
 * What is counted of each region, in the machine's memory, where compiled code does it: the instructions that it has
 * executed, how often and why it was left, and why it was not entered (DESIGN §3). All of it is counted where a region is
 * left, so that what runs in it does not pay.
 */
import type { AccessCause, RegionExit } from '../../machine/compiled-region.ts';
import { REGION_COUNTERS, REGION_COUNTERS_SIZE } from '../../memory/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';

/** In the order of their counters, behind that of the instructions. */
const exits: readonly RegionExit[] = [
  'budget',
  'page',
  'outside',
  'indirect',
  'load',
  'store',
  'limit',
  'exception',
  'repeat',
  'calls',
  'handler',
  'called',
  'changed',
  'foreign-facts',
  'foreign-place',
  'too-long',
];

/** Of those, the ones for which the region was not entered in the first place. */
const REFUSALS: ReadonlySet<RegionExit> = new Set(['foreign-facts', 'foreign-place', 'too-long']);

/**
 * Counters at the end: of accesses that a region was left for and generated code has made, by what they met. The last record
 * of one that met two pages stands before them.
 */
const accesses = { 'two-pages': 29, miss: 30, fault: 31 } as const;
const CROSSING = 28;

/** In bytes, of one region. */
const COUNTERS_SIZE = 256;
const COUNTER_SIZE = 8;

/** So many regions can be counted. */
export const COUNTED_REGIONS: number = REGION_COUNTERS_SIZE / COUNTERS_SIZE;

/** What the counters of a region say. */
export interface RegionCounts {
  readonly entries: number;
  readonly instructions: number;
  /** Those that are not 0. */
  readonly exits: ReadonlyMap<RegionExit, number>;
}

/** The number of an exit in generated code. */
export function exitNumber(exit: RegionExit): number {
  return 1 + exits.indexOf(exit);
}

/** Counts an exit of a region: its number may be known only when the code runs. */
export function countExit(f: FunctionBuilder, region: number, exit: Value): void {
  add(f, f.binary('shl', exit, f.i32(3)), addressOf(region), f.i64(1n));
}

/** Counts instructions that a region has executed. */
export function countInstructions(f: FunctionBuilder, region: number, count: Value): void {
  add(f, f.i32(0), addressOf(region), f.widen(count, false));
}

/** Counts an access that a region, whose number is known when the code runs, was left for. */
export function countAccess(f: FunctionBuilder, region: Value, cause: keyof typeof accesses): void {
  const place = f.binary('mul', region, f.i32(COUNTERS_SIZE));
  add(f, place, REGION_COUNTERS + accesses[cause] * COUNTER_SIZE, f.i64(1n));
}

/** Notes the record of an access of two pages that a region was left for. */
export function noteCrossing(f: FunctionBuilder, region: Value, record: Value): void {
  f.store(32, f.binary('mul', region, f.i32(COUNTERS_SIZE)), REGION_COUNTERS + CROSSING * COUNTER_SIZE, record);
}

function add(f: FunctionBuilder, place: Value, offset: number, by: Value): void {
  f.store(64, place, offset, f.binary('add', f.load('i64', 64, place, offset), by));
}

export function clearCounts(view: DataView, region: number): void {
  new Uint8Array(view.buffer, addressOf(region), COUNTERS_SIZE).fill(0);
}

/** Adds what generated code has counted of a region's accesses to what TypeScript has seen. */
export function addAccesses(
  seen: ReadonlyMap<AccessCause, number>,
  view: DataView,
  region: number,
): ReadonlyMap<AccessCause, number> {
  const all = new Map(seen);
  for (const [cause, number] of Object.entries(accesses) as [AccessCause, number][]) {
    const count = (seen.get(cause) ?? 0) + readCounter(view, region, number);
    if (count > 0) all.set(cause, count);
  }
  return all;
}

export function readCounts(view: DataView, region: number): RegionCounts {
  const counter = (number: number) => readCounter(view, region, number);
  const met = new Map<RegionExit, number>();
  let entries = 0;
  for (const exit of exits) {
    const count = counter(exitNumber(exit));
    if (count === 0) continue;
    met.set(exit, count);
    if (!REFUSALS.has(exit)) entries += count;
  }
  return { entries, instructions: counter(0), exits: met };
}

/** How often generated code has made accesses of two pages that a region was left for, and the last one's record. */
export function crossingsOf(view: DataView, region: number): { readonly count: number; readonly record: number } {
  const record = view.getInt32(addressOf(region) + CROSSING * COUNTER_SIZE, true);
  return { count: readCounter(view, region, accesses['two-pages']), record };
}

function readCounter(view: DataView, region: number, number: number): number {
  return Number(view.getBigUint64(addressOf(region) + number * COUNTER_SIZE, true));
}

function addressOf(region: number): number {
  return REGION_COUNTERS + region * COUNTERS_SIZE;
}
