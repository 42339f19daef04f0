/**
 * Extended state as FXSAVE and XSAVE lay it out: the legacy area, the header, and a component for each state that came later
 * (SDM vol. 1 §10.5, §13.4).
 */
import type { CpuFeature } from '../isa/cpu-feature.ts';
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot, vectorSlots } from '../state/layout.ts';
import { initializeX87, writeStatus } from './x87-number.ts';

/** Bits of XCR0 and of the header's masks: the states. */
export const STATE_X87 = 1 << 0;
export const STATE_SSE = 1 << 1;
export const STATE_AVX = 1 << 2;
export const STATE_PKRU = 1 << 9;

/** Where the parts of an area begin, and where they end. */
export const MXCSR_AT = 24;
const MXCSR_END = 32;
const STACK_AT = 32;
const XMM_AT = 160;
export const HEADER_AT = 512;
export const HEADER_END = 576;

export const MXCSR_RESET = 0x1f80;
const FCW_INITIAL = 0x37f;
const HALF = 16;
const STACK_SIZE = 8;

/** A state that lies behind the header; offset and size as CPUID tells them. */
export interface StateComponent {
  readonly number: number;
  readonly feature: CpuFeature;
  /** In the standard format. */
  readonly offset: number;
  readonly size: number;
}

export const stateComponents: readonly StateComponent[] = [
  { number: 2, feature: 'AVX', offset: 576, size: 256 },
  { number: 9, feature: 'PKU', offset: 2688, size: 8 },
];

/** Enough for all components in either format. */
const AREA_SIZE = 2696;

/** The states that a model can manage: what XSETBV takes. */
export function statesOf({ features }: CpuModelFacts): number {
  const later = stateComponents.filter(({ feature }) => features.has(feature));
  return later.reduce((mask, { number }) => mask | (1 << number), STATE_X87 | STATE_SSE);
}

/** Where a component lies in an area that has the states of `mask`; in the compacted format they follow each other. */
export function offsetOfState(number: number, mask: number, isCompacted: boolean): number {
  if (!isCompacted) return stateComponents.find((component) => component.number === number)?.offset ?? HEADER_END;
  const before = stateComponents.filter(
    (component) => component.number < number && (mask & (1 << component.number)) !== 0,
  );
  return before.reduce((at, { size }) => at + size, HEADER_END);
}

/** Bytes of an area with the states of `mask`. */
export function areaSize(mask: number, isCompacted: boolean): number {
  const ends = stateComponents
    .filter(({ number }) => (mask & (1 << number)) !== 0)
    .map(({ number, size }) => offsetOfState(number, mask, isCompacted) + size);
  return Math.max(HEADER_END, ...ends);
}

/** Bits of MXCSR that the model knows; others cannot be loaded. */
export function mxcsrMask({ features }: CpuModelFacts): number {
  return features.has('SSE2') ? 0xffff : 0xffbf;
}

/** A part of an area, from its first byte to behind its last; both are multiples of eight. */
export type Part = readonly [start: number, end: number];

/** The bytes of an area, and how they come from registers and go there. */
export class StateArea {
  readonly view: DataView = new DataView(new ArrayBuffer(AREA_SIZE));
  readonly #state: CpuState;
  /** Of the XMM and YMM registers, those that the code can name. */
  readonly #vectors: number;
  /** Pointers of the x87 have 64 bits and no selectors. */
  readonly #wide: boolean;

  constructor(state: CpuState, is64Bit: boolean, wide: boolean) {
    this.#state = state;
    this.#vectors = is64Bit ? 16 : 8;
    this.#wide = wide;
  }

