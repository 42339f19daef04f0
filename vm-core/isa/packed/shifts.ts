/** Shifts of packed integers by one count (SDM vol. 2B PSLLW, PSRLW, PSRAW). */
import type { Value } from '../../wasm/function-builder.ts';
import type { Semantics } from '../semantics.ts';
import { bytes, places } from './lanes.ts';

/** Shifts 128 bits by a count of 64 bits: counts that are too large give 0, or the sign everywhere. */
export type ShiftFunction = (s: Semantics, x: Value, count: Value) => Value;

type Lanes = 'i16x8' | 'i32x4' | 'i64x2';
const BITS: Readonly<Record<Lanes, number>> = { i16x8: 16, i32x4: 32, i64x2: 64 };

/** To the left, or to the right with zeros. */
export function logical(lanes: Lanes, direction: 'shl' | 'shr_u'): ShiftFunction {
  return (s, x, count) => {
    const shifted = s.f.operate(`${lanes}.${direction}`, x, s.low(count));
    return s.select(s.ltU(count, BITS[lanes]), shifted, s.f.v128(0n, 0n));
  };
}

/** To the right with copies of the sign. */
export function arithmetic(lanes: 'i16x8' | 'i32x4'): ShiftFunction {
  return (s, x, count) => {
    const most = BITS[lanes] - 1;
    const limited = s.select(s.gtU(count, most), s.constant(most), s.low(count));
    return s.f.operate(`${lanes}.shr_s`, x, limited);
  };
}

/** PSLLDQ and PSRLDQ: by bytes. */
export function byBytes(direction: 'left' | 'right'): ShiftFunction {
  return (s, x, count) => {
    const { f } = s;
    const limited = f.operate('i8x16.splat', s.select(s.gtU(count, 16), s.constant(16), s.low(count)));
    const numbers = f.operate(direction === 'left' ? 'i8x16.sub' : 'i8x16.add', bytes(s, places()), limited);
    return f.operate('i8x16.swizzle', x, numbers);
  };
}
