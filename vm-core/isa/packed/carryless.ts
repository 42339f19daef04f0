/** PCLMULQDQ: the product of two polynomials over GF(2) of 64 bits (SDM vol. 2B PCLMULQDQ). */
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import type { VectorFunction } from './lanes.ts';

/** Every fourth bit: sixteen products of them fit between, so that no carry reaches the next. */
const SPREAD = 0x1111_1111_1111_1111n;

/** The lower 64 bits. Of products of spread bits only every fourth bit counts; its carries go to the three above. */
const lowProduct: SharedFunction = {
  signature: { parameters: ['i64', 'i64'], result: 'i64' },
  write: (f) => {
    const [x, y] = f.parameters as readonly [Value, Value];
    const spread = (value: Value) =>
      [0n, 1n, 2n, 3n].map((n) => f.binary('and', value, f.i64(BigInt.asIntN(64, SPREAD << n))));
    const [xs, ys] = [spread(x), spread(y)];
    const parts = [0, 1, 2, 3].map((n) => {
      const sum = xs
        .map((part, m) => f.binary('mul', part, ys[(n - m + 4) & 3] as Value))
        .reduce((a, b) => f.binary('xor', a, b));
      return f.binary('and', sum, f.i64(BigInt.asIntN(64, SPREAD << BigInt(n))));
    });
    f.return(parts.reduce((a, b) => f.binary('or', a, b)));
  },
};

/** The bits of a number in the other order. */
const mirrored: SharedFunction = {
  signature: { parameters: ['i64'], result: 'i64' },
  write: (f) => {
    const steps: readonly (readonly [bits: bigint, mask: bigint])[] = [
      [1n, 0x5555_5555_5555_5555n],
      [2n, 0x3333_3333_3333_3333n],
      [4n, 0x0f0f_0f0f_0f0f_0f0fn],
      [8n, 0x00ff_00ff_00ff_00ffn],
      [16n, 0x0000_ffff_0000_ffffn],
    ];
    const swapped = steps.reduce((value, [bits, mask]) => {
      const low = f.binary('shl', f.binary('and', value, f.i64(mask)), f.i64(bits));
      return f.binary('or', low, f.binary('and', f.binary('shrU', value, f.i64(bits)), f.i64(mask)));
    }, f.parameters[0] as Value);
    f.return(f.binary('rotl', swapped, f.i64(32n)));
  },
};

/** The upper 64 bits, of which the highest is 0: the lower bits of the product of the mirrored numbers, mirrored. */
function highProduct(f: FunctionBuilder, x: Value, y: Value): Value {
  const product = f.callShared(lowProduct, f.callShared(mirrored, x), f.callShared(mirrored, y));
  return f.binary('shrU', f.callShared(mirrored, product), f.i64(1n));
}

/** Bit 0 of the immediate byte chooses the half of `x`, bit 4 that of `y`. */
export const multiplyCarryless: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const half = (value: Value, bit: number) => {
    const [low, high] = ([0, 1] as const).map((lane) => f.operateOnLane('i64x2.extract_lane', lane, value));
    return f.copy(s.select(s.bit(selector, bit), high as Value, low as Value));
  };
  const [a, b] = [half(x, 0), half(y, 4)];
  const low = f.operate('i64x2.splat', f.callShared(lowProduct, a, b));
  return f.operateOnLane('i64x2.replace_lane', 1, low, highProduct(f, a, b));
};
