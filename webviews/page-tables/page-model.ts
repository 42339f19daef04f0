/** What the page-table view knows: the messages of the session, and what its lists make of them. No DOM in here. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import {
  ATTRIBUTE,
  type PageTablesUpdate,
  RANGE_CHANGE,
  RANGE_FIELDS,
  type ShownEntry,
  statusWithoutTables,
  type TlbEntry,
} from '../../debug-adapter/protocol/page-tables.ts';
import { parseAttributes } from './attribute-search.ts';
import { isWritableCode } from './attributes.ts';

type UpdateOf<Type extends PageTablesUpdate['type']> = Extract<PageTablesUpdate, { readonly type: Type }>;

export interface PageRange {
  readonly linear: number;
  readonly size: number;
  readonly physical: number;
  readonly pageSize: number;
  readonly attributes: number;
  /** Of `RANGE_CHANGE`. */
  readonly change: number;
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
  status: statusWithoutTables('none'),
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
      const { levels, root, cpu } = model.status;
      const isOther = update.levels !== levels || update.root !== root || update.cpu !== cpu;
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
    const at = n * RANGE_FIELDS;
    return {
      linear: packed[at] as number,
      size: packed[at + 1] as number,
      physical: packed[at + 2] as number,
      pageSize: packed[at + 3] as number,
      attributes: packed[at + 4] as number,
      change: packed[at + 5] as number,
    };
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
  changed: { matches: ({ change }: PageRange) => change !== RANGE_CHANGE.SAME, text: () => localized('Changed') },
} as const;
export type FilterName = keyof typeof filters;

/** What is looked for: what maps an address, or what has attributes. */
export type Search =
  | { readonly space: 'linear' | 'physical'; readonly address: number }
  | { readonly space: 'attributes'; readonly matches: (range: PageRange) => boolean };

/** The ranges that all chosen filters let through and that a search finds: who maps an address. */
export function matchingRanges(
  ranges: readonly PageRange[],
  chosen: ReadonlySet<FilterName>,
  search: Search | undefined,
): readonly PageRange[] {
  if (chosen.size === 0 && search === undefined) return ranges;
  const names = [...chosen];
  return ranges.filter(
    (range) => (search === undefined || finds(search, range)) && names.every((name) => filters[name].matches(range)),
  );
}

function finds(search: Search, range: PageRange): boolean {
  if (search.space === 'attributes') return search.matches(range);
  // What is mapped no more maps no address.
  if (range.change === RANGE_CHANGE.GONE) return false;
  const start = search.space === 'physical' ? range.physical : range.linear;
  return search.address >= start && search.address < start + range.size;
}

/** How many of the ranges are mapped. */
export function countMapped(ranges: readonly PageRange[]): number {
  return ranges.reduce((count, { change }) => count + (change === RANGE_CHANGE.GONE ? 0 : 1), 0);
}

/**
 * What was typed into the search box: an address, a physical one behind `p:`, attributes behind `@`, or words for the session
 * to resolve. `unknown` is a word that is no attribute.
 */
export function parseSearch(
  text: string,
  memoryTypes: readonly string[],
): Search | 'words' | { readonly unknown: string } | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  if (/^!?@/.test(trimmed)) {
    const found = parseAttributes(trimmed);
    if ('unknown' in found) return found;
    return { space: 'attributes', matches: (range) => found.test(range, memoryTypes) };
  }
  const match = /^(p:)?\s*(?:0x)?([0-9a-f]{1,16})h?$/i.exec(trimmed.replaceAll('_', ''));
  if (!match) return 'words';
  const space = match[1] ? 'physical' : 'linear';
  const value = BigInt(`0x${match[2]}`);
  return { space, address: Number(space === 'linear' && value >= 1n << 63n ? BigInt.asIntN(64, value) : value) };
}

/** Hexadecimal as wide as the paging mode has its addresses. */
export function linearText(address: number, levels: number): string {
  return hexText(BigInt(address), linearDigits(levels));
}

/** The last byte of a range. Beyond 2^53 numbers have no single bytes, which is why it is not computed by them. */
export function lastText({ linear, size }: Pick<PageRange, 'linear' | 'size'>, levels: number): string {
  return hexText(BigInt(linear) + BigInt(size) - 1n, linearDigits(levels));
}

const linearDigits = (levels: number): number => (levels > 3 ? 16 : 8);

export function physicalText(address: number): string {
  return hexText(BigInt(address), address < 2 ** 32 ? 8 : 13);
}

function hexText(value: bigint, digits: number): string {
  return BigInt.asUintN(64, value).toString(16).toUpperCase().padStart(digits, '0');
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
export function modeText({ state, levels, root, isCr3, controls, cpu, cpus }: PageModel['status']): string {
  if (state === 'none') return localized('No debug session');
  if (state === 'ended') return localized('Ended');
  const running = state === 'running' ? [localized('Running: as of the last stop')] : [];
  const whose = cpus > 1 ? [`CPU ${cpu}`] : [];
  if (levels === 0) return [...whose, localized('No paging'), ...running].join(' · ');
  const mode = { 2: '32-bit', 3: 'PAE', 4: '4-level', 5: '5-level' }[levels];
  return [
    ...whose,
    mode,
    `${isCr3 ? 'CR3' : localized('Root table')} ${physicalText(root)}`,
    ...controls,
    ...running,
  ].join(' · ');
}
