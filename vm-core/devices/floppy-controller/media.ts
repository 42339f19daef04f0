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

/** Cylinder numbers are bytes. */
const CYLINDERS_MAX = 255;

const sizeOf = ({ cylinders, heads, sectors }: FloppyMedium): number => cylinders * heads * sectors * SECTOR_SIZE;

/** The medium of an image; one of no known size is taken for a 1.44 MB, a 2.88 MB or, last, a larger floppy. */
export function mediumOf(imageSize: number): FloppyMedium {
  const exact = media.find((medium) => sizeOf(medium) === imageSize);
  if (exact) return exact;
  if (imageSize <= sizeOf(MEDIUM_1440)) return MEDIUM_1440;
  if (imageSize <= sizeOf(MEDIUM_2880)) return MEDIUM_2880;
  const cylinders = Math.ceil(imageSize / (MEDIUM_2880.heads * MEDIUM_2880.sectors * SECTOR_SIZE));
  return { ...MEDIUM_2880, cylinders: Math.min(cylinders, CYLINDERS_MAX) };
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
