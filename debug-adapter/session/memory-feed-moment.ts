/**
 * Physical memory as it was at one moment, to compare with later. Pages of zeros, of which a guest has many, take no
 * room; what goes beyond the limit is not kept, and the view says so.
 */
import type { Machine } from '../../vm-core/index.ts';
import type { KeptMoment } from '../protocol/memory.ts';
import { PAGE_SIZE } from './memory-feed-pages.ts';
import { ramStretches, type Stretch } from './ram-stretches.ts';

/** Bytes kept at most. */
const KEPT_MAX = 128 * 1024 * 1024;
/** Memory is copied in pieces of this size. */
const PIECE_SIZE = 64 * 1024;

const ZEROS = new Uint8Array(PAGE_SIZE);

export class MemoryMoment {
  readonly moment: KeptMoment;
  /** By page number. */
  readonly #pages = new Map<number, Uint8Array>();
  #room: number;

  /** Copies the memory of a machine at rest; `keptMax` bytes that are not zero at most. */
  constructor({ memory, retired, config }: Pick<Machine, 'memory' | 'retired' | 'config'>, keptMax: number = KEPT_MAX) {
    this.#room = keptMax;
    for (const stretch of ramStretches(config)) this.#keepStretch(memory, stretch);
    this.moment = { retired, complete: this.#room >= 0 };
  }

  #keepStretch(memory: Machine['memory'], { start: first, end }: Stretch): void {
    for (let start = first; start < end && this.#room >= 0; start += PIECE_SIZE) {
      const piece = memory.read(start, PIECE_SIZE);
      if (piece.length === PIECE_SIZE) this.#keep(start, piece);
      // A copy ends early at what is not mapped; behind that there may be more.
      else for (let at = start; at < start + PIECE_SIZE; at += PAGE_SIZE) this.#keep(at, memory.read(at, PAGE_SIZE));
    }
  }

  /** A physical page then; undefined if it was not kept. */
  page(physicalAddress: number): Uint8Array | undefined {
    return this.#pages.get(Math.floor(physicalAddress / PAGE_SIZE));
  }

  #keep(start: number, bytes: Uint8Array): void {
    for (let at = 0; at + PAGE_SIZE <= bytes.length; at += PAGE_SIZE) {
      const page = isZero(bytes, at) ? ZEROS : bytes.slice(at, at + PAGE_SIZE);
      if (page !== ZEROS) this.#room -= PAGE_SIZE;
      if (this.#room < 0) return;
      this.#pages.set((start + at) / PAGE_SIZE, page);
    }
  }
}

/** Whether the page at an offset, which is a multiple of the page size, is all zeros. */
function isZero(piece: Uint8Array, at: number): boolean {
  const words = new Uint32Array(piece.buffer, piece.byteOffset + at, PAGE_SIZE / 4);
  for (let index = 0; index < words.length; index++) if (words[index] !== 0) return false;
  return true;
}
