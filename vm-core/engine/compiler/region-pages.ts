/**
 * The pages of a region: where it is entered, one look for each page but the first says whether code there still is the code
 * that was compiled. Nothing in a region changes that; where it is in doubt, the way there leaves the region (SDM vol. 3A
 * §4.10.4: what was translated once may be used until it is invalidated).
 */
import { JUMP_CACHE, PAGE_SIZE } from '../../memory/layout.ts';
import { highHalf, lowHalf, pageStart } from '../../state/address.ts';
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { Block } from '../code-cache.ts';
import { codePagePlace, JUMP_MODE, jumpPlaceOf, PAGE_MODE, PAGE_PHYSICAL } from '../jump-cache.ts';
import { pagesOf, type Region } from './region-graph.ts';

/** A page that is not the root's. */
interface ForeignPage {
  readonly linear: number;
  readonly physical: number;
  /** 1 where the page is known to be where it was when the region was made. */
  readonly isThere: Variable;
}

export class RegionPages {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #foreign = new Map<number, ForeignPage>();

  constructor(f: FunctionBuilder, cpu: Value, { root, nodes }: Region) {
    this.#f = f;
    this.#cpu = cpu;
    const own = pageStart(root.block.linear);
    for (const { block } of nodes.values()) {
      for (const [n, linear] of pagesOf(block).entries()) {
        if (linear === own || this.#foreign.has(linear)) continue;
        const physical = Math.floor(block.physical / PAGE_SIZE) + n;
        this.#foreign.set(linear, { linear, physical, isThere: f.local('i32') });
      }
    }
  }

  /** Where the region is entered. */
  begin(): void {
    for (const page of this.#foreign.values()) this.#f.set(page.isThere, this.#look(page));
  }

  /** Leaves the region on the way from one block to another if a page of that one is not known to be there. */
  require(from: Block, to: Block, leave: () => void): void {
    const f = this.#f;
    const known = pagesOf(from);
    for (const linear of pagesOf(to)) {
      const page = this.#foreign.get(linear);
      if (!page || known.includes(linear)) continue;
      f.if(f.eqz(page.isThere), () => {
        // Nobody knows the page: the loop is to look it up, whether it has the block or not.
        f.if(f.eqz(this.#isEntered(page)), () =>
          f.store(32, this.#cpu, JUMP_CACHE + jumpPlaceOf(to.linear) + JUMP_MODE, f.i32(0)),
        );
        leave();
      });
    }
  }

  #look(page: ForeignPage): Value {
    const f = this.#f;
    const physical = f.load('i32', 32, this.#cpu, codePagePlace(page.linear) + PAGE_PHYSICAL);
    return f.binary('and', this.#isEntered(page), f.binary('eq', physical, f.i32(page.physical)));
  }

  #isEntered({ linear }: ForeignPage): Value {
    const f = this.#f;
    const place = codePagePlace(linear);
    const mode = f.load('i32', 32, this.#cpu, place + PAGE_MODE);
    const isMode = f.binary('eq', mode, f.load('i32', 32, this.#cpu, internal.MODE_KEY));
    return f.binary('and', f.binary('eq', f.load('i64', 64, this.#cpu, place), f.i64(wide(linear))), isMode);
  }
}

/** As the entry of a page has it. */
function wide(linear: number): bigint {
  return (BigInt(highHalf(linear)) << 32n) | BigInt(lowHalf(linear) >>> 0);
}
