/** Whatever a listing file holds, reading it ends and throws nothing, and the table is consistent. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { loadSymbols } from './load-symbols.ts';

const listings = ['nested', 'sections', 'relocated'].map((name) => {
  const read = (kind: string): string => readFileSync(new URL(`golden/${name}.${kind}`, import.meta.url), 'utf8');
  return `${read('lst')}\n${read('map')}`.split('\n');
});

/** Rows of real listings, shuffled, repeated, and damaged. */
const mutated = fc
  .array(
    fc.record({
      row: fc.constantFrom(...listings.flat()),
      cut: fc.option(fc.nat(60), { nil: undefined }),
      insert: fc.option(fc.string({ maxLength: 6 }), { nil: undefined }),
    }),
    { maxLength: 120 },
  )
  .map((rows) =>
    rows
      .map(
        ({ row, cut, insert }) =>
          row.slice(0, cut ?? row.length) + (insert ?? '') + (cut === undefined ? '' : row.slice(cut + 1)),
      )
      .join('\n'),
  );

it('survives damaged listings', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, fc.uint8Array({ maxLength: 512 }), async (listing, image) => {
      const { table } = await loadSymbols([{ listingName: 'x.lst', listing, source: '/x.asm', image }]);
      const boundaries = table.lineBoundaries(0, Number.MAX_SAFE_INTEGER);
      expect(boundaries).toEqual(boundaries.toSorted((a, b) => a - b));
      for (const file of table.files()) {
        const found = table.addressesOfLine(file, 0);
        for (const address of found?.addresses ?? []) expect(boundaries).toContain(address);
      }
      for (const { name } of table.labels()) expect(table.label(name)).toBeTypeOf('number');
    }),
    { numRuns: 200 },
  );
});