  /** The parts of some states in an area whose format has `mask`, in the order of their places. */
  parts(states: number, withMxcsr: boolean, mask: number, isCompacted: boolean): readonly Part[] {
    const parts: Part[] = [];
    if ((states & STATE_X87) !== 0) parts.push([0, MXCSR_AT], [STACK_AT, XMM_AT]);
    if (withMxcsr) parts.push([MXCSR_AT, MXCSR_END]);
    if ((states & STATE_SSE) !== 0) parts.push([XMM_AT, XMM_AT + this.#vectors * HALF]);
    for (const { number, size } of stateComponents) {
      if ((states & (1 << number)) === 0) continue;
      const at = offsetOfState(number, mask, isCompacted);
      parts.push([at, at + (number === 2 ? this.#vectors * HALF : size)]);
    }
    return parts;
  }

  storeX87(): void {
    const [state, view] = [this.#state, this.view];
    view.setUint16(0, state.read16(slot.FCW), true);
    view.setUint16(2, state.read16(slot.FSW), true);
    view.setUint16(4, state.read8(slot.FTW), true);
    view.setUint16(6, state.read16(slot.FOP), true);
    view.setBigUint64(8, state.read64(slot.FIP), true);
    view.setBigUint64(16, state.read64(slot.FDP), true);
    if (!this.#wide) {
      view.setUint32(12, state.read16(slot.FCS), true);
      view.setUint32(20, state.read16(slot.FDS), true);
    }
    for (let n = 0; n < STACK_SIZE; n++) {
      view.setBigUint64(STACK_AT + n * HALF, state.read64(this.#stackSlot(n)), true);
      view.setBigUint64(STACK_AT + n * HALF + 8, BigInt(state.read16(this.#stackSlot(n) + 8)), true);
    }
  }

  loadX87(): void {
    const [state, view] = [this.#state, this.view];
    state.write16(slot.FCW, (view.getUint16(0, true) & 0x1f3f) | 0x40);
    writeStatus(state, view.getUint16(2, true));
    state.write8(slot.FTW, view.getUint8(4));
    state.write16(slot.FOP, view.getUint16(6, true) & 0x7ff);
    const pointerAt = (at: number) => (this.#wide ? view.getBigUint64(at, true) : BigInt(view.getUint32(at, true)));
    state.write64(slot.FIP, pointerAt(8));
    state.write64(slot.FDP, pointerAt(16));
    state.write16(slot.FCS, this.#wide ? 0 : view.getUint16(12, true));
    state.write16(slot.FDS, this.#wide ? 0 : view.getUint16(20, true));
    for (let n = 0; n < STACK_SIZE; n++) {
      state.write64(this.#stackSlot(n), view.getBigUint64(STACK_AT + n * HALF, true));
      state.write16(this.#stackSlot(n) + 8, view.getUint16(STACK_AT + n * HALF + 8, true));
    }
  }

  storeMxcsr(mask: number): void {
    this.view.setUint32(MXCSR_AT, this.#state.read32(slot.MXCSR), true);
    this.view.setUint32(MXCSR_AT + 4, mask, true);
  }

  storeXmm(): void {
    this.#storeHalves(XMM_AT, 0);
  }

  loadXmm(): void {
    this.#loadHalves(XMM_AT, 0);
  }

  /** The components of `states` behind the header. */
  storeLater(states: number, mask: number, isCompacted: boolean): void {
    if ((states & STATE_AVX) !== 0) this.#storeHalves(offsetOfState(2, mask, isCompacted), HALF);
    if ((states & STATE_PKRU) === 0) return;
    this.view.setBigUint64(offsetOfState(9, mask, isCompacted), BigInt(this.#state.read32(slot.PKRU)), true);
  }

  loadLater(states: number, mask: number, isCompacted: boolean): void {
    if ((states & STATE_AVX) !== 0) this.#loadHalves(offsetOfState(2, mask, isCompacted), HALF);
    if ((states & STATE_PKRU) === 0) return;
    this.#state.write32(slot.PKRU, this.view.getUint32(offsetOfState(9, mask, isCompacted), true));
  }

  /** Puts states to what they are after RESET, as far as the code can name their registers. */
  initialize(states: number): void {
    const state = this.#state;
    if ((states & STATE_X87) !== 0) {
      initializeX87(state);
      for (let n = 0; n < STACK_SIZE; n++) {
        state.write64(this.#stackSlot(n), 0n);
        state.write16(this.#stackSlot(n) + 8, 0);
      }
    }
    for (const [bit, half] of [
      [STATE_SSE, 0],
      [STATE_AVX, HALF],
    ] as const) {
      if ((states & bit) === 0) continue;
      for (const at of vectorSlots.slice(0, this.#vectors)) {
        state.write64(at + half, 0n);
        state.write64(at + half + 8, 0n);
      }
    }
    if ((states & STATE_PKRU) !== 0) state.write32(slot.PKRU, 0);
  }

  /** Slot of the register that is so far below the top of the stack. */
  #stackSlot(distance: number): number {
    return slot.FPR0 + (((this.#state.read16(slot.FSW) >> 11) + distance) & 7) * HALF;
  }

  #storeHalves(at: number, half: number): void {
    for (let n = 0; n < this.#vectors * 2; n++) {
      const from = (vectorSlots[n >> 1] as number) + half + (n & 1) * 8;
      this.view.setBigUint64(at + n * 8, this.#state.read64(from), true);
    }
  }

  #loadHalves(at: number, half: number): void {
    for (let n = 0; n < this.#vectors * 2; n++) {
      const to = (vectorSlots[n >> 1] as number) + half + (n & 1) * 8;
      this.#state.write64(to, this.view.getBigUint64(at + n * 8, true));
    }
  }
}

/** The states that are not as after RESET (XINUSE); MXCSR is no part of it. */
export function statesInUse(state: CpuState): number {
  const isUsed = (half: number) =>
    vectorSlots.some((at) => state.read64(at + half) !== 0n || state.read64(at + half + 8) !== 0n);
  const used = [
    isX87InUse(state) ? STATE_X87 : 0,
    isUsed(0) ? STATE_SSE : 0,
    isUsed(HALF) ? STATE_AVX : 0,
    state.read32(slot.PKRU) !== 0 ? STATE_PKRU : 0,
  ];
  return used.reduce((mask, bit) => mask | bit, 0);
}

function isX87InUse(state: CpuState): boolean {
  const words = [slot.FSW, slot.FOP, slot.FCS, slot.FDS].some((at) => state.read16(at) !== 0);
  const pointers = [slot.FIP, slot.FDP].some((at) => state.read64(at) !== 0n);
  if (words || pointers || state.read16(slot.FCW) !== FCW_INITIAL || state.read8(slot.FTW) !== 0) return true;
  for (let n = 0; n < STACK_SIZE; n++) {
    const at = slot.FPR0 + n * HALF;
    if (state.read64(at) !== 0n || state.read16(at + 8) !== 0) return true;
  }
  return false;
}
