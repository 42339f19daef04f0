/**
 * Scan codes of the PC's keyboards (IBM PS/2 Technical Reference, keyboard section). The host speaks set 1, the keyboard
 * speaks set 2 unless it was told otherwise, and the controller translates set 2 to set 1.
 */

/** First byte of the codes of extended keys, in sets 1 and 2. */
export const PREFIX_E0 = 0xe0;
/** First byte of the Pause key's code, which has two more parts. */
export const PREFIX_E1 = 0xe1;
/** Set 2: the key that follows was released. Set 1 has bit 7 of the code instead. */
export const BREAK_PREFIX = 0xf0;
export const SET_1_BREAK = 0x80;

/** Set 1 code for each set 2 make code 00h–7Fh, sixteen to a row, as the controller's ROM has it. */
const translationRows = [
  'ff 43 41 3f 3d 3b 3c 58 64 44 42 40 3e 0f 29 59',
  '65 38 2a 70 1d 10 02 5a 66 71 2c 1f 1e 11 03 5b',
  '67 2e 2d 20 12 05 04 5c 68 39 2f 21 14 13 06 5d',
  '69 31 30 23 22 15 07 5e 6a 72 32 24 16 08 09 5f',
  '6b 33 25 17 18 0b 0a 60 6c 34 35 26 27 19 0c 61',
  '6d 73 28 74 1a 0d 62 6e 3a 36 1c 1b 75 2b 63 76',
  '55 56 77 78 79 7a 0e 7b 7c 4f 7d 4b 47 7e 7f 6f',
  '52 53 50 4c 4d 48 01 45 57 4e 51 4a 37 49 46 54',
];

/** Two keys whose set 2 codes lie above 7Fh: F7, and the system request key. */
const highCodes: readonly (readonly [set2: number, set1: number])[] = [
  [0x83, 0x41],
  [0x84, 0x54],
];

/** What the controller makes of a byte from the keyboard while it translates; answers (80h and up) pass unchanged. */
export const set2ToSet1: Uint8Array = Uint8Array.from({ length: 0x100 }, (_, code) => code);
set2ToSet1.set(translationRows.flatMap((row) => row.split(' ').map((digits) => Number.parseInt(digits, 16))));

/** The inverse for make codes: what a set 2 keyboard sends for the key with this set 1 code. */
export const set1ToSet2: Uint8Array = new Uint8Array(0x80);
for (let code = 1; code < 0x80; code += 1) set1ToSet2[set2ToSet1[code] as number] = code;
for (const [set2, set1] of highCodes) {
  set2ToSet1[set2] = set1;
  set1ToSet2[set1] = set2;
}

/** Cuts a stream of set 1 bytes into the codes of single key events (1, 2 or 3 bytes; the last may be incomplete). */
export function splitSet1(bytes: Uint8Array): readonly Uint8Array[] {
  const codes: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes[at] === PREFIX_E1 ? 3 : bytes[at] === PREFIX_E0 ? 2 : 1;
    codes.push(bytes.subarray(at, at + length));
    at += length;
  }
  return codes;
}

/** One key event in set 2. */
export function toSet2(set1Code: Uint8Array): readonly number[] {
  return [...set1Code].flatMap((byte) => {
    if (byte === PREFIX_E0 || byte === PREFIX_E1) return [byte];
    const make = set1ToSet2[byte & ~SET_1_BREAK] as number;
    return (byte & SET_1_BREAK) === 0 ? [make] : [BREAK_PREFIX, make];
  });
}
