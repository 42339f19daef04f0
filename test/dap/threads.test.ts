import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { scripted } from './support/scripted-session.ts';
import type { SessionClient } from './support/session-client.ts';
import type { ToyMachine } from './support/toy-machine.ts';

/** INC AX, and back to it. */
const LOOP = [0x40, 0xeb, 0xfd];
/** CALL over a JMP to itself, which INCs AX, and a loop for other processors at 7C10h. */
const PROGRAM = [0xe8, 0x02, 0x00, 0xeb, 0xfe, 0x40, 0x40, 0xc3, ...Array(8).fill(0x90), ...LOOP];

/** A session with three processors: the first at 7C00h, the second in a loop of its own, the third halted. */
async function started(given: object = {}): Promise<{ client: SessionClient; toy: ToyMachine }> {
  const started = await scripted(PROGRAM, given, 3);
  const [, second] = started.toy.cpus;
  second?.set('HALTED', 0);
  second?.set('EIP', 0x7c10);
  return started;
}

const names = async (client: SessionClient): Promise<readonly string[]> =>
  ((await client.request('threads'))['threads'] as DebugProtocol.Thread[]).map(({ id, name }) => `${id} ${name}`);

/** The thread of the next stop, its reason, and where its processor is. */
async function stopOf(client: SessionClient): Promise<string> {
  const { reason, threadId, allThreadsStopped } = await client.event('stopped');
  const { stackFrames } = await client.request('stackTrace', { threadId, levels: 1 });
  const [frame] = stackFrames as DebugProtocol.StackFrame[];
  return `${allThreadsStopped ? 'all, ' : ''}thread ${threadId}: ${reason} ${placeIn(frame?.name)}`;
}

/** What is of `label (0000:7C00)` no label. */
const placeIn = (name = ''): string => /[\dA-F]{4}:[\dA-F]{4}/.exec(name)?.[0] ?? name;

async function frameOf(client: SessionClient, threadId: number): Promise<DebugProtocol.StackFrame> {
  const { stackFrames } = await client.request('stackTrace', { threadId });
  return (stackFrames as DebugProtocol.StackFrame[])[0] as DebugProtocol.StackFrame;
}

const evaluate = async (client: SessionClient, expression: string, frameId?: number, context = 'watch') =>
  String(
    (await client.request('evaluate', { expression, context, ...(frameId === undefined ? {} : { frameId }) }))[
      'result'
    ],
  );

