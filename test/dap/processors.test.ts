/** A guest with two processors in different modes and address spaces, debugged on the real machine. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { fixture, SessionClient } from './support/session-client.ts';

const LAUNCH = { program: '/guest/processors.img', listing: '/guest/processors.lst', cpu: 'max', cpus: 2 };
const SOURCE = new TextDecoder().decode(fixture('processors.asm')).split('\n');
const lineOf = (text: string): number => SOURCE.findIndex((line) => line.includes(text)) + 1;

/** A session that stands at the boot sector. */
async function launched(given: object = {}): Promise<SessionClient> {
  const client = new SessionClient();
  for (const extension of ['asm', 'lst', 'img']) {
    client.host.files.set(`/guest/processors.${extension}`, fixture(`processors.${extension}`));
  }
  await client.launch({ ...LAUNCH, ...given });
  await client.stop();
  return client;
}

/** Breakpoints at labels, with conditions. */
function breakAt(client: SessionClient, ...breakpoints: readonly DebugProtocol.FunctionBreakpoint[]): Promise<unknown> {
  return client.request('setFunctionBreakpoints', { breakpoints });
}

async function threadNames(client: SessionClient): Promise<readonly string[]> {
  const { threads } = await client.request('threads');
  return (threads as DebugProtocol.Thread[]).map(({ name }) => name);
}

async function framesOf(client: SessionClient, threadId: number): Promise<readonly DebugProtocol.StackFrame[]> {
  const { stackFrames } = await client.request('stackTrace', { threadId });
  return stackFrames as DebugProtocol.StackFrame[];
}

/** `thread 2: step 51 again (0010:00007CBA)`. */
async function stopOf(client: SessionClient): Promise<string> {
  const { reason, threadId } = await client.event('stopped');
  const [frame] = await framesOf(client, Number(threadId));
  return `thread ${threadId}: ${reason} ${frame?.line} ${frame?.name}`;
}

async function run(client: SessionClient, command: string, given: object): Promise<string> {
  await client.request(command, given);
  return stopOf(client);
}

