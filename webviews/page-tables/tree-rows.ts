/** The rows of the tree: entries of tables that are open, with neighbours that say the same drawn together. */
import { ATTRIBUTE, type ShownEntry } from '../../debug-adapter/protocol/page-tables.ts';
import { type PageModel, tableKey } from './page-model.ts';

/** One row; `count` entries from `entry` on, which map one after the other or are all absent. */
export interface TreeRow {
  readonly key: string;
  readonly depth: number;
  readonly level: number;
  readonly entry: ShownEntry;
  readonly count: number;
  /** Whether there is a table below, and whether its rows are shown. */
  readonly open: boolean | undefined;
}

/** Flags that change by themselves do not part rows. */
const STAYS = ~(ATTRIBUTE.ACCESSED | ATTRIBUTE.DIRTY);

/** The rows to show; tables that are open but not known yet have none, and are in `missing`. */
export function treeRows(
  tables: PageModel['tables'],
  { levels, root }: Pick<PageModel['status'], 'levels' | 'root'>,
  open: ReadonlySet<string>,
): { readonly rows: readonly TreeRow[]; readonly missing: readonly TreeRow[] } {
  const rows: TreeRow[] = [];
  const missing: TreeRow[] = [];
  // A table may be reached by several ways: it is kept once, and where it is decides about its linear addresses.
  const visit = (level: number, address: number, path: string, depth: number, linear: number | undefined): boolean => {
    const entries = tables.get(tableKey(level, address));
    if (!entries) return false;
    for (const { entry: found, count } of runsOf(entries)) {
      const entry = linear === undefined ? found : { ...found, linear: linear + found.index * found.size };
      const key = `${path}/${entry.index}`;
      const hasTable = entry.kind === 'table' && level > 1;
      const row = { key, depth, level, entry, count, open: hasTable ? open.has(key) : undefined };
      rows.push(row);
      if (row.open && !visit(level - 1, entry.target, key, depth + 1, entry.linear)) missing.push(row);
    }
    return true;
  };
  visit(levels, root, '', 0, undefined);
  return { rows, missing };
}

/** Absent neighbours become one row, as do pages whose frames follow each other. */
function runsOf(entries: readonly ShownEntry[]): readonly { readonly entry: ShownEntry; readonly count: number }[] {
  const runs: { entry: ShownEntry; count: number }[] = [];
  for (const entry of entries) {
    const last = runs.at(-1);
    if (last && continues(last.entry, last.count, entry)) last.count++;
    else runs.push({ entry, count: 1 });
  }
  return runs;
}

function continues(first: ShownEntry, count: number, next: ShownEntry): boolean {
  if (first.kind !== next.kind || first.changed !== next.changed || first.watched !== next.watched) return false;
  if (first.kind === 'not present') return /^0*$/.test(first.value) && /^0*$/.test(next.value);
  if (first.kind !== 'page') return false;
  const sameRights = ((first.attributes ^ next.attributes) & STAYS) === 0;
  return sameRights && next.target === first.target + count * first.size;
}