describe('the threads of a machine with several processors', () => {
  it('are its processors, with what each is doing', async () => {
    const { client } = await started();
    expect(await names(client)).toEqual(['1 CPU 0 · real mode', '2 CPU 1 · real mode', '3 CPU 2 · real mode, halted']);
    await client.request('continue', { threadId: 1 });
    expect(await names(client)).toEqual(['1 CPU 0 · running', '2 CPU 1 · running', '3 CPU 2 · halted']);
  });

  it('have frames, registers and disassembly of their own', async () => {
    const { client, toy } = await started();
    toy.cpus[1]?.set('EAX', 0x1111);
    const frames = [await frameOf(client, 1), await frameOf(client, 2)] as const;
    expect(frames.map(({ name }) => placeIn(name))).toEqual(['0000:7C00', '0000:7C10']);
    expect(frames.map(({ instructionPointerReference }) => instructionPointerReference)).toEqual([
      'cpu0:0x00007c00',
      'cpu1:0x00007c10',
    ]);
    expect(await evaluate(client, 'ax', frames[1].id)).toBe('0x1111 (4369)');
    expect(await evaluate(client, 'cpu', frames[1].id)).toBe('1');
    expect(await evaluate(client, 'ax', frames[0].id)).toBe('0x0000');
    const { scopes } = await client.request('scopes', { frameId: frames[1].id });
    const [{ variablesReference }] = scopes as [DebugProtocol.Scope];
    const { variables } = await client.request('variables', { variablesReference });
    const eax = (variables as DebugProtocol.Variable[]).find(({ name }) => name === 'EAX');
    expect(eax).toMatchObject({ value: '0x00001111', memoryReference: 'cpu1:0x00001111' });
    const parts = await client.request('variables', { variablesReference: eax?.variablesReference });
    expect(parts['variables']).toContainEqual(expect.objectContaining({ name: 'AX', value: '0x1111' }));
    await client.request('setVariable', { variablesReference, name: 'EAX', value: '5' });
    expect(toy.cpus.map((cpu) => cpu.get('EAX'))).toEqual([0, 5, 0]);
    const memoryReference = frames[1].instructionPointerReference;
    const { instructions } = await client.request('disassemble', { memoryReference, instructionCount: 1 });
    expect(instructions).toMatchObject([{ address: '0x00007c10', instruction: 'inc ax' }]);
    expect(await client.request('readMemory', { memoryReference, count: 1 })).toMatchObject({ data: 'QA==' });
  });

  it.each([
    ['stackTrace', { threadId: 4 }, 'there is no thread 4; threads lists them'],
    ['next', { threadId: 0 }, 'there is no thread 0; threads lists them'],
    ['scopes', { frameId: 3_000_000 }, 'there is no frame 3000000; stackTrace lists them'],
    ['variables', { variablesReference: 2 ** 30 }, 'there are no variables under 1073741824'],
    ['readMemory', { memoryReference: 'cpu3:0x0', count: 1 }, 'cpu3:0x0: there is no CPU 3; the last is CPU 2'],
  ])('are asked for by %s with numbers that there are', async (command, given, message) => {
    const { client } = await started();
    expect((await client.send(command, given)).message).toBe(message);
  });

  it('are stepped while the others run by their schedule', async () => {
    const { client, toy } = await started();
    await client.request('stepIn', { threadId: 1, granularity: 'instruction' });
    expect(await stopOf(client)).toBe('all, thread 1: step 0000:7C05');
    expect(toy.limits.at(-1)).toMatchObject({ instructionsMax: 1, ofCpu: 0 });
    const before = toy.cpus.map(({ retired }) => retired);
    for (let count = 0; count < 4; count++) {
      await client.request('next', { threadId: 2, granularity: 'instruction' });
      expect(await stopOf(client)).toMatch(/^all, thread 2: step 0000:7C1[01]$/);
    }
    const [first, second] = toy.cpus.map(({ retired }, n) => retired - (before[n] ?? 0));
    expect([second, (first ?? 0) > 0]).toEqual([4, true]);
  });

  it('are stepped alone where that is asked for, or chosen in the console', async () => {
    const { client, toy } = await started();
    const step = { threadId: 2, granularity: 'instruction' };
    await client.request('next', { ...step, singleThread: true });
    expect(await stopOf(client)).toBe('all, thread 2: step 0000:7C11');
    expect(await evaluate(client, 'cpu alone', undefined, 'repl')).toContain('stand still');
    await client.request('next', step);
    expect(await stopOf(client)).toBe('all, thread 2: step 0000:7C10');
    expect(toy.cpus.map(({ retired }) => retired)).toEqual([0, 2, 0]);
    expect(toy.limits.at(-1)).toMatchObject({ ofCpu: 1, onlyCpu: 1 });
    await evaluate(client, 'cpu alone off', undefined, 'repl');
    for (let count = 0; count < 4; count++) {
      await client.request('next', step);
      await stopOf(client);
    }
    expect(toy.cpus[0].retired).toBeGreaterThan(0);
  });

  it('run alone when one is continued by itself, until all are', async () => {
    const { client, toy } = await started();
    expect(await client.request('continue', { threadId: 2, singleThread: true })).toEqual({
      allThreadsContinued: false,
    });
    // Clients that did not ask themselves hear of it, too.
    expect(await client.event('continued')).toEqual({ threadId: 2, allThreadsContinued: false });
    client.host.runOne();
    expect(toy.cpus.map(({ retired }) => retired > 0)).toEqual([false, true, false]);
    expect((await client.send('continue', { threadId: 1, singleThread: true })).message).toBe(
      'CPU 1 runs alone; let all run, or pause it first',
    );
    expect(await client.request('continue', { threadId: 1 })).toEqual({ allThreadsContinued: true });
    while (toy.cpus[0].retired === 0) client.host.runOne();
    expect(toy.cpus.map(({ retired }) => retired > 0)).toEqual([true, true, false]);
    await client.request('pause', { threadId: 3 });
    expect(await stopOf(client)).toMatch(/^all, thread 3: pause/);
  });

  it('stop with the processor that meets a breakpoint, also in a step of another', async () => {
    const { client } = await started();
    await client.request('setInstructionBreakpoints', { breakpoints: [{ instructionReference: 'cpu0:0x7c11' }] });
    // Steps over the call, during which the second processor has its turn.
    await client.request('next', { threadId: 1, granularity: 'instruction' });
    expect(await stopOf(client)).toBe('all, thread 2: instruction breakpoint 0000:7C11');
    await client.request('next', { threadId: 1, granularity: 'instruction' });
    expect(await stopOf(client)).toMatch(/^all, thread 1: step/);
  });

  it('have breakpoints of their own by a condition', async () => {
    const { client, toy } = await started();
    toy.cpus[2]?.set('EIP', 0x7c10);
    toy.cpus[2]?.set('HALTED', 0);
    const breakpoints = [{ instructionReference: '0x7c11', condition: 'cpu == 2 && ax == 2', hitCondition: '>= 1' }];
    await client.request('setInstructionBreakpoints', { breakpoints });
    await client.request('continue', { threadId: 1 });
    expect(await stopOf(client)).toBe('all, thread 3: instruction breakpoint 0000:7C11');
    expect(toy.cpus[2]?.get('EAX')).toBe(2);
  });

  it('tell in log points who they are', async () => {
    const { client, toy } = await started();
    toy.cpus[1]?.set('EAX', 7);
    const breakpoints = [
      { instructionReference: '0x7c11', logMessage: 'CPU {cpu}: ax {ax,d}', hitCondition: '1' },
      { instructionReference: '0x7c11', condition: 'ax == 9' },
    ];
    await client.request('setInstructionBreakpoints', { breakpoints });
    await client.request('continue', { threadId: 1 });
    expect(await stopOf(client)).toBe('all, thread 2: instruction breakpoint 0000:7C11');
    expect(client.transcript.filter((line) => line.includes('event output'))).toEqual([
      expect.stringContaining('CPU 1: ax 8'),
    ]);
  });

  it('stop with their own exceptions, whose conditions see their registers', async () => {
    const { client, toy } = await started();
    toy.memory.write(0x7c12, Uint8Array.from([0x0f]));
    toy.cpus[1]?.set('EIP', 0x7c12);
    await client.request('setExceptionBreakpoints', {
      filters: [],
      filterOptions: [{ filterId: 'exceptions', condition: 'vector == 6 && cpu == 1 && ip == 7C12h' }],
    });
    await client.request('continue', { threadId: 1 });
    expect(await stopOf(client)).toBe('all, thread 2: exception 0000:7C12');
    expect(await client.request('exceptionInfo', { threadId: 2 })).toMatchObject({ exceptionId: '#UD' });
    expect((await client.send('exceptionInfo', { threadId: 1 })).message).toBe('CPU 0 does not stand at an exception');
  });

  it('can be moved each by itself', async () => {
    const { client, toy } = await started();
    await client.request('goto', { threadId: 2, targetId: 0x7c05 });
    expect(await stopOf(client)).toBe('all, thread 2: goto 0000:7C05');
    expect(toy.cpus.map((cpu) => cpu.get('EIP'))).toEqual([0x7c00, 0x7c05, 0]);
  });
});

