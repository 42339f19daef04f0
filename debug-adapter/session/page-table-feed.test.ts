/** What the page-table view is told of a real machine whose memory holds page tables. */
import { describe, expect, it } from 'vitest';
import { SessionClient } from '../../test/dap/support/session-client.ts';
import * as core from '../../vm-core/index.ts';
import {
  ATTRIBUTE,
  KEY_MASK,
  KEY_SHIFT,
  PAT_MASK,
  PAT_SHIFT,
  RANGE_CHANGE,
  RANGE_FIELDS,
} from '../protocol/page-tables.ts';

const DIRECTORY = 0x10000;
const TABLE = 0x11000;

/** A session that stands at the boot sector, with 32-bit paging: 4 KiB of identity from 7000h on. */
async function paged() {
  const client = new SessionClient();
  await client.launch({ memory: '2M', cpu: 'pentium' });
  await client.stop();
  const machine = client.machine as core.Machine;
  const poke = (address: number, value: number): void => {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, value, true);
    machine.memory.write(address, bytes);
  };
  poke(DIRECTORY, TABLE | 7);
  poke(TABLE + 7 * 4, 0x7007);
  const set = (name: string, value: bigint): void => {
    machine.cpus[0].state.writeRegister(core.findRegister(name) as core.Register, value);
  };
  set('CR3', BigInt(DIRECTORY));
  set('CR0', 0x8000_0011n);
  const told = (type: string): readonly object[] => client.pageTables.filter((update) => update.type === type);
  const settle = (): void => {
    while (client.host.runOne());
  };
  return { client, poke, told, settle };
}

const rangesOf = (update: object | undefined): number[][] => {
  const packed = new Float64Array((update as { ranges: ArrayBuffer }).ranges);
  return Array.from({ length: packed.length / RANGE_FIELDS }, (_, n) => [
    ...packed.subarray(n * RANGE_FIELDS, (n + 1) * RANGE_FIELDS),
  ]);
};

