/** x·y + z with one rounding, against integers of any size; the native oracle has the rest once the instructions are advertised. */
import { describe, expect, it } from 'vitest';
import { ModuleBuilder } from '../../wasm/module-builder.ts';
import { DENORMAL, INEXACT, INVALID } from './formats.ts';
import { fusedDouble, NEGATE_PRODUCT, NEGATE_SUMMAND } from './fused.ts';

const builder = new ModuleBuilder(1);
const f = builder.defineFunction({ parameters: ['i64', 'i64', 'i64', 'i32', 'i32'], result: 'i64' }, 'run');
f.return(f.callShared(fusedDouble, f.i32(0), ...f.parameters));
const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(builder.build()), { env: { memory } });
const run = exports['run'] as (x: bigint, y: bigint, z: bigint, environment: number, negated: number) => bigint;

const bitsOf = (number: number) => new BigInt64Array(Float64Array.of(number).buffer)[0] as bigint;

function fused(x: number, y: number, z: number, negated = 0) {
  const view = new DataView(memory.buffer);
  view.setUint32(0, 0, true);
  const result = run(bitsOf(x), bitsOf(y), bitsOf(z), 0, negated);
  return {
    number: new Float64Array(BigInt64Array.of(result).buffer)[0] as number,
    exceptions: view.getUint32(0, true) & 0x3f,
  };
}

/** Whole numbers of 1 to 53 bits with either sign, from a seed. */
function* wholeNumbers(seed: number): Generator<number> {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state;
  };
  for (;;) {
    const number = Math.floor(((next() & 0x1f_ffff) * 2 ** 32 + next()) / 2 ** (next() % 53));
    yield next() % 2 === 0 ? number : -number;
  }
}

describe('fused multiply and add', () => {
  it('rounds whole numbers once, sums that cancel included', () => {
    const from = wholeNumbers(20_261_120);
    const next = () => from.next().value as number;
    for (let n = 0; n < 5000; n++) {
      const [x, y] = [next(), next()];
      const z = n % 3 === 0 ? -x * y + (n % 5) : next() * (n % 2 === 0 ? 1 : 2 ** 50);
      const exact = BigInt(x) * BigInt(y) + BigInt(z);
      const negative = -BigInt(x) * BigInt(y) - BigInt(z);
      const inexact = BigInt(Number(exact)) === exact ? 0 : INEXACT;
      expect(fused(x, y, z), `${x} ${y} ${z}`).toEqual({ number: Number(exact), exceptions: inexact });
      const both = fused(x, y, z, NEGATE_PRODUCT | NEGATE_SUMMAND).number;
      expect(both === 0 ? 0 : both).toBe(Number(negative));
    }
  });

  it('knows infinities, zeros, denormal numbers', () => {
    expect(fused(Number.POSITIVE_INFINITY, 0, 1)).toEqual({ number: Number.NaN, exceptions: INVALID });
    expect(fused(Number.POSITIVE_INFINITY, 1, Number.NEGATIVE_INFINITY).exceptions).toBe(INVALID);
    expect(fused(1, 2, Number.NEGATIVE_INFINITY)).toEqual({ number: Number.NEGATIVE_INFINITY, exceptions: 0 });
    expect(fused(-0, 1, -0)).toEqual({ number: -0, exceptions: 0 });
    expect(fused(0, 1, -0)).toEqual({ number: 0, exceptions: 0 });
    expect(fused(2 ** -1074, 2 ** 1023, 1)).toEqual({ number: 1 + 2 ** -51, exceptions: DENORMAL });
  });
});
