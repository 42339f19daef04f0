/**
 * Blocks by the linear pages on which they begin, for breakpoints at linear addresses (DESIGN §6). They hang in chains, each of
 * which is of many pages: entering and removing a block costs the same however many there are.
 */
import { type Address, lowHalf, plus } from '../state/address.ts';

const PAGE_SHIFT = 12;
const CHAINS = 4096;

/** What hangs in a chain, and between which others. */
export interface LinearBlock<Block> {
  readonly linear: Address;
  readonly bytes: number;
  before: Block | undefined;
  behind: Block | undefined;
}

export class LinearBlocks<Block extends LinearBlock<Block>> {
  readonly #chains = new Array<Block | undefined>(CHAINS).fill(undefined);

  /** A block that hangs in none. */
  add(block: Block): void {
    const chain = chainOf(block.linear);
    const first = this.#chains[chain];
    block.behind = first;
    if (first) first.before = block;
    this.#chains[chain] = block;
  }

  remove(block: Block): void {
    const { before, behind } = block;
    if (before) before.behind = behind;
    else this.#chains[chainOf(block.linear)] = behind;
    if (behind) behind.before = before;
    block.before = undefined;
    block.behind = undefined;
  }

  /** The blocks with a byte at an address; one that begins on the page before it may reach it. */
  at(address: Address): readonly Block[] {
    const met: Block[] = [];
    const page = chainOf(address);
    for (const chain of [(page - 1) & (CHAINS - 1), page]) {
      for (let block = this.#chains[chain]; block; block = block.behind) {
        if (block.linear <= address && address < plus(block.linear, block.bytes)) met.push(block);
      }
    }
    return met;
  }

  clear(): void {
    this.#chains.fill(undefined);
  }
}

function chainOf(linear: Address): number {
  return (lowHalf(linear) >>> PAGE_SHIFT) & (CHAINS - 1);
}
