import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { handlers, unsupportedRequests } from '../../debug-adapter/session/requests/index.ts';
import { expectGolden } from './support/golden.ts';
import { scripted } from './support/scripted-session.ts';
import { SessionClient } from './support/session-client.ts';

const require = createRequire(import.meta.url);

describe('a session', () => {
  it('speaks the protocol from initialize to terminated', async () => {
    const client = new SessionClient();
    await client.request('initialize', { adapterID: 'x86vm', linesStartAt1: true });
    await client.request('launch', {
      program: '/guest/guest.img',
      listing: '/guest/guest.lst',
      exitDevice: true,
      flopy: 'x',
      __session: 1,
    });
    await client.request('setBreakpoints', { source: { path: '/guest/guest.asm' }, breakpoints: [{ line: 18 }] });
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    await client.request('setExceptionBreakpoints', { filters: ['triple-fault'] });
    await client.request('configurationDone');
    await client.event('stopped');
    await client.request('threads');
    await client.request('stackTrace', { threadId: 1 });
    await client.request('scopes', { frameId: 0 });
    await client.request('continue', { threadId: 1 });
    await client.event('stopped');
    await client.request('loadedSources', {});
    await client.request('breakpointLocations', { source: { path: '/guest/guest.asm' }, line: 35, endLine: 41 });
    await client.request('setBreakpoints', { source: { path: '/guest/guest.asm' }, breakpoints: [] });
    await client.request('continue', { threadId: 1 });
    await client.event('terminated');
    await client.request('disconnect', {});
    expectGolden('session', client.transcript);
  });

  it('answers every request of the protocol, or says why not', () => {
    const declaration = readFileSync(require.resolve('@vscode/debugprotocol/lib/debugProtocol.d.ts'), 'utf8');
    const names = [...declaration.matchAll(/interface (\w+)Request extends Request/g)].map(([, name]) => String(name));
    const commands = names.map((name) => name.charAt(0).toLowerCase() + name.slice(1));
    expect(commands.length).toBeGreaterThan(30);
    const known = [...Object.keys(handlers), ...Object.keys(unsupportedRequests)];
    // Those beyond the protocol bear our name.
    expect(known.filter((name) => !name.startsWith('x86vm/')).toSorted()).toEqual(commands.toSorted());
  });

  it('answers requests that it does not have with an error', async () => {
    const client = new SessionClient();
    expect((await client.send('fly')).message).toBe('unknown request fly');
    expect((await client.send('attach', {})).message).toMatch(/^attach is not supported/);
    expect((await client.send('toString')).message).toBe('unknown request toString');
    for (const command of ['continue', 'next', 'stackTrace', 'disassemble', 'readMemory', 'pause', 'restart']) {
      const given = { threadId: 1, memoryReference: '0x0', count: 1, instructionCount: 1 };
      expect((await client.send(command, given)).message).toBe('there is no machine yet; launch one first');
    }
    expect((await client.request('threads'))['threads']).toHaveLength(1);
  });

  it('answers requests whose arguments are nonsense, and goes on', async () => {
    const client = new SessionClient();
    await client.launch();
    await client.stop();
    const nonsense = [
      undefined,
      {},
      { variablesReference: 'x', name: 7, value: [] },
      { breakpoints: [{}, null] },
      { count: -1 },
    ];
    for (const command of Object.keys(handlers)) {
      if (command === 'disconnect' || command === 'terminate') continue;
      for (const given of nonsense) {
        expect(await client.send(command, given), `${command} ${JSON.stringify(given)}`).toMatchObject({
          type: 'response',
        });
      }
    }
    await client.request('pause', { threadId: 1 });
    expect((await client.send('threads')).success).toBe(true);
  });

  it('answers our own mistakes as errors, and goes on', async () => {
    const { client, toy } = await scripted([0x90]);
    Object.defineProperty(toy.memory, 'read', { value: () => JSON.parse('{') });
    const response = await client.send('readMemory', { memoryReference: '0x0', count: 1 });
    expect(response.message).toMatch(/^internal error in readMemory: /);
    expect(client.transcript.some((line) => line.includes('Internal error: SyntaxError'))).toBe(true);
    expect((await client.send('threads')).success).toBe(true);
  });

  it('stops when the machine itself fails, and goes on', async () => {
    const { client, toy } = await scripted([0x90, 0x90]);
    const run = toy.run.bind(toy);
    toy.run = () => {
      toy.run = run;
      throw new Error('assertion: no such block');
    };
    expect(await client.run('continue')).toMatch(/^exception/);
    expect((await client.request('exceptionInfo', { threadId: 1 }))['description']).toBe('assertion: no such block');
    expect(await client.run('next')).toMatch(/^step/);
  });
});
