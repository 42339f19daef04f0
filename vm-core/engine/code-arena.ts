/**
 * Where decoded blocks lie: segments of the arena, filled one after the other. When all are full, one is given up for new
 * code, by an approximation of least recent use (docs/decisions/0012): the jump caches say which segments were used since
 * the last time, and of two segments that are drawn the one goes that was used less of late.
 */
import type { JumpCache } from './jump-cache.ts';

/** How much of its use a segment still counts for each time that another one is given up. */
const AGING = 0.75;

export class CodeArena<Item> {
  /** Address at which the next block begins. */
  free: number;
  readonly #start: number;
  readonly #segmentSize: number;
  readonly #segments: number;
  /** What lies in each segment that is in use. */
  #items: Item[][] = [[]];
  #current = 0;
  readonly #jumps: readonly JumpCache[];
  /** By segment: blocks used of late. */
  readonly #uses: Float64Array;
  /** Segments are drawn by this; the same in every run. */
  #random = 1;

  constructor(jumps: readonly JumpCache[], start: number, end: number, segments: number) {
    this.#start = start;
    this.#segmentSize = Math.floor((end - start) / segments);
    this.#segments = segments;
    this.#jumps = jumps;
    this.#uses = new Float64Array(segments);
    this.free = start;
  }

  hasRoom(bytes: number): boolean {
    return this.free + bytes <= this.#startOf(this.#current) + this.#segmentSize;
  }

  /** An item fills the place from `free` to `end`. */
  keep(item: Item, end: number): void {
    this.#items[this.#current]?.push(item);
    this.free = end;
  }

  /** Goes on in another segment; gives what lay there. */
  advance(): readonly Item[] {
    if (this.#items.length === this.#segments) return this.giveUp();
    this.#current = this.#items.push([]) - 1;
    this.free = this.#startOf(this.#current);
    return [];
  }

  /**
   * Gives up a segment and goes on in it; gives what lay there. The jump caches have to be emptied, so that they show the next
   * time what was used since.
   */
  giveUp(): readonly Item[] {
    this.#countUses();
    const uses = this.#uses;
    const [first, second] = [this.#draw(), this.#draw()];
    const victim = (uses[first] as number) <= (uses[second] as number) ? first : second;
    uses[victim] = 0;
    const items = this.#items[victim] ?? [];
    this.#items[victim] = [];
    this.#current = victim;
    this.free = this.#startOf(victim);
    return items;
  }

  /** Nothing lies anywhere. */
  clear(): void {
    this.#items = [[]];
    this.#current = 0;
    this.#uses.fill(0);
    this.free = this.#start;
  }

  #startOf(segment: number): number {
    return this.#start + segment * this.#segmentSize;
  }

  #segmentOf(address: number): number {
    return Math.floor((address - this.#start) / this.#segmentSize);
  }

  /** Any segment in use, but not the one that was filled last if there is another. */
  #draw(): number {
    const others = this.#items.length - 1;
    if (others === 0) return 0;
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) | 0;
    const drawn = (this.#random >>> 8) % others;
    return drawn < this.#current ? drawn : drawn + 1;
  }

  #countUses(): void {
    const uses = this.#uses;
    for (let segment = 0; segment < this.#segments; segment++) uses[segment] = (uses[segment] as number) * AGING;
    const count = (block: number): void => {
      const segment = this.#segmentOf(block);
      uses[segment] = (uses[segment] as number) + 1;
    };
    for (const jumps of this.#jumps) jumps.visit(count);
  }
}
