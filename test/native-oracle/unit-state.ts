/** The state of the x87, SSE and AVX units as XSAVE lays it out (SDM vol. 1 §13.4): into our processor and out of it, and compared. */
import type { CpuState } from '../../vm-core/state/cpu-state.ts';
import { mmxSlots, slot, vectorSlots } from '../../vm-core/state/layout.ts';
import { MXCSR, STACK, STATE_SIZE, STATUS, TAGS, XMM, YMM } from '../../scripts/differential/unit-state.ts';
import type { Case } from './case.ts';
import { undefinedState } from './undefined-states.ts';

const UPPER_HALF = 16;

export function loadState(state: CpuState, image: Uint8Array): void {
  const from = new DataView(image.buffer, image.byteOffset);
  state.write16(slot.FCW, from.getUint16(0, true));
  state.write16(slot.FSW, from.getUint16(STATUS, true));
  state.write8(slot.FTW, from.getUint8(TAGS));
  state.write32(slot.MXCSR, from.getUint32(MXCSR, true));
  for (const at of [slot.FOP, slot.FCS, slot.FDS]) state.write16(at, 0);
  for (const at of [slot.FIP, slot.FDP]) state.write64(at, 0n);
  copyRegisters(state, from, (at, bytes) => {
    for (let n = 0; n < bytes.size; n++) state.write8(at + n, from.getUint8(bytes.at + n));
  });
}

export function storeState(state: CpuState): Uint8Array {
  const image = new Uint8Array(STATE_SIZE);
  const to = new DataView(image.buffer);
  to.setUint16(0, state.read16(slot.FCW), true);
  to.setUint16(STATUS, state.read16(slot.FSW), true);
  to.setUint8(TAGS, state.read8(slot.FTW));
  to.setUint32(MXCSR, state.read32(slot.MXCSR), true);
  copyRegisters(state, to, (at, bytes) => {
    for (let n = 0; n < bytes.size; n++) to.setUint8(bytes.at + n, state.read8(at + n));
  });
  return image;
}

/** Calls for each register with its slot and its place in the image; those of the stack count from the top. */
function copyRegisters(
  _: CpuState,
  image: DataView,
  copy: (slotAt: number, bytes: { readonly at: number; readonly size: number }) => void,
): void {
  const top = (image.getUint16(STATUS, true) >> 11) & 7;
  for (let n = 0; n < 8; n++) copy(mmxSlots[(top + n) & 7] as number, { at: STACK + 16 * n, size: 10 });
  vectorSlots.forEach((at, n) => {
    copy(at, { at: XMM + 16 * n, size: 16 });
    copy(at + UPPER_HALF, { at: YMM + 16 * n, size: 16 });
  });
}

/** The first difference between two images, as text. */
export function compareStates(test: Case, native: Uint8Array, ours: Uint8Array): string | undefined {
  const vectors = test.mode === 64 ? 16 : 8;
  const { status, lastPlaces, isApproximate, all } = undefinedState(test, wordAt(native, STATUS));
  if (all) return undefined;
  const fields: readonly (readonly [name: string, at: number, size: number])[] = [
    ...([
      ['FCW', 0, 2],
      ['FSW', STATUS, 2],
      ['FTW', TAGS, 1],
      ['MXCSR', MXCSR, 4],
    ] as const),
    ...Array.from({ length: 8 }, (_, n) => [`ST(${n})`, STACK + 16 * n, 10] as const),
    ...Array.from({ length: vectors }, (_, n) => [`XMM${n}`, XMM + 16 * n, 16] as const),
    ...Array.from({ length: vectors }, (_, n) => [`YMM${n} upper half`, YMM + 16 * n, 16] as const),
  ];
  const text = (image: Uint8Array, at: number, size: number) =>
    Buffer.from(image.subarray(at, at + size))
      .reverse()
      .toString('hex');
  const differs = (at: number, size: number): boolean => {
    if (text(native, at, size) === text(ours, at, size)) return false;
    if (at === STATUS) return ((wordAt(native, at) ^ wordAt(ours, at)) & ~status) !== 0;
    if (size === 16 && isApproximate) return !areClose(native, ours, at);
    return size !== 10 || lastPlaces === 0n || distance(native, ours, at) > lastPlaces;
  };
  const different = fields.find(([, at, size]) => differs(at, size));
  if (!different) return undefined;
  const [name, at, size] = different;
  return `${name} is ${text(native, at, size)}, ours ${text(ours, at, size)}`;
}

export function wordAt(image: Uint8Array, at: number): number {
  return new DataView(image.buffer, image.byteOffset).getUint16(at, true);
}

export const STATUS_WORD = STATUS;

/**
 * Four numbers that may be 1.5·2^-12 beside the same ones each; what is no normal number is the same. Just above the least
 * normal number it may be flushed to zero, or not (SDM vol. 2B RCPPS).
 */
function areClose(x: Uint8Array, y: Uint8Array, at: number): boolean {
  const [first, second] = [x, y].map((image) => new DataView(image.buffer, image.byteOffset + at, 16)) as [
    DataView,
    DataView,
  ];
  return [0, 4, 8, 12].every((lane) => {
    if (first.getUint32(lane, true) === second.getUint32(lane, true)) return true;
    const [one, other] = [first.getFloat32(lane, true), second.getFloat32(lane, true)];
    const [less, more] = [Math.min(Math.abs(one), Math.abs(other)), Math.max(Math.abs(one), Math.abs(other))];
    if (less === 0) return more < 1.001 * 2 ** -126;
    return Math.abs(one - other) <= 3 * 2 ** -12 * less && more < Number.POSITIVE_INFINITY;
  });
}

/** Between two numbers of 80 bits, in units of the last place. */
function distance(x: Uint8Array, y: Uint8Array, at: number): bigint {
  const [first, second] = [x, y].map((image) => {
    const view = new DataView(image.buffer, image.byteOffset);
    const whole =
      (BigInt(view.getUint16(at + 8, true) & 0x7fff) << 63n) + (view.getBigUint64(at, true) & ((1n << 63n) - 1n));
    return (view.getUint16(at + 8, true) & 0x8000) === 0 ? whole : -whole;
  }) as [bigint, bigint];
  return first > second ? first - second : second - first;
}
