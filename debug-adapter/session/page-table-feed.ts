/**
 * Feeds the page-table view: what is mapped, at every stop; tables, walks and cached translations when it asks. While the
 * view is not visible nothing is read.
 */
import { explainWalk, type PageTableEntry, readTable, rulesWithRoot, type ShownRules } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import {
  type PageTablesRequest,
  type PageTablesUpdate,
  type ShownEntry,
  statusWithoutTables,
  type TableMode,
} from '../protocol/page-tables.ts';
import type { ScreenState } from '../protocol/screen.ts';
import type { BreakpointTable } from './breakpoint-table.ts';
import type { WrittenMemory } from './places.ts';
import type { Guest } from './guest.ts';
import { ChosenCpu } from './chosen-cpu.ts';
import { cachedEntries } from './page-table-cached.ts';
import { compareRanges, type Mapping, packRanges } from './page-table-changes.ts';
import { PageTableScan } from './page-table-scan.ts';
import { statusOf } from './page-table-status.ts';
import { exactPlace, formatReference, parseReference, resolvePlaceName, writePlace } from './places.ts';
import type { SessionView } from './session-view.ts';
import type { BreakpointRequest } from './user-breakpoint.ts';
import { UserError } from './user-error.ts';

/** Milliseconds that a scan takes before others have their turn, and tables between two signs of progress. */
const SCAN_MS = 6;
const PROGRESS_TABLES = 1000;
const EFLAGS_AC = 1 << 18;
const EFER_NXE = 1 << 11;
const WATCHED_SET = 'page tables';
const LEVELS = { '32-bit': 2, PAE: 3, '4-level': 4, '5-level': 5 } as const;

export interface PageTableFeedOptions {
  readonly host: Pick<Host, 'now' | 'defer'>;
  readonly send: (update: PageTablesUpdate) => void;
  readonly breakpoints: () => BreakpointTable;
  /** The view wrote an entry: everything else that shows the guest is stale. */
  readonly written: (written: WrittenMemory) => void;
}

type RequestOf<Type extends PageTablesRequest['type']> = Extract<PageTablesRequest, { readonly type: Type }>;

/** The tables of a processor as they were at a stop and at the one before. */
interface Seen {
  mapping: Mapping | undefined;
  before: Mapping | undefined;
  /** Entries by their table's address. */
  readonly tables: Map<number, readonly PageTableEntry[]>;
  readonly oldTables: ReadonlyMap<number, readonly PageTableEntry[]>;
}

export class PageTableFeed implements SessionView {
  readonly #options: PageTableFeedOptions;
  readonly #cpu = new ChosenCpu();
  #state: ScreenState = 'none';
  #visible = false;
  /** The first table and how it is read, unless it is CR3's. */
  #given: { readonly address: number; readonly mode: TableMode } | undefined;
  #scan: PageTableScan | undefined;
  /** What was seen of the tables of each processor, by its index. */
  #seen: Seen[] = [];
  /** Bytes of the entries that are watched, by their addresses. */
  readonly #watched = new Map<number, number>();

  constructor(options: PageTableFeedOptions) {
    this.#options = options;
  }

  attach(guest: Guest): void {
    this.detach();
    this.#cpu.attach(guest);
    this.#watch();
  }

