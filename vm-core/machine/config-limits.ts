/** What configurations are possible; an Error names the setting and what it may be. */
import { floppySizeProblem } from '../devices/floppy-controller/media.ts';
import type { BlockStore } from './block-store.ts';

/** Bytes of RAM. */
export const MEMORY_SIZE_MIN = 0x100000;
export const MEMORY_SIZE_MAX = 0x80000000;
const MEMORY_SIZE_STEP = 0x10000;
/** Slower, a PIT count would be shorter than an instruction; faster, device clocks would not be exact. */
const TICKS_PER_SECOND_MIN = 2_500_000;
const TICKS_PER_SECOND_MAX = 5_000_000_000;

/** Throws unless a machine can have so many bytes of RAM. */
export function requireMemorySize(size: number, lowSize: number = size): void {
  const fits = (bytes: number, max: number) =>
    bytes >= MEMORY_SIZE_MIN && bytes <= max && bytes % MEMORY_SIZE_STEP === 0;
  if (!fits(size, MEMORY_SIZE_MAX)) {
    throw new Error(`memory: ${size} bytes is not possible; give 1M to 2048M in steps of 64K`);
  }
  if (!fits(lowSize, size)) {
    throw new Error(
      `memoryLow: ${lowSize} bytes is not possible; give 1M to ${size / MEMORY_SIZE_MIN}M in steps of 64K`,
    );
  }
}

/** Throws unless time can go so fast. */
export function requireTicksPerSecond(ticks: number): void {
  const fits = Number.isInteger(ticks) && ticks >= TICKS_PER_SECOND_MIN && ticks <= TICKS_PER_SECOND_MAX;
  if (fits) return;
  throw new Error(`ticksPerSecond: ${ticks} is not possible; give ${TICKS_PER_SECOND_MIN} to ${TICKS_PER_SECOND_MAX}`);
}

/** Throws unless an image has a size that its place allows. */
export function requireFirmware(name: string, image: Uint8Array, step: number, sizeMax: number): void {
  if (image.length === 0 || image.length % step !== 0 || image.length > sizeMax) {
    const allowed = `a multiple of ${step} bytes, at most ${sizeMax}`;
    throw new Error(`${name}: an image of ${image.length} bytes is not possible; it must be ${allowed}`);
  }
}

/** Throws unless there is a drive for such a floppy. */
export function requireFloppySize({ name, size }: BlockStore): void {
  const problem = floppySizeProblem(size);
  if (problem !== undefined) throw new Error(`floppy: ${name} ${problem}`);
}
