/** The newest code that was executed, kept in a ring while an embedder asks for it: what led to where the guest is. */
import { codeAddressOf } from '../cpu/mode.ts';
import type { TraceEntry } from '../machine/vcpu.ts';
import { TRACE_RING, TRACE_RING_SIZE } from '../memory/layout.ts';
import { ATTRIBUTE_BIG, type CpuState } from '../state/cpu-state.ts';
import { CS, internal, segmentSlots } from '../state/layout.ts';
import * as entry from './trace-entry.ts';

export class TraceRing {
  readonly #state: CpuState;
  readonly #view: DataView;
  readonly #ring: number;

  constructor(state: CpuState) {
    this.#state = state;
    this.#view = state.view;
    this.#ring = state.base + TRACE_RING;
  }

  get isOn(): boolean {
    return this.#newest !== 0;
  }

  /** Turned on, it begins anew. */
  set isOn(on: boolean) {
    if (on) new Uint8Array(this.#view.buffer, this.#ring, TRACE_RING_SIZE).fill(0);
    this.#newest = on ? this.#ring : 0;
  }

  /** An exception or a hardware interrupt comes between two instructions. */
  interrupted(source: 'exception' | 'external', vector: number): void {
    if (!this.isOn) return;
    const state = this.#state;
    const at = this.#ring + ((this.#newest + entry.TRACE_ENTRY_SIZE) & (TRACE_RING_SIZE - 1));
    const code = segmentSlots[CS] as number;
    const address = codeAddressOf(state, state.rip);
    this.#view.setBigInt64(at + entry.TRACE_ADDRESS, BigInt(address), true);
    this.#view.setUint16(at + entry.TRACE_COUNT, 0, true);
    this.#view.setUint8(at + entry.TRACE_KIND, source === 'exception' ? entry.KIND_EXCEPTION : entry.KIND_EXTERNAL);
    this.#view.setUint8(at + entry.TRACE_VECTOR, vector);
    this.#view.setUint16(at + entry.TRACE_SELECTOR, state.read16(code), true);
    this.#newest = at;
  }

  /** Oldest first. */
  entries(): readonly TraceEntry[] {
    if (!this.isOn) return [];
    const found: TraceEntry[] = [];
    for (let n = 1; n <= entry.TRACE_ENTRIES; n++) {
      const place = (this.#newest + n * entry.TRACE_ENTRY_SIZE) & (TRACE_RING_SIZE - 1);
      const read = this.#read(this.#ring + place);
      if (read) found.push(read);
    }
    return found;
  }

  /** Undefined for an unused entry, and for a block that was left before its first instruction. */
  #read(at: number): TraceEntry | undefined {
    const view = this.#view;
    const kind = view.getUint8(at + entry.TRACE_KIND);
    const count = view.getUint16(at + entry.TRACE_COUNT, true);
    const address = Number(view.getBigInt64(at + entry.TRACE_ADDRESS, true));
    const selector = view.getUint16(at + entry.TRACE_SELECTOR, true);
    if (kind === entry.KIND_EXCEPTION || kind === entry.KIND_EXTERNAL) {
      const source = kind === entry.KIND_EXCEPTION ? 'exception' : 'external';
      return { kind: 'interrupt', source, vector: view.getUint8(at + entry.TRACE_VECTOR), address, selector };
    }
    if (kind === entry.KIND_UNUSED || count === 0) return undefined;
    const isBig = (view.getUint16(at + entry.TRACE_ATTRIBUTES, true) & ATTRIBUTE_BIG) !== 0;
    const codeSize = kind === entry.KIND_LONG_CODE ? 64 : isBig ? 32 : 16;
    return { kind: 'code', address, selector, count, codeSize };
  }

  get #newest(): number {
    return this.#state.read32(internal.TRACE_NEWEST);
  }

  set #newest(at: number) {
    this.#state.write32(internal.TRACE_NEWEST, at);
  }
}
