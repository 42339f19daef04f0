/** Random states of the x87, SSE and AVX units, laid out as XSAVE does (SDM vol. 1 §13.4). */
import { anyNumber, type FloatNumber, shapes } from './float-numbers.ts';
import { oneOf, type RandomWords } from './random.ts';

/** Bytes of such a state. */
export const STATE_SIZE = 832;
/** Where its parts lie. */
export const [STATUS, TAGS, MXCSR, STACK, XMM, YMM] = [2, 4, 24, 32, 160, 576] as const;
const COMPONENTS = 512;

/** Registers with numbers of all kinds; most exceptions are masked most of the time. */
export function anyState(next: RandomWords): Uint8Array {
  const image = new Uint8Array(STATE_SIZE);
  const to = new DataView(image.buffer);
  const masks = next() % 4 === 0 ? next() & 0x3f : 0x3f;
  to.setUint16(0, 0x40 | masks | (oneOf(next, [0, 2, 3, 3]) << 8) | ((next() & 3) << 10), true);
  const flags = next() % 3 === 0 ? next() & masks : 0;
  to.setUint16(STATUS, flags | (next() & 0x4700) | ((next() & 7) << 11), true);
  to.setUint8(TAGS, next() % 3 === 0 ? next() & 0xff : 0xff);
  const vectorMasks = next() % 4 === 0 ? next() & 0x3f : 0x3f;
  const modes = (next() % 4 === 0 ? next() & 0x8040 : 0) | ((next() % 3 === 0 ? next() & 3 : 0) << 13);
  to.setUint32(MXCSR, modes | (vectorMasks << 7) | (next() % 3 === 0 ? next() & 0x3f : 0), true);
  for (let n = 0; n < 8; n++) {
    const number = anyNumber(next, shapes.extended);
    const top = BigInt(number.exponent === 0 ? 0 : 1) ^ BigInt(next() % 40 === 0 ? 1 : 0);
    to.setBigUint64(STACK + 16 * n, number.fraction | (top << 63n), true);
    to.setUint16(STACK + 16 * n + 8, (number.sign << 15) | number.exponent, true);
  }
  for (let n = 0; n < 16; n++) for (const at of [XMM, YMM]) fillVector(to, at + 16 * n, next);
  to.setBigUint64(COMPONENTS, 7n, true);
  return image;
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