  lookAt(cpu: number): void {
    // While the guest runs its tables are not read; the stop that follows sends everything.
    if (this.#cpu.lookAt(cpu) && this.#visible && this.#state === 'stopped') this.#sendAll();
  }

  setState(state: ScreenState): void {
    this.#state = state;
    this.#scan = undefined;
    if (state === 'stopped') {
      // What was not looked at at a stop is compared with what was looked at last.
      this.#seen = this.#seen.map(({ mapping, before, tables }) => ({
        mapping: undefined,
        before: mapping ?? before,
        tables: new Map(),
        oldTables: tables,
      }));
    }
    if (this.#visible) this.#sendAll();
  }

  sliceDone(): void {
    // A running guest's tables are shown as they were at the last stop.
  }

  refresh(): void {
    if (this.#visible) this.#sendAll();
  }

  detach(): void {
    this.#cpu.attach(undefined);
    this.#scan = undefined;
    this.#seen = [];
  }

  /** What was seen of the tables that are shown. */
  get #seenHere(): Seen {
    const { cpu } = this.#cpu.shown;
    this.#seen[cpu] ??= { mapping: undefined, before: undefined, tables: new Map(), oldTables: new Map() };
    return this.#seen[cpu];
  }

  /** Takes a request of the view; what is wrong with it is told to the view. */
  receive(request: PageTablesRequest): void {
    try {
      this.#answer(request);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#options.send({ type: 'failed', request: request.type, message: error.message });
    }
  }

  #answer(request: PageTablesRequest): void {
    switch (request.type) {
      case 'visible':
        this.#visible = request.visible;
        this.#scan = undefined;
        if (request.visible) this.#sendAll();
        return;
      case 'root':
        this.#setRoot(request);
        return;
      case 'cpu':
        if (this.#cpu.choose(request.cpu) && this.#visible) this.#sendAll();
        return;
      case 'cancel':
        if (this.#scan) this.#sendRanges(this.#scan, true);
        return;
      case 'table':
        this.#sendTable(request);
        return;
      case 'walk':
        this.#sendWalk(request);
        return;
      case 'edit':
        this.#edit(request);
        return;
      case 'watch':
        if (request.on) this.#watched.set(request.address, this.#entrySize);
        else this.#watched.delete(request.address);
        this.#watch();
        this.#sendAll();
        return;
      case 'tlb':
        this.#options.send({ type: 'tlb', entries: cachedEntries(this.#present.vcpu.paging) });
    }
  }

  get #present(): Guest {
    const { guest } = this.#cpu;
    if (guest) return guest;
    throw new UserError('not-launched', 'no guest is running');
  }

  /** The rules by which tables are shown. */
  get #rules(): ShownRules {
    const { rules, read } = this.#present.vcpu.paging;
    const levels = this.#given && (this.#given.mode === 'current' ? rules.levels : LEVELS[this.#given.mode]);
    if (!this.#given || levels === undefined || levels === 0) return rules;
    const noExecute = (this.#present.register('EFER') & EFER_NXE) !== 0;
    return rulesWithRoot(rules, read, { address: this.#given.address, levels, noExecute });
  }

  get #entrySize(): 4 | 8 {
    return this.#rules.levels === 2 ? 4 : 8;
  }

  #setRoot({ text, mode }: RequestOf<'root'>): void {
    const given = text.trim() === '' ? undefined : { address: rootOf(text), mode };
    const isOther = given?.address !== this.#given?.address || given?.mode !== this.#given?.mode;
    this.#given = given;
    for (const seen of isOther ? this.#seen : []) {
      seen.mapping = undefined;
      seen.before = undefined;
    }
    if (this.#visible) this.#sendAll();
  }

  #sendAll(): void {
    this.#scan = undefined;
    const { guest } = this.#cpu;
    if (!guest) {
      this.#options.send(statusWithoutTables(this.#state));
      return;
    }
    const rules = this.#rules;
    this.#options.send(statusOf(guest, rules, { state: this.#state, isCr3: this.#given === undefined }));
    if (this.#state !== 'stopped') return;
    this.#scan = new PageTableScan(rules, guest.vcpu.paging.read);
    this.#scanOn(this.#scan);
  }

  /** Scans for a few milliseconds, then lets requests have their turn. */
  #scanOn(scan: PageTableScan): void {
    if (this.#scan !== scan) return;
    const { host, send } = this.#options;
    const end = host.now() + SCAN_MS;
    const before = scan.tables;
    if (!scan.advance(() => host.now() >= end)) {
      const isWorthTelling = Math.floor(scan.tables / PROGRESS_TABLES) !== Math.floor(before / PROGRESS_TABLES);
      if (isWorthTelling) send({ type: 'progress', tables: scan.tables });
      host.defer(() => this.#scanOn(scan));
      return;
    }
    this.#sendRanges(scan, scan.isCut);
  }

  #sendRanges({ ranges }: PageTableScan, isCut: boolean): void {
    this.#scan = undefined;
    const seen = this.#seenHere;
    seen.mapping = { ranges, isCut };
    const compared = compareRanges(seen.mapping, seen.before);
    this.#options.send({ type: 'ranges', ranges: packRanges(compared).buffer, complete: !isCut });
  }

  #sendTable({ level, address, linear }: RequestOf<'table'>): void {
    const rules = this.#rules;
    const { read } = this.#present.vcpu.paging;
    if (level < 1 || level > rules.levels) return;
    const entries = readTable(rules, read, { level, address, linear });
    const { tables, oldTables } = this.#seenHere;
    const old = oldTables.get(address);
    tables.set(address, entries);
    const shown = entries.map((entry, n) => this.#shown(entry, old?.[n]));
    this.#options.send({ type: 'table', level, address, entries: shown });
  }

  #shown(entry: PageTableEntry, old: PageTableEntry | undefined): ShownEntry {
    const { low, high, ...rest } = entry;
    const value = (this.#entrySize === 8 ? hexDigits(high) : '') + hexDigits(low);
    const changed = old !== undefined && (old.low !== low || old.high !== high);
    return { ...rest, value, changed, watched: this.#watched.has(entry.address) };
  }

  #sendWalk({ text, access }: RequestOf<'walk'>): void {
    const guest = this.#present;
    const linear = resolvePlaceName(guest, text);
    const ac = (guest.register('EFLAGS') & EFLAGS_AC) !== 0;
    const { steps, physical, errorCode, result } = explainWalk(this.#rules, guest.vcpu.paging.read, linear, {
      ...access,
      ac,
    });
    const shown = steps.map(({ level, entry, problem }) => ({ ...this.#shown(entry, undefined), level, problem }));
    this.#options.send({ type: 'walk', text, linear, steps: shown, physical, errorCode, result });
  }

  #edit({ address, value }: RequestOf<'edit'>): void {
    const guest = this.#present;
    const size = this.#entrySize;
    if (!/^[0-9a-f]{1,16}$/i.test(value) || value.length > size * 2) {
      throw new UserError('bad-argument', `${value} is no entry: give up to ${size * 2} hexadecimal digits`);
    }
    const bytes = new Uint8Array(size);
    const padded = value.padStart(size * 2, '0');
    for (let n = 0; n < size; n++) bytes[n] = Number.parseInt(padded.slice((size - n - 1) * 2, (size - n) * 2), 16);
    const place = { space: 'physical', address } as const;
    const written = address < 0 ? 0 : writePlace(guest, place, bytes);
    if (written < size)
      throw new UserError('bad-address', `there is no memory at ${formatReference(place)} to write to`);
    this.#options.written({ memoryReference: formatReference(place), count: size });
  }

  /** Entries that are watched are data breakpoints of a set of their own. */
  #watch(): void {
    const watched = [...this.#watched].filter(([address]) => address >= 0);
    this.#options.breakpoints().replace(
      WATCHED_SET,
      watched.map(([address, size]) => watchRequest(address, size)),
    );
  }
}

function watchRequest(address: number, length: number): BreakpointRequest {
  const name = `page-table entry ${formatReference({ space: 'physical', address })}`;
  const watched = { name, place: { space: 'physical', address }, length, access: 'write' } as const;
  return {
    kind: 'data',
    key: name,
    condition: undefined,
    hitCondition: undefined,
    logMessage: undefined,
    locate: () => ({ places: [], watched }),
  };
}

const hexDigits = (value: number): string => (value >>> 0).toString(16).toUpperCase().padStart(8, '0');

/** The address of a table as the user types it: hexadecimal, with or without marks. */
function rootOf(text: string): number {
  const digits = /^\s*(?:p:)?(?:0x)?([0-9a-f]+)h?\s*$/i.exec(text)?.[1];
  if (digits === undefined)
    throw new UserError('bad-address', `${text}: give the physical address of a table, in hexadecimal`);
  const { address } = exactPlace(parseReference(`p:0x${digits}`));
  return address;
}
