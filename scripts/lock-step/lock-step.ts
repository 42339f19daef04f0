/**
 * The interpreter and the compiler in lock-step: two machines of one configuration run the same slices, of random length, and
 * must not differ after any of them. Where they do, pairs that begin anew find the first instruction after which they do.
 */
import { MachinePair, type PairConfig } from './pair.ts';

/** What is run, and for how long. */
export interface LockStepRun extends PairConfig {
  readonly seed: number;
  readonly instructionsMax: number;
  /** Asked between two slices. */
  readonly goesOn?: () => boolean;
  /** Told of differences at once: to find where they begin takes long. */
  readonly onDifference?: (differences: readonly string[]) => void;
}

/** What came of it. */
export interface LockStepResult {
  readonly retired: number;
  readonly slices: number;
  readonly borders: number;
  /** Why the guest ran no further; `limit` if it did not end by itself. */
  readonly end: string;
  /** Empty: none. */
  readonly differences: readonly string[];
  /** What came out of the first serial port. */
  readonly console: string;
}

const SLICE_MAX = 1_000_000;
const BOUNDS = [8, 100, 3000, 60_000, SLICE_MAX, SLICE_MAX] as const;
/** Memory and devices are compared after so many instructions. */
const REST_EVERY = 20_000_000;
/** After so many runs without an instruction the guest has halted for good. */
const IDLE_MAX = 3;
/** Pieces in which a slice is run again. */
const PIECES = 64;

/** Runs both machines until the guest ends, they differ, or it was enough. */
export function lockStep(run: LockStepRun): LockStepResult {
  const pair = new MachinePair(run);
  const nextSlice = slicesOf(run.seed);
  const slices: number[] = [];
  /** So many slices are known to be right. */
  let compared = 0;
  let idle = 0;
  let [end, restAt] = ['limit', REST_EVERY];
  let differences: readonly string[] = [];
  while (
    end === 'limit' &&
    differences.length === 0 &&
    pair.retired < run.instructionsMax &&
    run.goesOn?.() !== false
  ) {
    const slice = nextSlice();
    slices.push(slice);
    const before = pair.retired;
    end = pair.run(slice);
    idle = pair.retired > before ? 0 : idle + 1;
    if (end === 'halted' || end === 'limit') end = idle > IDLE_MAX ? 'halted' : 'limit';
    const isDue = pair.retired >= restAt || end !== 'limit' || pair.retired >= run.instructionsMax;
    differences = isDue ? pair.allDifferences() : pair.differences();
    if (!isDue || differences.length > 0) continue;
    restAt = pair.retired + REST_EVERY;
    compared = slices.length;
  }
  if (differences.length > 0) {
    run.onDifference?.(differences);
    differences = [...differences, ...firstDifference(run, slices, compared)];
  }
  return {
    retired: pair.retired,
    slices: slices.length,
    borders: pair.borders,
    end,
    differences,
    console: pair.console,
  };
}

/** Numbers of instructions: as often few as many. */
function slicesOf(seed: number): () => number {
  let state = seed | 0;
  const draw = (bound: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state >>> 8) / 0x1000000) * bound);
  };
  return () => 1 + draw(BOUNDS[draw(BOUNDS.length)] as number);
}

/**
 * Finds the slice, and in it the instruction, after which the machines differ first; both have run all the slices. To begin
 * anew takes long: from there the slice runs in pieces, and where they hide the difference it is searched by halves.
 */
function firstDifference(config: PairConfig, slices: readonly number[], compared: number): readonly string[] {
  const after = (count: number, instructions: number): MachinePair => {
    const pair = new MachinePair(config);
    for (const slice of slices.slice(0, count)) pair.run(slice);
    if (instructions > 0) pair.run(instructions);
    return pair;
  };
  const slice = compared + firstPiece(after(compared, 0), slices.slice(compared));
  if (slice >= slices.length) return ['it does not happen again'];
  const isDifferent = (instructions: number): boolean => !isSame(after(slice, instructions));
  const length = slices[slice] as number;
  const last = inPieces((from) => after(slice, from), length) ?? firstOf(0, length, isDifferent);
  const before = after(slice, last - 1);
  const [place, retired] = [before.place(), before.retired];
  before.run(1);
  return [
    `first in slice ${slice}, of ${length} instructions, after ${last}; ${retired} were retired before`,
    `before it: ${place}`,
    ...after(slice, last).allDifferences(),
  ];
}

/** The instruction of a slice that is the first to differ, counted from 1; undefined if it does not differ in pieces. */
function inPieces(pairAt: (instructions: number) => MachinePair, slice: number): number | undefined {
  let [from, length] = [0, slice];
  while (length > 1) {
    const size = Math.ceil(length / PIECES);
    const pieces = Array.from({ length: Math.ceil(length / size) }, (_, n) => Math.min(size, length - n * size));
    const found = firstPiece(pairAt(from), pieces);
    if (found === pieces.length) return undefined;
    from += found * size;
    length = pieces[found] as number;
  }
  return from + 1;
}

/** Runs pieces until the machines differ, and gives the number of the piece; that of all pieces if they do not. */
function firstPiece(pair: MachinePair, pieces: readonly number[]): number {
  const found = pieces.findIndex((piece) => {
    pair.run(piece);
    return !isSame(pair);
  });
  return found < 0 ? pieces.length : found;
}

function isSame(pair: MachinePair): boolean {
  return pair.allDifferences().length === 0;
}

/** The first number above `low` for which a condition holds, at most `high + 1`; it holds for all behind it. */
function firstOf(low: number, high: number, holds: (count: number) => boolean): number {
  let [below, above] = [low, high + 1];
  while (above - below > 1) {
    const middle = (below + above) >>> 1;
    if (holds(middle)) above = middle;
    else below = middle;
  }
  return above;
}
