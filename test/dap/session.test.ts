import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { handlers, unsupportedRequests } from '../../debug-adapter/session/requests/index.ts';
import type { RunResult } from '../../vm-core/index.ts';
import { expectGolden } from './support/golden.ts';
import { fixture, SessionClient } from './support/session-client.ts';
import { createToyMachine, type ToyMachine } from './support/toy-machine.ts';

const require = createRequire(import.meta.url);

/** A session on the toy machine, whose answers a test writes beforehand. */
async function scripted(
  code: readonly number[],
  given: object = {},
): Promise<{ client: SessionClient; toy: ToyMachine }> {
  const toy = createToyMachine(code);
  const client = new SessionClient(() => toy);
  await client.launch({ stopOnEntry: 'reset', ...given });
  await client.stop();
  return { client, toy };
}

const fault = { vector: 13, errorCode: 0x10, kind: 'exception' as const, cs: 0, eip: 0x7c05, linearAddress: 0x7c05 };

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
    expect([...Object.keys(handlers), ...Object.keys(unsupportedRequests)].toSorted()).toEqual(commands.toSorted());
  });

  it('answers requests that it does not have with an error', async () => {
    const client = new SessionClient();
    expect((await client.send('fly')).message).toBe('unknown request fly');
    expect((await client.send('attach', {})).message).toMatch(/^attach is not supported/);
    expect((await client.send('toString')).message).toBe('unknown request toString');
    for (const command of ['continue', 'next', 'stackTrace', 'disassemble', 'readMemory', 'pause', 'restart']) {
      expect((await client.send(command, { memoryReference: '0x0', count: 1 })).message).toBe(
        'nothing was launched yet',
      );
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

describe('launch', () => {
  const failure = async (
    given: object,
    prepare: (client: SessionClient) => void = () => {},
  ): Promise<string | undefined> => {
    const client = new SessionClient();
    prepare(client);
    return (await client.send('launch', given)).message;
  };

  it.each([
    [{}, 'nothing to boot: give program, floppy or disk'],
    [{ program: '/no.img' }, 'program: /no.img does not exist'],
    [{ program: '' }, 'program: a path is expected'],
    [{ program: '/guest/guest.img', listing: '/no.lst' }, 'listing: /no.lst does not exist'],
    [{ program: '/a.asm' }, 'program: nasm was not found; install it or launch a prebuilt image'],
    [{ floppy: '/no.img' }, 'floppy: /no.img does not exist'],
    [{ disk: '/empty.img' }, 'disk: /empty.img is empty'],
    [{ cdrom: '/x.iso' }, 'cdrom is not supported yet'],
    [{ kernel: '/x' }, 'kernel is not supported yet'],
    [{ program: '/guest/guest.img', cpus: 2 }, 'cpus: 2 is not supported yet'],
    [{ program: '/guest/guest.img', cpus: 0 }, 'cpus: a whole number from 1 is expected'],
    [{ program: '/guest/guest.img', cpu: '486' }, 'cpu: "486" is none of "386"'],
    [{ program: '/guest/guest.img', memory: '64 megs' }, 'memory: a size such as 128M is expected'],
    [{ program: '/guest/guest.img', memory: '4G' }, 'memory: 4G is not between 1M and 2G in steps of 64K'],
    [{ program: '/guest/guest.img', memory: '100K' }, 'memory: 100K is not between 1M and 2G in steps of 64K'],
    [{ program: '/guest/guest.img', stopOnEntry: 'never' }, 'stopOnEntry: "never" is none of true, false, "reset"'],
    [
      { program: '/guest/guest.img', loadAddress: 'there' },
      'loadAddress: a linear address such as "0x7c00" is expected',
    ],
    [
      { program: '/guest/guest.img', listings: ['x'] },
      'listings: a list of { listing, source, loadAddress, imageOffset } is expected',
    ],
    [
      { program: '/guest/guest.img', firmware: '/empty.img' },
      'firmware: /empty.img has 0 bytes; a BIOS image has 64, 128, 192 or 256 KiB',
    ],
    [
      { program: '/guest/guest.img', vgaFirmware: '/guest/guest.img' },
      'vgaFirmware: /guest/guest.img is no option ROM (55 AA and at most 64 KiB)',
    ],
    [
      { program: '/guest/guest.img', floppy: '/guest/guest.img', disk: '/guest/guest.img' },
      'floppy and disk leave no drive for program',
    ],
  ])('%j fails: %s', async (given, message) => {
    expect(await failure(given, (client) => client.host.files.set('/empty.img', new Uint8Array(0)))).toBe(message);
  });

  it('fails with what the assembler said, and shows it with its line', async () => {
    const client = new SessionClient();
    const messages = [
      { severity: 'warning' as const, file: '/a.asm', line: 1, message: 'label alone' },
      { severity: 'error' as const, file: '/b.inc', line: 7, message: 'invalid combination of opcode and operands' },
      { severity: 'error' as const, file: '/a.asm', line: 9, message: 'symbol x not defined' },
    ];
    client.host.sources.set('/a.asm', { messages });
    const { message } = await client.send('launch', { program: '/a.asm' });
    expect(message).toBe(
      '/a.asm could not be assembled: /b.inc:7: invalid combination of opcode and operands (and 1 more)',
    );
    const outputs = client.transcript.filter((line) => line.startsWith('← event output'));
    expect(outputs).toHaveLength(3);
    expect(outputs[1]).toContain('"source":{"name":"b.inc","path":"/b.inc"},"line":7');
  });

  it('can be repeated after it failed, but not after it succeeded', async () => {
    const client = new SessionClient();
    await client.send('launch', { program: '/no.img' });
    await client.request('launch', { program: '/guest/guest.img' });
    expect((await client.send('launch', { program: '/guest/guest.img' })).message).toBe(
      'this session has its guest already',
    );
  });

  it('lines requests up behind it', async () => {
    const client = new SessionClient();
    const launched = client.send('launch', { program: '/guest/guest.img', listing: '/guest/guest.lst' });
    const { breakpoints } = await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    expect((await launched).success).toBe(true);
  });

  it('takes an image of a floppy as floppy, any other as disk', async () => {
    const client = new SessionClient();
    const floppy = new Uint8Array(1474560);
    floppy.set(fixture('guest.img'));
    client.host.files.set('/floppy.img', floppy);
    await client.launch({ program: '/floppy.img' });
    expect(client.machine?.config.floppy?.name).toBe('/floppy.img');
    const other = new SessionClient();
    await other.launch({});
    expect(other.machine?.config.disk?.name).toBe('/guest/guest.img');
  });

  it('without debugging stops nowhere', async () => {
    const client = new SessionClient();
    await client.launch({ noDebug: true }, () =>
      client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] }),
    );
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
    expect(client.transcript.some((line) => line.startsWith('← event stopped'))).toBe(false);
  });
});