describe('the console of a machine with several processors', () => {
  it('lists them and goes to one', async () => {
    const { client } = await started();
    expect((await evaluate(client, 'cpu', undefined, 'repl')).split('\n')).toEqual([
      '→ CPU 0 · real mode          0000:7C00 start',
      '  CPU 1 · real mode          0000:7C10 again+0x2',
      '  CPU 2 · real mode, halted  0000:0000',
    ]);
    expect(await evaluate(client, 'cpu 1', undefined, 'repl')).toBe('CPU 1 · real mode  0000:7C10 again+0x2');
    expect(await stopOf(client)).toBe('all, thread 2: pause 0000:7C10');
    expect(await evaluate(client, 'cpu == 1', undefined, 'repl')).toBe('0x00000001');
    expect(await evaluate(client, 'regs', undefined, 'repl')).toContain('EIP=00007C10');
    const { id } = await frameOf(client, 1);
    expect(await evaluate(client, 'regs', id, 'repl')).toContain('EIP=00007C00');
    expect((await client.send('evaluate', { expression: 'cpu 3', context: 'repl' })).message).toBe(
      '3: there are the CPUs 0 to 2',
    );
    expect((await client.send('evaluate', { expression: 'cpu = 1', context: 'repl' })).message).toContain(
      'cannot be assigned',
    );
  });

  it('completes what follows the command', async () => {
    const { client } = await started();
    const { targets } = await client.request('completions', { text: 'cpu ', column: 5 });
    expect((targets as DebugProtocol.CompletionItem[]).map(({ label }) => label)).toEqual([
      '0',
      '1',
      '2',
      'alone',
      'on',
      'off',
    ]);
  });
});

