/**
 * Cases of FXSAVE, XSAVE and their relatives: a place for the area, which states are asked for and in use, and images to
 * restore, in the standard and in the compacted format, some of them with a header that no instruction has written.
 */
import { oneOf, type RandomWords } from '../../scripts/differential/random.ts';
import { anyState, STACK, STATE_SIZE, XMM, YMM } from '../../scripts/differential/unit-state.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import * as world from './case.ts';
import type { Draft } from './cases.ts';

const [RAX, RDX] = [0, 2];
const [HEADER, ROOM] = [512, 520];
/** The states that this machine's processor and ours have: x87, SSE, AVX. */
const STATES = 7;

/** True for the instructions that programs may use: XSAVES and XRSTORS are for the kernel. */
export function hasArea({ name }: Pick<InstructionRow, 'name'>): boolean {
  return /^(FXSAVE|FXRSTOR|XSAVE|XSAVEOPT|XSAVEC|XRSTOR)$/.test(name);
}

/** A linear address for an area: the largest just fits before the end of the window. */
export function anyArea(next: RandomWords): bigint {
  const last = world.WINDOW + world.WINDOW_SIZE - STATE_SIZE;
  return BigInt(last - 64 * (next() % 4) + (next() % 12 === 0 ? 16 * (next() % 8) : 0));
}

/**
 * The state before such an instruction, of which some parts are as after RESET. The mask is in EDX:EAX. Pointers of the x87
 * are zero: AMD keeps them only while an exception waits.
 */
export function prepareArea(draft: Draft): Uint8Array {
  const { next, general, form, target, memory } = draft;
  const state = anyState(next);
  resetParts(state, next() % 2 === 0 ? STATES : next() & STATES);
  general[RAX] = BigInt((next() & 0x7ff0_0000) | (next() % 2 === 0 ? STATES : next() & STATES));
  general[RDX] = BigInt(next());
  if (!form.row.name.endsWith('RSTOR') || target === undefined) return state;
  const image = anyImage(next, form.row.name);
  image.forEach((byte, n) => {
    const at = Number(target) + n - world.WINDOW;
    if (at >= 0 && at < memory.length) memory[at] = byte;
  });
  return state;
}

/** Writes what RESET makes of the states that are not in use. */
function resetParts(state: Uint8Array, inUse: number): void {
  state[HEADER] = inUse;
  if ((inUse & 1) === 0) {
    state.fill(0, 0, 24).fill(0, STACK, XMM);
    state.set([0x7f, 0x03]);
  }
  if ((inUse & 2) === 0) state.fill(0, XMM, 416);
  if ((inUse & 4) === 0) state.fill(0, YMM, STATE_SIZE);
}

/** An image to restore; now and then one with bits set that must be clear. */
function anyImage(next: RandomWords, name: string): Uint8Array {
  const image = anyState(next);
  const view = new DataView(image.buffer);
  view.setUint32(HEADER, next() % 2 === 0 ? STATES : next() & STATES, true);
  if (next() % 3 === 0) {
    view.setUint32(ROOM, next() % 2 === 0 ? STATES : next() & STATES, true);
    view.setUint32(ROOM + 4, 0x8000_0000, true);
  }
  const reserved = [HEADER + 3, HEADER + 6, ROOM + 3, ROOM + 6, ROOM + 8, HEADER + 63];
  if (next() % 8 === 0) image[oneOf(next, reserved)] = 1 << (next() & 7);
  if (next() % 12 === 0) image[26] = 1;
  return name === 'FXRSTOR' ? image.subarray(0, HEADER) : image;
}

/** AMD tells of a bit of MXCSR more, that which lets vectors in memory be misaligned: as the other one has it. */
export function withOurMask(native: Uint8Array, ours: Uint8Array): Uint8Array {
  const [from, to] = [native, ours].map((memory) => new DataView(memory.buffer, memory.byteOffset)) as [
    DataView,
    DataView,
  ];
  const result = native.slice();
  for (let at = 0; at < native.length; at += 4) {
    const isMask = from.getUint32(at, true) === 0x2_ffff && to.getUint32(at, true) === 0xffff;
    if (isMask) new DataView(result.buffer).setUint32(at, 0xffff, true);
  }
  return result;
}
