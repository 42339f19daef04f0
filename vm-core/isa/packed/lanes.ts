/** The words in which packed instructions are written: functions over vectors of 128 bits (SDM vol. 1 §9.4, §11.3). */
import type { Value } from '../../wasm/function-builder.ts';
import type { OperationName } from '../../wasm/vector-opcodes.ts';
import type { Semantics } from '../semantics.ts';

/**
 * What an instruction makes of 128 bits of its operands: `x` is the destination, or with VEX the first source, `y` the
 * other operand, and `selector` the immediate byte. With 256 bits both halves are computed like this.
 */
export type VectorFunction = (s: Semantics, x: Value, y: Value, selector: Value) => Value;

/** A function that is one operation of WebAssembly. */
export function operation(name: OperationName): VectorFunction {
  return ({ f }, x, y) => f.operate(name, x, y);
}

/** The same with the operands exchanged. */
export function reversed(name: OperationName): VectorFunction {
  return ({ f }, x, y) => f.operate(name, y, x);
}

/** An operation on the second operand alone. */
export function unary(name: OperationName): VectorFunction {
  return ({ f }, _, y) => f.operate(name, y);
}

/** A vector of sixteen bytes that are known. */
export function bytes(s: Semantics, values: readonly number[]): Value {
  const half = (from: number) =>
    values.slice(from, from + 8).reduce((sum, value, n) => sum | (BigInt(value & 0xff) << BigInt(8 * n)), 0n);
  return s.f.v128(half(0), half(8));
}

/** A vector of eight words that are known. */
export function words(s: Semantics, values: readonly number[]): Value {
  return bytes(
    s,
    values.flatMap((value) => [value & 0xff, value >> 8]),
  );
}

/** The numbers of the bytes of a vector, each with something added: 0 to 15. */
export function places(from = 0, count = 16): number[] {
  return Array.from({ length: count }, (_, n) => from + n);
}

/** Bytes of two vectors by their numbers: 0 to 15 are `x`, 16 to 31 `y`. */
export function shuffled(numbers: readonly number[]): VectorFunction {
  return ({ f }, x, y) => f.shuffle(x, y, numbers);
}

/** Numbers of bytes from those of lanes of so many bytes. */
export function bytesOfLanes(lanes: readonly number[], size: number): number[] {
  return lanes.flatMap((lane) => places(lane * size, size));
}

/** The operands of MMX instructions behind each other, `x` below. */
export function joined({ f }: Semantics, x: Value, y: Value): Value {
  return f.shuffle(x, y, bytesOfLanes([0, 2], 8));
}

/** For MMX, a function of which the lower half of the result comes from `x`, and the upper half from `y`. */
export function ofJoined(compute: VectorFunction): VectorFunction {
  return (s, x, y, selector) => {
    const both = joined(s, x, y);
    return compute(s, both, both, selector);
  };
}

/** The upper half, with zeros above. */
export function upperHalf(s: Semantics, x: Value): Value {
  return s.f.shuffle(x, s.f.v128(0n, 0n), bytesOfLanes([1, 2], 8));
}

/**
 * Eight words, each of which has a field of the immediate byte: where it begins for each word, `width` bits of it.
 */
export function fieldsOf(s: Semantics, selector: Value, starts: readonly number[], width: 1 | 2): Value {
  const { f } = s;
  const factors = starts.map((start) => 128 >> start);
  const moved = f.operate('i16x8.mul', f.operate('i16x8.splat', selector), words(s, factors));
  const mask = words(
    s,
    starts.map(() => (1 << width) - 1),
  );
  return f.operate('v128.and', f.operate('i16x8.shr_u', moved, s.constant(7)), mask);
}

/** All ones in the words whose bit of the immediate byte is set. */
export function maskOf(s: Semantics, selector: Value, bits: readonly number[]): Value {
  return s.f.operate('i16x8.neg', fieldsOf(s, selector, bits, 1));
}