describe('the run loop', () => {
  it('pauses at once, though the guest never ends', async () => {
    const { client } = await scripted([0xeb, 0xfe]);
    await client.request('continue', { threadId: 1 });
    client.host.runOne();
    client.host.runOne();
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('reports a triple fault before any reset, with its chain', async () => {
    const { client, toy } = await scripted([0x90]);
    toy.script.push({ reason: 'triple-fault', chain: [fault, { ...fault, vector: 8, errorCode: 0 }] });
    expect(await client.run('continue')).toMatch(/^exception/);
    expect(await client.request('exceptionInfo', { threadId: 1 })).toEqual({
      exceptionId: 'triple fault',
      description:
        '#GP General protection, error code 0010h, at 0000:7C05; then #DF Double fault, error code 0000h, at 0000:7C05',
      breakMode: 'always',
    });
    expect(toy.resets).toBe(0);
  });

  it('resets after a triple fault if nobody wants to see it', async () => {
    const { client, toy } = await scripted([0x90]);
    await client.request('setExceptionBreakpoints', { filters: [] });
    toy.script.push({ reason: 'triple-fault', chain: [fault] });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('output')).toMatchObject({ output: expect.stringMatching(/^Triple fault/) });
    expect(toy.resets).toBe(1);
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('carries out a reset of the guest and goes on', async () => {
    const { client, toy } = await scripted([0x90]);
    toy.script.push({ reason: 'request', request: { kind: 'reset' } });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('output')).toMatchObject({ output: 'The guest reset the machine.\n' });
    expect(toy.resets).toBe(1);
  });

  it.each([
    [{ kind: 'power-off' as const }, 0],
    [{ kind: 'exit' as const, value: 3 }, 7],
  ])('ends with %j', async (request, exitCode) => {
    const { client, toy } = await scripted([0x90]);
    toy.script.push({ reason: 'request', request });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode });
    await client.event('terminated');
    expect((await client.send('continue', { threadId: 1 })).message).toBe('the guest has ended; restart it');
  });

  it('stops at what is not modelled', async () => {
    const { client, toy } = await scripted([0x90]);
    toy.script.push({ reason: 'unsupported', what: 'a task switch' });
    expect(await client.run('continue')).toMatch(/^exception/);
    expect((await client.request('exceptionInfo', { threadId: 1 }))['description']).toBe(
      'The guest used a task switch, which is not modelled yet.',
    );
  });

  it('waits for the host, and for nothing else meanwhile', async () => {
    const { client, toy } = await scripted([0xeb, 0xfe]);
    let settle = (): void => {};
    const ready = new Promise<void>((resolve) => {
      settle = resolve;
    });
    toy.script.push({ reason: 'waiting', ready });
    await client.request('continue', { threadId: 1 });
    while (client.host.runOne()) await Promise.resolve();
    expect(toy.limits).toHaveLength(1);
    settle();
    await ready;
    await Promise.resolve();
    client.host.runOne();
    expect(toy.limits.length).toBeGreaterThan(1);
    expect(toy.limits[1]?.resume).toBe(true);
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('stops when the host cannot give what the guest waits for', async () => {
    const { client, toy } = await scripted([0x90]);
    toy.script.push({ reason: 'waiting', ready: Promise.reject(new Error('/big.img: the disk was unplugged')) });
    expect(await client.run('continue')).toMatch(/^exception/);
    expect((await client.request('exceptionInfo', { threadId: 1 }))['description']).toBe(
      '/big.img: the disk was unplugged',
    );
  });

  it('keeps a halted guest in step with the wall clock', async () => {
    const { client, toy } = await scripted([0xeb, 0xfe]);
    const halted: RunResult = { reason: 'halted', nextEvent: 30_000 };
    toy.script.push(halted, halted, halted);
    const before = client.host.now();
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 4; slice++) client.host.runOne();
    // 30,000 ticks of a million a second are 30 ms; no run may pass the wall clock meanwhile.
    expect(client.host.now() - before).toBeGreaterThan(25);
    const [first, second] = toy.limits;
    expect(first?.timeMax).toBeLessThan(5_000);
    expect(second?.timeMax).toBeGreaterThan(20_000);
  });

  it('lets waiting take no time when it is told to', async () => {
    const { client, toy } = await scripted([0xeb, 0xfe], { realTime: false });
    await client.request('continue', { threadId: 1 });
    client.host.runOne();
    expect(toy.limits[0]?.timeMax).toBeUndefined();
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('wakes a sleeping machine when a key is pressed', async () => {
    const { client, toy } = await scripted([0xf4, 0xeb, 0xfe]);
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 3; slice++) client.host.runOne();
    client.session.receiveScreen({ type: 'keys', scanCodes: [0x1e, 0x9e] });
    expect(toy.inputs).toEqual([{ device: 'keyboard', channel: 'keys', bytes: Uint8Array.of(0x1e, 0x9e) }]);
    client.host.runOne();
    expect(toy.get('EIP')).toBe(0x7c01);
    expect(await client.run('pause')).toMatch(/^pause/);
  });
});

describe('the screen', () => {
  it('gets status and picture when its view appears, and a picture at every stop', async () => {
    const { client, toy } = await scripted([0x90, 0x90]);
    expect(client.screen).toEqual([]);
    client.session.receiveScreen({ type: 'visible', visible: true });
    expect(client.screen.map(({ type }) => type)).toEqual(['status', 'frame']);
    expect(client.screen[0]).toMatchObject({ state: 'stopped' });
    (toy.display as { generation: number }).generation++;
    client.screen.length = 0;
    await client.run('next');
    expect(client.screen.filter(({ type }) => type === 'frame')).toHaveLength(1);
    client.session.receiveScreen({ type: 'visible', visible: false });
    (toy.display as { generation: number }).generation++;
    client.screen.length = 0;
    await client.run('next');
    expect(client.screen).toEqual([]);
  });

  it('gets frames at a rate that follows activity', async () => {
    const { client, toy } = await scripted([0xeb, 0xfe]);
    client.session.receiveScreen({ type: 'visible', visible: true });
    await client.request('continue', { threadId: 1 });
    const framesIn = (slices: number, changing: boolean): number => {
      client.screen.length = 0;
      for (let slice = 0; slice < slices; slice++) {
        if (changing) (toy.display as { generation: number }).generation++;
        client.host.runOne();
      }
      return client.screen.filter(({ type }) => type === 'frame').length;
    };
    const slices = 200;
    const before = client.host.now();
    const active = framesIn(slices, true);
    const seconds = (client.host.now() - before) / 1000;
    expect(active / seconds).toBeGreaterThan(40);
    expect(active / seconds).toBeLessThan(65);
    framesIn(slices, false);
    (toy.display as { generation: number }).generation++;
    // Idle: a change is seen at the next look, which may be 400 ms away, but not later.
    expect(framesIn(slices, false)).toBe(1);
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('has a reset button', async () => {
    const { client, toy } = await scripted([0x90]);
    client.session.receiveScreen({ type: 'reset' });
    expect(toy.resets).toBe(1);
    expect((await client.event('stopped'))['description']).toBe('Paused at the reset vector');
  });
});
