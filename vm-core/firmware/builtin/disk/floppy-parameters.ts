/** The diskette parameter tables of the ROM (IBM PC AT Technical Reference, BIOS listing, "DISK_BASE"). */
import type { RomBuilder } from '../rom-builder.ts';

/** Where the AT has the one that INT 1Eh points to. */
export const FLOPPY_PARAMETERS = 0xefc7;

/**
 * Diskette parameter tables by the drive's type, 1–5: the last sector and the gaps differ. INT 1Eh points to that of a
 * 1.44 MB drive, where the AT has it; INT 13h, 08h and 18h give the drive's own.
 */
const floppyParameterBytes = (lastSector: number, gap: number, formatGap: number): readonly number[] => [
  ...[0xdf, 0x02, 0x25, 0x02, lastSector, gap, 0xff, formatGap, 0xf6, 0x0f, 0x08],
];
const FLOPPY_TABLES: Readonly<Record<number, readonly number[]>> = {
  1: floppyParameterBytes(9, 0x2a, 0x50),
  2: floppyParameterBytes(15, 0x1b, 0x54),
  3: floppyParameterBytes(9, 0x2a, 0x50),
  4: floppyParameterBytes(18, 0x1b, 0x6c),
  5: floppyParameterBytes(36, 0x1b, 0x50),
};
const FLOPPY_TABLES_START = 0x9200;
const FLOPPY_TABLES_STEP = 0x10;

/** Offset of the parameter table for a type of drive. */
export function floppyParametersOf(driveType: number): number {
  return driveType === 4 ? FLOPPY_PARAMETERS : FLOPPY_TABLES_START + driveType * FLOPPY_TABLES_STEP;
}

export function emitFloppyParameters(rom: RomBuilder): void {
  for (const [type, bytes] of Object.entries(FLOPPY_TABLES)) rom.at(floppyParametersOf(Number(type))).emit(...bytes);
}
