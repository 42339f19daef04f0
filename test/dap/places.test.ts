import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { type Body, SessionClient } from './support/session-client.ts';

const SOURCE = { name: 'guest.asm', path: '/guest/guest.asm' };

async function launched(prepare: (client: SessionClient) => void = () => {}): Promise<SessionClient> {
  const client = new SessionClient();
  prepare(client);
  await client.launch();
  await client.stop();
  return client;
}

const targetsOf = (body: Body): readonly DebugProtocol.GotoTarget[] => body['targets'] as DebugProtocol.GotoTarget[];

describe('goto', () => {
  it('moves to a line without executing anything', async () => {
    const client = await launched();
    const targets = targetsOf(await client.request('gotoTargets', { source: SOURCE, line: 49 }));
    expect(targets).toEqual([{ id: 0x7c4a, label: 'inner', line: 50, instructionPointerReference: '0x00007c4a' }]);
    await client.request('goto', { threadId: 1, targetId: targets[0]?.id });
    expect(await client.event('stopped')).toMatchObject({ reason: 'goto' });
    expect(await client.place()).toBe('50 inner (0000:7C4A)');
    expect(await client.run('next')).toBe('step 51 inner+0x3 (0000:7C4D)');
  });

  it('does not stop again at a breakpoint of the place', async () => {
    const client = await launched();
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'inner' }, { name: 'inner+3' }] });
    await client.request('goto', { threadId: 1, targetId: 0x7c4a });
    await client.event('stopped');
    expect(await client.run('continue')).toBe('function breakpoint 51 inner+0x3 (0000:7C4D)');
  });

  it('leaves an exception behind', async () => {
    const client = await launched();
    await client.request('setExceptionBreakpoints', { filters: ['exceptions'] });
    await client.run('continue');
    await client.request('goto', { threadId: 1, targetId: 0x7c00 });
    await client.event('stopped');
    expect((await client.send('exceptionInfo', { threadId: 1 })).success).toBe(false);
    expect(await client.run('next')).toBe('step 12 start+0x2 (0000:7C02)');
  });

  it('knows no targets in other files, and refuses other segments and a running guest', async () => {
    const client = await launched();
    expect(targetsOf(await client.request('gotoTargets', { source: { path: '/other.asm' }, line: 1 }))).toEqual([]);
    expect((await client.send('goto', { threadId: 1, targetId: 0x12345 })).message).toBe(
      '0x00012345 does not lie in the current code segment',
    );
    await client.request('continue', { threadId: 1 });
    expect((await client.send('goto', { threadId: 1, targetId: 0x7c00 })).message).toMatch(/pause it first/);
  });
});

describe('stepInTargets', () => {
  it('are the calls of the line', async () => {
    const client = await launched();
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'again' }] });
    await client.run('continue');
    const targets = (await client.request('stepInTargets', { frameId: 0 }))['targets'];
    expect(targets).toEqual([{ id: 0x7c0e, label: 'call 0x7c3f  ; count' }]);
    expect(await client.run('stepIn', { threadId: 1, targetId: 0x7c0e })).toBe('step 40 count (0000:7C3F)');
  });

  it('are none in callers and on other lines', async () => {
    const client = await launched();
    expect((await client.request('stepInTargets', { frameId: 0 }))['targets']).toEqual([]);
    expect((await client.request('stepInTargets', { frameId: 1 }))['targets']).toEqual([]);
  });

  it('end a step that does not come by them', async () => {
    const client = await launched();
    expect(await client.run('stepIn', { threadId: 1, targetId: 0x1234 })).toBe('step 12 start+0x2 (0000:7C02)');
  });
});

