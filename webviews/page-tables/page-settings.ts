/** What the page-table view keeps while its panel is hidden, moved or restored. */
import { TABLE_MODES, type TableMode, type WalkAccess } from '../../debug-adapter/protocol/page-tables.ts';
import { type FilterName, filters } from './page-model.ts';

export const TABS = ['ranges', 'tree', 'walk', 'tlb'] as const;
export type Tab = (typeof TABS)[number];

export interface PageSettings {
  readonly tab: Tab;
  /** The text of a root's address, '' for CR3's, and the mode in which its tables are read. */
  readonly root: string;
  readonly mode: TableMode;
  /** Index of the processor whose tables are shown; undefined for the one that the user looks at. */
  readonly cpu: number | undefined;
  readonly search: string;
  readonly filters: readonly FilterName[];
  readonly walk: string;
  readonly access: WalkAccess;
}

export const initialSettings: PageSettings = {
  tab: 'ranges',
  root: '',
  mode: 'current',
  cpu: undefined,
  search: '',
  filters: [],
  walk: 'CS:EIP',
  access: { kind: 'read', privilege: 'supervisor' },
};

const KINDS: readonly unknown[] = ['read', 'write', 'fetch'];
const PRIVILEGES: readonly unknown[] = ['supervisor', 'user'];

/** Kept settings as far as they are settings; an older view may have kept others. */
export function restoredSettings(kept: unknown): PageSettings {
  const { tab, root, mode, cpu, search, filters: chosen, walk, access } = fieldsOf(kept);
  const { kind, privilege } = fieldsOf(access);
  const names = Array.isArray(chosen) ? chosen.filter((name): name is FilterName => Object.hasOwn(filters, name)) : [];
  const initial = initialSettings;
  return {
    tab: oneOf(TABS, tab) ?? initial.tab,
    root: typeof root === 'string' ? root : initial.root,
    mode: oneOf(TABLE_MODES, mode) ?? initial.mode,
    cpu: typeof cpu === 'number' ? cpu : initial.cpu,
    search: typeof search === 'string' ? search : initial.search,
    filters: names,
    walk: typeof walk === 'string' ? walk : initial.walk,
    access: KINDS.includes(kind) && PRIVILEGES.includes(privilege) ? (access as WalkAccess) : initial.access,
  };
}

const fieldsOf = (kept: unknown): Readonly<Record<string, unknown>> =>
  typeof kept === 'object' && kept !== null ? (kept as Readonly<Record<string, unknown>>) : {};

function oneOf<Value>(values: readonly Value[], value: unknown): Value | undefined {
  return values.find((one) => one === value);
}
