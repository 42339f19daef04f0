import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { SessionClient } from './support/session-client.ts';

const SOURCE = { name: 'guest.asm', path: '/guest/guest.asm' };

async function launched(
  configure: (client: SessionClient) => Promise<unknown> = async () => {},
): Promise<SessionClient> {
  const client = new SessionClient();
  await client.launch({}, () => configure(client));
  await client.stop();
  return client;
}

const setLines = (
  client: SessionClient,
  breakpoints: readonly object[],
): Promise<readonly DebugProtocol.Breakpoint[]> =>
  client
    .request('setBreakpoints', { source: SOURCE, breakpoints })
    .then((body) => body['breakpoints'] as DebugProtocol.Breakpoint[]);

const setNames = (client: SessionClient, ...names: readonly string[]): Promise<readonly DebugProtocol.Breakpoint[]> =>
  client
    .request('setFunctionBreakpoints', { breakpoints: names.map((name) => ({ name })) })
    .then((body) => body['breakpoints'] as DebugProtocol.Breakpoint[]);

describe('source breakpoints', () => {
  it('are verified at once, and moved to the next line with code', async () => {
    const client = await launched();
    expect(await setLines(client, [{ line: 17 }, { line: 40 }, { line: 1000 }])).toEqual([
      { id: 1, verified: true, source: SOURCE, line: 18, instructionReference: '0x00007c0e' },
      { id: 2, verified: true, source: SOURCE, line: 40, instructionReference: '0x00007c3f' },
      { id: 3, verified: false, message: 'There is no code at or after this line in any listing of guest.asm.' },
    ]);
    expect(await client.run('continue')).toBe('breakpoint 18 again (0000:7C0E)');
    expect(client.transcript.findLast((line) => line.startsWith('← event stopped'))).toContain(
      '"hitBreakpointIds":[1]',
    );
    expect(await client.run('continue')).toBe('breakpoint 40 count (0000:7C3F)');
  });

  it('are unverified before there is a guest, and announced when there is', async () => {
    const client = new SessionClient();
    await client.request('initialize', { adapterID: 'x86vm' });
    expect(await setLines(client, [{ line: 40 }])).toEqual([
      { id: 1, verified: false, message: 'There is no machine yet.' },
    ]);
    await client.request('launch', { program: '/guest/guest.img', listing: '/guest/guest.lst', stopOnEntry: false });
    expect(await client.event('breakpoint')).toMatchObject({
      reason: 'changed',
      breakpoint: { id: 1, verified: true },
    });
    expect(await client.run('configurationDone')).toBe('breakpoint 40 count (0000:7C3F)');
  });

  it('keep their id and count when the set is sent again', async () => {
    const client = await launched();
    const hits = { line: 40, hitCondition: '2' };
    const [before] = await setLines(client, [hits]);
    await setNames(client, 'count+4');
    expect(await client.run('continue')).toBe('function breakpoint 41 count+0x4 (0000:7C43)');
    const [, after] = await setLines(client, [{ line: 12 }, hits]);
    expect(after?.id).toBe(before?.id);
    expect(await client.run('continue')).toBe('breakpoint 40 count (0000:7C3F)');
    expect(await client.evaluate('word[counter]')).toBe('0x0001');
  });

  it.each([
    ['2', '0x0001'],
    ['>1', '0x0001'],
    ['>= 3', '0x0002'],
    ['== 3', '0x0002'],
    ['%2', '0x0001'],
  ])('hit count %s', async (hitCondition, counter) => {
    const client = await launched();
    await setLines(client, [{ line: 40, hitCondition }]);
    expect(await client.run('continue')).toBe('breakpoint 40 count (0000:7C3F)');
    expect(await client.evaluate('word[counter]')).toBe(counter);
  });

  it('stop where their condition holds', async () => {
    const client = await launched();
    await setLines(client, [{ line: 40, condition: 'cx == 1 && word[counter] > 0' }]);
    await client.run('continue');
    expect(await client.evaluate('cx')).toBe('0x0001');
  });

  it('count only the hits at which the condition holds', async () => {
    const client = await launched();
    await setLines(client, [{ line: 40, condition: 'cx < 3', hitCondition: '2' }]);
    await client.run('continue');
    expect(await client.evaluate('cx')).toBe('0x0001');
  });

  it('write log messages and go on', async () => {
    const client = await launched();
    await setLines(client, [{ line: 40, logMessage: 'turn {cx,d}, counter at {counter}, {byte[cs:ip]}' }]);
    await setNames(client, 'outer');
    expect(await client.run('continue')).toBe('function breakpoint 44 outer (0000:7C44)');
    expect(
      client.transcript
        .filter((line) => line.startsWith('← event output') && line.includes('turn'))
        .map((line) => /"output":"([^"]*)"/.exec(line)?.[1]),
    ).toEqual(['turn 3', 'turn 2', 'turn 1'].map((turn) => `${turn}, counter at 0x00007c59, 0xff\\n`));
  });

  it('log once, also when a step ends on them', async () => {
    const client = await launched();
    await setLines(client, [{ line: 12, logMessage: 'here' }]);
    expect(await client.run('next')).toBe('step 12 start+0x2 (0000:7C02)');
    expect(await client.run('next')).toBe('step 13 start+0x4 (0000:7C04)');
    expect(client.transcript.filter((line) => line.startsWith('← event output') && line.includes('here'))).toHaveLength(
      1,
    );
  });

  it.each([
    [{ condition: 'cx =' }, 'condition "cx =", column 5: expected a value, found the end'],
    [{ condition: 'nowhere' }, 'condition "nowhere", column 1: no register, flag or label is called nowhere'],
    [{ condition: 'cx = 1' }, 'condition "cx = 1", column 1: an assignment is not allowed here; write == to compare'],
    [{ hitCondition: 'x' }, 'hit count "x": write a number, or one behind >, >=, <, <=, == or %'],
    [{ hitCondition: '%0' }, 'hit count "%0": write a number, or one behind >, >=, <, <=, == or %'],
    [{ logMessage: 'a {1+} b' }, 'log message "a {1+} b", column 3: expected a value, found the end'],
  ])('say what is wrong with %j', async (options, message) => {
    const client = await launched();
    expect(await setLines(client, [{ line: 40, ...options }])).toEqual([
      { id: 1, verified: false, message, source: SOURCE, line: 40, instructionReference: '0x00007c3f' },
    ]);
  });

  it('stop, and say so, when their condition fails while running', async () => {
    const client = await launched();
    await setLines(client, [{ line: 40, condition: '1 / (cx - 3)' }]);
    expect(await client.run('continue')).toBe('breakpoint 40 count (0000:7C3F)');
    expect(client.transcript.some((line) => line.includes('of a breakpoint failed: division by zero'))).toBe(true);
  });

  it('disappear when they are removed', async () => {
    const client = await launched();
    await setLines(client, [{ line: 40 }]);
    await setLines(client, []);
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });
});

