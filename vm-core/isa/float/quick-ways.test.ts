/** Where a quick way gives a result, it is that of the function, which raises nothing but what is rounded anyway. */
import { describe, expect, it } from 'vitest';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import { ModuleBuilder, type SharedFunction } from '../../wasm/module-builder.ts';
import * as conversions from './conversions.ts';
import { INEXACT } from './formats.ts';
import * as arithmetic from './lane-arithmetic.ts';
import * as comparisons from './lane-comparisons.ts';
import * as lanes from './lane-conversions.ts';
import { type QuickFunction, QuickLanes } from './quick-lanes.ts';
import { type QuickOperation, quickly } from './quickly.ts';

const ROUNDS = 2000;
/** All masked, to nearest; precision lost before or not. */
const MXCSR = 0x1f80;
/** To nearest, with 64 bits. */
const ENVIRONMENT = 0xc;
const [X, Y, RESULT, OTHER, TAKEN] = [16, 32, 48, 64, 80];

/** Both ways on what lies at X and Y; the exceptions of the function come to 0. */
function compile(
  definition: SharedFunction,
  quick: (f: FunctionBuilder, x: Value, y: Value, call: () => Value) => Value,
  operandsOf: (f: FunctionBuilder, x: Value, y: Value) => readonly Value[],
): { readonly view: DataView; run(): void } {
  const module = new ModuleBuilder(1);
  const f = module.defineFunction({ parameters: [], result: 'i32' }, 'run');
  const put = (at: number, value: Value) => {
    if (value.type === 'v128') f.storeVector(f.i32(at), 0, value);
    else f.store(value.type === 'i64' ? 64 : 32, f.i32(at), 0, value);
  };
  const [x, y] = [f.loadVector(128, f.i32(X)), f.loadVector(128, f.i32(Y))];
  const call = () => f.callShared(definition, f.i32(0), ...operandsOf(f, x, y));
  f.store(32, f.i32(TAKEN), 0, f.i32(1));
  const result = quick(f, x, y, () => {
    f.store(32, f.i32(TAKEN), 0, f.i32(0));
    return call();
  });
  put(RESULT, result);
  f.store(32, f.i32(0), 0, f.i32(0));
  put(OTHER, call());
  f.return(f.i32(0));
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 1 });
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.build()), { env: { memory } });
  return { view: new DataView(memory.buffer), run: instance.exports['run'] as () => void };
}

function ofLanes(definition: QuickFunction, lost: number, immediate?: number) {
  const { quick } = definition;
  if (!quick) throw new Error('there is no quick way');
  const mxcsr = MXCSR | lost;
  const last = (f: FunctionBuilder) => f.i32(immediate ?? 0);
  const way = (f: FunctionBuilder, x: Value, y: Value, call: () => Value) =>
    quickly(f, definition, (unusual) => quick(new QuickLanes(f, f.i32(mxcsr), unusual), x, y, last(f)), call);
  const operands = (f: FunctionBuilder, x: Value, y: Value) => [
    x,
    y,
    f.i32(mxcsr),
    ...(immediate === undefined ? [] : [last(f)]),
  ];
  return compile(definition, way, operands);
}

function ofX87(definition: QuickOperation, takes: 'single' | 'double' | 'number' | 'numbers') {
  const { quick } = definition;
  if (!quick) throw new Error('there is no quick way');
  const operands = (f: FunctionBuilder, x: Value, y: Value) => {
    if (takes === 'single') return [f.widen(f.operateOnLane('i32x4.extract_lane', 0, x), false)];
    if (takes === 'double') return [f.operateOnLane('i64x2.extract_lane', 0, x)];
    return takes === 'number' ? [x, f.i32(ENVIRONMENT)] : [x, y];
  };
  const way = (f: FunctionBuilder, x: Value, y: Value, call: () => Value) =>
    quickly(f, definition, (unusual) => quick(f, unusual, operands(f, x, y)), call);
  return compile(definition, way, operands);
}

/** Numbers of all kinds whose exponents are often near each other and near the ends. */
function numbers(seed: number) {
  let state = seed;
  const next = (bound: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return Math.floor(((state >>> 8) / 0x1000000) * bound);
  };
  const word = () => (next(0x10000) << 16) | next(0x10000);
  const exponent = (special: number) => {
    const bias = special >> 1;
    return [
      0,
      0,
      1,
      2,
      special - 2,
      special - 1,
      special,
      bias + next(4),
      bias + next(4),
      bias - 30 + next(60),
      next(special),
    ][next(11)] as number;
  };
  const fraction = () =>
    [0n, 0n, (1n << 64n) - 1n, BigInt(word() >>> 0) << 40n, BigInt.asUintN(64, BigInt(word()) * 0x1_2345_6789n)][
      next(5)
    ] as bigint;
  const sign = () => BigInt(next(2));
  const narrow = (bits: 32 | 64) => {
    const [width, special] = bits === 32 ? [23, 0xff] : [52, 0x7ff];
    const low = fraction() & ((1n << BigInt(width as number)) - 1n);
    return (sign() << BigInt(bits - 1)) | (BigInt(exponent(special as number)) << BigInt(width as number)) | low;
  };
  const integer = () => {
    const short = () => BigInt.asUintN(32, BigInt(word() >> 9));
    const ways = [
      () => BigInt(word()),
      () => (BigInt(word()) << 32n) | BigInt(word()),
      () => (short() << 32n) | short(),
    ];
    return (ways[next(ways.length)] as () => bigint)();
  };
  return { next, integer, narrow, exponent, fraction, sign };
}

