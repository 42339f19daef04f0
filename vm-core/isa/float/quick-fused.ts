/**
 * x·y + z with one rounding to nearest by the host's arithmetic on numbers of 64 bits, where that is exact (SDM vol. 1 §14.5):
 * numbers of 32 bits have products that fit; for those of 64 bits the sum is kept in two parts, of which the lower is
 * rounded to odd (S. Boldo, G. Melquiond: Emulation of FMA and correctly rounded sums, 2008).
 */
import type { Value } from '../../wasm/function-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import { doubles, Lanes, singles } from './lanes.ts';

const UPPER_TO_LOWER = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOWER_OF_BOTH = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** The numbers, with their signs changed as the instruction wants it. */
type Three = readonly [x: Value, y: Value, z: Value];

/** Returns from the function if the results of all lanes are found. Other lanes than those that are computed are `others`. */
export function returnIfQuick(lanes: Lanes, others: Value, numbers: Three, negated: Value): void {
  lanes.if(lanes.isQuick(), () => {
    const [x, y, z] = numbers.map((number) => lanes.only(number)) as unknown as Three;
    const product = lanes.f.operate('v128.xor', x, signsOf(lanes, negated, 0));
    const summand = lanes.f.operate('v128.xor', z, signsOf(lanes, negated, 1));
    if (lanes.of.lanes === 4) returnSingles(lanes, others, [product, y, summand]);
    else returnDoubles(lanes, others, [product, y, summand]);
  });
}

/** The sign bits of lanes by bits of `negated`: that of even lanes is at `bit`, that of odd ones two further. */
function signsOf(lanes: Lanes, negated: Value, bit: number): Value {
  const { f, of } = lanes;
  const sign = (n: number) => lanes.shl(lanes.and(lanes.shrU(negated, bit + n), 1), 31);
  const even = lanes.wideUnsigned(sign(0));
  const odd = lanes.shl(lanes.wideUnsigned(sign(2)), 32);
  if (of.lanes === 4) return f.operate('i64x2.splat', lanes.or(even, odd));
  return f.operateOnLane('i64x2.replace_lane', 1, f.operate('i64x2.splat', lanes.shl(even, 32)), odd);
}

/** Bits of a number of 64 bits that one of 32 has not, and the first of them alone: half way between two of those. */
const LOST = (1n << 29n) - 1n;
const HALF_WAY = 1n << 28n;

/**
 * The sum of 64 bits lies on the same side of every number half way between two of 32 bits as the exact one, unless it is
 * such a number itself.
 */
function returnSingles(lanes: Lanes, others: Value, numbers: Three): void {
  const { f, flagsAt, mxcsr } = lanes;
  const wide = new Lanes(f, doubles, 2, { flagsAt, mxcsr });
  const leastNormal = wide.power(1 - singles.narrow.bias);
  const lost = f.v128(LOST, LOST);
  const sums =
    lanes.count === 4
      ? [
          sumOf(f, numbers),
          sumOf(
            f,
            numbers.map((number) => upper(f, number)),
          ),
        ]
      : [sumOf(f, numbers)];
  const isGood = sums.map((sum) => {
    const isHalfWay = f.operate('i64x2.eq', wide.both(sum, lost), f.v128(HALF_WAY, HALF_WAY));
    const inRange = wide.either(wide.lt(leastNormal, wide.abs(sum)), wide.isZeroNumber(sum));
    return wide.without(inRange, isHalfWay);
  });
  const [low, high] = sums.map((sum) => f.operate('f32x4.demote_f64x2_zero', sum)) as [Value, Value?];
  const result = high ? f.shuffle(low, high, LOWER_OF_BOTH) : lanes.only(low);
  const finite = lanes.lt(lanes.abs(result), lanes.infinity);
  const plain = numbers.map((number) => lanes.isPlain(number)).reduce((one, other) => lanes.both(one, other), finite);
  const good = isGood.reduce((one, other) => wide.both(one, other));
  lanes.if(lanes.and(lanes.every(plain), wide.every(good)), () => f.return(lanes.merged(others, result)));
}

const upper = (f: Lanes['f'], x: Value): Value => f.shuffle(x, x, UPPER_TO_LOWER);

