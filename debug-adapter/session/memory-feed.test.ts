import { describe, expect, it } from 'vitest';
import { fixture, SessionClient } from '../../test/dap/support/session-client.ts';
import {
  BYTE_CHANGED,
  BYTE_DIFFERS,
  BYTE_MAPPED,
  type MemoryRequest,
  type MemorySpace,
  type MemoryUpdate,
} from '../protocol/memory.ts';

type UpdateOf<Type extends MemoryUpdate['type']> = Extract<MemoryUpdate, { readonly type: Type }>;

/** The fixture's label `counter`. */
const COUNTER = 0x7c59;

/** A session that stands at the boot sector, with a visible view. */
async function start() {
  const client = new SessionClient();
  await client.launch({ memory: '2M' });
  await client.stop();
  const tell = (request: MemoryRequest): void => client.session.receiveMemory(1, request);
  const last = <Type extends MemoryUpdate['type']>(type: Type): UpdateOf<Type> | undefined =>
    client.memory.findLast((update): update is UpdateOf<Type> => update.type === type);
  const show = (address: number, length: number, space: MemorySpace = 'linear'): void =>
    tell({ type: 'show', space, address, length });
  const marks = (): number[] => [...new Uint8Array(last('block')?.marks ?? new ArrayBuffer(0))];
  const bytes = (): number[] => [...new Uint8Array(last('block')?.bytes ?? new ArrayBuffer(0))];
  const write = (address: number, values: readonly number[]): void =>
    tell({ type: 'write', space: 'linear', address, bytes: Uint8Array.from(values).buffer });
  const find = async (pattern: readonly number[], where: Partial<UpdateOfRequest<'find'>> = {}) => {
    const before = client.memory.length;
    tell({
      type: 'find',
      space: 'linear',
      pattern: Uint8Array.from(pattern).buffer,
      mask: Uint8Array.from(pattern, () => 0xff).buffer,
      start: 0,
      end: 0x1000000,
      from: 0,
      ...where,
    });
    while (!client.memory.slice(before).some(({ type }) => type === 'found')) client.host.runOne();
    return last('found');
  };
  tell({ type: 'visible', visible: true });
  return { client, tell, last, show, marks, bytes, write, find };
}

type UpdateOfRequest<Type extends MemoryRequest['type']> = Extract<MemoryRequest, { readonly type: Type }>;

