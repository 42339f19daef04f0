/** What tables that software looks for in the ROM are made of: numbers with the low byte first, texts, sums of zero. */

/** Where in the ROM the multiprocessor tables lie, and those of ACPI. */
export const MP_POINTER = 0x7800;
export const ACPI_POINTER = 0x7c00;

/** A number of so many bytes. */
export const bytes = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, n) => Math.floor(value / 256 ** n) % 256);

/** A text, filled up with spaces. */
export const text = (value: string, size: number): number[] =>
  [...value.padEnd(size, ' ')].map((character) => character.charCodeAt(0));

/** The value that makes all bytes sum up to zero. */
export const checksum = (values: readonly number[]): number => -values.reduce((sum, value) => sum + value, 0) & 0xff;

/** A table, and where in the ROM it lies. */
export interface PlacedTable {
  readonly at: number;
  readonly bytes: readonly number[];
}
