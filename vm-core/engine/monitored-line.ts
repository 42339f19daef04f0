/**
 * What MONITOR watches and MWAIT waits for (SDM vol. 3A §9.10.4): a line of memory that others store to. Its bytes are
 * compared whenever it could be the vCPU's turn, so that a store which leaves them as they are wakes nobody.
 */
import type { StoreMonitor } from '../cpu/cpu.ts';
import { is64BitMode } from '../cpu/mode.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import { type Address, addressOf } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { FS, type SegmentIndex, segmentSlots } from '../state/layout.ts';

const LINE_SIZE = 64;

/** A processor, as far as this needs it. */
interface Owner {
  readonly state: CpuState;
  physicalOf(linear: Address): number;
}

export class MonitoredLine implements StoreMonitor {
  readonly #map: PhysicalMap;
  readonly #owner: Owner;
  readonly #before = new Uint8Array(LINE_SIZE);
  /** Host address of the line; -1 while nothing is watched. */
  #host = -1;
  #isAwaited = false;

  constructor(map: PhysicalMap, owner: Owner) {
    this.#map = map;
    this.#owner = owner;
  }

  arm(segment: SegmentIndex, offset: Address): void {
    const { state } = this.#owner;
    const base = is64BitMode(state) && segment < FS ? 0n : BigInt(state.baseAt(segmentSlots[segment] as number));
    const sum = BigInt(offset) + base;
    const linear = addressOf(is64BitMode(state) ? BigInt.asIntN(64, sum) : BigInt.asUintN(32, sum));
    const physical = this.#owner.physicalOf(linear);
    const host = physical < 0 ? -1 : this.#map.hostAddress(physical);
    // A line in memory of a device cannot be watched.
    this.#host = host < 0 ? -1 : host - (host % LINE_SIZE);
    if (this.#host >= 0) this.#before.set(this.#map.bytes.subarray(this.#host, this.#host + LINE_SIZE));
  }

  wait(): boolean {
    this.#isAwaited = this.#host >= 0 && !this.#hasChanged();
    return this.#isAwaited;
  }

  /** True if a wait is over. */
  get isStoredTo(): boolean {
    return this.#isAwaited && this.#hasChanged();
  }

  /** Nothing is watched any more. */
  disarm(): void {
    this.#host = -1;
    this.#isAwaited = false;
  }

  /** Asked at each turn of a vCPU that waits: allocates nothing. */
  #hasChanged(): boolean {
    const { bytes } = this.#map;
    for (let n = 0; n < LINE_SIZE; n++) if (bytes[this.#host + n] !== this.#before[n]) return true;
    return false;
  }
}
