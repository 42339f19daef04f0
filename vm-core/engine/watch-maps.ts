/**
 * Which bytes of a page are watched, in the form of code maps: so that generated code reaches the rest of the page without
 * asking (DESIGN §4, §6). A map belongs to a linear page and the physical one it was found at.
 */
import { CODE_MAP_SIZE, PAGE_SIZE, WATCH_MAPS, WATCH_MAPS_MAX } from '../memory/layout.ts';
import type { CpuState } from '../state/cpu-state.ts';
import type { WatchList } from './watch-list.ts';

export class WatchMaps {
  readonly #state: CpuState;
  readonly #watches: WatchList;
  /** By the pages' addresses. */
  readonly #maps = new Map<string, number>();

  constructor(state: CpuState, watches: WatchList) {
    this.#state = state;
    this.#watches = watches;
  }

  /** What is watched has changed; nothing may refer to the maps any more. */
  reset(): void {
    this.#maps.clear();
  }

  /** Where the map of a page is in the machine's memory; 0 without room for it. The addresses are any of the page. */
  of(linear: number, physical: number): number {
    const pages = [Math.floor(linear / PAGE_SIZE), Math.floor(physical / PAGE_SIZE)] as const;
    const key = pages.join();
    const known = this.#maps.get(key);
    if (known !== undefined) return known;
    if (this.#maps.size === WATCH_MAPS_MAX) return 0;
    const map = this.#state.base + WATCH_MAPS + this.#maps.size * CODE_MAP_SIZE;
    this.#maps.set(key, map);
    const bits = new Uint8Array(this.#state.view.buffer, map, CODE_MAP_SIZE);
    bits.fill(0);
    for (const { start, end } of this.#watches.rangesOn(...pages)) {
      for (let at = start; at < end; at++) bits[at >>> 3] = (bits[at >>> 3] as number) | (1 << (at & 7));
    }
    return map;
  }
}
