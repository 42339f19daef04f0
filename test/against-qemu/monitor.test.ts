/** What the page-table view shows of a guest, compared with what QEMU's monitor says of the same guest. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ATTRIBUTE, PAT_SHIFT, RANGE_FIELDS, type ShownEntry } from '../../debug-adapter/protocol/page-tables.ts';
import { mustRun } from '../../scripts/run-command.ts';
import { SessionClient } from '../dap/support/session-client.ts';
import { isInstalled } from './both-machines.ts';
import { monitorDifferences } from './monitor-differences.ts';
import { type MonitorPage, type MonitorRange, tablesInQemu } from './qemu-monitor.ts';
import { makeTables, type TablesMode } from './tables-for-monitor.ts';

const modes: readonly TablesMode[] = ['32-bit', 'PSE', 'PAE', '4-level', '5-level'];
const SEEDS = Array.from({ length: Number(process.env['MONITOR_ROUNDS'] ?? 2) }, (_, n) => n + 1);
const cases = modes.flatMap((mode) => SEEDS.map((seed) => ({ mode, seed })));

const PAGE_SIZE = 0x1000;

interface Shown {
  readonly ranges: readonly (MonitorRange & { readonly physical: bigint; readonly pageSize: bigint })[];
  /** With the flags of their own entries. */
  readonly pages: readonly MonitorPage[];
  /** The linear addresses at which entries have reserved bits. */
  readonly reserved: readonly { readonly linear: bigint; readonly size: bigint }[];
}

const unsigned = (linear: number): bigint => BigInt.asUintN(64, BigInt(linear));

/** Boots the kernel in a session, and asks as the view does when the guest has halted. */
async function tablesInView(image: Uint8Array): Promise<Shown> {
  const client = new SessionClient();
  client.host.files.set('/guest/kernel.bin', image);
  const kernel = { program: undefined, listing: undefined, kernel: '/guest/kernel.bin', stopOnEntry: false };
  await client.launch({ ...kernel, memory: '16M', cpu: 'max' }, () =>
    client.request('setExceptionBreakpoints', { filters: ['halt'] }),
  );
  await client.stop();
  const updates = client.pageTables;
  client.session.receivePageTables({ type: 'visible', visible: true });
  while (client.host.runOne());
  const status = updates.find((update) => update.type === 'status');
  const found = updates.find((update) => update.type === 'ranges');
  if (!status || !found?.complete) throw new Error('the view was not told everything');
  const entries = (level: number, address: number, linear: number): readonly ShownEntry[] => {
    client.session.receivePageTables({ type: 'table', level, address, linear });
    const table = updates.pop();
    if (table?.type !== 'table') throw new Error('no table came');
    return table.entries.flatMap((entry) =>
      entry.kind === 'table' ? entries(level - 1, entry.target, entry.linear) : [entry],
    );
  };
  const leaves = entries(status.levels, status.root, 0);
  return {
    ranges: rangesOf(found.ranges),
    pages: leaves.filter(({ kind }) => kind === 'page').map(pageOf),
    reserved: leaves
      .filter(({ kind }) => kind === 'reserved bit')
      .map(({ linear, size }) => ({ linear: unsigned(linear), size: BigInt(size) })),
  };
}

function rangesOf(buffer: ArrayBuffer): Shown['ranges'] {
  const packed = new Float64Array(buffer);
  return Array.from({ length: packed.length / RANGE_FIELDS }, (_, n) => {
    const fields = packed.subarray(n * RANGE_FIELDS, (n + 1) * RANGE_FIELDS);
    const [linear = 0, size = 0, physical = 0, pageSize = 0, attributes = 0] = fields;
    return {
      linear: unsigned(linear),
      size: BigInt(size),
      physical: BigInt(physical),
      pageSize: BigInt(pageSize),
      user: (attributes & ATTRIBUTE.USER) !== 0,
      writable: (attributes & ATTRIBUTE.WRITABLE) !== 0,
    };
  });
}

/** In the monitor's notation. */
function pageOf({ linear, size, target, attributes }: ShownEntry): MonitorPage {
  const pat = attributes >> PAT_SHIFT;
  const flags = [
    ['X', attributes & ATTRIBUTE.NO_EXECUTE],
    ['G', attributes & ATTRIBUTE.GLOBAL],
    ['P', size > PAGE_SIZE ? 1 : 0],
    ['D', attributes & ATTRIBUTE.DIRTY],
    ['A', attributes & ATTRIBUTE.ACCESSED],
    ['C', pat & 2],
    ['T', pat & 1],
    ['U', attributes & ATTRIBUTE.USER],
    ['W', attributes & ATTRIBUTE.WRITABLE],
  ] as const;
  const text = flags.map(([letter, isSet]) => (isSet ? letter : '-')).join('');
  return { linear: unsigned(linear), frame: BigInt(target), flags: text };
}

