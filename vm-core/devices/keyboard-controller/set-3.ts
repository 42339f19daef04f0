/**
 * Scan code set 3, in which each key has one code and a type of its own (IBM PS/2 Technical Reference, keyboard section,
 * "Scan code set 3" and "Set key type"). What the host sends in set 1 is brought into it here.
 */
import { PREFIX_E0, PREFIX_E1, SET_1_BREAK, set1ToSet2 } from './scan-codes.ts';

/** What a key sends: a bit each for repeats while it is held and for its release. Its code is sent in any case. */
export const KEY_REPEATS = 1;
export const KEY_BREAKS = 2;

/** Keys whose code is not that of set 2, by their set 1 code: as pairs of set 1 and set 3. */
const plainExceptions = `
  01-08 3b-07 3c-0f 3d-17 3e-1f 3f-27 40-2f 41-37 42-3f 43-47 44-4f 57-56 58-5e
  2b-5c 3a-14 1d-11 38-19 56-13 46-5f 45-76 37-7e 4a-84 4e-7c 54-57`;
/** The same for keys whose set 1 code has the prefix E0h. */
const extendedKeys = `
  1d-58 38-39 52-67 53-64 4b-61 47-6e 4f-65 48-63 50-60 49-6f 51-6d 4d-6a 35-77 1c-79 37-57 46-62
  5b-8b 5c-8c 5d-8d`;
const PAUSE = 0x62;

const pairs = (text: string): readonly (readonly [number, number])[] =>
  text
    .trim()
    .split(/\s+/)
    .map((pair) => [Number.parseInt(pair.slice(0, 2), 16), Number.parseInt(pair.slice(3), 16)]);

const plain = Uint8Array.from(set1ToSet2);
for (const [set1, set3] of pairs(plainExceptions)) plain[set1] = set3;
const extended = new Uint8Array(0x80);
for (const [set1, set3] of pairs(extendedKeys)) extended[set1] = set3;

/** Shift, Ctrl and Alt at the left, Caps Lock, right Shift: they tell when they are released. */
const breakKeys = [0x11, 0x12, 0x14, 0x19, 0x59];
/** Function and lock keys, right Ctrl and Alt, keypad and editing keys: they tell that they were pressed, once. */
const makeKeys = [
  ...[0x08, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x56, 0x5e, 0x57, 0x5f, 0x62],
  ...[0x39, 0x58, 0x67, 0x6e, 0x65, 0x6f, 0x6d, 0x76, 0x6c, 0x6b, 0x69, 0x77, 0x75, 0x73, 0x72, 0x70],
  ...[0x7e, 0x7d, 0x74, 0x7a, 0x71, 0x84, 0x79, 0x8b, 0x8c, 0x8d],
];

/** The types at power-on, by set 3 code: all keys repeat but those above. */
export const DEFAULT_KEY_TYPES: Uint8Array = new Uint8Array(0x100).fill(KEY_REPEATS);
for (const code of breakKeys) DEFAULT_KEY_TYPES[code] = KEY_BREAKS;
for (const code of makeKeys) DEFAULT_KEY_TYPES[code] = 0;

/** The key of one event in set 1, and whether it was released; undefined for codes that stand for no key of their own. */
export function set3Key(set1Code: Uint8Array): { readonly code: number; readonly released: boolean } | undefined {
  const last = set1Code.at(-1) ?? 0;
  const released = (last & SET_1_BREAK) !== 0;
  if (set1Code[0] === PREFIX_E1) return { code: PAUSE, released };
  const table = set1Code[0] === PREFIX_E0 ? extended : plain;
  const code = table[last & ~SET_1_BREAK] as number;
  return code === 0 ? undefined : { code, released };
}
