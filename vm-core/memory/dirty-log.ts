/**
 * Which pages of RAM were written since the log was begun (rows M2, M4 of the plan for memory). To begin it costs the same
 * for any size of memory: pages are protected by taking back all permissions to store at once, large ones with them, and
 * the first store to each page is noted before it gets its permission again.
 */
import { type GuestRam, HIGH_RAM } from './guest-ram.ts';
import { PAGE_SHIFT, PAGE_SIZE } from './layout.ts';

const HIGH_PAGE = HIGH_RAM / PAGE_SIZE;

export class DirtyLog {
  /** Each is called when a log begins: permissions to store are to be taken back. */
  readonly onBegin: (() => void)[] = [];
  /** The log in which each page was written last. */
  readonly #writtenIn: Uint32Array;
  #log = 1;

  readonly #lowPages: number;

  readonly #isStored: (page: number) => boolean;

  /** `isStored` tells of pages below 4 GiB that were written since the log began, whether they are noted or not. */
  constructor({ low, high }: GuestRam, isStored: (page: number) => boolean = () => false) {
    this.#isStored = isStored;
    this.#lowPages = low >>> PAGE_SHIFT;
    this.#writtenIn = new Uint32Array((low + high) >>> PAGE_SHIFT);
  }

  /** From now on all pages are clean. */
  begin(): void {
    this.#log++;
    for (const listener of this.onBegin) listener();
  }

  /** RAM is written at a physical address; the bytes do not cross a page. */
  note(physicalAddress: number): void {
    const page = pageOf(physicalAddress);
    this.#writtenIn[page < HIGH_PAGE ? page : page - HIGH_PAGE + this.#lowPages] = this.#log;
  }

  /** The first pages of a range that were written, at most so many, by the physical addresses where they begin. */
  dirtyPages(start: number, end: number, pagesMax: number): readonly number[] {
    const pages: number[] = [];
    const find = (first: number, last: number, distance: number) => {
      for (let page = first; page < last && pages.length < pagesMax; page++) {
        const isWritten = this.#writtenIn[page - distance] === this.#log || (distance === 0 && this.#isStored(page));
        if (isWritten) pages.push(page * PAGE_SIZE);
      }
    };
    const from = pageOf(start);
    const to = Math.ceil(end / PAGE_SIZE);
    const distance = HIGH_PAGE - this.#lowPages;
    find(from, Math.min(to, this.#lowPages), 0);
    find(Math.max(from, HIGH_PAGE), Math.min(to, this.#writtenIn.length + distance), distance);
    return pages;
  }
}

function pageOf(physicalAddress: number): number {
  return Math.floor(physicalAddress / PAGE_SIZE);
}
