import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { expectGolden } from './support/golden.ts';
import { type Body, SessionClient } from './support/session-client.ts';

async function launched(more: Readonly<Record<string, unknown>> = {}): Promise<SessionClient> {
  const client = new SessionClient();
  await client.launch(more);
  await client.stop();
  return client;
}

/** Chooses one filter with a condition; gives what the session says of it. */
async function choose(
  client: SessionClient,
  filterId: string,
  condition?: string,
): Promise<DebugProtocol.Breakpoint | undefined> {
  const { breakpoints } = await client.request('setExceptionBreakpoints', {
    filters: [],
    filterOptions: [{ filterId, ...(condition === undefined ? {} : { condition }) }],
  });
  return (breakpoints as DebugProtocol.Breakpoint[])[0];
}

async function info(client: SessionClient): Promise<Body> {
  return client.request('exceptionInfo', { threadId: 1 });
}

/** Writes instructions where the processor is, and lets it run there. */
async function runCode(client: SessionClient, ...code: readonly number[]): Promise<string> {
  const data = Buffer.from(code).toString('base64');
  await client.request('writeMemory', { memoryReference: '0x7c00', data });
  return client.run('continue');
}

describe('exceptions with conditions', () => {
  it.each([
    ['exceptions', '6,13'],
    ['exceptions', '6'],
    ['exceptions', '5-7'],
    ['exceptions', 'vector == 6 && errorCode == 0'],
    ['exceptions', 'ax != 1234h'],
  ])('%s where %s', async (filter, condition) => {
    const client = await launched();
    expect(await choose(client, filter, condition)).toEqual({ verified: true });
    expect(await client.run('continue')).toBe('exception 31 again+0x28 (0000:7C36)');
  });

  it.each(['13', 'vector > 6', 'bx == 5'])('passes over others where %s', async (condition) => {
    const client = await launched();
    await choose(client, 'exceptions', condition);
    await client.request('continue', { threadId: 1 });
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });

  it('does not disturb a step over code that raises an exception', async () => {
    const client = await launched();
    await choose(client, 'exceptions', '13');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: '7C36' }] });
    await client.run('continue');
    expect(await client.run('stepIn')).toBe('step 59 #UD: invalid (0000:7C54)');
  });

  it('answers in the order of the request, and says what is wrong', async () => {
    const client = await launched();
    const { breakpoints } = await client.request('setExceptionBreakpoints', {
      filters: ['triple-fault', 'nothing'],
      filterOptions: [
        { filterId: 'exceptions', condition: 'vector ==' },
        { filterId: 'triple-fault', condition: '13' },
        { filterId: 'port' },
      ],
    });
    expect(breakpoints).toEqual([
      { verified: true },
      { verified: false, message: 'there is no exception filter nothing' },
      { verified: false, message: 'condition "vector ==", column 10: expected a value, found the end' },
      { verified: true },
      { verified: true },
    ]);
  });

  it('stops where a condition fails while running, and says so', async () => {
    const client = await launched();
    await choose(client, 'exceptions', '1 / errorCode');
    expect(await client.run('continue')).toBe('exception 31 again+0x28 (0000:7C36)');
    expect(client.transcript.join('\n')).toContain(
      'The condition \\"1 / errorCode\\" of CPU exceptions failed: division by zero',
    );
  });

  it('takes exceptions by name', async () => {
    const client = await launched();
    const options = (name: string): object => ({
      filters: [],
      exceptionOptions: [{ path: [{ names: [name] }], breakMode: 'always' }],
    });
    await client.request('setExceptionBreakpoints', options('#UD'));
    expect(await client.run('continue')).toBe('exception 31 again+0x28 (0000:7C36)');
    await client.request('setExceptionBreakpoints', options('#XX'));
    await client.request('continue', { threadId: 1 });
    await client.event('exited');
  });
});

