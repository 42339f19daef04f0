/** Rounds and message schedules of SHA-1 and SHA-256 (SDM vol. 2B SHA1RNDS4; FIPS 180-4 §4.1, §6). Lane 3 is the highest. */
import type { Value } from '../../wasm/function-builder.ts';
import { XMM0 } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { bytesOfLanes, type VectorFunction } from './lanes.ts';

type Four = readonly [Value, Value, Value, Value];

const lanesOf = ({ f }: Semantics, x: Value): Four =>
  [0, 1, 2, 3].map((n) => f.operateOnLane('i32x4.extract_lane', n, x)) as unknown as Four;

const vectorOf = ({ f }: Semantics, lanes: Four): Value =>
  lanes.reduce((vector, lane, n) => f.operateOnLane('i32x4.replace_lane', n, vector, lane), f.v128(0n, 0n));

const sum = (s: Semantics, ...values: readonly Value[]) => values.reduce((x, y) => s.add(x, y));
const exclusive = (s: Semantics, ...values: readonly Value[]) => values.reduce((x, y) => s.xor(x, y));
const turnRight = (s: Semantics, x: Value, bits: number) => s.rotl(x, s.constant(32 - bits));

/** Where x is set y, elsewhere z. */
const choose = (s: Semantics, x: Value, y: Value, z: Value) => s.xor(z, s.and(x, s.xor(y, z)));
const majority = (s: Semantics, x: Value, y: Value, z: Value) => s.or(s.and(x, y), s.and(z, s.or(x, y)));
const parity = (s: Semantics, x: Value, y: Value, z: Value) => exclusive(s, x, y, z);

/** Functions and constants of the four parts of SHA-1, twenty rounds each. */
const parts = [
  { mix: choose, constant: 0x5a82_7999 },
  { mix: parity, constant: 0x6ed9_eba1 },
  { mix: majority, constant: 0x8f1b_bcdc },
  { mix: parity, constant: 0xca62_c1d6 },
] as const;

/** SHA1RNDS4: four rounds on A to D in `x`; E is in the first word of `y` already. */
export const sha1Rounds: VectorFunction = (s, x, y, selector) => {
  const { f } = s;
  const result = f.variable(x);
  const rounds = ({ mix, constant }: (typeof parts)[number]) => {
    const words = lanesOf(s, y);
    let [d, c, b, a] = lanesOf(s, x) as readonly Value[] as Value[];
    let e: Value = s.constant(0);
    for (let n = 3; n >= 0; n--) {
      const [a0, b0, c0, d0] = [a, b, c, d] as readonly Value[] as Four;
      const turned = s.rotl(a0, s.constant(5));
      const next = sum(s, mix(s, b0, c0, d0), turned, words[n] as Value, e, s.constant(constant | 0));
      [e, d, c, b, a] = [d0, c0, turnRight(s, b0, 2), a0, next];
    }
    f.set(result, vectorOf(s, [d, c, b, a] as readonly (Value | undefined)[] as Four));
  };
  const part = s.and(selector, 3);
  f.switch(
    part,
    parts.slice(0, 3).map((one) => () => rounds(one)),
    () => rounds(parts[3]),
  );
  return result;
};

/** SHA1NEXTE: A of four rounds ago becomes E, and is added to the first word. */
export const sha1NextE: VectorFunction = (s, x, y) => {
  const { f } = s;
  const e = s.rotl(f.operateOnLane('i32x4.extract_lane', 3, x), s.constant(30));
  const added = s.add(f.operateOnLane('i32x4.extract_lane', 3, y), e);
  return f.operateOnLane('i32x4.replace_lane', 3, y, added);
};

export const sha1Message1: VectorFunction = ({ f }, x, y) =>
  f.operate('v128.xor', x, f.shuffle(y, x, bytesOfLanes([2, 3, 4, 5], 4)));

/** SHA1MSG2: the last word depends on the first of the new ones. */
export const sha1Message2: VectorFunction = (s, x, y) => {
  const [x0, x1, x2, x3] = lanesOf(s, x);
  const [y0, y1, y2] = lanesOf(s, y);
  const turned = (value: Value) => s.rotl(value, s.constant(1));
  const w16 = turned(s.xor(x3, y2));
  return vectorOf(s, [turned(s.xor(x0, w16)), turned(s.xor(x1, y0)), turned(s.xor(x2, y1)), w16]);
};

/** SHA256RNDS2: two rounds; A, B, E, F are in `y`, C, D, G, H in `x`, the words with their constants in XMM0. */
export const sha256Rounds: VectorFunction = (s, x, y) => {
  const message = s.readVector(XMM0)[0] as Value;
  let [f, e, b, a] = lanesOf(s, y) as readonly Value[] as [Value, Value, Value, Value];
  let [h, g, d, c] = lanesOf(s, x) as readonly Value[] as [Value, Value, Value, Value];
  for (const word of lanesOf(s, message).slice(0, 2)) {
    const sigma1 = exclusive(s, turnRight(s, e, 6), turnRight(s, e, 11), turnRight(s, e, 25));
    const sigma0 = exclusive(s, turnRight(s, a, 2), turnRight(s, a, 13), turnRight(s, a, 22));
    const first = sum(s, choose(s, e, f, g), sigma1, word, h);
    const second = sum(s, majority(s, a, b, c), sigma0);
    [h, g, f, e, d, c, b, a] = [g, f, e, sum(s, first, d), c, b, a, sum(s, first, second)];
  }
  return vectorOf(s, [f, e, b, a]);
};

/** SHA256MSG1: to each word σ0 of the next. */
export const sha256Message1: VectorFunction = (s, x, y) => {
  const { f } = s;
  const next = f.shuffle(x, y, bytesOfLanes([1, 2, 3, 4], 4));
  const turned = (bits: number) =>
    f.operate(
      'v128.or',
      f.operate('i32x4.shr_u', next, s.constant(bits)),
      f.operate('i32x4.shl', next, s.constant(32 - bits)),
    );
  const sigma = [turned(7), turned(18), f.operate('i32x4.shr_u', next, s.constant(3))].reduce((a, b) =>
    f.operate('v128.xor', a, b),
  );
  return f.operate('i32x4.add', x, sigma);
};

/** SHA256MSG2: to each word σ1 of that two before, of which the last two are new. */
export const sha256Message2: VectorFunction = (s, x, y) => {
  const [x0, x1, x2, x3] = lanesOf(s, x);
  const [, , y2, y3] = lanesOf(s, y);
  const sigma = (value: Value) => exclusive(s, turnRight(s, value, 17), turnRight(s, value, 19), s.shrU(value, 10));
  const [w16, w17] = [s.add(x0, sigma(y2)), s.add(x1, sigma(y3))];
  return vectorOf(s, [w16, w17, s.add(x2, sigma(w16)), s.add(x3, sigma(w17))]);
};
