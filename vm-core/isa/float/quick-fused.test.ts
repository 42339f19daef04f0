/** The quick way to x·y + z gives what the exact one gives: halfway cases, cancellation, and numbers at its bounds. */
import { describe, expect, it } from 'vitest';
import { ModuleBuilder, type SharedFunction } from '../../wasm/module-builder.ts';
import * as fused from './lane-fused.ts';

/** Masked, to nearest; the first with precision lost before, which is when the quick way is taken. */
const [QUICK, EXACT] = [0x1fa0, 0x1f80];
const PLACES = { others: 16, x: 32, y: 48, z: 64, result: 80 };
const functions = {
  singles: fused.fusedPackedSingles,
  doubles: fused.fusedPackedDoubles,
  single: fused.fusedLowestSingle,
  double: fused.fusedLowestDouble,
} as const satisfies Readonly<Record<string, SharedFunction>>;
type Name = keyof typeof functions;

const builder = new ModuleBuilder(1);
for (const [name, shared] of Object.entries(functions)) {
  const f = builder.defineFunction({ parameters: ['i32', 'i32'] }, name);
  const [mxcsr, negated] = f.parameters as unknown as [(typeof f.parameters)[number], (typeof f.parameters)[number]];
  const at = (place: number) => f.loadVector(128, f.i32(place));
  const { others, x, y, z } = PLACES;
  const result = f.callShared(shared, f.i32(0), at(others), at(x), at(y), at(z), mxcsr, negated);
  f.storeVector(f.i32(PLACES.result), 0, result);
}
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.build()), { env: { memory } });
const view = new DataView(memory.buffer);

function run(name: Name, mxcsr: number, negated: number): string {
  (exports[name] as (mxcsr: number, negated: number) => void)(mxcsr, negated);
  return `${view.getBigUint64(PLACES.result, true).toString(16)} ${view.getBigUint64(PLACES.result + 8, true).toString(16)}`;
}

/** Numbers from 0 to 1, from a seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const next = chance(20_261_120);
const below = (end: number) => Math.floor(next() * end);

/** A number with a few bits set, or all, and an exponent of some range. */
function anyNumber(bits: number, exponents: number): number {
  const sign = below(2) === 0 ? 1 : -1;
  if (below(24) === 0) return sign * 0;
  const significand =
    below(3) === 0 ? 1 + 2 ** -below(bits) : 1 + Math.floor(next() * 2 ** (bits - 1)) / 2 ** (bits - 1);
  return sign * significand * 2 ** (below(exponents) - exponents / 2);
}

/** A summand for a product: of any size, one that cancels most of it, or one that puts it half way between two numbers. */
function summandFor(x: number, y: number, bits: number, exponents: number): number {
  const product = x * y;
  const kind = below(4);
  if (kind === 0) return -product * (1 + below(3) * 2 ** (1 - bits));
  if (kind === 1) return product * 2 ** (below(2 * bits + 8) - bits - 4);
  if (kind === 2) return 2 ** Math.round(Math.log2(Math.abs(product) || 1) + bits - below(3));
  return anyNumber(bits, exponents);
}

function write(name: Name, place: number, numbers: readonly number[]): void {
  const isSingle = name.startsWith('single');
  numbers.forEach((number, n) => {
    if (isSingle) view.setFloat32(place + 4 * n, number, true);
    else view.setFloat64(place + 8 * n, number, true);
  });
}

describe.each([
  ['singles', 24, [8, 60, 250]],
  ['single', 24, [8, 60]],
  ['doubles', 53, [8, 200, 1000]],
  ['double', 53, [8, 200]],
] as const)('%s', (name, bits, ranges) => {
  it.each(ranges)('agree with the exact way for exponents of %d binades', (exponents) => {
    const lanes = name.startsWith('single') ? 4 : 2;
    for (let n = 0; n < 20_000; n++) {
      const [x, y] = [0, 1].map(() => Array.from({ length: lanes }, () => anyNumber(bits, exponents))) as [
        number[],
        number[],
      ];
      const z = x.map((one, lane) => summandFor(one, y[lane] as number, bits, exponents));
      write(name, PLACES.x, x);
      write(name, PLACES.y, y);
      write(name, PLACES.z, z);
      const negated = below(16);
      expect(run(name, QUICK, negated), `${x} * ${y} + ${z}, ${negated}`).toBe(run(name, EXACT, negated));
    }
  });
});

it.each(['singles', 'doubles'] as const)('infinities, NaNs and denormal numbers of %s go the exact way', (name) => {
  const lanes = name === 'singles' ? 4 : 2;
  const odd = [Number.POSITIVE_INFINITY, Number.NaN, 2 ** -140, 2 ** -1060, 0, -0, 2 ** 127, -(2 ** 1023), 1];
  for (const x of odd) {
    for (const y of odd) {
      for (const z of odd) {
        [x, y, z].forEach((number, n) => {
          write(name, PLACES.x + 16 * n, new Array<number>(lanes).fill(number));
        });
        expect(run(name, QUICK, 0), `${x} ${y} ${z}`).toBe(run(name, EXACT, 0));
      }
    }
  }
});
