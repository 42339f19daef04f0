/**
 * The block store of every image: a cache of chunks that were read on demand from the source, below an overlay of the
 * sectors that the guest has written. Neither ever grows past its limit, whatever the size of the image, and the source
 * is never written.
 */
import type { BlockSource, BlockStore } from './block-store.ts';

/** Unit of the overlay and of every disk the machine has. */
export const SECTOR_SIZE = 512;
/** Unit of reading from the source. */
export const CHUNK_SIZE = 64 * 1024;
/** Default limit of the cache. */
export const CACHE_BYTES_MAX: number = 32 * 1024 * 1024;
/** Default limit of the overlay; a write that would pass it is rejected. */
export const OVERLAY_BYTES_MAX: number = 256 * 1024 * 1024;

export interface OverlayStoreOptions {
  /** Bytes of chunks kept for reading again; a single larger read may hold its own chunks until it is done. */
  readonly cacheBytesMax?: number;
  /** Bytes that the guest may have written. */
  readonly overlayBytesMax?: number;
}

/**
 * Makes a store over `source`. Its size is the source's, rounded up to whole sectors; what lies behind the source's last
 * byte reads as zeros. A source that fails rejects the promise of the read that needed it, and the same read asks again.
 */
export function createOverlayStore(source: BlockSource, options: OverlayStoreOptions = {}): BlockStore {
  if (!Number.isSafeInteger(source.size) || source.size < 0) {
    throw new Error(`${source.name}: ${source.size} is no size of an image`);
  }
  const cache = new ChunkCache(source, options.cacheBytesMax ?? CACHE_BYTES_MAX);
  const overlay = new SectorOverlay(source.name, options.overlayBytesMax ?? OVERLAY_BYTES_MAX);
  const size = Math.ceil(source.size / SECTOR_SIZE) * SECTOR_SIZE;

  const read = (offset: number, target: Uint8Array): undefined | Promise<void> => {
    checkRange(source.name, size, offset, target.length);
    const wait = cache.read(offset, target);
    if (wait === undefined) overlay.copyInto(offset, target);
    return wait;
  };

  const write = (offset: number, bytes: Uint8Array): undefined | Promise<void> => {
    checkRange(source.name, size, offset, bytes.length);
    if (bytes.length === 0) return undefined;
    const first = Math.floor(offset / SECTOR_SIZE);
    const last = Math.floor((offset + bytes.length - 1) / SECTOR_SIZE);
    const whole = new Uint8Array((last - first + 1) * SECTOR_SIZE);
    const start = offset - first * SECTOR_SIZE;
    const partial = start !== 0 || bytes.length !== whole.length;
    const wait = partial ? read(first * SECTOR_SIZE, whole) : undefined;
    if (wait !== undefined) return wait;
    whole.set(bytes, start);
    const full = overlay.write(first, whole);
    return full === undefined ? undefined : Promise.reject(full);
  };

  return {
    name: source.name,
    size,
    read,
    write,
    get memoryUsed() {
      return cache.bytesUsed + overlay.bytesUsed;
    },
  };
}

/** A source that is in memory already; it answers at once. The bytes are not copied. */
export function memorySource(name: string, bytes: Uint8Array): BlockSource {
  return { name, size: bytes.length, read: (offset, length) => bytes.subarray(offset, offset + length) };
}

/** The callers check what the guest asks for, so a request outside the image is our mistake. */
function checkRange(name: string, size: number, offset: number, length: number): void {
  if (!Number.isSafeInteger(offset) || offset < 0 || offset + length > size) {
    throw new Error(`${name}: ${length} bytes at ${offset} are not inside its ${size} bytes`);
  }
}

/** Chunks of the source, the least recently used first out. Chunks that a waiting read needs stay until it has them. */
class ChunkCache {
  readonly #source: BlockSource;
  readonly #chunksMax: number;
  /** In the order of use, oldest first. */
  readonly #chunks = new Map<number, Uint8Array>();
  readonly #pending = new Map<number, Promise<void>>();
  /** Chunks that a read waits for, oldest first. */
  readonly #held = new Set<number>();

  constructor(source: BlockSource, bytesMax: number) {
    this.#source = source;
    this.#chunksMax = Math.max(1, Math.floor(bytesMax / CHUNK_SIZE));
  }

  get bytesUsed(): number {
    return this.#chunks.size * CHUNK_SIZE;
  }

  read(offset: number, target: Uint8Array): undefined | Promise<void> {
    if (target.length === 0) return undefined;
    const first = Math.floor(offset / CHUNK_SIZE);
    const last = Math.floor((offset + target.length - 1) / CHUNK_SIZE);
    const waits: Promise<void>[] = [];
    for (let index = first; index <= last; index++) {
      const chunk = this.#chunks.get(index) ?? this.#fetch(index);
      if (chunk instanceof Promise) waits.push(chunk);
      else if (waits.length === 0) copyOverlap(index * CHUNK_SIZE, chunk, offset, target);
      if (!(chunk instanceof Promise)) this.#touch(index, chunk);
      this.#held.add(index);
    }
    if (waits.length > 0) {
      this.#forgetOldHolds(last - first + 1);
      return Promise.all(waits).then(() => undefined);
    }
    for (let index = first; index <= last; index++) this.#held.delete(index);
    this.#trim();
    return undefined;
  }