describe('function breakpoints', () => {
  it('take labels, offsets, far and linear addresses', async () => {
    const client = await launched();
    const places = await setNames(
      client,
      'inner',
      'again+3',
      '+again+3',
      '0:7C13',
      '7C15',
      '0x7c17',
      'inner.never',
      'cs:7C19h',
    );
    expect(places.map(({ instructionReference, line }) => `${instructionReference} ${line}`)).toEqual([
      '0x00007c4a 50',
      '0x00007c11 19',
      '0x00007c11 19',
      '0x00007c13 20',
      '0x00007c15 21',
      '0x00007c17 22',
      '0x00007c52 55',
      '0x00007c19 23',
    ]);
  });

  it('say what is wrong', async () => {
    const client = await launched();
    const places = await setNames(client, 'nowhere', 'again+', '');
    expect(places.map(({ verified, message }) => `${verified} ${message}`)).toEqual([
      'false nowhere: no register, flag or label is called nowhere',
      'false again+: expected a value, found the end',
      'false : expected a value, found the end',
    ]);
  });
});

describe('instruction breakpoints', () => {
  it('take references with offsets, linear and physical', async () => {
    const client = await launched();
    const { breakpoints } = await client.request('setInstructionBreakpoints', {
      breakpoints: [
        { instructionReference: '0x7c0e', offset: 3 },
        { instructionReference: 'p:0x7c13' },
        { instructionReference: 'x' },
      ],
    });
    expect((breakpoints as DebugProtocol.Breakpoint[]).map(({ verified }) => verified)).toEqual([true, true, false]);
    expect(await client.run('continue')).toBe('instruction breakpoint 19 again+0x3 (0000:7C11)');
    await client.run('continue');
    await client.run('continue');
    expect(await client.run('continue')).toBe('instruction breakpoint 20 again+0x5 (0000:7C13)');
  });
});

describe('exception breakpoints', () => {
  it('stop before the handler, and tell the exception', async () => {
    const client = await launched();
    await client.request('setExceptionBreakpoints', { filters: ['exceptions'] });
    expect(await client.run('continue')).toBe('exception 31 again+0x28 (0000:7C36)');
    expect(await client.request('exceptionInfo', { threadId: 1 })).toMatchObject({
      exceptionId: '#UD',
      description: '#UD Invalid opcode, at 0000:7C36',
      breakMode: 'always',
    });
    expect(await client.run('stepIn')).toBe('step 59 #UD: invalid (0000:7C54)');
    expect((await client.send('exceptionInfo', { threadId: 1 })).message).toBe(
      'the machine does not stand at an exception',
    );
  });

  it('let the guest have its exception when it goes on', async () => {
    const client = await launched();
    await client.request('setExceptionBreakpoints', { filters: ['exceptions'] });
    await client.run('continue');
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });
});