/** A session that stands where the second processor begins its loop in 32-bit code. */
async function inTheLoop(): Promise<SessionClient> {
  const client = await launched();
  await breakAt(client, { name: 'again' });
  expect(await run(client, 'continue', { threadId: 1 })).toMatch(/^thread 2: function breakpoint \d+ again \(0010:/);
  await breakAt(client);
  return client;
}

const retired = (client: SessionClient): readonly number[] => (client.machine?.cpus ?? []).map((cpu) => cpu.retired);

describe('two processors', () => {
  it('are threads from the beginning; a thread event tells when the second one starts', async () => {
    const client = await launched();
    expect(await threadNames(client)).toEqual(['CPU 0 · real mode', 'CPU 1 · waiting for SIPI']);
    await breakAt(client, { name: 'first' });
    expect(await run(client, 'continue', { threadId: 1 })).toBe(
      `thread 1: function breakpoint ${lineOf('first:')} first (0000:7C5B)`,
    );
    await breakAt(client, { name: 'wide' });
    expect(await run(client, 'continue', { threadId: 1 })).toBe(
      `thread 2: function breakpoint ${lineOf('wide:')} wide (0010:00007C7E)`,
    );
    // VS Code drops a stop of a thread of which it hears afterwards that it has started.
    const told = client.transcript.filter((line) => /^← event (thread|stopped)/.test(line)).slice(2);
    expect(told).toEqual([
      '← event thread {"reason":"started","threadId":2}',
      expect.stringMatching(/^← event stopped .*"threadId":2/),
    ]);
    expect(await threadNames(client)).toEqual(['CPU 0 · real mode', 'CPU 1 · 32-bit, ring 0']);
  });

  it('can be stepped before they are started, which ends with their first instruction', async () => {
    const client = await launched();
    expect(await run(client, 'next', { threadId: 2, granularity: 'instruction' })).toMatch(
      /^thread 2: step .*0800:0000/,
    );
    expect(await run(client, 'stepIn', { threadId: 2, granularity: 'instruction' })).toMatch(
      /^thread 2: step .*0800:0002/,
    );
  });

  it('are each disassembled, and their memory is read, as they see it', async () => {
    const client = await inTheLoop();
    const frames = [(await framesOf(client, 1))[0], (await framesOf(client, 2))[0]];
    const texts = await Promise.all(
      frames.map(async (frame) => {
        const memoryReference = frame?.instructionPointerReference;
        const { instructions } = await client.request('disassemble', { memoryReference, instructionCount: 1 });
        const [instruction] = instructions as DebugProtocol.DisassembledInstruction[];
        return instruction?.symbol;
      }),
    );
    expect(texts[0]).toMatch(/^0000:7C/);
    expect(texts[1]).toMatch(/^0010:00007CBA/);
    const evaluate = async (expression: string, frame: DebugProtocol.StackFrame | undefined): Promise<unknown> =>
      (await client.send('evaluate', { expression, frameId: frame?.id, context: 'watch' })).body?.result;
    expect(await evaluate('physical(0x400123)', frames[1])).toBe('0x00000123 (291)');
    expect(await evaluate('physical(0x400123)', frames[0])).toBe('0x00400123 (4194595)');
    expect(await evaluate('cr3', frames[1])).toBe('0x00009000 (36864)');
    expect(await client.request('readMemory', { memoryReference: 'cpu1:0x407c00', count: 1 })).toMatchObject({
      data: '+g==',
    });
    expect(await client.request('readMemory', { memoryReference: 'cpu0:0x407c00', count: 1 })).toMatchObject({
      data: 'AA==',
    });
  });

  it('are stepped by lines, over calls and out of them, one at a time', async () => {
    const client = await inTheLoop();
    const second = { threadId: 2 };
    expect(await run(client, 'next', second)).toBe(`thread 2: step ${lineOf('again:') + 1} again+0x5 (0010:00007CBF)`);
    expect(await run(client, 'next', second)).toMatch(/ again\+0x7 /);
    expect(await run(client, 'next', second)).toMatch(/ again \(/);
    expect(await run(client, 'stepIn', second)).toMatch(/ add_two \(/);
    expect((await framesOf(client, 2)).map(({ line }) => line)).toEqual([lineOf('add_two:') + 1, lineOf('again:')]);
    expect(await run(client, 'stepOut', second)).toMatch(/ again\+0x5 /);
    // The other one has run meanwhile; now it stands in the middle of its turn.
    const place = (await framesOf(client, 1))[0]?.name;
    expect(await run(client, 'next', { threadId: 1 })).toMatch(/^thread 1: step /);
    expect((await framesOf(client, 1))[0]?.name).not.toBe(place);
  });

  it('stand still while another is stepped alone', async () => {
    const client = await inTheLoop();
    const before = retired(client);
    expect(await run(client, 'next', { threadId: 2, singleThread: true })).toMatch(/ again\+0x5 /);
    expect(await run(client, 'stepIn', { threadId: 2, singleThread: true, granularity: 'instruction' })).toMatch(
      /0x7 /,
    );
    expect(retired(client)).toEqual([before[0], (before[1] ?? 0) + 8]);
    expect(await run(client, 'next', { threadId: 1, singleThread: true, granularity: 'instruction' })).toMatch(
      /^thread 1: step/,
    );
    expect(retired(client)).toEqual([(before[0] ?? 0) + 1, (before[1] ?? 0) + 8]);
  });

  it('meet breakpoints and watched memory of their own', async () => {
    const client = await inTheLoop();
    await breakAt(client, { name: 'add_one', condition: 'cpu == 1' }, { name: 'add_two', condition: 'cpu == 0' });
    const { dataId } = await client.request('dataBreakpointInfo', { name: 'dword[0x407cfa]', frameId: 1_000_000 });
    expect(dataId).toBe('linear:0x00407cfa,4');
    await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId, accessType: 'write', condition: 'cpu == 1 && new == 9' }],
    });
    await client.request('continue', { threadId: 1 });
    expect(await client.event('stopped')).toMatchObject({
      reason: 'data breakpoint',
      threadId: 2,
      text: '0x00407cfa (4 bytes) written by 0010:00007CC8 on CPU 1: 0x00000008 → 0x00000009',
    });
  });

  it('run the same whether they are stepped or not', async () => {
    const stepped = await inTheLoop();
    for (let count = 0; count < 12; count++) {
      await run(stepped, count % 3 === 0 ? 'stepIn' : 'next', {
        threadId: (count % 2) + 1,
        granularity: 'instruction',
      });
    }
    const straight = await inTheLoop();
    const ends = [stepped, straight].map(async (client) => {
      await breakAt(client, { name: 'add_two', condition: 'cpu == 1 && dword[0x407cfa] == 80' });
      const stop = await run(client, 'continue', { threadId: 1 });
      const { machine } = client;
      const registers = machine?.cpus.map(({ state, linearEip }) => [linearEip, state.rip, state.eflags]);
      return { stop, time: machine?.time, registers, retired: retired(client), low: machine?.memory.read(0, 0x8000) };
    });
    const [first, second] = await Promise.all(ends);
    expect(first).toEqual(second);
  });
});
