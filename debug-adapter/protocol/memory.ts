/** Messages between the session and a memory view (the second channel of DESIGN §1). */
import type { ScreenState } from './screen.ts';

/** Linear addresses go through segmentation's result and paging, physical ones name what is on the bus. */
export type MemorySpace = 'linear' | 'physical';

/**
 * Addresses in messages are signed numbers: those of the upper half of 64-bit mode are negative. Beyond this on both sides
 * of 0, where 5-level paging reaches, they would not be exact and cannot be shown.
 */
export const ADDRESS_MAX: number = Number.MAX_SAFE_INTEGER;
/** All addresses of 32 bits, and so much of a larger space as a scroll bar leads through. */
export const WINDOW_SIZE: number = 2 ** 32;

/** Bits of addresses at the moment. */
export interface AddressWidths {
  /** That count in linear ones: 32, or 48 or 57 in long mode. */
  readonly linear: number;
  readonly physical: number;
  /** With which the mode writes linear ones. */
  readonly shown: 32 | 64;
}

/** Most bytes that a view can ask to be shown, to be written at once, and to be looked for. */
export const SHOWN_MAX: number = 64 * 1024;
export const WRITTEN_MAX: number = 4096;
export const PATTERN_MAX: number = 256;

/** What is known of a shown byte: bits of `marks`. */
export const BYTE_MAPPED = 1;
/** Other than at the stop before (while the guest runs: at the last stop). Not set where that is not known. */
export const BYTE_CHANGED = 2;
/** Other than at the moment that was kept. */
export const BYTE_DIFFERS = 4;

/** A place that a register names right now. */
export interface MemoryPointer {
  /** As it is written in the address box: `SS:SP`. */
  readonly name: string;
  readonly linear: number;
  /** Absent where nothing is mapped. */
  readonly physical?: number;
}

/** A moment that memory is compared with. */
export interface KeptMoment {
  /** Instructions that had retired by then. */
  readonly retired: number;
  /** Whether it holds all of RAM; otherwise what did not fit is compared with nothing. */
  readonly complete: boolean;
}

/** From the session. Buffers are transferred, not copied. */
export type MemoryUpdate =
  | {
      readonly type: 'status';
      readonly state: ScreenState;
      readonly detail: string;
      readonly kept?: KeptMoment;
      /** Index of the processor whose linear memory is shown, and how many processors there are; absent without a guest. */
      readonly cpu?: number;
      readonly cpus?: number;
    }
  | {
      readonly type: 'block';
      readonly space: MemorySpace;
      readonly address: number;
      readonly bytes: ArrayBuffer;
      /** One byte of `BYTE_…` bits for each byte. */
      readonly marks: ArrayBuffer;
      /** The bytes at the kept moment; absent when there is none. */
      readonly kept?: ArrayBuffer;
      readonly pointers: readonly MemoryPointer[];
      readonly widths: AddressWidths;
    }
  /** The answer to `go`. */
  | { readonly type: 'went'; readonly text: string; readonly space: MemorySpace; readonly address: number }
  /** How far a search is, 0 to 1. */
  | { readonly type: 'searching'; readonly done: number }
  /** A search is over: `address` is absent when there was nothing, or when it was cancelled. */
  | {
      readonly type: 'found';
      readonly address?: number;
      readonly length: number;
      readonly wrapped: boolean;
      readonly cancelled: boolean;
    }
  /** A request that could not be met, in words for the user. */
  | { readonly type: 'failed'; readonly request: MemoryRequest['type']; readonly message: string };

/** From a memory view. */
export type MemoryRequest =
  /** The view is there (again): send everything. `visible` false: send nothing until it is true again. */
  | { readonly type: 'visible'; readonly visible: boolean }
  /** Linear memory as the processor with this index sees it; without one, as the one does that the user looks at. */
  | { readonly type: 'cpu'; readonly cpu?: number }
  /** From now on these bytes are shown, until the next such request. */
  | { readonly type: 'show'; readonly space: MemorySpace; readonly address: number; readonly length: number }
  /** Evaluate what stands in the address box. */
  | { readonly type: 'go'; readonly text: string }
  | { readonly type: 'write'; readonly space: MemorySpace; readonly address: number; readonly bytes: ArrayBuffer }
  /** Look for the bytes that equal `pattern` under `mask`, from `from` to `end`, then from `start` to `from`. */
  | {
      readonly type: 'find';
      readonly space: MemorySpace;
      readonly pattern: ArrayBuffer;
      readonly mask: ArrayBuffer;
      readonly start: number;
      readonly end: number;
      readonly from: number;
    }
  | { readonly type: 'cancel-find' }
  /** Keep memory as it is now, to compare with; replaces what was kept. */
  | { readonly type: 'keep' }
  | { readonly type: 'forget' };