describe('the page-table feed', () => {
  it('names attributes as the machine does', () => {
    expect([ATTRIBUTE.WRITABLE, ATTRIBUTE.USER, ATTRIBUTE.NO_EXECUTE]).toEqual([
      core.PAGE_WRITABLE,
      core.PAGE_USER,
      core.PAGE_NO_EXECUTE,
    ]);
    expect([ATTRIBUTE.GLOBAL, ATTRIBUTE.ACCESSED, ATTRIBUTE.DIRTY]).toEqual([
      core.PAGE_GLOBAL,
      core.PAGE_ACCESSED,
      core.PAGE_DIRTY,
    ]);
    expect([PAT_SHIFT, PAT_MASK, KEY_SHIFT, KEY_MASK]).toEqual([
      core.PAGE_PAT_SHIFT,
      core.PAGE_PAT_MASK,
      core.PAGE_KEY_SHIFT,
      core.PAGE_KEY_MASK,
    ]);
  });

  it('reads nothing before the view is visible, and then everything', async () => {
    const { client, told, settle } = await paged();
    expect(client.pageTables).toEqual([]);
    client.session.receivePageTables({ type: 'visible', visible: true });
    settle();
    expect(told('status').at(-1)).toMatchObject({ state: 'stopped', levels: 2, root: DIRECTORY, isCr3: true });
    expect(rangesOf(told('ranges').at(-1))).toEqual([[0x7000, 0x1000, 0x7000, 0x1000, 3, 0]]);
  });

  it('marks what changed since the last stop', async () => {
    const { client, poke, told, settle } = await paged();
    client.session.receivePageTables({ type: 'visible', visible: true });
    settle();
    poke(TABLE + 9 * 4, 0x9005);
    await client.request('next', { threadId: 1, granularity: 'instruction' });
    await client.stop();
    settle();
    expect(rangesOf(told('ranges').at(-1)).map(([linear, , , , , changed]) => [linear, changed])).toEqual([
      [0x7000, 0],
      [0x9000, 1],
    ]);
  });

  it('shows another root, and says what is no address', async () => {
    const { client, told, settle } = await paged();
    client.session.receivePageTables({ type: 'visible', visible: true });
    client.session.receivePageTables({ type: 'root', text: '0x20000', mode: 'current' });
    settle();
    expect(told('status').at(-1)).toMatchObject({ root: 0x20000, isCr3: false });
    expect(rangesOf(told('ranges').at(-1))).toEqual([]);
    client.session.receivePageTables({ type: 'root', text: 'nowhere', mode: 'current' });
    expect(told('failed').at(-1)).toMatchObject({ request: 'root', message: expect.stringContaining('nowhere') });
  });

  it('shows tables of a mode that is not on, by the address of their root', async () => {
    const { client, poke, told, settle } = await paged();
    // PAE at 20020h: the second pointer leads to a directory with a page of 2 MiB.
    poke(0x20028, 0x21001);
    poke(0x21008, 0x60_00e7);
    client.session.receivePageTables({ type: 'visible', visible: true });
    client.session.receivePageTables({ type: 'root', text: '20020', mode: 'PAE' });
    settle();
    expect(told('status').at(-1)).toMatchObject({ root: 0x20020, levels: 3, isCr3: false });
    const gigabyte = 2 ** 30;
    expect(rangesOf(told('ranges').at(-1))).toEqual([
      [gigabyte + 0x20_0000, 0x20_0000, 0x60_0000, 0x20_0000, 3 | ATTRIBUTE.ACCESSED | ATTRIBUTE.DIRTY, 0],
    ]);
    client.session.receivePageTables({ type: 'table', level: 3, address: 0x20020, linear: 0 });
    expect(told('table').at(-1)).toMatchObject({ entries: { 1: { address: 0x20028, target: 0x21000 } } });
    const access = { kind: 'read', privilege: 'user' } as const;
    client.session.receivePageTables({ type: 'walk', text: '0x40200123', access });
    expect(told('walk').at(-1)).toMatchObject({ physical: 0x60_0123, steps: [{ level: 3 }, { level: 2 }] });
    client.session.receivePageTables({ type: 'edit', address: 0x21008, value: '800000' + '00000087' });
    expect(told('failed')).toEqual([]);
    expect([...(client.machine?.memory.read(0x21008, 8) ?? [])]).toEqual([0x87, 0, 0, 0, 0, 0, 0x80, 0]);
    client.session.receivePageTables({ type: 'root', text: '', mode: 'PAE' });
    settle();
    expect(told('status').at(-1)).toMatchObject({ root: DIRECTORY, levels: 2, isCr3: true });
  });

  it('compares with the stop that was seen last, and shows what is mapped no more', async () => {
    const { client, poke, told, settle } = await paged();
    const step = async (): Promise<void> => {
      await client.request('next', { threadId: 1, granularity: 'instruction' });
      await client.stop();
      settle();
    };
    poke(TABLE + 9 * 4, 0x9007);
    client.session.receivePageTables({ type: 'visible', visible: true });
    settle();
    client.session.receivePageTables({ type: 'visible', visible: false });
    poke(TABLE + 9 * 4, 0);
    await step();
    await step();
    client.session.receivePageTables({ type: 'visible', visible: true });
    settle();
    expect(rangesOf(told('ranges').at(-1)).map(([linear, , , , , change]) => [linear, change])).toEqual([
      [0x7000, RANGE_CHANGE.SAME],
      [0x9000, RANGE_CHANGE.GONE],
    ]);
  });

  it('stops collecting when it is told to, and says that there is more', async () => {
    const { client, poke, told } = await paged();
    // Every entry of the directory is the directory: a million pages, no two of which belong together.
    for (let n = 0; n < 1024; n++) poke(DIRECTORY + n * 4, DIRECTORY | 3 | ((n & 1) << 2));
    client.session.receivePageTables({ type: 'visible', visible: true });
    for (let n = 0; n < 3; n++) client.host.runOne();
    expect(told('ranges')).toEqual([]);
    client.session.receivePageTables({ type: 'cancel' });
    expect(told('ranges').at(-1)).toMatchObject({ complete: false });
    expect(rangesOf(told('ranges').at(-1)).length).toBeGreaterThan(10);
    while (client.host.runOne());
    expect(told('ranges').length).toBe(1);
    client.session.receivePageTables({ type: 'cancel' });
    expect(told('ranges').length).toBe(1);
  });

  it('gives tables, walks and cached translations, stale ones with what the tables say', async () => {
    const { client, poke, told } = await paged();
    await client.request('next', { threadId: 1, granularity: 'instruction' });
    await client.stop();
    client.session.receivePageTables({ type: 'table', level: 1, address: TABLE, linear: 0 });
    const { entries } = told('table').at(-1) as { entries: readonly object[] };
    expect(entries.length).toBe(1024);
    expect(entries[7]).toMatchObject({ kind: 'page', target: 0x7000, address: TABLE + 28 });
    const access = { kind: 'write', privilege: 'user' } as const;
    client.session.receivePageTables({ type: 'walk', text: '0x8000', access });
    expect(told('walk').at(-1)).toMatchObject({ linear: 0x8000, errorCode: 6, physical: undefined });
    client.session.receivePageTables({ type: 'tlb' });
    expect(told('tlb').at(-1)).toMatchObject({ entries: [{ linear: 0x7000, physical: 0x7000, stale: '' }] });
    poke(TABLE + 28, 0);
    client.session.receivePageTables({ type: 'tlb' });
    expect(told('tlb').at(-1)).toMatchObject({ entries: [{ stale: 'now the PTE is not present' }] });
  });

  it('writes entries, and refuses what is none or where no memory is', async () => {
    const { client, told } = await paged();
    client.session.receivePageTables({ type: 'edit', address: TABLE, value: '1003' });
    expect([...(client.machine?.memory.read(TABLE, 4) ?? [])]).toEqual([3, 0x10, 0, 0]);
    for (const [address, value] of [
      [TABLE, 'xyz'],
      [TABLE, '123456789'],
      [0x4000_0000, '1'],
      [-1, '1'],
    ] as const) {
      client.session.receivePageTables({ type: 'edit', address, value });
    }
    expect(told('failed').length).toBe(4);
  });

  it('stops when a watched entry is written, and no longer when it is not watched', async () => {
    const { client, poke } = await paged();
    // The table itself at 8000h, and two writes to its entry 9: mov byte [8024h],5; mov byte [8024h],7; jmp to the first
    poke(TABLE + 8 * 4, TABLE | 7);
    client.machine?.memory.write(0x7c00, Uint8Array.of(0xc6, 6, 0x24, 0x80, 5, 0xc6, 6, 0x24, 0x80, 7, 0xeb, 0xf4));
    client.session.receivePageTables({ type: 'watch', address: TABLE + 9 * 4, on: true });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('stopped')).toMatchObject({
      reason: 'data breakpoint',
      text: expect.stringContaining('page-table entry p:0x00011024'),
    });
    client.session.receivePageTables({ type: 'watch', address: TABLE + 9 * 4, on: false });
    const after = await client.request('evaluate', { expression: 'breakpoints', context: 'repl' });
    expect(after['result']).not.toContain('page-table');
  });
});