  /** Asks the source once per chunk, however many reads wait for it. */
  #fetch(index: number): Uint8Array | Promise<void> {
    const pending = this.#pending.get(index);
    if (pending) return pending;
    const offset = index * CHUNK_SIZE;
    const length = Math.min(CHUNK_SIZE, this.#source.size - offset);
    let answer: Uint8Array | Promise<Uint8Array>;
    try {
      answer = this.#source.read(offset, length);
      if (answer instanceof Uint8Array) return this.#padded(offset, length, answer);
    } catch (error) {
      return Promise.reject(error);
    }
    const done = answer
      .then((bytes) => this.#touch(index, this.#padded(offset, length, bytes)))
      .finally(() => this.#pending.delete(index));
    this.#pending.set(index, done);
    return done;
  }

  #padded(offset: number, length: number, bytes: Uint8Array): Uint8Array {
    if (bytes.length < length) {
      throw new Error(
        `${this.#source.name}: got ${bytes.length} of ${length} bytes at ${offset}; ` +
          'the image is shorter than when it was opened, start the session again',
      );
    }
    const chunk = new Uint8Array(CHUNK_SIZE);
    chunk.set(bytes.subarray(0, length));
    return chunk;
  }

  #touch(index: number, chunk: Uint8Array): void {
    this.#chunks.delete(index);
    this.#chunks.set(index, chunk);
    this.#trim();
  }

  #trim(): void {
    if (this.#chunks.size <= this.#chunksMax) return;
    for (const index of this.#chunks.keys()) {
      if (this.#chunks.size <= this.#chunksMax) return;
      if (!this.#held.has(index)) this.#chunks.delete(index);
    }
  }

  /** A read that was given up (the machine was reset) never takes its chunks: its hold ends when others need the room. */
  #forgetOldHolds(needed: number): void {
    for (const index of this.#held) {
      if (this.#held.size <= this.#chunksMax + needed) return;
      this.#held.delete(index);
    }
  }
}

/** Sectors that the guest has written, in slabs of a chunk's size: a million sectors are not a million arrays. */
class SectorOverlay {
  readonly #name: string;
  readonly #bytesMax: number;
  readonly #slotOfSector = new Map<number, number>();
  readonly #slabs: Uint8Array[] = [];

  constructor(name: string, bytesMax: number) {
    this.#name = name;
    this.#bytesMax = bytesMax;
  }

  get bytesUsed(): number {
    return this.#slabs.length * CHUNK_SIZE;
  }

  copyInto(offset: number, target: Uint8Array): void {
    if (this.#slotOfSector.size === 0) return;
    const end = offset + target.length;
    for (let sector = Math.floor(offset / SECTOR_SIZE); sector * SECTOR_SIZE < end; sector++) {
      const slot = this.#slotOfSector.get(sector);
      if (slot !== undefined) copyOverlap(sector * SECTOR_SIZE, this.#at(slot), offset, target);
    }
  }

  /** Takes whole sectors, all or none; the error is what the user is to be told. */
  write(first: number, bytes: Uint8Array): Error | undefined {
    const count = bytes.length / SECTOR_SIZE;
    let added = 0;
    for (let index = 0; index < count; index++) if (!this.#slotOfSector.has(first + index)) added++;
    if ((this.#slotOfSector.size + added) * SECTOR_SIZE > this.#bytesMax) {
      const megabytes = (this.#bytesMax / (1024 * 1024)).toFixed(1);
      return new Error(
        `${this.#name}: the guest has written more than the ${megabytes} MiB that the overlay may hold; ` +
          'the image itself is unchanged, start the session again',
      );
    }
    for (let index = 0; index < count; index++) {
      this.#at(this.#slotFor(first + index)).set(bytes.subarray(index * SECTOR_SIZE, (index + 1) * SECTOR_SIZE));
    }
    return undefined;
  }

  #slotFor(sector: number): number {
    const known = this.#slotOfSector.get(sector);
    if (known !== undefined) return known;
    const slot = this.#slotOfSector.size;
    if (slot * SECTOR_SIZE >= this.bytesUsed) this.#slabs.push(new Uint8Array(CHUNK_SIZE));
    this.#slotOfSector.set(sector, slot);
    return slot;
  }

  #at(slot: number): Uint8Array {
    const position = slot * SECTOR_SIZE;
    const start = position % CHUNK_SIZE;
    const slab = this.#slabs[Math.floor(position / CHUNK_SIZE)] as Uint8Array;
    return slab.subarray(start, start + SECTOR_SIZE);
  }
}

/** Copies what `bytes`, which lie at `from` in the image, share with `target`, which lies at `to`. */
function copyOverlap(from: number, bytes: Uint8Array, to: number, target: Uint8Array): void {
  const start = Math.max(from, to);
  const end = Math.min(from + bytes.length, to + target.length);
  if (start < end) target.set(bytes.subarray(start - from, end - from), start - to);
}