describe('the views of a machine with several processors', () => {
  it('show the linear memory of the processor that is looked at, or of one that is chosen', async () => {
    const { client } = await started();
    const status = (): unknown => client.memory.findLast((update) => update.type === 'status');
    client.session.receiveMemory(1, { type: 'visible', visible: true });
    client.session.receiveMemory(1, { type: 'show', space: 'linear', address: 0x7c00, length: 16 });
    expect(status()).toMatchObject({ state: 'stopped', cpu: 0, cpus: 3 });
    await client.request('x86vm/lookAt', { threadId: 2 });
    expect(status()).toMatchObject({ cpu: 1 });
    client.session.receiveMemory(1, { type: 'go', text: 'cs:eip' });
    expect(client.memory.at(-1)).toMatchObject({ type: 'went', address: 0x7c10 });
    client.session.receiveMemory(1, { type: 'cpu', cpu: 0 });
    expect(status()).toMatchObject({ cpu: 0 });
    client.session.receiveMemory(1, { type: 'go', text: 'cs:eip' });
    expect(client.memory.at(-1)).toMatchObject({ type: 'went', address: 0x7c00 });
    client.session.receiveMemory(1, { type: 'go', text: 'cpu1:eip' });
    expect(client.memory.at(-1)).toMatchObject({ type: 'went', address: 0x7c10 });
    client.session.receiveMemory(1, { type: 'cpu' });
    expect(status()).toMatchObject({ cpu: 1 });
    // A processor that this machine does not have is not shown.
    client.session.receiveMemory(1, { type: 'cpu', cpu: 9 });
    expect(status()).toMatchObject({ cpu: 1 });
  });

  it('show the page tables of the processor that is looked at, or of one that is chosen', async () => {
    const { client } = await started();
    const status = (): unknown => client.pageTables.findLast((update) => update.type === 'status');
    client.session.receivePageTables({ type: 'visible', visible: true });
    expect(status()).toMatchObject({ state: 'stopped', cpu: 0, cpus: 3 });
    await client.request('stepIn', { threadId: 2, granularity: 'instruction' });
    await stopOf(client);
    expect(status()).toMatchObject({ cpu: 1 });
    client.session.receivePageTables({ type: 'cpu', cpu: 2 });
    expect(status()).toMatchObject({ cpu: 2 });
    client.session.receivePageTables({ type: 'walk', text: 'cs:eip', access: { kind: 'read', privilege: 'user' } });
    expect(client.pageTables.at(-1)).toMatchObject({ type: 'walk', linear: 0 });
    client.session.receivePageTables({ type: 'cpu' });
    expect(status()).toMatchObject({ cpu: 1 });
  });
});
