/**
 * Which pages of RAM were written since the log was begun (rows M2, M4 of the plan for memory). To begin it costs the same
 * for any size of memory: pages are protected by taking back all permissions to store at once, large ones with them, and
 * the first store to each page is noted before it gets its permission again.
 */
import { PAGE_SHIFT } from './layout.ts';

export class DirtyLog {
  /** Called when a log begins: permissions to store are to be taken back. */
  onBegin: () => void = () => {};
  /** The log in which each page was written last. */
  readonly #writtenIn: Uint32Array;
  #log = 1;

  constructor(ramSize: number) {
    this.#writtenIn = new Uint32Array(ramSize >>> PAGE_SHIFT);
  }

  /** From now on all pages are clean. */
  begin(): void {
    this.#log++;
    this.onBegin();
  }

  /** RAM is written at a physical address; the bytes do not cross a page. */
  note(physicalAddress: number): void {
    this.#writtenIn[physicalAddress >>> PAGE_SHIFT] = this.#log;
  }

  /** The first pages of a range that were written, at most so many, by the physical addresses where they begin. */
  dirtyPages(start: number, end: number, pagesMax: number): readonly number[] {
    const pages: number[] = [];
    const last = Math.min(Math.ceil(end / 2 ** PAGE_SHIFT), this.#writtenIn.length);
    for (let page = start >>> PAGE_SHIFT; page < last && pages.length < pagesMax; page++) {
      if (this.#writtenIn[page] === this.#log) pages.push(page * 2 ** PAGE_SHIFT);
    }
    return pages;
  }
}
