/** Which guest memory a kernel and what comes with it take, so that nothing lies over anything else. */
import { type GuestRam, HIGH_RAM } from '../../memory/guest-ram.ts';
import { MEMORY_USABLE, memoryMap } from '../builtin/memory-map.ts';
import type { KernelPiece } from './kernel-boot.ts';

interface Range {
  readonly start: number;
  readonly end: number;
}

/** The interrupt vectors, the BIOS's data and stack, and the place of boot sectors are left alone. */
const FREE_FROM = 0x8000;

const hex = (address: number): string => `${address.toString(16).toUpperCase()}h`;

/** Where a piece may go: the lowest place in `from`–`to` (default: all RAM below 4 GiB), or the highest. */
export interface Wish {
  readonly alignment?: number;
  readonly from?: number;
  readonly to?: number;
  readonly highest?: boolean;
}

export class MemoryPlan {
  readonly pieces: KernelPiece[] = [];
  readonly #kernel: string;
  readonly #ram: GuestRam;
  readonly #usable: readonly Range[];
  readonly #taken: Range[] = [];

  /** `kernel` is its name, for messages. */
  constructor(kernel: string, ram: GuestRam) {
    this.#kernel = kernel;
    this.#ram = ram;
    this.#usable = memoryMap(ram)
      .filter(({ type }) => type === MEMORY_USABLE)
      .map(({ base, size }) => ({ start: base, end: base + size }));
  }

  /**
   * Loads at a fixed place: `size` bytes, of which the last are zeros, in so much room. Throws an Error if there is no RAM, or
   * something else already.
   */
  load(address: number, bytes: Uint8Array, size: number = bytes.length, room: number = size): void {
    const range = { start: address, end: address + room };
    if (!this.#isUsable(range)) {
      throw new Error(
        `kernel: ${this.#kernel} wants to be loaded at ${hex(address)} to ${hex(range.end)}, and the guest has RAM ` +
          `${this.#ramText()}; give more memory or link it to another address`,
      );
    }
    if (this.#taken.some((other) => overlap(range, other))) {
      throw new Error(`kernel: two parts of ${this.#kernel} share memory at ${hex(address)} to ${hex(range.end)}`);
    }
    this.#add(range, bytes, size);
  }

  isFree(address: number, size: number): boolean {
    const range = { start: address, end: address + size };
    return this.#isUsable(range) && !this.#taken.some((other) => overlap(range, other));
  }

  /** Finds a place. Throws an Error that names `what` if there is none. */
  find(what: string, size: number, wish: Wish = {}): number {
    const { alignment = 16, from = FREE_FROM, to = this.#ram.low, highest = false } = wish;
    const down = (address: number): number => Math.floor(address / alignment) * alignment;
    const up = (address: number): number => Math.ceil(address / alignment) * alignment;
    // The best place touches a border: of the wish, of usable memory, or of what is taken.
    const borders = [from, to, ...[...this.#usable, ...this.#taken].flatMap(({ start, end }) => [start, end])];
    const candidates = borders
      .map((border) => (highest ? down(border - size) : up(border)))
      .filter((address) => address >= from && address + size <= to && this.isFree(address, size));
    if (candidates.length > 0) return candidates.reduce((a, b) => (highest ? Math.max(a, b) : Math.min(a, b)));
    throw new Error(
      `kernel: no room for ${what} (${size} bytes) of ${this.#kernel} between ${hex(from)} and ${hex(to)}; give more memory`,
    );
  }

  /** Finds a place and loads there; gives the address. */
  place(what: string, bytes: Uint8Array, wish: Wish = {}, size: number = bytes.length): number {
    const address = this.find(what, size, wish);
    this.#add({ start: address, end: address + size }, bytes, size);
    return address;
  }

  /** The first address above everything that was loaded below 4 GiB so far. */
  get top(): number {
    return this.#taken.reduce((top, { start, end }) => (start < HIGH_RAM ? Math.max(top, end) : top), 0);
  }

  #add(range: Range, bytes: Uint8Array, size: number): void {
    this.#taken.push(range);
    this.pieces.push({ address: range.start, bytes, size });
  }

  #ramText(): string {
    const { low, high } = this.#ram;
    const above = high === 0 ? '' : `, and from ${hex(HIGH_RAM)} to ${hex(HIGH_RAM + high)}`;
    return `below ${hex(low)} without A0000h–FFFFFh${above}`;
  }

  #isUsable({ start, end }: Range): boolean {
    return this.#usable.some((usable) => start >= usable.start && end <= usable.end);
  }
}

function overlap(a: Range, b: Range): boolean {
  return a.start < b.end && b.start < a.end;
}
