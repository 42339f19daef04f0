/**
 * Disk images larger than memory: read on demand by chunks, never whole, with writes kept in an overlay so that the
 * user's image is never changed.
 */

/** The host's side of an image: a byte source that may answer later. */
export interface BlockSource {
  /** Name for messages, usually the path. */
  readonly name: string;
  /** Bytes. */
  readonly size: number;
  /** Reads `length` bytes at `offset`; at once if it can. Rejects with an Error that says what to do. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
}

/** The guest's side: synchronous once the data is there. Offsets and lengths are in bytes. */
export interface BlockStore {
  readonly name: string;
  readonly size: number;
  /** Copies into `target`; returns undefined when done, or a promise after which the same call will succeed. */
  read(offset: number, target: Uint8Array): undefined | Promise<void>;
  /** Goes to the overlay. */
  write(offset: number, bytes: Uint8Array): undefined | Promise<void>;
  /** Bytes of memory that cache and overlay hold. */
  readonly memoryUsed: number;
}
