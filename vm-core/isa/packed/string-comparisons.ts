/** How PCMPESTRI and its like compare two strings of up to sixteen bytes or eight words (SDM vol. 1 §5.12.1, vol. 2B §4.1). */
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';

/** Bits of the immediate byte. */
const WORDS = 1;
const SIGNED = 2;
const AGGREGATION_SHIFT = 2;

type Lanes = 'i8x16' | 'i16x8';

/** Two strings, and the tests of elements by which they are compared. */
class Comparison {
  readonly #f: FunctionBuilder;
  readonly #lanes: Lanes;
  readonly #x: Value;
  readonly #y: Value;
  readonly #lengthX: Value;
  readonly #lengthY: Value;

  /** In what is compared as unsigned, the sign is another bit where elements are signed. */
  constructor(f: FunctionBuilder, lanes: Lanes) {
    const [x, y, lengthX, lengthY, control] = f.parameters as readonly [Value, Value, Value, Value, Value];
    this.#f = f;
    this.#lanes = lanes;
    const isSigned = f.binary('and', control, f.i32(SIGNED));
    const sign = f.i32(lanes === 'i8x16' ? 0x80 : 0x8000);
    const flip = f.operate(`${lanes}.splat`, f.select(isSigned, sign, f.i32(0)));
    this.#x = f.operate('v128.xor', x, flip);
    this.#y = f.operate('v128.xor', y, flip);
    this.#lengthX = lengthX;
    this.#lengthY = lengthY;
  }

  get #size(): 1 | 2 {
    return this.#lanes === 'i8x16' ? 1 : 2;
  }

  /** The numbers of the elements; of their bytes. */
  #numbers(size: 1 | 2): Value {
    const half = (from: number) =>
      Array.from({ length: 8 / size }, (_, n) => BigInt(from + n) << BigInt(8 * size * n)).reduce((a, b) => a | b);
    return this.#f.v128(half(0), half(8 / size));
  }

  #or(x: Value, y: Value): Value {
    return this.#f.operate('v128.or', x, y);
  }

  #and(x: Value, y: Value): Value {
    return this.#f.operate('v128.and', x, y);
  }

  #isBelow(numbers: Value, end: Value): Value {
    const f = this.#f;
    return f.operate(`${this.#lanes}.lt_u`, numbers, f.operate(`${this.#lanes}.splat`, end));
  }

  /** One element of `x` in all places. */
  #element(n: Value): Value {
    const f = this.#f;
    if (this.#size === 1) return f.operate('i8x16.swizzle', this.#x, f.operate('i8x16.splat', n));
    const numbers = f.binary('add', f.binary('mul', n, f.i32(0x0202)), f.i32(0x0100));
    return f.operate('i8x16.swizzle', this.#x, f.operate('i16x8.splat', numbers));
  }

  /** Goes through the elements of `x`, `step` at a time, as long as all of them are in the string. */
  #eachOfX(step: 1 | 2, body: (n: Value) => void): void {
    const f = this.#f;
    const n = f.variable(f.i32(0));
    f.block((end) =>
      f.loop((again) => {
        f.branchIf(f.binary('gtU', f.binary('add', n, f.i32(step)), this.#lengthX), end);
        f.scope(() => body(f.copy(n)));
        f.set(n, f.binary('add', n, f.i32(step)));
        f.branch(again);
      }),
    );
  }

  #isInY(): Value {
    return this.#isBelow(this.#numbers(this.#size), this.#lengthY);
  }

  /** The bits of the elements of a vector that are all ones. */
  #bits(mask: Value): Value {
    return this.#f.operate(`${this.#lanes}.bitmask`, mask);
  }

  /** Elements of `y` for which one test of an element of `x`, or of a pair, is true. */
  #any(step: 1 | 2, test: (n: Value) => Value): Value {
    const f = this.#f;
    const found = f.variable(f.v128(0n, 0n));
    this.#eachOfX(step, (n) => f.set(found, this.#or(found, test(n))));
    return this.#bits(this.#and(found, this.#isInY()));
  }

  equalAny(): Value {
    return this.#any(1, (n) => this.#f.operate(`${this.#lanes}.eq`, this.#y, this.#element(n)));
  }

  /** `x` is pairs of a lowest and a highest element. */
  ranges(): Value {
    const f = this.#f;
    return this.#any(2, (n) => {
      const highest = this.#element(f.binary('add', n, f.i32(1)));
      const isAbove = f.operate(`${this.#lanes}.ge_u`, this.#y, this.#element(n));
      return this.#and(isAbove, f.operate(`${this.#lanes}.le_u`, this.#y, highest));
    });
  }

  /** Behind the ends of both, elements are equal. */
  equalEach(): Value {
    const f = this.#f;
    const isInX = this.#isBelow(this.#numbers(this.#size), this.#lengthX);
    const isInY = this.#isInY();
    const areEqual = this.#and(f.operate(`${this.#lanes}.eq`, this.#x, this.#y), this.#and(isInX, isInY));
    return this.#bits(this.#or(areEqual, f.operate('v128.not', this.#or(isInX, isInY))));
  }

  /** Places of `y` where all of `x` begins, as far as the register goes. */
  equalOrdered(): Value {
    const f = this.#f;
    const matches = f.variable(f.v128(-1n, -1n));
    const count = f.i32(16 / this.#size);
    this.#eachOfX(1, (n) => {
      const numbers = f.operate(`${this.#lanes}.add`, this.#numbers(this.#size), f.operate(`${this.#lanes}.splat`, n));
      const bytes = f.operate('i8x16.splat', f.binary('mul', n, f.i32(this.#size)));
      const moved = f.operate('i8x16.swizzle', this.#y, f.operate('i8x16.add', this.#numbers(1), bytes));
      const isEqual = f.operate(`${this.#lanes}.eq`, moved, this.#element(n));
      const isBeyond = f.operate('v128.not', this.#isBelow(numbers, count));
      const found = this.#or(this.#and(isEqual, this.#isBelow(numbers, this.#lengthY)), isBeyond);
      f.set(matches, this.#and(matches, found));
    });
    return this.#bits(matches);
  }
}

/** IntRes1 of two strings, their lengths in elements, and the immediate byte. */
export const compareStrings: SharedFunction = {
  signature: { parameters: ['v128', 'v128', 'i32', 'i32', 'i32'], result: 'i32' },
  write: (f) => {
    const control = f.parameters[4] as Value;
    const aggregate = (lanes: Lanes) => {
      const compared = new Comparison(f, lanes);
      const selector = f.binary('and', f.binary('shrU', control, f.i32(AGGREGATION_SHIFT)), f.i32(3));
      const cases = [
        () => f.return(compared.equalAny()),
        () => f.return(compared.ranges()),
        () => f.return(compared.equalEach()),
      ];
      f.switch(selector, cases, () => f.return(compared.equalOrdered()));
    };
    f.if(
      f.binary('and', control, f.i32(WORDS)),
      () => aggregate('i16x8'),
      () => aggregate('i8x16'),
    );
  },
};
