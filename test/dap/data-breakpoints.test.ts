import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { type Body, SessionClient } from './support/session-client.ts';

async function launched(): Promise<SessionClient> {
  const client = new SessionClient();
  await client.launch();
  await client.stop();
  return client;
}

async function watch(
  client: SessionClient,
  info: object,
  options: Partial<DebugProtocol.DataBreakpoint> = {},
): Promise<DebugProtocol.Breakpoint | undefined> {
  const { dataId } = await client.request('dataBreakpointInfo', info);
  const { breakpoints } = await client.request('setDataBreakpoints', { breakpoints: [{ dataId, ...options }] });
  return (breakpoints as DebugProtocol.Breakpoint[])[0];
}

/** Runs to the next stop; gives its place and what the event says about it. */
async function stopOf(client: SessionClient, command = 'continue'): Promise<{ place: string; body: Body }> {
  await client.request(command, { threadId: 1 });
  const body = await client.event('stopped');
  return { place: await client.place(), body };
}

describe('dataBreakpointInfo', () => {
  it.each([
    [{ name: 'counter' }, 'linear:counter,2', 'counter (2 bytes)'],
    [{ name: 'counter', bytes: 1 }, 'linear:counter,1', 'counter (1 byte)'],
    [{ name: 'word[counter]' }, 'linear:0x00007c59,2', '0x00007c59 (2 bytes)'],
    [{ name: 'dword[ss:sp]' }, 'linear:0x00006f00,4', '0x00006f00 (4 bytes)'],
    [{ name: '0x7c59', asAddress: true, bytes: 2 }, 'linear:0x00007c59,2', '0x00007c59 (2 bytes)'],
    [{ name: '31833', asAddress: true }, 'linear:0x00007c59,1', '0x00007c59 (1 byte)'],
    [{ name: '0:0x500', asAddress: true, bytes: 256 }, 'linear:0x00000500,256', '0x00000500 (256 bytes)'],
    [{ name: 'p:0x7c59', asAddress: true }, 'physical:0x00007c59,1', 'physical 0x00007c59 (1 byte)'],
    [{ name: 'counter', mode: 'physical' }, 'physical:counter,2', 'physical counter (2 bytes)'],
    [{ name: 'byte[600h]', mode: 'physical' }, 'physical:0x00000600,1', 'physical 0x00000600 (1 byte)'],
  ])('%j is %s', async (given, dataId, description) => {
    const client = await launched();
    const answer = await client.request('dataBreakpointInfo', given);
    if ('name' in given && given.name === 'dword[ss:sp]') expect(answer['dataId']).toMatch(/^linear:0x0000\w{4},4$/);
    else expect(answer).toMatchObject({ dataId, description });
    expect(answer['accessTypes']).toEqual(['read', 'write', 'readWrite']);
  });

  it('refuses registers and plain values', async () => {
    const client = await launched();
    expect(await client.request('dataBreakpointInfo', { name: 'ax' })).toEqual({
      dataId: null,
      description: 'ax is no memory; a label, byte[…], word[…], dword[…], qword[…] or an address is',
    });
    const general = { variablesReference: 10, name: 'EAX' };
    expect((await client.request('dataBreakpointInfo', general))['dataId']).toBe(null);
  });

  it.each([
    [{ name: 'nowhere' }, /no register, flag or label is called nowhere/],
    [{ name: 'x', asAddress: true }, /no register, flag or label is called x/],
    [{ name: '0', asAddress: true, bytes: 0 }, /0 bytes cannot be watched/],
    [{ name: '0', asAddress: true, bytes: 2 ** 30 }, /cannot be watched/],
    [{ name: 'counter', mode: 'virtual' }, /no breakpoint mode virtual/],
  ])('says what is wrong with %j', async (given, message) => {
    const client = await launched();
    const { dataId, description } = await client.request('dataBreakpointInfo', given);
    expect(dataId).toBe(null);
    expect(description).toMatch(message);
  });
});

