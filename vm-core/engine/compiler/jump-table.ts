/**
 * A computed jump to one of the places that a region knows: few are compared one after the other, more are told apart by a
 * hash without collisions, so that each target is compared with one place (DESIGN §3).
 */
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';

/** So many are compared one after the other. */
const COMPARED_MAX = 3;
/** Bits of a hash at most, and multipliers that are tried for each number of bits. */
const BITS_MAX = 8;
const TRIES = 200;
/** The multipliers are its powers: an odd number whose bits are mixed (Knuth, TAOCP vol. 3 §6.4). */
const MULTIPLIER = 0x9e37_79b1;

/** A place that the region knows, and what goes on there; that does not come back. */
export interface JumpWay {
  readonly place: bigint;
  readonly go: () => void;
}

/** (low half of the place * multiplier) >>> shift. */
export interface PlaceHash {
  readonly multiplier: number;
  readonly shift: number;
}

/** Goes to the place that `target` is, or on behind it. `isPlace` gives whether it is. */
export function writeJumpTable(
  f: FunctionBuilder,
  target: Value,
  ways: readonly JumpWay[],
  isPlace: (place: bigint) => Value,
): void {
  const hash = ways.length > COMPARED_MAX ? hashOf(ways.map(({ place }) => place)) : undefined;
  const compare = ({ place, go }: JumpWay) => f.if(isPlace(place), go);
  if (!hash) {
    for (const way of ways) compare(way);
    return;
  }
  const cases: (() => void)[] = Array.from({ length: 2 ** (32 - hash.shift) }, () => () => {});
  for (const way of ways) cases[hashed(way.place, hash)] = () => compare(way);
  const product = f.binary('mul', f.narrow(target), f.i32(hash.multiplier));
  f.switch(f.binary('shrU', product, f.i32(hash.shift)), cases, () => {});
}

function hashed(place: bigint, { multiplier, shift }: PlaceHash): number {
  return Math.imul(Number(BigInt.asIntN(32, place)), multiplier) >>> shift;
}

/** A hash that tells places apart; undefined where none was found. */
export function hashOf(places: readonly bigint[]): PlaceHash | undefined {
  for (let bits = Math.ceil(Math.log2(places.length)); bits <= BITS_MAX; bits++) {
    let multiplier = MULTIPLIER | 0;
    for (let n = 0; n < TRIES; n++) {
      const hash = { multiplier, shift: 32 - bits };
      if (new Set(places.map((place) => hashed(place, hash))).size === places.length) return hash;
      multiplier = Math.imul(multiplier, MULTIPLIER);
    }
  }
  return undefined;
}