describe('events', () => {
  it('INT n by vector and registers, before it', async () => {
    const client = await launched();
    await choose(client, 'interrupt', 'vector == 10h && ah == 0Eh');
    expect(await client.run('continue')).toBe('exception 22 again+0x9 (0000:7C17)');
    expect(await info(client)).toMatchObject({
      exceptionId: 'INT 10h',
      description: 'INT 10h with ax 0x0e58, at 0000:7C17',
      breakMode: 'always',
    });
    expect(await client.run('next')).toBe('step 23 again+0xb (0000:7C19)');
  });

  it('I/O ports, after the access', async () => {
    const client = await launched();
    await choose(client, 'port', 'port == 0F0h && write && value == 21');
    // mov al,21; out 0F0h,al
    expect(await runCode(client, 0xb0, 21, 0xe6, 0xf0, 0xeb, 0xfe)).toMatch(/^exception .*0000:7C04/);
    expect(await info(client)).toMatchObject({
      exceptionId: 'OUT F0h',
      description: 'The guest wrote 0x15 to port F0h; next is 0000:7C04',
    });
  });

  it('I/O ports by number, reading', async () => {
    const client = await launched();
    await choose(client, 'port', '60h-64h');
    // in al,80h; in al,64h
    expect(await runCode(client, 0xe4, 0x80, 0xe4, 0x64, 0xeb, 0xfe)).toMatch(/^exception .*0000:7C04/);
    expect((await info(client))['exceptionId']).toBe('IN 64h');
  });

  it('model-specific registers, after the access', async () => {
    const client = await launched({ cpu: 'pentium3' });
    await choose(client, 'msr', 'msr == 174h && write && value == 8');
    // mov ecx,174h; rdmsr; mov eax,8; cdq; wrmsr
    const code = [0x66, 0xb9, 0x74, 1, 0, 0, 0x0f, 0x32, 0x66, 0xb8, 8, 0, 0, 0, 0x66, 0x99, 0x0f, 0x30];
    // jmp 7c00h
    expect(await runCode(client, ...code, 0xeb, 0xec)).toMatch(/^exception .*0000:7C12/);
    expect(await info(client)).toMatchObject({
      exceptionId: 'WRMSR 174h',
      description: 'The guest wrote 0x0000000000000008 to model-specific register 174h; next is 0000:7C12',
    });
    await choose(client, 'msr', '174h');
    // mov ecx,174h; rdmsr
    expect(await runCode(client, 0x66, 0xb9, 0x74, 1, 0, 0, 0x0f, 0x32)).toMatch(/^exception /);
  });

  it('writes of CR3', async () => {
    const client = await launched();
    await choose(client, 'cr3', 'to == 5000h && from != to');
    // mov eax,5000h; mov cr3,eax
    expect(await runCode(client, 0x66, 0xb8, 0, 0x50, 0, 0, 0x0f, 0x22, 0xd8, 0xeb, 0xfe)).toMatch(/^exception .*7C09/);
    expect(await info(client)).toMatchObject({
      exceptionId: 'write of CR3',
      description: 'CR3 went from 0x0 to 0x5000; next is 0000:7C09',
    });
  });

  it('writes to ROM, which keeps what it has', async () => {
    const client = await launched();
    const before = await client.evaluate('byte [0F0010h]');
    await choose(client, 'rom-write');
    // mov ax,0F000h; mov ds,ax; mov byte [10h],0A5h
    const code = [0xb8, 0, 0xf0, 0x8e, 0xd8, 0xc6, 0x06, 0x10, 0, 0xa5];
    expect(await runCode(client, ...code, 0xeb, 0xfe)).toMatch(/^exception .*0000:7C0A/);
    expect(await info(client)).toMatchObject({
      exceptionId: 'write to ROM',
      description: 'The guest wrote 0xa5 to ROM at F0010h, which keeps what it has; next is 0000:7C0A',
    });
    expect(await client.evaluate('byte [0F0010h]')).toBe(before);
  });

  it('writes to ROM by address; others are only told of, once', async () => {
    const client = await launched();
    await choose(client, 'rom-write', '0F0012h-0F0013h');
    // mov ax,0F000h; mov ds,ax; mov byte [10h],1; mov byte [11h],1; mov word [12h],1
    const code = [0xb8, 0, 0xf0, 0x8e, 0xd8, 0xc6, 6, 0x10, 0, 1, 0xc6, 6, 0x11, 0, 1, 0xc7, 6, 0x12, 0, 1, 0];
    expect(await runCode(client, ...code, 0xeb, 0xfe)).toMatch(/^exception .*0000:7C15/);
    const told = client.transcript.filter((line) => line.includes('the guest wrote to ROM'));
    expect(told).toHaveLength(1);
  });

  it('mode switches', async () => {
    const client = await launched();
    await choose(client, 'mode-switch', 'to == protected');
    // mov eax,cr0; or al,1; mov cr0,eax
    await runCode(client, 0xfa, 0x0f, 0x20, 0xc0, 0x0c, 1, 0x0f, 0x22, 0xc0, 0xeb, 0xfe);
    expect(await info(client)).toMatchObject({
      exceptionId: 'mode switch',
      description: expect.stringMatching(/^From real to protected mode, at 0000:(0000)?7C09$/),
    });
  });

  it('HLT with interrupts off only', async () => {
    const client = await launched();
    await choose(client, 'halt');
    // sti; hlt; cli; hlt
    expect(await runCode(client, 0xfb, 0xf4, 0xfa, 0xf4)).toMatch(/^exception .*0000:7C04/);
    expect(await info(client)).toMatchObject({ exceptionId: 'HLT' });
  });

  it('hardware interrupts, in their handler', async () => {
    const client = await launched();
    await choose(client, 'irq', '8');
    // sti; jmp $
    expect(await runCode(client, 0xfb, 0xeb, 0xfe)).toMatch(/^exception/);
    expect(await info(client)).toMatchObject({ exceptionId: 'interrupt 08h' });
  });

  it('do not stop any more once they are not chosen', async () => {
    const client = await launched();
    await choose(client, 'interrupt');
    await client.run('continue');
    await client.request('setExceptionBreakpoints', { filters: [] });
    await client.request('continue', { threadId: 1 });
    await client.event('exited');
  });

  it('are not asked for in a run without debugging', async () => {
    const client = new SessionClient();
    await client.launch({ noDebug: true }, () => choose(client, 'interrupt'));
    expect(await client.event('exited')).toEqual({ exitCode: 43 });
  });
});