describe('data breakpoints', () => {
  it('stop behind the instruction that wrote, and tell the change', async () => {
    const client = await launched();
    expect(await watch(client, { name: 'counter' })).toEqual({ id: 1, verified: true });
    const { place, body } = await stopOf(client);
    expect(place).toBe('41 count+0x4 (0000:7C43)');
    expect(body).toMatchObject({
      reason: 'data breakpoint',
      description: 'counter (2 bytes) written by 0000:7C3F: 0x0000 → 0x0001',
      text: 'counter (2 bytes) written by 0000:7C3F: 0x0000 → 0x0001',
      hitBreakpointIds: [1],
    });
    expect((await stopOf(client)).body['text']).toMatch(/0x0001 → 0x0002$/);
  });

  it('do not take what the debugger wrote for a change of the guest', async () => {
    const client = await launched();
    await watch(client, { name: 'counter' });
    await client.request('evaluate', { expression: 'word[counter] = 0x41', context: 'repl' });
    expect((await stopOf(client)).body['text']).toMatch(/0x0041 → 0x0042$/);
  });

  it.each([
    ['condition on the new value', { condition: 'new == 3' }, '0x0002 → 0x0003'],
    ['condition on both values', { condition: 'old != new && old == 1' }, '0x0001 → 0x0002'],
    ['condition on registers', { condition: 'cx == 1' }, '0x0002 → 0x0003'],
    ['hit count', { hitCondition: '2' }, '0x0001 → 0x0002'],
    ['condition and hit count', { condition: 'old > 0', hitCondition: '2' }, '0x0002 → 0x0003'],
  ])('%s', async (_, options, change) => {
    const client = await launched();
    await watch(client, { name: 'counter' }, options);
    expect((await stopOf(client)).body['text']).toContain(change);
  });

  it('count a read-modify-write once', async () => {
    const client = await launched();
    await watch(client, { name: 'counter' }, { accessType: 'readWrite', hitCondition: '3' });
    expect((await stopOf(client)).body['text']).toMatch(/written by .*0x0002 → 0x0003$/);
  });

  it('stop at reads', async () => {
    const client = await launched();
    await watch(client, { name: '0x7c00', asAddress: true, bytes: 4 }, { accessType: 'read' });
    const { place, body } = await stopOf(client);
    expect(place).toBe('26 again+0x14 (0000:7C22)');
    expect(body['text']).toMatch(/^0x00007c00 \(4 bytes\) read by 0000:7C22: 0x/);
  });

  it('tell the value that was read, not that something else has changed it', async () => {
    const client = await launched();
    await watch(client, { name: '0x600', asAddress: true, bytes: 2 }, { accessType: 'read' });
    // mov word [600h],1234h; mov ax,[600h]; jmp $
    const code = [0xc7, 0x06, 0x00, 0x06, 0x34, 0x12, 0xa1, 0x00, 0x06, 0xeb, 0xfe];
    const data = Buffer.from(code).toString('base64');
    await client.request('writeMemory', { memoryReference: '0x7c00', data });
    expect((await stopOf(client)).body['text']).toBe('0x00000600 (2 bytes) read by 0000:7C06: 0x1234');
  });

  it('hold in physical memory', async () => {
    const client = await launched();
    await watch(client, { name: 'counter', mode: 'physical' });
    expect((await stopOf(client)).body['text']).toMatch(/^physical counter \(2 bytes\) written/);
  });

  it('take effect in the middle of a step', async () => {
    const client = await launched();
    await watch(client, { name: 'counter' });
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'again' }] });
    await stopOf(client);
    expect((await stopOf(client, 'next')).body).toMatchObject({ reason: 'data breakpoint' });
  });

  it('also report a breakpoint at the place where they stop, and do not stop there again', async () => {
    const client = await launched();
    await watch(client, { name: 'counter' }, { condition: 'new == 1' });
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count+4', hitCondition: '<3' }] });
    expect((await stopOf(client)).body).toMatchObject({ reason: 'data breakpoint', hitBreakpointIds: [1, 2] });
    expect((await stopOf(client)).body).toMatchObject({ reason: 'function breakpoint', hitBreakpointIds: [2] });
    expect(await client.evaluate('word[counter]')).toBe('0x0002');
  });

  it('survive a restart and find their label again', async () => {
    const client = await launched();
    await watch(client, { name: 'counter' });
    await stopOf(client);
    await client.request('restart', {});
    await client.stop();
    expect((await stopOf(client)).body['text']).toMatch(/0x0000 → 0x0001$/);
  });

  it('pass over the BIOS when it loads the boot sector, and only there', async () => {
    const client = new SessionClient();
    await client.launch({ stopOnEntry: 'reset' });
    await client.stop();
    await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId: 'linear:0x00007c10,2' }, { dataId: 'linear:0x00000472,2' }],
    });
    expect((await stopOf(client)).body['text']).toMatch(/^0x00000472 .* written by F000:/);
  });

  it('show the beginning of a block that is moved at once', async () => {
    const client = await launched();
    // mov ah,2 and so on: INT 13h reads the boot sector of drive 80h to 1000:0000.
    const code = [0xb8, 0, 0x10, 0x8e, 0xc0, 0x31, 0xdb, 0xb8, 1, 2, 0xb9, 1, 0, 0xba, 0x80, 0, 0xcd, 0x13, 0xeb, 0xfe];
    const data = Buffer.from(code).toString('base64');
    await client.request('writeMemory', { memoryReference: '0x7c00', data });
    await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId: 'physical:0x00010000,16777216', accessType: 'write' }],
    });
    const text = String((await stopOf(client)).body['text']);
    expect(text).toMatch(/^physical 0x00010000 \(16777216 bytes\) written by F000:\w{4}: 0x…0{64} → 0x…[0-9a-f]{64}$/);
    const { data: sector } = await client.request('readMemory', { memoryReference: 'p:0x10000', count: 32 });
    expect(text).toContain(Buffer.from(String(sector), 'base64').reverse().toString('hex'));
  });

  it('disappear when they are removed', async () => {
    const client = await launched();
    await watch(client, { name: 'counter' });
    await client.request('setDataBreakpoints', { breakpoints: [] });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });

  it.each([
    ['linear:counter,2', { condition: 'new ==' }, 'condition "new ==", column 7: expected a value, found the end'],
    ['linear:nowhere,2', {}, 'nowhere: no register, flag or label is called nowhere'],
    ['linear:0xffffffff,2', {}, '0xffffffff: 2 bytes from there do not fit into the address space'],
    ['nonsense', {}, 'nonsense names no memory'],
  ])('say what is wrong with %s %j', async (dataId, options, message) => {
    const client = await launched();
    const { breakpoints } = await client.request('setDataBreakpoints', { breakpoints: [{ dataId, ...options }] });
    expect(breakpoints).toEqual([{ id: 1, verified: false, message }]);
  });
});

describe('instruction breakpoints in physical memory', () => {
  it('take a linear address for the memory it maps to', async () => {
    const client = await launched();
    const { breakpoints } = await client.request('setInstructionBreakpoints', {
      breakpoints: [
        { instructionReference: '0x7c3f', mode: 'physical' },
        { instructionReference: '0x7c3f', mode: 'other' },
      ],
    });
    expect((breakpoints as DebugProtocol.Breakpoint[]).map(({ verified }) => verified)).toEqual([true, false]);
    expect(await client.run('continue')).toBe('instruction breakpoint 40 count (0000:7C3F)');
  });
});