/** The lower two lanes in numbers of 64 bits. */
function sumOf(f: Lanes['f'], numbers: readonly Value[]): Value {
  const [x, y, z] = numbers.map((number) => f.operate('f64x2.promote_low_f32x4', number)) as unknown as Three;
  return f.operate('f64x2.add', f.operate('f64x2.mul', x, y), z);
}

/** Factors and summands of these magnitudes, and zeros, lose nothing below the least number. */
const FACTOR_EXPONENT_MAX = 450;
const SUMMAND_EXPONENT_MAX = 900;

function returnDoubles(lanes: Lanes, others: Value, [x, y, z]: Three): void {
  const { f } = lanes;
  const within = (number: Value, most: number): Value => {
    const magnitude = lanes.abs(number);
    const inRange = lanes.both(lanes.ge(magnitude, lanes.power(-most)), lanes.lt(magnitude, lanes.power(most)));
    return lanes.either(inRange, lanes.isZeroNumber(number));
  };
  const factors = lanes.both(within(x, FACTOR_EXPONENT_MAX), within(y, FACTOR_EXPONENT_MAX));
  lanes.if(lanes.every(lanes.both(factors, within(z, SUMMAND_EXPONENT_MAX))), () => {
    const product = f.operate('f64x2.mul', x, y);
    const [middle, low] = exactSum(lanes, z, errorOfProduct(lanes, x, y, product));
    const [high, rest] = exactSum(lanes, product, middle);
    const result = f.operate('f64x2.add', high, sumToOdd(lanes, low, rest));
    // A sum that is zero has a product without an error, and the sign that the plain sum gives it.
    const plain = f.operate('f64x2.add', product, z);
    f.return(lanes.merged(others, lanes.choose(lanes.isZeroNumber(result), plain, result)));
  });
}

/** 2^27 + 1: a product with it takes a number of 53 bits apart into two of 26. */
const SPLITTER = 0x41a0_0000_0200_0000n;

/** What the product of two numbers has beyond its rounding (T. J. Dekker). */
function errorOfProduct(lanes: Lanes, x: Value, y: Value, product: Value): Value {
  const on = (name: 'add' | 'sub' | 'mul', one: Value, other: Value) =>
    lanes.f.operate(`f64x2.${name}` satisfies OperationName, one, other);
  const halves = (number: Value): readonly [Value, Value] => {
    const large = on('mul', number, lanes.all(SPLITTER));
    const high = on('sub', large, on('sub', large, number));
    return [high, on('sub', number, high)];
  };
  const [[xHigh, xLow], [yHigh, yLow]] = [halves(x), halves(y)];
  const first = on('sub', on('mul', xHigh, yHigh), product);
  const crossed = on('add', on('add', first, on('mul', xHigh, yLow)), on('mul', xLow, yHigh));
  return on('add', crossed, on('mul', xLow, yLow));
}

/** A rounded sum and what it has lost (D. E. Knuth). */
function exactSum({ f }: Lanes, x: Value, y: Value): readonly [Value, Value] {
  const sum = f.operate('f64x2.add', x, y);
  const second = f.operate('f64x2.sub', sum, x);
  const first = f.operate('f64x2.sub', sum, second);
  return [sum, f.operate('f64x2.add', f.operate('f64x2.sub', x, first), f.operate('f64x2.sub', y, second))];
}

/** A sum whose last bit is set where it is not exact: that of the two neighbours which is odd. */
function sumToOdd(lanes: Lanes, x: Value, y: Value): Value {
  const { f } = lanes;
  const [sum, error] = exactSum(lanes, x, y);
  const one = f.v128(1n, 1n);
  const isEven = f.operate('i64x2.sub', lanes.both(sum, one), one);
  // Away from zero where the error has the sign of the sum, otherwise toward it.
  const step = lanes.either(f.operate('i64x2.shr_s', f.operate('v128.xor', sum, error), f.i32(63)), one);
  const isInexact = f.operate('f64x2.ne', error, lanes.all(0n));
  return f.operate('i64x2.add', sum, lanes.both(step, lanes.both(isEven, isInexact)));
}