describe('a memory view', () => {
  it('gets bytes, marks and pointers of what it shows', async () => {
    const { show, bytes, marks, last } = await start();
    expect(last('status')).toMatchObject({ state: 'stopped' });
    show(0x7dfe, 4);
    expect(bytes().slice(0, 2)).toEqual([0x55, 0xaa]);
    expect(marks()).toEqual([1, 1, 1, 1]);
    expect(last('block')?.pointers).toContainEqual({ name: 'CS:IP', linear: 0x7c00, physical: 0x7c00 });
    expect(last('block')?.pointers.map(({ name }) => name)).toContain('SS:SP');
  });

  it('sees what is mapped behind what is not', async () => {
    const { show, marks, bytes } = await start();
    show(0x200000 - 2, 4);
    expect(marks()).toEqual([BYTE_MAPPED, BYTE_MAPPED, 0, 0]);
    show(0xfffefffe, 4, 'physical');
    expect(marks().slice(0, 2)).toEqual([0, 0]);
    show(0xfffffff0, 64);
    expect(bytes()).toHaveLength(16);
    expect(bytes()[0]).toBe(0xea);
  });

  it('marks what the guest changed since the stop before, and no more than that', async () => {
    const { client, show, marks } = await start();
    show(COUNTER - 1, 3);
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }, { name: 'outer' }] });
    await client.run('continue');
    expect(marks()).toEqual([1, 1, 1]);
    await client.run('next');
    expect(marks()).toEqual([1, 1 | BYTE_CHANGED, 1]);
    await client.run('next');
    expect(marks()).toEqual([1, 1, 1]);
  });

  it('marks nothing at the first stop, though the firmware loaded it all', async () => {
    const client = new SessionClient();
    client.session.receiveMemory(1, { type: 'visible', visible: true });
    client.session.receiveMemory(1, { type: 'show', space: 'linear', address: 0x7c00, length: 2 });
    await client.launch({ memory: '2M' });
    await client.stop();
    const block = client.memory.findLast((update) => update.type === 'block');
    expect([...new Uint8Array(block?.bytes ?? new ArrayBuffer(0))]).toEqual([0x31, 0xc0]);
    expect([...new Uint8Array(block?.marks ?? new ArrayBuffer(0))]).toEqual([1, 1]);
  });

  it('does not count what the debugger wrote as changed', async () => {
    const { client, show, marks, bytes, write } = await start();
    show(0x600, 4);
    await client.run('next');
    write(0x601, [1, 2]);
    expect(bytes()).toEqual([0, 1, 2, 0]);
    expect(marks()).toEqual([1, 1, 1, 1]);
    // The client must not fetch the stack, or it would take the user out of the view.
    expect(client.transcript.at(-1)).toBe('← event invalidated {"areas":["variables"]}');
  });

  it('is live while the guest runs, at its own pace', async () => {
    const { client, show, last } = await start();
    show(0x46c, 4);
    await client.request('setExceptionBreakpoints', { filters: [] });
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    // The loop `sti; jmp $` lets the timer count.
    client.session.receiveMemory(1, {
      type: 'write',
      space: 'linear',
      address: 0x7c00,
      bytes: Uint8Array.of(0xfb, 0xeb, 0xfe).buffer,
    });
    await client.request('continue', { threadId: 1 });
    const before = client.memory.length;
    const startedMs = client.host.now();
    while (client.memory.slice(before).filter(({ type }) => type === 'block').length < 4) client.host.runOne();
    expect(client.host.now() - startedMs).toBeGreaterThan(250);
    expect(last('block')?.pointers).toEqual([]);
    client.session.receiveMemory(1, { type: 'visible', visible: false });
    const hidden = client.memory.length;
    for (let turn = 0; turn < 200; turn++) client.host.runOne();
    expect(client.memory).toHaveLength(hidden);
  });

  it('evaluates what stands in the address box', async () => {
    const { tell, last } = await start();
    for (const [text, space, address] of [
      ['7c00', 'linear', 0x7c00],
      ['b800:0010', 'linear', 0xb8010],
      ['cs:ip', 'linear', 0x7c00],
      ['p:0xb8000', 'physical', 0xb8000],
      ['counter + 1', 'linear', COUNTER + 1],
    ] as const) {
      tell({ type: 'go', text });
      expect(last('went')).toEqual({ type: 'went', text, space, address });
    }
    tell({ type: 'go', text: 'nowhere' });
    expect(last('failed')).toMatchObject({ request: 'go', message: expect.stringContaining('nowhere') });
  });

  it('says where it could not write', async () => {
    const { write, last } = await start();
    write(0x200000 - 1, [7, 8]);
    expect(last('failed')).toEqual({
      type: 'failed',
      request: 'write',
      message: 'nothing is mapped at 0x00200000: it cannot be written',
    });
  });

  it('compares with a moment that was kept', async () => {
    const { client, tell, show, marks, write, last } = await start();
    tell({ type: 'keep' });
    expect(last('status')?.kept).toMatchObject({ complete: true });
    show(0x600, 3);
    write(0x601, [9]);
    expect(marks()).toEqual([1, 1 | BYTE_DIFFERS, 1]);
    expect([...new Uint8Array(last('block')?.kept as ArrayBuffer)]).toEqual([0, 0, 0]);
    show(0x601, 1, 'physical');
    expect(marks()).toEqual([1 | BYTE_DIFFERS]);
    await client.run('next');
    tell({ type: 'forget' });
    expect(last('status')).not.toHaveProperty('kept');
    expect(last('block')).not.toHaveProperty('kept');
  });
});

