/** What the page-table view knows: the messages of the session, and what its lists make of them. No DOM in here. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import {
  ATTRIBUTE,
  type PageTablesUpdate,
  RANGE_FIELDS,
  type ShownEntry,
  type TlbEntry,
} from '../../debug-adapter/protocol/page-tables.ts';
import { isWritableCode } from './attributes.ts';

type UpdateOf<Type extends PageTablesUpdate['type']> = Extract<PageTablesUpdate, { readonly type: Type }>;

export interface PageRange {
  readonly linear: number;
  readonly size: number;
  readonly physical: number;
  readonly pageSize: number;
  readonly attributes: number;
  readonly changed: boolean;
}

export interface PageModel {
  readonly status: UpdateOf<'status'>;
  readonly ranges: readonly PageRange[];
  readonly complete: boolean;
  /** Tables looked at so far while the ranges are being collected. */
  readonly progress: number | undefined;
  /** Entries by table, as `tableKey` names it. */
  readonly tables: ReadonlyMap<string, readonly ShownEntry[]>;
  readonly walk: UpdateOf<'walk'> | undefined;
  readonly tlb: readonly TlbEntry[] | undefined;
}

export const initialModel: PageModel = {
  status: { type: 'status', state: 'none', levels: 0, root: 0, isCr3: true, controls: [] },
  ranges: [],
  complete: true,
  progress: undefined,
  tables: new Map(),
  walk: undefined,
  tlb: undefined,
};

export function tableKey(level: number, address: number): string {
  return `${level}:${address}`;
}

export function withUpdate(model: PageModel, update: PageTablesUpdate): PageModel {
  switch (update.type) {
    case 'status': {
      const isOther = update.levels !== model.status.levels || update.root !== model.status.root;
      const progress = update.state === 'stopped' && update.levels > 0 ? 0 : undefined;
      const gone = isOther ? { tables: new Map(), ranges: [] } : {};
      return { ...model, status: update, progress, walk: undefined, tlb: undefined, ...gone };
    }
    case 'ranges':
      return { ...model, ranges: unpackRanges(update.ranges), complete: update.complete, progress: undefined };
    case 'progress':
      return { ...model, progress: update.tables };
    case 'table': {
      const tables = new Map(model.tables).set(tableKey(update.level, update.address), update.entries);
      return { ...model, tables };
    }
    case 'walk':
      return { ...model, walk: update };
    case 'tlb':
      return { ...model, tlb: update.entries };
    case 'failed':
      return model;
  }
}

/** The ranges of a message; a broken one gives those that are whole. */
function unpackRanges(buffer: ArrayBuffer): readonly PageRange[] {
  const packed = new Float64Array(buffer, 0, Math.floor(buffer.byteLength / 8));
  return Array.from({ length: Math.floor(packed.length / RANGE_FIELDS) }, (_, n) => {
    const [linear = 0, size = 0, physical = 0, pageSize = 0, attributes = 0, changed = 0] = packed.subarray(
      n * RANGE_FIELDS,
      (n + 1) * RANGE_FIELDS,
    );
    return { linear, size, physical, pageSize, attributes, changed: changed !== 0 };
  });
}

const TYPES: ReadonlySet<unknown> = new Set<PageTablesUpdate['type']>([
  'status',
  'ranges',
  'progress',
  'table',
  'walk',
  'tlb',
  'failed',
]);

/** Whether something that arrived as a message is one from the session. */
export function isPageTablesUpdate(message: unknown): message is PageTablesUpdate {
  return typeof message === 'object' && message !== null && 'type' in message && TYPES.has(message.type);
}

/** What a filter lets through, with the words that it shows. */
export const filters = {
  user: { matches: ({ attributes }: PageRange) => (attributes & ATTRIBUTE.USER) !== 0, text: () => localized('User') },
  writable: {
    matches: ({ attributes }: PageRange) => (attributes & ATTRIBUTE.WRITABLE) !== 0,
    text: () => localized('Writable'),
  },
  executable: {
    matches: ({ attributes }: PageRange) => (attributes & ATTRIBUTE.NO_EXECUTE) === 0,
    text: () => localized('Executable'),
  },
  both: { matches: ({ attributes }: PageRange) => isWritableCode(attributes), text: () => 'W+X' },
  global: {
    matches: ({ attributes }: PageRange) => (attributes & ATTRIBUTE.GLOBAL) !== 0,
    text: () => localized('Global'),
  },
  changed: { matches: ({ changed }: PageRange) => changed, text: () => localized('Changed') },
} as const;
export type FilterName = keyof typeof filters;

/** Where something is looked for. */
export interface Search {
  readonly space: 'linear' | 'physical';
  readonly address: number;
}

/** The ranges that all chosen filters let through and in which an address lies: who maps it. */
export function matchingRanges(
  ranges: readonly PageRange[],
  chosen: ReadonlySet<FilterName>,
  search: Search | undefined,
): readonly PageRange[] {
  if (chosen.size === 0 && search === undefined) return ranges;
  const names = [...chosen];
  return ranges.filter((range) => {
    const start = search?.space === 'physical' ? range.physical : range.linear;
    const isThere = search === undefined || (search.address >= start && search.address < start + range.size);
    return isThere && names.every((name) => filters[name].matches(range));
  });
}

/** What was typed into the search box: an address, a physical one behind `p:`, or words for the session to resolve. */
export function parseSearch(text: string): Search | 'words' | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const match = /^(p:)?\s*(?:0x)?([0-9a-f]{1,16})h?$/i.exec(trimmed.replaceAll('_', ''));
  if (!match) return 'words';
  const space = match[1] ? 'physical' : 'linear';
  const value = BigInt(`0x${match[2]}`);
  return { space, address: Number(space === 'linear' && value >= 1n << 63n ? BigInt.asIntN(64, value) : value) };
}

/** Hexadecimal as wide as the paging mode has its addresses. */
export function linearText(address: number, levels: number): string {
  return hexText(address, levels > 3 ? 16 : 8);
}

export function physicalText(address: number): string {
  return hexText(address, address < 2 ** 32 ? 8 : 13);
}

function hexText(value: number, digits: number): string {
  const unsigned = value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value);
  return unsigned.toString(16).toUpperCase().padStart(digits, '0');
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

/** `4 KiB`, `2 MiB`; sizes of tables are powers of two, of ranges sums of them. */
export function sizeText(size: number): string {
  let [value, unit] = [size / 1024, 0];
  while (value >= 1024 && unit < UNITS.length - 1) [value, unit] = [value / 1024, unit + 1];
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

const ENTRY_NAMES = ['PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'];

/** The manual's name for an entry of a level. */
export function entryName(level: number): string {
  return ENTRY_NAMES[level - 1] ?? '';
}

/** What the status line says of the paging mode. */
export function modeText({ state, levels, root, isCr3, controls }: PageModel['status']): string {
  if (state === 'none') return localized('No debug session');
  if (state === 'ended') return localized('Ended');
  const running = state === 'running' ? [localized('Running: as of the last stop')] : [];
  if (levels === 0) return [localized('No paging'), ...running].join(' · ');
  const mode = { 2: '32-bit', 3: 'PAE', 4: '4-level', 5: '5-level' }[levels];
  return [mode, `${isCr3 ? 'CR3' : localized('Root table')} ${physicalText(root)}`, ...controls, ...running].join(
    ' · ',
  );
}
