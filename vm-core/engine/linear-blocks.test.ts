/** Blocks that are found by linear addresses, beside a list of all that there are. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Address } from '../state/address.ts';
import { drawFrom } from './compiler/random-program.ts';
import { type LinearBlock, LinearBlocks } from './linear-blocks.ts';

interface TestBlock extends LinearBlock<TestBlock> {
  readonly number: number;
  readonly linear: number;
}

const REGIONS = [0, 0xffff_f000, 0x7fff_0000_0000, -0x8000_0000] as const;

function numbersOf(blocks: readonly TestBlock[]): readonly number[] {
  return blocks.map(({ number }) => number).sort((a, b) => a - b);
}

it('finds the blocks with a byte at an address, whatever came and went', () => {
  const property = fc.property(fc.integer(), (seed) => {
    const draw = drawFrom(seed);
    const blocks = new LinearBlocks<TestBlock>();
    let there: TestBlock[] = [];
    const drawAddress = () =>
      (REGIONS[draw(REGIONS.length)] as number) + 0x1000 * draw(3) + 0x100_0000 * draw(2) + draw(64);
    for (let n = 0; n < 300; n++) {
      if (draw(3) > 0) {
        const block: TestBlock = {
          number: n,
          linear: drawAddress(),
          bytes: 1 + draw(0x400),
          before: undefined,
          behind: undefined,
        };
        blocks.add(block);
        there.push(block);
      } else if (there.length > 0) {
        const gone = there[draw(there.length)] as TestBlock;
        blocks.remove(gone);
        there = there.filter((block) => block !== gone);
      }
      const address: Address = drawAddress();
      const expected = there.filter(({ linear, bytes }) => linear <= address && address < linear + bytes);
      expect(numbersOf(blocks.at(address))).toEqual(numbersOf(expected));
    }
    blocks.clear();
    for (const { linear } of there) expect(blocks.at(linear)).toEqual([]);
  });
  fc.assert(property, { numRuns: 30 });
});
