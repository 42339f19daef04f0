/** What the view of compiled code knows and shows as text: rows in an order, totals, and why there is nothing. */
import type {
  CompiledCodeUpdate,
  CompiledTotals,
  ExitCount,
  RegionLink,
  RegionRow,
  ShownExit,
} from '../../debug-adapter/protocol/compiled-code.ts';
import { localized } from '../../debug-adapter/protocol/localized.ts';

export type CompiledStatus = Extract<CompiledCodeUpdate, { type: 'status' }>;

const TYPES: ReadonlySet<unknown> = new Set<CompiledCodeUpdate['type']>(['status', 'code', 'failed']);

/** Whether a message of the window is one of the session. */
export function isCompiledCodeUpdate(data: unknown): data is CompiledCodeUpdate {
  if (typeof data !== 'object' || data === null || !('type' in data) || !TYPES.has(data.type)) return false;
  if (data.type === 'code')
    return 'guest' in data && Array.isArray(data.guest) && 'generated' in data && Array.isArray(data.generated);
  return data.type !== 'status' || ('rows' in data && Array.isArray(data.rows));
}

/** By what the regions can be ordered. */
export type Order = 'instructions' | 'entries' | 'exits' | 'size' | 'address';

/** Orders with their names; numbers that are large come first, addresses that are small. */
export const ORDERS: Readonly<
  Record<Order, { readonly name: () => string; readonly key: (row: RegionRow) => number }>
> = {
  instructions: { name: () => localized('Instructions executed'), key: ({ instructions }) => -instructions },
  entries: { name: () => localized('Entries'), key: ({ entries }) => -entries },
  exits: { name: () => localized('Instructions per entry, fewest first'), key: perEntry },
  size: { name: () => localized('Size'), key: ({ codeBytes }) => -codeBytes },
  address: { name: () => localized('Address'), key: ({ address }) => address },
};

function perEntry({ instructions, entries }: RegionRow): number {
  return entries === 0 ? Number.POSITIVE_INFINITY : instructions / entries;
}

/** The rows that have all words of a search in what is shown of them, in an order. */
export function shownRows(rows: readonly RegionRow[], search: string, order: Order): readonly RegionRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const { key } = ORDERS[order];
  const found = rows.filter((row) => {
    const text = [row.place, row.symbol, row.line, modeText(row), ...row.exits.map(exitText)].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return found.sort((left, right) => key(left) - key(right));
}

/** Regions whose code goes on in one. */
export function linksTo(rows: readonly RegionRow[], id: string): readonly RegionLink[] {
  return rows
    .filter((row) => row.id !== id && row.links.some((link) => link.id === id))
    .map((row) => ({ id: row.id, name: row.symbol || row.place }));
}

/** 16, 32 or 64 bits. */
export function modeText({ codeSize }: RegionRow): string {
  return localized('{0} bits', codeSize);
}

const EXIT_NAMES: Readonly<Record<ShownExit, () => string>> = {
  budget: () => localized('share used up'),
  page: () => localized('jump to another page'),
  outside: () => localized('jump out of the region'),
  indirect: () => localized('computed jump or return'),
  load: () => localized('load'),
  store: () => localized('store'),
  limit: () => localized('segment limit'),
  exception: () => localized('exception'),
  repeat: () => localized('repeated instruction'),
  calls: () => localized('record of calls'),
  handler: () => localized('left to the interpreter'),
  called: () => localized('handler wants attention'),
  changed: () => localized('state changed by a handler'),
  'foreign-facts': () => localized('other segments or records'),
  'foreign-place': () => localized('other EIP'),
  'too-long': () => localized('something is due'),
};

/** Why, and how often. */
export function exitText({ why, count }: ExitCount): string {
  return `${EXIT_NAMES[why]()} ${numberText(count)}`;
}

/** A count as the language of the page writes it, short: 1.2M. */
export function numberText(count: number): string {
  const style = { notation: 'compact', maximumSignificantDigits: 3 } as const;
  return new Intl.NumberFormat(pageLanguage(), style).format(count);
}

function pageLanguage(): string {
  return globalThis.document?.documentElement.lang || 'en';
}

/** Bytes, in the unit that fits. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return localized('{0} bytes', bytes);
  const kibibytes = new Intl.NumberFormat(pageLanguage(), { maximumSignificantDigits: 3, useGrouping: false });
  return bytes < 1024 ** 2 ? `${kibibytes.format(bytes / 1024)} KiB` : `${kibibytes.format(bytes / 1024 ** 2)} MiB`;
}

/** What all regions together are. */
export function totalsText({ regions, modules, bytes, dropped, evicted, share }: CompiledTotals): string {
  const percent = new Intl.NumberFormat(pageLanguage(), { style: 'percent' }).format(Math.floor(share * 100) / 100);
  return [
    localized('{0} compiled', percent),
    localized('Regions: {0}', regions),
    localized('Modules: {0}', modules),
    bytesText(bytes),
    localized('Dropped: {0}', dropped),
    localized('Evicted: {0}', evicted),
  ].join(' · ');
}

/** Why there are no rows; '' where there are. */
export function emptyText({ state, totals, rows }: CompiledStatus): string {
  if (rows.length > 0) return '';
  if (state === 'none') return localized('Start debugging (F5) to see the compiled code of the guest here.');
  if (state === 'ended') return localized('The session has ended.');
  if (!totals) return localized('The guest is interpreted: the launch configuration has "engine": "interpreter".');
  return localized('Nothing has run often enough to be compiled.');
}