type Kind = 'single' | 'double' | 'integer' | 'extended';

function fill(view: DataView, kind: Kind, random: ReturnType<typeof numbers>): void {
  const { next, integer, narrow, exponent, fraction, sign } = random;
  for (let at = X; at < X + 32; at += 8) {
    if (kind === 'single') view.setBigUint64(at, narrow(32) | (narrow(32) << 32n), true);
    else if (kind === 'double') view.setBigUint64(at, narrow(64), true);
    else if (kind === 'integer') view.setBigInt64(at, integer(), true);
  }
  if (kind === 'extended') {
    for (const at of [X, Y]) {
      const biased = [exponent(0x7fff), 0x3fff - 127 + next(256), 0x3fff + next(3)][next(3)] as number;
      view.setBigUint64(at, fraction() | (next(20) === 0 ? 0n : 1n << 63n), true);
      view.setBigUint64(at + 8, (sign() << 15n) | BigInt(biased), true);
      if (next(6) === 0) for (let half = 0; half < 16; half += 8) view.setBigUint64(at + half, 0n, true);
    }
  }
  // Now and then both are the same.
  if (next(5) === 0)
    for (let half = 0; half < 16; half += 8) view.setBigUint64(Y + half, view.getBigUint64(X + half, true), true);
}

/** Tests so many operands, of which some must have a quick result. */
function compare({ view, run }: ReturnType<typeof compile>, kind: Kind, mayRaise: number): void {
  const random = numbers(kind.length * 7919);
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    fill(view, kind, random);
    view.setUint32(0, 0, true);
    run();
    if (view.getUint32(TAKEN, true) === 0) continue;
    taken++;
    const text = (at: number) => Buffer.from(view.buffer, at, 16).toString('hex');
    const operands = `${text(X)} ${text(Y)}`;
    expect(text(RESULT), operands).toBe(text(OTHER));
    expect(view.getUint32(0, true) & ~mayRaise, operands).toBe(0);
  }
  expect(taken).toBeGreaterThan(ROUNDS / 1000);
}

describe.each([
  ['single', arithmetic.packedSingles, comparisons.comparePackedSingles],
  ['single', arithmetic.scalarSingle, comparisons.compareSingle],
  ['double', arithmetic.packedDoubles, comparisons.comparePackedDoubles],
  ['double', arithmetic.scalarDouble, comparisons.compareDouble],
] as const)('lanes of %s numbers', (kind, computing, comparing) => {
  it.each(['sum', 'difference', 'product', 'quotient', 'root'] as const)('%s', (name) => {
    for (const lost of [0, INEXACT]) compare(ofLanes(computing[name], lost), kind, lost);
  });
  it.each(['minimum', 'maximum'] as const)('%s', (name) => compare(ofLanes(comparing[name], 0), kind, 0));
  it('comparisons', () => {
    for (let predicate = 0; predicate < 32; predicate++) compare(ofLanes(comparing.comparison, 0, predicate), kind, 0);
  });
});

describe('conversions and flags of lanes', () => {
  const { integerFromSingle, integerFromDouble, integersFromPackedSingles, integersFromPackedDoubles } = lanes;
  const all: readonly (readonly [string, Kind, QuickFunction])[] = [
    ['flags of singles', 'single', comparisons.orderedSingleFlags],
    ['flags of doubles', 'double', comparisons.unorderedDoubleFlags],
    ...(['truncated', 'rounded'] as const).flatMap((rounding) => [
      [`integers from singles, ${rounding}`, 'single', integersFromPackedSingles[rounding]] as const,
      [`integers from doubles, ${rounding}`, 'double', integersFromPackedDoubles[rounding]] as const,
      [`an integer of 32 bits from a single, ${rounding}`, 'single', integerFromSingle[32][rounding]] as const,
      [`an integer of 64 bits from a single, ${rounding}`, 'single', integerFromSingle[64][rounding]] as const,
      [`an integer of 32 bits from a double, ${rounding}`, 'double', integerFromDouble[32][rounding]] as const,
      [`an integer of 64 bits from a double, ${rounding}`, 'double', integerFromDouble[64][rounding]] as const,
    ]),
    ['singles from integers', 'integer', lanes.singlesFromIntegers],
    ['a single from an integer', 'integer', lanes.singleFromLowestInteger],
    ['a double from an integer', 'integer', lanes.doubleFromLowestInteger],
    ['a double from a single', 'single', lanes.doubleFromLowestSingle],
    ['a single from a double', 'double', lanes.singleFromLowestDouble],
  ];
  it.each(all)('%s', (_, kind, definition) => {
    for (const lost of [0, INEXACT]) compare(ofLanes(definition, lost), kind, lost);
  });
});

describe('numbers of the x87', () => {
  it.each([
    ['loads of singles', 'single', conversions.loadedSingle, 'single'],
    ['loads of doubles', 'double', conversions.loadedDouble, 'double'],
    ['stores of singles', 'extended', conversions.singleFromExtended, 'number'],
    ['stores of doubles', 'extended', conversions.doubleFromExtended, 'number'],
    ['ordered comparisons', 'extended', conversions.orderedComparison, 'numbers'],
    ['unordered comparisons', 'extended', conversions.unorderedComparison, 'numbers'],
  ] as const)('%s', (_, kind, definition, takes) => compare(ofX87(definition, takes), kind, 0));
});
