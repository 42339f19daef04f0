/** Random states of the x87, SSE and AVX units, laid out as XSAVE does (SDM vol. 1 §13.4). */
import { anyNumber, type FloatNumber, shapes } from './float-numbers.ts';
import { oneOf, type RandomWords } from './random.ts';

/** Bytes of such a state. */
export const STATE_SIZE = 832;
/** Where its parts lie. */
export const [STATUS, TAGS, MXCSR, STACK, XMM, YMM] = [2, 4, 24, 32, 160, 576] as const;
const COMPONENTS = 512;
const [ALL_EXCEPTIONS, SUMMARY_AND_BUSY] = [0x3f, 0x8080];

/** Registers with numbers of all kinds; most exceptions are masked most of the time. */
export function anyState(next: RandomWords): Uint8Array {
  const image = new Uint8Array(STATE_SIZE);
  const to = new DataView(image.buffer);
  const masks = next() % 4 === 0 ? next() & 0x3f : 0x3f;
  to.setUint16(0, 0x40 | masks | (oneOf(next, [0, 2, 3, 3]) << 8) | ((next() & 3) << 10), true);
  // Now and then an exception waits that is not masked.
  const flags = next() % 3 === 0 ? next() & (next() % 6 === 0 ? ALL_EXCEPTIONS : masks) : 0;
  const waits = (flags & ~masks & ALL_EXCEPTIONS) !== 0 ? SUMMARY_AND_BUSY : 0;
  to.setUint16(STATUS, waits | flags | (next() & 0x4700) | ((next() & 7) << 11), true);
  to.setUint8(TAGS, next() % 3 === 0 ? next() & 0xff : 0xff);
  const vectorMasks = next() % 4 === 0 ? next() & 0x3f : 0x3f;
  const modes = (next() % 4 === 0 ? next() & 0x8040 : 0) | ((next() % 3 === 0 ? next() & 3 : 0) << 13);
  to.setUint32(MXCSR, modes | (vectorMasks << 7) | (next() % 3 === 0 ? next() & 0x3f : 0), true);
  for (let n = 0; n < 8; n++) fillExtended(to, STACK + 16 * n, next);
  for (let n = 0; n < 16; n++) for (const at of [XMM, YMM]) fillVector(to, at + 16 * n, next);
  for (const [at, count] of [[STACK, 8] as const, [XMM, 16] as const, [YMM, 16] as const]) {
    for (let n = 1; n < count; n++) if (next() % 8 === 0) repeat(image, at, n, next);
  }
  to.setBigUint64(COMPONENTS, 7n, true);
  return image;
}

/** A register as another one, or nearly so: what is the same compares equal, and differences of neighbours lose digits. */
function repeat(image: Uint8Array, at: number, n: number, next: RandomWords): void {
  const from = at + 16 * (next() % n);
  image.copyWithin(at + 16 * n, from, from + 16);
  if (next() % 2 === 0) image[at + 16 * n + (next() % 8)] = next() & 0xff;
}

/** A number of 80 bits; now and then its top bit contradicts its exponent. */
export function fillExtended(to: DataView, at: number, next: RandomWords): void {
  const number = anyNumber(next, shapes.extended);
  const top = BigInt(number.exponent === 0 ? 0 : 1) ^ BigInt(next() % 40 === 0 ? 1 : 0);
  to.setBigUint64(at, number.fraction | (top << 63n), true);
  to.setUint16(at + 8, (number.sign << 15) | number.exponent, true);
}

/** Eighteen decimal digits and a sign; now and then some of them are none. */
export function fillDecimal(to: DataView, at: number, next: RandomWords): void {
  const digits = next() % 19;
  for (let n = 0; n < 9; n++) {
    const digit = (place: number) => (place >= digits ? 0 : next() % (next() % 40 === 0 ? 16 : 10));
    to.setUint8(at + n, digit(2 * n) | (digit(2 * n + 1) << 4));
  }
  to.setUint8(at + 9, (next() & 1) << 7);
}

/** Sixteen bytes as numbers of 32 or 64 bits, or as integers of edges and chance. */
export function fillVector(to: DataView, at: number, next: RandomWords): void {
  const kind = next() % 4;
  if (kind === 0) {
    for (let n = 0; n < 16; n += 8) to.setBigUint64(at + n, bitsOf(anyNumber(next, shapes.double), 52n, 63n), true);
  } else if (kind === 1) {
    for (let n = 0; n < 16; n += 4)
      to.setUint32(at + n, Number(bitsOf(anyNumber(next, shapes.single), 23n, 31n)), true);
  } else {
    for (let n = 0; n < 16; n++) to.setUint8(at + n, kind === 2 ? next() : oneOf(next, [0, 1, 0x7f, 0x80, 0xff]));
  }
}

function bitsOf({ sign, exponent, fraction }: FloatNumber, width: bigint, signAt: bigint): bigint {
  return (BigInt(sign) << signAt) | (BigInt(exponent) << width) | fraction;
}