describe('a search', () => {
  it('finds bytes across pages, then the next, then begins again', async () => {
    const { write, find } = await start();
    write(0x120ffe, [1, 0xfe, 0xdc, 0xba]);
    write(0x1ffffd, [0xfe, 0xdc, 0xba]);
    expect(await find([0xfe, 0xdc, 0xba])).toMatchObject({ address: 0x120fff, length: 3, wrapped: false });
    expect(await find([0xfe, 0xdc, 0xba], { from: 0x121000 })).toMatchObject({ address: 0x1ffffd });
    expect(await find([0xfe, 0xdc, 0xba], { from: 0x200000 })).toMatchObject({ address: 0x120fff, wrapped: true });
  });

  it('stays in its range and honours its mask', async () => {
    const { write, find } = await start();
    write(0x100100, [0x41, 0x62]);
    const mask = Uint8Array.of(0xdf, 0xdf).buffer;
    const range = { start: 0x100000, end: 0x100200, from: 0x100000 };
    expect(await find([0x61, 0x42], { mask, ...range })).toMatchObject({ address: 0x100100 });
    expect(await find([0x61, 0x42], { mask, ...range, end: 0x100101 })).not.toHaveProperty('address');
    expect(await find([0x61, 0x42], range)).not.toHaveProperty('address');
    expect(await find([0x61, 0x42], { ...range, end: 0x100000 })).not.toHaveProperty('address');
  });

  it('tells how far it is and can be cancelled', async () => {
    const { client, tell, find, last } = await start();
    await find([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const done = client.memory.flatMap((update) => (update.type === 'searching' ? [update.done] : []));
    expect(done.length).toBeGreaterThan(3);
    expect(done).toEqual(done.toSorted((left, right) => left - right));
    const before = client.memory.length;
    tell({
      type: 'find',
      space: 'physical',
      pattern: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9).buffer,
      mask: new Uint8Array(9).fill(0xff).buffer,
      start: 0,
      end: 2 ** 32,
      from: 0,
    });
    tell({ type: 'cancel-find' });
    expect(last('found')).toMatchObject({ cancelled: true });
    while (client.host.runOne());
    expect(client.memory.slice(before).filter(({ type }) => type === 'found')).toHaveLength(1);
  });
});

describe('a memory view of a guest in 64-bit mode', () => {
  const HIGH = -0x8000_0000;

  /** The fixture that climbs to 64-bit mode, at its label `upper`, with a view; and what it was shown before. */
  async function climbed() {
    const client = new SessionClient();
    for (const name of ['climb.asm', 'climb.lst', 'climb.img']) client.host.files.set(`/guest/${name}`, fixture(name));
    await client.launch({ program: '/guest/climb.img', listing: '/guest/climb.lst', cpu: 'x86-64-v3', memory: '2M' });
    await client.stop();
    const tell = (request: MemoryRequest): void => client.session.receiveMemory(1, request);
    const last = <Type extends MemoryUpdate['type']>(type: Type): UpdateOf<Type> | undefined =>
      client.memory.findLast((update): update is UpdateOf<Type> => update.type === type);
    tell({ type: 'visible', visible: true });
    tell({ type: 'show', space: 'linear', address: HIGH + 0x7d00, length: 4 });
    const before = last('block');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'upper' }] });
    await client.run('continue');
    return { client, tell, last, before };
  }

  it('shows the upper half as soon as the mode has it, and where registers point', async () => {
    const { before, last, tell } = await climbed();
    expect(before).toMatchObject({ widths: { linear: 32, shown: 32 } });
    expect([...new Uint8Array(before?.marks ?? new ArrayBuffer(0))].every((mark) => mark === 0)).toBe(true);
    const block = last('block');
    expect(block).toMatchObject({ address: HIGH + 0x7d00, widths: { linear: 48, physical: 40, shown: 64 } });
    expect([...new Uint8Array(block?.bytes ?? new ArrayBuffer(0))]).toEqual([0x48, 0xbb, 0xf0, 0xde]);
    expect(block?.pointers).toContainEqual({ name: 'RIP', linear: HIGH + 0x7d00, physical: 0x7d00 });
    tell({ type: 'show', space: 'linear', address: -16, length: 64 });
    expect(last('block')?.bytes.byteLength).toBe(16);
    tell({ type: 'show', space: 'physical', address: 2 ** 39, length: 4 });
    expect([...new Uint8Array(last('block')?.marks ?? new ArrayBuffer(0))]).toEqual([0, 0, 0, 0]);
    tell({ type: 'show', space: 'linear', address: 2 ** 47 - 4, length: 8 });
    expect([...new Uint8Array(last('block')?.marks ?? new ArrayBuffer(0))].every((mark) => mark === 0)).toBe(true);
  });

  it('goes, writes and finds there, past terabytes that are not mapped', async () => {
    const { client, last, tell } = await climbed();
    tell({ type: 'go', text: 'value' });
    expect(last('went')).toMatchObject({ space: 'linear', address: HIGH + 0x7d27 });
    tell({ type: 'go', text: 'FFFFFFFF80007D27' });
    expect(last('went')).toMatchObject({ address: HIGH + 0x7d27 });
    tell({ type: 'go', text: '0xff11000000000001' });
    expect(last('failed')).toMatchObject({ request: 'go', message: expect.stringContaining('lies beyond 2^53') });
    tell({ type: 'write', space: 'linear', address: HIGH + 0x7d27, bytes: Uint8Array.of(0xfe, 0xdc, 0xba).buffer });
    expect(await client.evaluate('dword[value]')).toBe('0x00badcfe');
    const pattern = Uint8Array.of(0xfe, 0xdc, 0xba).buffer;
    const find = { type: 'find', space: 'linear', pattern, mask: new Uint8Array(3).fill(0xff).buffer } as const;
    const found = async (start: number, end: number): Promise<MemoryUpdate | undefined> => {
      const before = client.memory.length;
      tell({ ...find, start, end, from: start });
      while (!client.memory.slice(before).some(({ type }) => type === 'found')) client.host.runOne();
      return last('found');
    };
    // The guest's tables lead to its first 2 MiB four times.
    expect(await found(-(2 ** 47), 0)).toMatchObject({ address: -(2 ** 39) + 0x7d27, length: 3 });
    expect(await found(-(2 ** 39) + 0x7d28, 0)).toMatchObject({ address: HIGH + 0x7d27 });
    expect(await found(0x10_0000, 2 ** 47)).toMatchObject({ address: 0x7f_8000_7d27 });
    expect(await found(2 ** 39, 2 ** 47)).not.toHaveProperty('address');
    tell({ type: 'write', space: 'linear', address: HIGH + 0x20_0000, bytes: Uint8Array.of(1).buffer });
    expect(last('failed')).toMatchObject({ message: expect.stringContaining('0xffffffff80200000') });
  });
});