/** Pages of the ranges, one by one. */
function pagesOf(ranges: Shown['ranges']): readonly string[] {
  return ranges.flatMap(({ linear, size, physical, pageSize }) =>
    Array.from({ length: Number(size / pageSize) }, (_, n) => {
      const offset = BigInt(n) * pageSize;
      return lineOf(linear + offset, physical + offset);
    }),
  );
}

const lineOf = (linear: bigint, frame: bigint): string => `${linear.toString(16)} ${frame.toString(16)}`;
const textOf = ({ linear, frame, flags }: MonitorPage): string => `${lineOf(linear, frame)} ${flags}`;

/** Neighbours with the same rights put together, whatever their frames, as `info mem` lists them. */
function byRights(ranges: readonly MonitorRange[]): readonly string[] {
  const merged: MonitorRange[] = [];
  for (const { linear, size, user, writable } of ranges) {
    const last = merged.at(-1);
    const continues = last && last.linear + last.size === linear && last.user === user && last.writable === writable;
    if (continues) merged[merged.length - 1] = { ...last, size: last.size + size };
    else merged.push({ linear, size, user, writable });
  }
  return merged.map(
    ({ linear, size, user, writable }) =>
      `${linear.toString(16)} ${size.toString(16)} ${user ? 'u' : '-'}r${writable ? 'w' : '-'}`,
  );
}

const differencesOf = (mode: TablesMode) => monitorDifferences.filter(({ modes }) => modes.includes(mode));

const runnable = isInstalled('nasm') && isInstalled('qemu-system-x86_64');

describe.skipIf(!runnable)('the page-table view and QEMU’s monitor (it needs nasm and qemu-system-x86_64)', () => {
  let folder = '';
  let kernel: Uint8Array;
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'monitor-'));
    await mustRun('nasm', ['-f', 'bin', '-o', file('kernel.bin'), join(import.meta.dirname, 'tables.asm')]);
    kernel = readFileSync(file('kernel.bin'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function both(mode: TablesMode, seed: number, withReserved: boolean) {
    const name = file(`${mode}-${seed}-${withReserved}.bin`);
    const image = Buffer.concat([kernel, makeTables(mode, seed, withReserved)]);
    writeFileSync(name, image);
    const differences = differencesOf(mode);
    const asksRanges = !differences.some(({ isWithoutRanges }) => isWithoutRanges);
    const theirs = await tablesInQemu(name, [...(asksRanges ? ['info mem'] : []), 'info tlb']);
    const ours = await tablesInView(image);
    const corrected = theirs.pages.map((page) =>
      differences.reduce((right, { correct }) => correct?.(right) ?? right, page),
    );
    const reduced = ours.pages.map((page) => differences.reduce((less, { reduce }) => reduce?.(less) ?? less, page));
    return { ours, reduced, theirs: corrected, theirRanges: asksRanges ? theirs.ranges : undefined };
  }

  it.each(cases)('say the same in $mode paging, seed $seed', { timeout: 60_000 }, async ({ mode, seed }) => {
    const { ours, reduced, theirs, theirRanges } = await both(mode, seed, false);
    expect(theirs.length).toBeGreaterThan(50);
    expect(reduced.map(textOf)).toEqual(theirs.map(textOf));
    expect(pagesOf(ours.ranges)).toEqual(ours.pages.map(({ linear, frame }) => lineOf(linear, frame)));
    if (theirRanges) expect(byRights(ours.ranges)).toEqual(byRights(theirRanges));
  });

  const withReserved = cases.filter(({ mode }) => differencesOf(mode).some(({ listsReserved }) => listsReserved));

  it.each(withReserved)(
    'differ in $mode paging, seed $seed, by the pages of entries with reserved bits',
    { timeout: 60_000 },
    async ({ mode, seed }) => {
      const { ours, reduced, theirs } = await both(mode, seed, true);
      const isReserved = ({ linear }: MonitorPage): boolean =>
        ours.reserved.some((entry) => linear >= entry.linear && linear < entry.linear + entry.size);
      expect(theirs.some(isReserved)).toBe(true);
      // XD is a reserved bit here, and not shown as a flag of what is mapped.
      expect(reduced.map(textOf)).toEqual(theirs.filter((page) => !isReserved(page)).map(textOf));
    },
  );
});
