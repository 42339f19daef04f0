/**
 * What the test registers of the 386 and the 486 fill and look up (80386 manual §10.6; Intel486 manual chapter 10): a
 * look-aside buffer of 4 ways in 8 sets, and on the 486 a cache of 4 ways in 128 sets with 16 bytes in a line.
 *
 * They are arrays of their own. No translation and no access of memory comes from them: the product has no cache, and its
 * look-aside buffers are others.
 */
import { TEST_ARRAYS } from '../memory/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';

const WAYS = 4;
const BUFFER_SETS = 8;
const CACHE_SETS = 128;
const LINE_SIZE = 16;
const CACHE_TAG = 0xffff_f800;
const CACHE_VALID = 1 << 10;

/** An entry of the look-aside buffer: linear page and flags, physical page. */
const BUFFER_ENTRY_SIZE = 8;
const BUFFER_ENTRIES = TEST_ARRAYS;
const CACHE_TAGS: number = BUFFER_ENTRIES + BUFFER_SETS * WAYS * BUFFER_ENTRY_SIZE;
const CACHE_LINES: number = CACHE_TAGS + CACHE_SETS * WAYS * 4;
const USED: number = CACHE_LINES + CACHE_SETS * WAYS * LINE_SIZE;
/** The buffers between TR3 and a line: one that is filled, one that is read. */
const FILL_BUFFER: number = USED + BUFFER_SETS + CACHE_SETS;
const READ_BUFFER: number = FILL_BUFFER + LINE_SIZE;
export const TEST_ARRAYS_END: number = READ_BUFFER + LINE_SIZE;

/** Bits of TR6; dirty, user and writable stand beside their complements. */
const LINEAR_PAGE = 0xffff_f000;
const VALID = 1 << 11;
const DIRTY = 1 << 10;
const USER = 1 << 8;
const WRITABLE = 1 << 6;
const PAIRS = [DIRTY, USER, WRITABLE] as const;
const LOOKUP = 1 << 0;
/** Bits of TR7. */
const HIT = 1 << 4;
const WAY_SHIFT = 2;
const USED_SHIFT = 7;
const PHYSICAL_PAGE = 0xffff_f000;
const CACHED_ATTRIBUTES = 0xc00;

/** The way that was not used for long, by three bits: which half was used last, and which way of each half. */
function victimOf(used: number): number {
  if ((used & 1) === 0) return (used & 2) === 0 ? 0 : 1;
  return (used & 4) === 0 ? 2 : 3;
}

function touched(used: number, way: number): number {
  if (way < 2) return (used & 4) | 1 | (way === 0 ? 2 : 0);
  return (used & 2) | (way === 2 ? 4 : 0);
}

function touch(view: DataView, at: number, way: number): void {
  view.setUint8(at, touched(view.getUint8(at), way));
}

/** What a write of TR6 does with the look-aside buffer; gives TR7 as it is then. */
export function testTranslation({ view }: CpuState, tr6: number, tr7: number, is486: boolean): number {
  const set = (tr6 >>> 12) % BUFFER_SETS;
  const used = USED + set;
  const entryOf = (way: number) => BUFFER_ENTRIES + (set * WAYS + way) * BUFFER_ENTRY_SIZE;
  const attributes = is486 ? CACHED_ATTRIBUTES : 0;
  if ((tr6 & LOOKUP) !== 0) {
    const hit = [0, 1, 2, 3].find((way) => matches(view.getUint32(entryOf(way), true), tr6));
    if (hit === undefined) return (tr7 & ~HIT) >>> 0;
    const physical = view.getUint32(entryOf(hit) + 4, true);
    const told = is486 ? view.getUint8(used) << USED_SHIFT : 0;
    touch(view, used, hit);
    return (physical | told | HIT | (hit << WAY_SHIFT)) >>> 0;
  }
  const isChosen = !is486 || (tr7 & HIT) !== 0;
  const way = isChosen ? (tr7 >>> WAY_SHIFT) % WAYS : victimOf(view.getUint8(used));
  view.setUint32(entryOf(way), tr6, true);
  view.setUint32(entryOf(way) + 4, tr7 & (PHYSICAL_PAGE | attributes), true);
  touch(view, used, way);
  return tr7;
}

/** A pair is `10` for a set bit and `01` for a clear one; a lookup with `11` takes either, with `00` none. */
function matches(entry: number, asked: number): boolean {
  if ((entry & VALID) === 0 || ((entry ^ asked) & LINEAR_PAGE) !== 0) return false;
  return PAIRS.every((flag) => (asked & ((entry & flag) !== 0 ? flag : flag >> 1)) !== 0);
}

/** Addresses of the first doublewords of the buffer's entries, 0 in those that are empty. */
export const testTranslations: readonly number[] = Array.from(
  { length: BUFFER_SETS * WAYS },
  (_, n) => BUFFER_ENTRIES + n * BUFFER_ENTRY_SIZE,
);

/** Empties the look-aside buffer, as a write of CR3 does. */
export function emptyTestTranslations({ view }: CpuState): void {
  for (const at of testTranslations) view.setUint32(at, 0, true);
}

/** Empties the cache, as INVD, WBINVD and a command of TR5 do. */
export function emptyTestCache({ view }: CpuState): void {
  for (let n = 0; n < CACHE_SETS * WAYS; n++) view.setUint32(CACHE_TAGS + n * 4, 0, true);
  for (let set = 0; set < CACHE_SETS; set++) view.setUint8(USED + BUFFER_SETS + set, 0);
}

/** Reads or writes a doubleword of TR3 in its buffer; TR5 says which. */
export function readTestData({ view }: CpuState, tr5: number): number {
  return view.getUint32(READ_BUFFER + (tr5 & 0xc), true);
}

/** As `readTestData`, of the buffer that is filled. */
export function writeTestData({ view }: CpuState, tr5: number, value: number): void {
  view.setUint32(FILL_BUFFER + (tr5 & 0xc), value, true);
}

/** What the command in TR5 does with the cache; gives TR4 as it is then. */
export function testCache(state: CpuState, tr4: number, tr5: number): number {
  const { view } = state;
  const set = (tr5 >>> 4) % CACHE_SETS;
  const way = (tr5 >>> 2) % WAYS;
  const used = USED + BUFFER_SETS + set;
  const tagOf = (n: number) => CACHE_TAGS + (set * WAYS + n) * 4;
  const line = CACHE_LINES + (set * WAYS + way) * LINE_SIZE;
  const copy = (from: number, to: number) => {
    for (let n = 0; n < LINE_SIZE; n += 4) view.setUint32(to + n, view.getUint32(from + n, true), true);
  };
  switch (tr5 & 3) {
    case 1:
      copy(FILL_BUFFER, line);
      view.setUint32(tagOf(way), tr4 & (CACHE_TAG | CACHE_VALID), true);
      touch(view, used, way);
      return tr4;
    case 2: {
      copy(line, READ_BUFFER);
      const isValid = (n: number) => (view.getUint32(tagOf(n), true) & CACHE_VALID) !== 0;
      const valid = [0, 1, 2, 3].reduce((mask, n) => mask | (isValid(n) ? 8 << n : 0), 0);
      return (view.getUint32(tagOf(way), true) | (view.getUint8(used) << USED_SHIFT) | valid) >>> 0;
    }
    case 3:
      emptyTestCache(state);
      return tr4;
    default:
      return tr4;
  }
}
