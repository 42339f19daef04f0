/** The rows of the tree of tables. */
import { describe, expect, it } from 'vitest';
import type { ShownEntry } from '../../debug-adapter/protocol/page-tables.ts';
import { tableKey } from './page-model.ts';
import { treeRows } from './tree-rows.ts';

const GIB = 2 ** 30;

/** An entry as the session tells it of a table at `linear`. */
function entryOf(index: number, size: number, linear: number, more: Partial<ShownEntry> = {}): ShownEntry {
  return {
    ...{ index, address: 0x1000 + index * 8, value: '0', kind: 'not present', linear: linear + index * size, size },
    ...{ target: 0, attributes: 0, changed: false, watched: false },
    ...more,
  };
}

const table = (target: number) => ({ kind: 'table', value: '3', target }) as const;
const page = (target: number) => ({ kind: 'page', value: '3', target }) as const;

describe('the rows of the tree', () => {
  it('have the addresses of the way by which a table is reached, though it is told once', () => {
    const upper = entryOf(511, 512 * GIB, 0, { ...table(0x2000), linear: -512 * GIB });
    const tables = new Map([
      [tableKey(4, 0x1000), [entryOf(0, 512 * GIB, 0, table(0x2000)), upper]],
      [tableKey(3, 0x2000), [entryOf(0, GIB, 0, page(0)), entryOf(1, GIB, 0, page(5 * GIB))]],
    ]);
    const { rows, missing } = treeRows(tables, { levels: 4, root: 0x1000 }, new Set(['/0', '/511']));
    expect(rows.map(({ key, entry }) => [key, entry.linear])).toEqual([
      ['/0', 0],
      ['/0/0', 0],
      ['/0/1', GIB],
      ['/511', -512 * GIB],
      ['/511/0', -512 * GIB],
      ['/511/1', -511 * GIB],
    ]);
    expect(missing).toEqual([]);
  });

  it('put together what maps one after the other or is absent, and ask for tables that are open and not known', () => {
    const entries = [
      entryOf(0, GIB, 0, page(0)),
      entryOf(1, GIB, 0, page(GIB)),
      entryOf(2, GIB, 0, page(7 * GIB)),
      entryOf(3, GIB, 0),
      entryOf(4, GIB, 0),
      entryOf(5, GIB, 0, { value: '10' }),
      entryOf(6, GIB, 0, table(0x3000)),
    ];
    const tables = new Map([[tableKey(3, 0x1000), entries]]);
    const { rows, missing } = treeRows(tables, { levels: 3, root: 0x1000 }, new Set(['/6']));
    expect(rows.map(({ key, count, open }) => [key, count, open])).toEqual([
      ['/0', 2, undefined],
      ['/2', 1, undefined],
      ['/3', 2, undefined],
      ['/5', 1, undefined],
      ['/6', 1, true],
    ]);
    expect(missing.map(({ entry }) => entry.target)).toEqual([0x3000]);
  });
});
