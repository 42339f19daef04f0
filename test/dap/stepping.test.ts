import { beforeEach, describe, expect, it } from 'vitest';
import { SessionClient } from './support/session-client.ts';

/** Stepping through the fixture on the real machine. */
describe('stepping', () => {
  let client: SessionClient;

  beforeEach(async () => {
    client = new SessionClient();
    await client.launch({ exitDevice: false });
    expect(await client.stop()).toBe('entry 11 start (0000:7C00)');
  });

  const runTo = async (name: string): Promise<string> => {
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name }] });
    const stop = await client.run('continue');
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    return stop;
  };

  it('steps lines and instructions', async () => {
    expect(await client.run('next')).toBe('step 12 start+0x2 (0000:7C02)');
    expect(await client.run('stepIn')).toBe('step 13 start+0x4 (0000:7C04)');
    expect(await client.run('next', { threadId: 1, granularity: 'instruction' })).toBe('step 14 start+0x6 (0000:7C06)');
  });

  it('steps into and out of a call', async () => {
    await runTo('again');
    expect(await client.run('stepIn')).toBe('step 40 count (0000:7C3F)');
    expect(await client.run('stepOut')).toBe('step 19 again+0x3 (0000:7C11)');
    expect(await client.evaluate('word[counter]')).toBe('0x0001');
  });

  it('steps over a call and a loop', async () => {
    await runTo('again');
    expect(await client.run('next')).toBe('step 19 again+0x3 (0000:7C11)');
    expect(await client.run('next')).toBe('step 20 again+0x5 (0000:7C13)');
    expect(await client.evaluate('word[counter]')).toBe('0x0003');
    expect(await client.evaluate('cx')).toBe('0x0000');
  });

  it('steps into a loop one turn at a time', async () => {
    await runTo('again+3');
    expect(await client.run('stepIn')).toBe('step 18 again (0000:7C0E)');
    expect(await client.evaluate('cx')).toBe('0x0002');
  });

  it('takes a service of the built-in BIOS as one step, into as well as over', async () => {
    await runTo('7C17');
    expect(await client.run('stepIn')).toBe('step 23 again+0xb (0000:7C19)');
    expect(client.machine?.display.text()?.join('').trimEnd()).toMatch(/X$/);
  });

  it('steps over a repeated string instruction', async () => {
    await runTo('7C22');
    expect(await client.run('next')).toBe('step 27 again+0x16 (0000:7C24)');
    expect(await client.evaluate('cx')).toBe('0x0000');
    expect(await client.evaluate('dword[600h] == dword[start]')).toBe('0x00000001');
  });

  it('takes a macro call as one line, unless single instructions are asked for', async () => {
    await runTo('7C24');
    expect(await client.run('next')).toBe('step 28 again+0x19 (0000:7C27)');
  });

  it('goes through a macro call instruction by instruction', async () => {
    await runTo('7C24');
    expect(await client.run('stepIn', { threadId: 1, granularity: 'instruction' })).toBe(
      'step 7 again+0x18 (0000:7C26)',
    );
  });

  it('steps out of nested calls', async () => {
    await runTo('inner');
    expect(await client.run('stepOut')).toBe('step 46 outer+0x4 (0000:7C48)');
    expect(await client.run('stepOut')).toBe('step 29 again+0x1c (0000:7C2A)');
  });

  it('steps into the handler of a fault', async () => {
    await runTo('7C36');
    expect(await client.run('stepIn')).toBe('step 59 #UD: invalid (0000:7C54)');
  });

  it('ends a step at a jump to itself', async () => {
    await runTo('hang');
    await client.request('evaluate', { expression: 'if = 1', context: 'repl' });
    expect(await client.run('next')).toBe('step 37 hang+0x1 (0000:7C3D)');
    expect(await client.run('next')).toBe('step 36 hang (0000:7C3C)');
    // jmp $
    await client.request('writeMemory', { memoryReference: '0x7c3c', data: '6/4=' });
    expect(await client.run('next')).toBe('step 36 hang (0000:7C3C)');
  });

  it('serves interrupts that arrive meanwhile unseen', async () => {
    await runTo('hang');
    // sti; hlt; nop: the step over HLT ends behind it, after the handler of the timer.
    await client.request('writeMemory', { memoryReference: '0x7c3c', data: '+/SQ' });
    const before = await client.evaluate('dword[46Ch]');
    expect(await client.run('stepIn', { threadId: 1, granularity: 'instruction' })).toMatch('0000:7C3D');
    expect(await client.run('stepIn', { threadId: 1, granularity: 'instruction' })).toMatch('0000:7C3E');
    expect(await client.run('stepIn', { threadId: 1, granularity: 'instruction' })).toMatch('0000:7C3F');
    expect(await client.evaluate('dword[46Ch]')).not.toBe(before);
    expect(await client.evaluate('sp')).toBe('0x7c00');
  });

  it('serves an interrupt that is pending in front of the instruction unseen', async () => {
    const assign = (expression: string): Promise<unknown> =>
      client.request('evaluate', { expression, context: 'repl' });
    // The key arrives while interrupts are off and the guest does nothing: jmp $.
    await assign('if = 0');
    await assign('word[start] = 0feebh');
    client.session.receiveScreen({ type: 'keys', scanCodes: [0x1e] });
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 5; slice++) client.host.runOne();
    await client.run('pause');
    expect(await client.evaluate('word[41Ch] - word[41Ah]')).toBe('0x00000000');
    await assign('word[start] = 0c031h');
    await assign('if = 1');
    expect(await client.run('stepIn')).toBe('step 12 start+0x2 (0000:7C02)');
    expect(await client.evaluate('word[41Ch] - word[41Ah]')).toBe('0x00000002');
  });

  it('can be paused while a step does not end', async () => {
    await runTo('hang');
    await client.request('next', { threadId: 1 });
    await client.stop();
    await client.request('next', { threadId: 1 });
    for (let slice = 0; slice < 10; slice++) client.host.runOne();
    expect(await client.run('pause')).toBe('pause 37 hang+0x1 (0000:7C3D)');
    expect(client.transcript.some((line) => line.includes('interrupts disabled'))).toBe(true);
  });

  it('stops a step at a breakpoint on the way', async () => {
    await runTo('7C27');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'inner' }] });
    expect(await client.run('next')).toBe('function breakpoint 50 inner (0000:7C4A)');
  });
});