describe('modules and sources', () => {
  it('lists the firmware and the sources', async () => {
    const client = await launched();
    expect(await client.request('modules')).toMatchObject({
      modules: [
        { id: 'firmware', name: 'built-in BIOS', isUserCode: false },
        { id: 0, name: 'guest.asm', path: '/guest/guest.asm', symbolFilePath: '/guest/guest.lst' },
      ],
      totalModules: 2,
    });
    expect((await client.request('modules', { startModule: 1, moduleCount: 1 }))['modules']).toHaveLength(1);
  });

  it('gives the text of a missing source from its listing', async () => {
    const client = await launched(({ host }) => host.files.delete('/guest/guest.asm'));
    const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
    const [frame] = stackFrames as DebugProtocol.StackFrame[];
    expect(frame?.source).toMatchObject({ sourceReference: 1, path: '/guest/guest.asm' });
    const { content } = await client.request('source', { source: frame?.source, sourceReference: 1 });
    const lines = String(content).split('\n');
    expect(lines[(frame?.line ?? 0) - 1]?.trim()).toBe('xor ax, ax');
    expect(lines[48]).toBe('inner:');
    expect((await client.send('source', { sourceReference: 7 })).message).toMatch(/source 7/);
  });

  it('finds the line of a value', async () => {
    const client = await launched();
    const { valueLocationReference } = await client.request('evaluate', { expression: 'inner', context: 'watch' });
    expect(await client.request('locations', { locationReference: valueLocationReference })).toEqual({
      source: SOURCE,
      line: 50,
    });
    const plain = await client.request('evaluate', { expression: '1', context: 'watch' });
    expect(plain['valueLocationReference']).toBe(undefined);
    expect((await client.send('locations', { locationReference: 5 })).success).toBe(false);
  });
});

describe('value formats', () => {
  it('writes values in decimal where the client wants no hexadecimal', async () => {
    const client = await launched();
    const evaluate = async (expression: string, format?: object): Promise<unknown> =>
      (await client.request('evaluate', { expression, context: 'watch', ...(format ? { format } : {}) }))['result'];
    expect(await evaluate('7c00h')).toBe('0x00007c00 (31744)');
    expect(await evaluate('7c00h', { hex: true })).toBe('0x00007c00');
    expect(await evaluate('7c00h', { hex: false })).toBe('31744');
    expect(await evaluate('7c00h,b', { hex: false })).toMatch(/^0b/);
    const { variables } = await client.request('variables', { variablesReference: 10, format: { hex: false } });
    expect((variables as DebugProtocol.Variable[]).find(({ name }) => name === 'ESP')?.value).toMatch(/^\d+$/);
  });

  it('names module and line of frames', async () => {
    const client = await launched();
    const format = { module: true, line: true };
    const { stackFrames } = await client.request('stackTrace', { threadId: 1, levels: 1, format });
    expect((stackFrames as DebugProtocol.StackFrame[])[0]?.name).toBe('guest.asm!start (0000:7C00) line 11');
  });
});

describe('what a client may want to be told', () => {
  it('memory that the debugger wrote', async () => {
    const client = new SessionClient();
    await client.request('initialize', { adapterID: 'x86vm', supportsMemoryEvent: true });
    await client.request('launch', { program: '/guest/guest.img' });
    await client.request('writeMemory', { memoryReference: '0x500', offset: 1, data: 'AAAA' });
    expect(await client.event('memory')).toEqual({ memoryReference: '0x00000501', offset: 0, count: 3 });
    await client.request('evaluate', { expression: 'dword[600h] = 1', context: 'repl' });
    expect(await client.event('memory')).toEqual({ memoryReference: '0x00000600', offset: 0, count: 4 });
    await client.request('setExpression', { expression: 'byte[600h]', value: '2' });
    expect(await client.event('memory')).toEqual({ memoryReference: '0x00000600', offset: 0, count: 1 });
  });

  it('progress of a launch, also of one that fails', async () => {
    const client = new SessionClient();
    await client.request('initialize', { adapterID: 'x86vm', supportsProgressReporting: true });
    expect((await client.send('launch', { program: '/guest/none.img' })).success).toBe(false);
    await client.request('launch', { program: '/guest/guest.img' });
    expect(await client.event('progressStart')).toMatchObject({ title: 'Preparing /guest/none.img' });
    expect(await client.event('progressEnd')).toEqual({ progressId: '1' });
    expect(await client.event('progressStart')).toMatchObject({ progressId: '2' });
    expect(await client.event('progressEnd')).toEqual({ progressId: '2' });
  });

  it('a request that waits can be cancelled', async () => {
    const client = new SessionClient();
    await client.request('initialize', { adapterID: 'x86vm' });
    const launch = client.send('launch', { program: '/guest/guest.img' });
    const threads = client.send('threads');
    const sources = client.send('loadedSources');
    const cancel = client.send('cancel', { requestId: 3 });
    expect(await threads).toMatchObject({ success: false, message: 'cancelled' });
    expect((await Promise.all([launch, sources, cancel])).map(({ success }) => success)).toEqual([true, true, true]);
  });
});
