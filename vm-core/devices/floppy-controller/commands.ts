/** The table of the 82077AA's commands (Intel data sheet 290166-007, "Command set"). */

/** Bits of a command's first byte that tell it from others, and the options above them. */
export const CODE = 0x1f;
export const OPTION_MULTI_TRACK = 0x80;
export const OPTION_MFM = 0x40;
export const OPTION_SKIP = 0x20;

export const READ_TRACK = 0x02;
export const SPECIFY = 0x03;
export const SENSE_DRIVE_STATUS = 0x04;
export const WRITE_DATA = 0x05;
export const READ_DATA = 0x06;
export const RECALIBRATE = 0x07;
export const SENSE_INTERRUPT_STATUS = 0x08;
export const WRITE_DELETED_DATA = 0x09;
export const READ_ID = 0x0a;
export const READ_DELETED_DATA = 0x0c;
export const FORMAT_TRACK = 0x0d;
export const DUMPREG = 0x0e;
export const SEEK = 0x0f;
export const VERSION = 0x10;
export const SCAN_EQUAL = 0x11;
export const PERPENDICULAR_MODE = 0x12;
export const CONFIGURE = 0x13;
export const LOCK = 0x14;
export const VERIFY = 0x16;
export const SCAN_LOW_OR_EQUAL = 0x19;
export const SCAN_HIGH_OR_EQUAL = 0x1d;

const ALL_OPTIONS = OPTION_MULTI_TRACK | OPTION_MFM | OPTION_SKIP;

interface CommandRow {
  /** Bytes with the first. */
  readonly length: number;
  /** Bits above the code that the command may have set. */
  readonly options: number;
}

const row = (length: number, options = 0): CommandRow => ({ length, options });

const commands: ReadonlyMap<number, CommandRow> = new Map([
  [READ_TRACK, row(9, OPTION_MFM)],
  [SPECIFY, row(3)],
  [SENSE_DRIVE_STATUS, row(2)],
  [WRITE_DATA, row(9, OPTION_MULTI_TRACK | OPTION_MFM)],
  [READ_DATA, row(9, ALL_OPTIONS)],
  [RECALIBRATE, row(2)],
  [SENSE_INTERRUPT_STATUS, row(1)],
  [WRITE_DELETED_DATA, row(9, OPTION_MULTI_TRACK | OPTION_MFM)],
  [READ_ID, row(2, OPTION_MFM)],
  [READ_DELETED_DATA, row(9, ALL_OPTIONS)],
  [FORMAT_TRACK, row(6, OPTION_MFM)],
  [DUMPREG, row(1)],
  // RELATIVE SEEK has bit 7, and its direction in bit 6.
  [SEEK, row(3, 0xc0)],
  [VERSION, row(1)],
  [SCAN_EQUAL, row(9, ALL_OPTIONS)],
  [PERPENDICULAR_MODE, row(2)],
  [CONFIGURE, row(4)],
  // The lock bit itself.
  [LOCK, row(1, 0x80)],
  [VERIFY, row(9, ALL_OPTIONS)],
  [SCAN_LOW_OR_EQUAL, row(9, ALL_OPTIONS)],
  [SCAN_HIGH_OR_EQUAL, row(9, ALL_OPTIONS)],
]);

/** How many bytes the command with this first byte has; undefined if it is invalid. */
export function commandLength(first: number): number | undefined {
  const found = commands.get(first & CODE);
  return found !== undefined && (first & ~CODE & ~found.options) === 0 ? found.length : undefined;
}

export const scans: ReadonlySet<number> = new Set([SCAN_EQUAL, SCAN_LOW_OR_EQUAL, SCAN_HIGH_OR_EQUAL]);

/** Commands that take data from the host. */
export const commandsFromHost: ReadonlySet<number> = new Set([WRITE_DATA, WRITE_DELETED_DATA, FORMAT_TRACK, ...scans]);
