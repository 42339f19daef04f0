import { describe, expect, it } from 'vitest';
import type { RunOutcome } from '../../vm-core/index.ts';
import { scripted } from './support/scripted-session.ts';

const fault = { vector: 13, errorCode: 0x10, kind: 'exception' as const, cs: 0, eip: 0x7c05, linearAddress: 0x7c05 };

describe('the run loop', () => {
  it('pauses at once, though the guest never ends', async () => {
    const { client } = await scripted([0xeb, 0xfe]);
    await client.request('continue', { threadId: 1 });
    client.host.runOne();
    client.host.runOne();
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('lets breakpoints take effect where it happens to be paused, once', async () => {
    const { client, toy } = await scripted([0x90, 0x90]);
    await client.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x7c00', logMessage: 'here' }],
    });
    toy.script.push({ reason: 'limit' }, { reason: 'halted', nextEvent: undefined });
    await client.request('continue', { threadId: 1 });
    client.host.runOne();
    expect(await client.run('pause')).toMatch(/^pause .*0000:7C00/);
    expect(await client.run('next', { threadId: 1, granularity: 'instruction' })).toMatch(/^step .*0000:7C01/);
    expect(client.transcript.filter((line) => line.includes('"output":"here'))).toHaveLength(1);
  });

  it('reports a triple fault before any reset, with its chain', async () => {
    const { client, toy } = await scripted([0x90]);
    toy.script.push({ reason: 'triple-fault', chain: [fault, { ...fault, vector: 8, errorCode: 0 }] });
    expect(await client.run('continue')).toMatch(/^exception/);
    expect(await client.request('exceptionInfo', { threadId: 1 })).toMatchObject({
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

  it('tells of resets a few times, not for ever', async () => {
    const { client, toy } = await scripted([0x90]);
    for (let reset = 0; reset < 20; reset++) toy.script.push({ reason: 'request', request: { kind: 'reset' } });
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 5; slice++) client.host.runOne();
    await client.run('pause');
    const told = client.transcript.filter((line) => line.includes('reset the machine'));
    expect(told).toHaveLength(5);
    expect(told[4]).toContain('Further resets are not reported.');
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
    expect(toy.limits[1]?.resume).toEqual([0]);
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('pauses while an instruction waits for a device, and says for which', async () => {
    const { client, toy } = await scripted([0x90, 0x90, 0xeb, 0xfe]);
    let settle = (): void => {};
    const ready = new Promise<void>((resolve) => {
      settle = resolve;
    });
    const access = { device: 'nvram', kind: 'read', space: 'memory', address: 0xd0010, size: 4 } as const;
    const waiting: RunOutcome = { reason: 'waiting', ready, access };
    toy.script.push(waiting, waiting, waiting);
    await client.request('continue', { threadId: 1 });
    client.host.runOne();
    expect(await client.run('pause')).toMatch(/^pause/);
    expect(client.transcript.findLast((line) => line.includes('waits for'))).toContain(
      'The instruction waits for a read of 4 bytes at physical address D0010h of \\"nvram\\"',
    );
    // A step waits, too, and is one instruction in the end.
    await client.request('next', { threadId: 1, granularity: 'instruction' });
    client.host.runOne();
    const asked = toy.limits.length;
    while (client.host.runOne()) await Promise.resolve();
    expect(toy.limits).toHaveLength(asked);
    settle();
    await ready;
    await Promise.resolve();
    client.host.runOne();
    // The same step again: the delivery of what is pending.
    expect(toy.limits.at(-1)).toMatchObject({ instructionsMax: 0, resume: [0] });
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
    const halted: RunOutcome = { reason: 'halted', nextEvent: 30_000 };
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
    expect(client.screen.map(({ type }) => type)).toEqual(['status', 'mouse', 'frame']);
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
    // Idle: a change is seen at the next look, which may be 200 ms away, but not later.
    expect(framesIn(slices, false)).toBe(1);
    expect(await client.run('pause')).toMatch(/^pause/);
  });

  it('does without a picture that cannot be drawn, and says so once', async () => {
    const { client, toy } = await scripted([0xeb, 0xfe]);
    Object.defineProperty(toy.display, 'render', {
      value: () => {
        throw new Error('no such mode');
      },
    });
    client.session.receiveScreen({ type: 'visible', visible: true });
    (toy.display as { generation: number }).generation++;
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 20; slice++) client.host.runOne();
    expect(await client.run('pause')).toMatch(/^pause/);
    expect(
      client.transcript.filter((line) => line.includes('Internal error: Error: no such mode')).length,
    ).toBeLessThan(3);
  });

  it('has a reset button', async () => {
    const { client, toy } = await scripted([0x90]);
    client.session.receiveScreen({ type: 'reset' });
    expect(toy.resets).toBe(1);
    expect((await client.event('stopped'))['description']).toBe('Reset vector');
  });
});
