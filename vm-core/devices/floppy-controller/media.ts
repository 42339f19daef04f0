/**
 * Formats of floppy disks (ECMA-70, -78, -99, -100, -125, -147 for the layouts; IBM PC/AT Technical Reference for the
 * drive types) and where the sectors of a turning disk are. This table is what images of each size are taken for.
 */

/** One format; every sector has 512 bytes. */
export interface FloppyMedium {
  readonly cylinders: number;
  readonly heads: number;
  /** Sectors of a track. */
  readonly sectors: number;
  /** Turns a minute. */
  readonly speed: number;
  /** Data rates in kbit/s at which a drive reads it; those of 5¼-inch disks differ between their two kinds of drive. */
  readonly rates: readonly number[];
  /** Type of its drive in CMOS byte 10h. */
  readonly driveType: number;
}

export const SECTOR_SIZE = 512;
/** The sector size code of 512 bytes. */
export const SECTOR_SIZE_CODE = 2;

const FIVE_INCH_DOUBLE = { speed: 300, rates: [250, 300], driveType: 1 } as const;
const FIVE_INCH_HIGH = { speed: 360, rates: [500], driveType: 2 } as const;
const THREE_INCH_DOUBLE = { speed: 300, rates: [250], driveType: 3 } as const;
const THREE_INCH_HIGH = { speed: 300, rates: [500], driveType: 4 } as const;
const THREE_INCH_EXTRA = { speed: 300, rates: [1000], driveType: 5 } as const;

const MEDIUM_1440: FloppyMedium = { cylinders: 80, heads: 2, sectors: 18, ...THREE_INCH_HIGH };
const MEDIUM_2880: FloppyMedium = { cylinders: 80, heads: 2, sectors: 36, ...THREE_INCH_EXTRA };

const media: readonly FloppyMedium[] = [
  { cylinders: 40, heads: 1, sectors: 8, ...FIVE_INCH_DOUBLE },
  { cylinders: 40, heads: 1, sectors: 9, ...FIVE_INCH_DOUBLE },
  { cylinders: 40, heads: 2, sectors: 8, ...FIVE_INCH_DOUBLE },
  { cylinders: 40, heads: 2, sectors: 9, ...FIVE_INCH_DOUBLE },
  { cylinders: 80, heads: 2, sectors: 9, ...THREE_INCH_DOUBLE },
  { cylinders: 80, heads: 2, sectors: 15, ...FIVE_INCH_HIGH },
  MEDIUM_1440,
  { cylinders: 80, heads: 2, sectors: 21, ...THREE_INCH_HIGH },
  { cylinders: 82, heads: 2, sectors: 21, ...THREE_INCH_HIGH },
  MEDIUM_2880,
];

const sizeOf = ({ cylinders, heads, sectors }: FloppyMedium): number => cylinders * heads * sectors * SECTOR_SIZE;

/** Sizes of whole floppies in bytes, ascending. */
export const FLOPPY_SIZES: readonly number[] = media.map(sizeOf);
/** A larger image is no floppy. */
export const FLOPPY_SIZE_MAX: number = sizeOf(MEDIUM_2880);

/** The medium of an image; one of no known size is the beginning of a 1.44 MB or, last, of a 2.88 MB floppy. */
export function mediumOf(imageSize: number): FloppyMedium {
  const size = Math.ceil(imageSize / SECTOR_SIZE) * SECTOR_SIZE;
  const exact = media.find((medium) => sizeOf(medium) === size);
  return exact ?? (size <= sizeOf(MEDIUM_1440) ? MEDIUM_1440 : MEDIUM_2880);
}

/** Why an image of this size is no floppy, completing "the image …"; undefined if it is one. */
export function floppySizeProblem(imageSize: number): string | undefined {
  if (imageSize <= FLOPPY_SIZE_MAX) return undefined;
  const sizes = FLOPPY_SIZES.map((size) => size / 1024);
  return `has ${imageSize} bytes; a floppy has ${sizes.slice(0, -1).join(', ')} or ${sizes.at(-1)} KiB`;
}

/**
 * Disks turn, and heads step, so many times faster than real ones: firmware waits in loops, and a turn of 200 ms would be
 * forty million instructions of waiting.
 */
export const SPEED_UP = 16;

/** Of a sector's share of the track, what identification and data take; the rest is the gap behind them. */
const SECTOR_PART = 5 / 6;

/** A turning disk: its index hole passes at multiples of the turn's time, in ticks. */
export interface Rotation {
  readonly ticksPerTurn: number;
  /** When the index hole comes next. */
  nextIndex(now: number): number;
  /** When the head has read the sector in the given place (from 0) of the track, if it waits for it from now on. */
  endOfSector(now: number, place: number): number;
  /** The place whose identification passes the head next. */
  nextPlace(now: number): number;
}

export function rotationOf({ speed, sectors }: FloppyMedium, ticksPerSecond: number): Rotation {
  const ticksPerTurn = Math.round((ticksPerSecond * 60) / (speed * SPEED_UP));
  const startOf = (place: number): number => Math.floor((place * ticksPerTurn) / sectors);
  return {
    ticksPerTurn,
    nextIndex: (now) => now + ticksPerTurn - (now % ticksPerTurn),
    endOfSector(now, place) {
      const wait = (startOf(place) - (now % ticksPerTurn) + ticksPerTurn) % ticksPerTurn;
      return now + wait + Math.floor((ticksPerTurn / sectors) * SECTOR_PART);
    },
    nextPlace: (now) => Math.ceil(((now % ticksPerTurn) * sectors) / ticksPerTurn) % sectors,
  };
}
