/**
 * Fetching of code: the block at EIP, found or decoded through the code segment's limit and the page tables (SDM vol. 3A
 * §5.3, §4.6). An instruction may reach into the next linear page, which need not be the next physical one.
 */
import { GuestFault, VECTOR_GP } from '../cpu/cpu.ts';
import { canonicalEnd, is64BitMode, isCanonical } from '../cpu/mode.ts';
import type { OperandSize } from '../isa/operand.ts';
import { PAGE_SIZE } from '../memory/layout.ts';
import type { LinearMemory } from '../memory/linear-memory.ts';
import type { PhysicalMap } from '../memory/physical-map.ts';
import { type Address, lowHalf, plus } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal } from '../state/layout.ts';
import type { Block, CodeCache } from './code-cache.ts';
import type { JumpCache } from './jump-cache.ts';
import { codeSizeOf } from './derived-state.ts';

export class CodeFetch {
  readonly #state: CpuState;
  readonly #map: PhysicalMap;
  readonly #linear: LinearMemory;
  readonly #code: CodeCache;
  readonly #jumps: JumpCache;

  constructor(state: CpuState, map: PhysicalMap, linear: LinearMemory, code: CodeCache, jumps: JumpCache) {
    this.#state = state;
    this.#map = map;
    this.#linear = linear;
    this.#code = code;
    this.#jumps = jumps;
  }

  /**
   * Address of the block that the jump cache has for `linear`, which is where EIP is; 0 without one. It may have been
   * dropped, which shows at its entry only.
   */
  knownAt(linear: Address): number {
    return this.#jumps.known(linear, this.#state.read32(internal.MODE_KEY) | 0, this.#bytesToLimit(linear));
  }

  /** The block at `linear`, which is where EIP is. Throws a GuestFault where its first instruction cannot be fetched. */
  blockAt(linear: Address): Block {
    const bytesToLimit = this.#bytesToLimit(linear);
    if (bytesToLimit === 0) throw new GuestFault(VECTOR_GP, 0);
    const physical = this.#linear.translateFetch(linear);
    const codeSize = codeSizeOf(this.#state);
    const modeKey = this.#state.read32(internal.MODE_KEY) | 0;
    const block =
      this.#code.onPage(linear, physical, codeSize, bytesToLimit) ??
      this.#decode(linear, physical, codeSize, bytesToLimit);
    if (block.isKept) this.#jumps.enter(linear, physical, modeKey, block.address);
    return block;
  }

  /** The block at an address, of which the translation is known; decoded now, unless it reaches into the next page. */
  #decode(linear: Address, physical: number, codeSize: OperandSize, bytesToLimit: number): Block {
    const room = PAGE_SIZE - (physical & (PAGE_SIZE - 1));
    let nextPage = -1;
    const findNextPage = () => {
      if (nextPage < 0) nextPage = this.#linear.translateFetch(this.#after(linear, room));
      return nextPage;
    };
    const host = this.#map.hostAddress(physical);
    const { bytes } = this.#map;
    const place = {
      linear,
      physical,
      codeSize,
      bytesToLimit,
      host,
      nextPageFollows: () => findNextPage() === physical + room && this.#map.hostAddress(physical + room) >= 0,
    };
    return this.#code.find(place, (offset) => {
      if (offset < room)
        return host >= 0 ? (bytes[host + offset] as number) : this.#map.read(physical + offset, 1, 'code');
      // What lies beyond the limit is not fetched.
      return offset < bytesToLimit ? this.#map.read(findNextPage() + offset - room, 1, 'code') : 0;
    });
  }

  /** Some bytes further: addresses of 32 bits go on at 0. */
  #after(linear: Address, distance: number): Address {
    const next = plus(linear, distance);
    return is64BitMode(this.#state) ? next : lowHalf(next) >>> 0;
  }

  /** Bytes from EIP to the end of the code segment, in 64-bit mode to where addresses stop to be canonical. */
  #bytesToLimit(linear: Address): number {
    const state = this.#state;
    if (!is64BitMode(state)) return Math.max(state.read32(internal.CODE_LIMIT) - state.eip + 1, 0);
    if (!isCanonical(state, linear)) return 0;
    if (linear < 0) return Number.POSITIVE_INFINITY;
    const end = canonicalEnd(state);
    return typeof linear === 'number' ? end - linear : Number(BigInt(end) - linear);
  }
}
