/** The parts of a file in the MOO 1.1 format as bytes, for tests that make one up. */

/** A 16-bit number, low byte first. */
export const u16 = (value: number): number[] => [value & 0xff, value >>> 8];
/** A 32-bit number, low byte first. */
export const u32 = (value: number): number[] => [...u16(value & 0xffff), ...u16(value >>> 16)];
/** A text of ASCII. */
export const text = (value: string): number[] => [...value].map((character) => character.charCodeAt(0));
/** A chunk by its four-letter name. */
export const chunk = (name: string, payload: readonly number[]): number[] => [
  ...text(name),
  ...u32(payload.length),
  ...payload,
];