describe('a triple fault', () => {
  it.each([
    ['6', true],
    ['vector == 6 && errorCode == 0 && ax == 0x1234', true],
    ['13', false],
    ['ax == 0x4321', false],
  ])('stops under the condition %s by what began it: %s', async (condition, stops) => {
    const client = await launched();
    await choose(client, 'triple-fault', condition);
    // mov ax,1234h; cli; lidt [7C10h] (limit 0); ud2
    const code = [0xb8, 0x34, 0x12, 0xfa, 0x0f, 0x01, 0x1e, 0x10, 0x7c, 0x0f, 0x0b, 0x90, 0x90, 0x90, 0x90, 0x90];
    const data = Buffer.from([...code, 0, 0, 0, 0, 0, 0]).toString('base64');
    await client.request('writeMemory', { memoryReference: '0x7c00', data });
    await client.request('continue', { threadId: 1 });
    if (stops) {
      expect(await client.event('stopped')).toMatchObject({ reason: 'exception' });
      expect((await info(client))['exceptionId']).toBe('triple fault');
    } else expect((await client.event('output'))['output']).toMatch(/^Triple fault/);
  });

  it('stops before the reset, with its chain, gates and stack', async () => {
    const client = await launched();
    // cli; lidt [7C10h] (limit 0); ud2
    const code = [0xfa, 0x0f, 0x01, 0x1e, 0x10, 0x7c, 0x0f, 0x0b, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90];
    expect(await runCode(client, ...code, 0, 0, 0, 0, 0, 0)).toMatch(/^exception .*0000:7C06/);
    const { exceptionId, description, details } = await info(client);
    const { message, stackTrace, innerException } = details as DebugProtocol.ExceptionDetails;
    expectGolden('triple-fault', [String(exceptionId), String(description), String(message), String(stackTrace)]);
    expect(innerException?.length).toBe(String(description).split('; then ').length);
  });
});
