/** A guest that goes through all modes and back, stepped with nothing connected anew: everything follows the mode at once. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { beforeEach, describe, expect, it } from 'vitest';
import { expectGolden } from './support/golden.ts';
import { fixture, SessionClient } from './support/session-client.ts';

const LAUNCH = { program: '/guest/climb.img', listing: '/guest/climb.lst', cpu: 'x86-64-v3' };
const SOURCE = new TextDecoder().decode(fixture('climb.asm')).split('\n');

let client: SessionClient;

beforeEach(async () => {
  client = new SessionClient();
  for (const name of ['climb.asm', 'climb.lst', 'climb.img']) client.host.files.set(`/guest/${name}`, fixture(name));
  await client.launch(LAUNCH);
  expect(await client.stop()).toMatch(/^entry/);
});

async function frame(): Promise<DebugProtocol.StackFrame> {
  const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
  return (stackFrames as DebugProtocol.StackFrame[])[0] as DebugProtocol.StackFrame;
}

/** Where the guest is, as every view of a client says it: they must agree. */
async function place(): Promise<string> {
  const { threads } = await client.request('threads');
  const { name, line, instructionPointerReference: reference } = await frame();
  const { instructions } = await client.request('disassemble', { memoryReference: reference, instructionCount: 1 });
  const [next] = instructions as DebugProtocol.DisassembledInstruction[];
  expect(next?.address).toBe(reference);
  expect(next?.line).toBe(line);
  const { variables } = await client.request('variables', { variablesReference: 1 });
  const pointer = (variables as DebugProtocol.Variable[]).find(({ name: shown }) => /^[ER]IP$/.test(shown));
  expect(pointer?.memoryReference).toBe(reference);
  const mode = /· (.*)/.exec((threads as DebugProtocol.Thread[])[0]?.name ?? '')?.[1];
  const stack = await client.evaluate('linear(ss:rsp)');
  const source = (SOURCE[line - 1] ?? '').trim();
  return [mode, name, reference, pointer?.name, stack, next?.instruction, `${line}: ${source}`].join(' | ');
}

/** Steps until the guest halts, and writes down every place. */
async function walk(command: string, granularity: string): Promise<readonly string[]> {
  const places = [await place()];
  for (let step = 0; step < 120 && !places.at(-1)?.endsWith('hlt'); step++) {
    expect(await client.run(command, { threadId: 1, granularity })).toMatch(/^step /);
    places.push(await place());
  }
  return places;
}

describe('a guest that changes its mode up to 64 bits and back', () => {
  it('is stepped instruction by instruction', async () => {
    expectGolden('mode-climb-instructions', await walk('stepIn', 'instruction'));
  });

  it('is stepped line by line, over what it calls', async () => {
    expectGolden('mode-climb-lines', await walk('next', 'line'));
  });
});

const UPPER = '0xffffffff80007d00';

async function registers(reference = 1): Promise<ReadonlyMap<string, DebugProtocol.Variable>> {
  const { variables } = await client.request('variables', { variablesReference: reference });
  return new Map((variables as DebugProtocol.Variable[]).map((variable) => [variable.name, variable]));
}

async function children(name: string): Promise<Readonly<Record<string, string>>> {
  const reference = (await registers()).get(name)?.variablesReference ?? 0;
  return Object.fromEntries([...(await registers(reference))].map(([part, { value }]) => [part, value]));
}

const inFunction = async (...names: readonly string[]): Promise<void> => {
  await client.request('setFunctionBreakpoints', { breakpoints: names.map((name) => ({ name })) });
};

async function bytesAt(memoryReference: string, count: number, offset = 0): Promise<string | undefined> {
  const { data } = await client.request('readMemory', { memoryReference, count, offset });
  return data === undefined ? undefined : Buffer.from(String(data), 'base64').toString('hex');
}

describe('the disassembly of code that another mode will execute', () => {
  const listed = async (memoryReference: string, instructionCount: number, instructionOffset = 0) => {
    const { instructions } = await client.request('disassemble', {
      ...{ memoryReference, instructionCount, instructionOffset },
    });
    return (instructions as DebugProtocol.DisassembledInstruction[]).map(({ instruction }) => instruction);
  };

  it('is what the listing says it is, in front of the switch and behind it', async () => {
    expect(await listed('protected', 4, -3)).toEqual(['mov cr0, eax', 'jmp 0x10:0x7c22', 'ret', 'mov ax, 0x20']);
    expect(await listed('long_mode', 4, -3)).toEqual([
      'call 0x7c98  ; compatible_routine',
      'jmp 0x18:0x7c99',
      'ret',
      'mov rsp, 0xffffffff80007000',
    ]);
    await inFunction('upper');
    await client.run('continue');
    expect(await listed('start', 2)).toEqual(['cli', 'xor ax, ax']);
    expect(await listed('down16', 4, -1)).toEqual(['jmp 8:0x7d83', 'mov eax, cr0', 'and al, 0xfe', 'mov cr0, eax']);
    const dis = (await client.request('evaluate', { expression: 'dis compatible_routine 2', context: 'repl' }))[
      'result'
    ];
    expect(String(dis).split('\n')[1]).toMatch(/long_mode +48 C7 C4 00 70 00 80 +mov rsp, 0xffffffff80007000$/);
  });

  it('is what the processor executes where that is something else', async () => {
    await client.request('evaluate', { expression: 'eip = 7C22h', context: 'repl' });
    // `mov ax, DATA` of 32-bit code.
    expect(await listed('0x7c22', 2)).toEqual(['mov eax, 0xd88e0020', 'mov es, ax']);
  });
});

describe('breakpoints that stay through all modes', () => {
  it('hold by label, by address and by line in the upper half', async () => {
    await inFunction('upper', 'FFFFFFFF80007D16');
    const { breakpoints: set } = await client.request('setBreakpoints', {
      source: { path: '/guest/climb.asm' },
      breakpoints: [{ line: 71 }],
    });
    expect(set).toMatchObject([{ verified: true, line: 71, instructionReference: '0xffffffff80007d20' }]);
    const { breakpoints } = await client.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: UPPER, offset: 0x1d }],
    });
    expect(breakpoints).toMatchObject([{ verified: true, instructionReference: '0xffffffff80007d1d' }]);
    const stops: string[] = [];
    for (let count = 0; count < 4; count++) stops.push(await client.run('continue'));
    expect(stops).toEqual([
      'function breakpoint 63 upper (0018:FFFFFFFF80007D00)',
      'breakpoint 71 upper_routine (0018:FFFFFFFF80007D20)',
      'function breakpoint 66 upper+0x16 (0018:FFFFFFFF80007D16)',
      'instruction breakpoint 68 upper+0x1d (0018:FFFFFFFF80007D1D)',
    ]);
  });

  it('are not met where only the lower 32 bits are the same', async () => {
    await client.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x80007d00' }, { instructionReference: '0x1_00007c99'.replace('_', '') }],
    });
    await inFunction('real_again');
    expect(await client.run('continue')).toBe('function breakpoint 92 real_again (0000:7D90)');
  });

  it('take conditions, hit counts and messages of 64 bits', async () => {
    const at = { line: 65, condition: 'rbx == 0x123456789abcdef0 && qword[value] == rbx && rsp > 0x7fffffffffffffff' };
    await client.request('setBreakpoints', {
      source: { path: '/guest/climb.asm' },
      breakpoints: [
        { ...at },
        { line: 71, logMessage: 'stack {rsp} holds {qword[rsp]}, {r8d}' },
        { line: 66, condition: 'rax != rax' },
      ],
    });
    await inFunction('down');
    expect(await client.run('continue')).toBe('breakpoint 65 upper+0x11 (0018:FFFFFFFF80007D11)');
    expect(await client.run('continue')).toBe('function breakpoint 77 down (0010:00007D60)');
    expect(
      client.transcript.some((line) => line.includes('stack 0xffffffff80006ff8 holds 0xffffffff80007d16, 0x00000000')),
    ).toBe(true);
  });

  it('hold in compatibility mode', async () => {
    await inFunction('compatible_routine', 'down');
    const { breakpoints } = await client.request('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: '0x7c91' }],
    });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    expect(await client.run('continue')).toBe('function breakpoint 54 compatible_routine (0010:00007C98)');
    expect(await client.run('stepOut')).toBe('instruction breakpoint 52 protected+0x6f (0010:00007C91)');
    expect(await client.run('continue')).toBe('function breakpoint 77 down (0010:00007D60)');
  });

  it('watch eight bytes in the upper half', async () => {
    const { dataId, description } = await client.request('dataBreakpointInfo', { name: 'qword[value]' });
    expect(description).toBe('0xffffffff80007d27 (8 bytes)');
    const { breakpoints } = await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId, accessType: 'write', condition: 'new >= 0x123456789abcdef0 && address == value' }],
    });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    expect(await client.run('continue')).toBe('data breakpoint 65 upper+0x11 (0018:FFFFFFFF80007D11)');
    expect(client.transcript.join('')).toContain('written by 0018:FFFFFFFF80007D0A: 0x123456789abcdef0');
    const physical = await client.request('dataBreakpointInfo', { name: 'value', bytes: 8, mode: 'physical' });
    expect(physical['dataId']).toBe('physical:value,8');
    await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId: physical['dataId'], accessType: 'readWrite' }],
    });
    expect(await client.run('continue')).toBe('data breakpoint 72 upper_routine+0x6 (0018:FFFFFFFF80007D26)');
  });
});

describe('what a stop in the upper half shows', () => {
  beforeEach(async () => {
    await inFunction('upper_routine');
    await client.run('continue');
  });

  it('registers grown in place, with their parts', async () => {
    expect((await registers()).get('DS')?.memoryReference).toBe('0x0000000000000000');
    expect([...(await registers()).keys()].slice(0, 18)).toEqual([
      ...['RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RBP', 'RSP', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'],
      ...['RIP', 'RFLAGS'],
    ]);
    expect(await children('RBX')).toEqual({ EBX: '0x9abcdef0', BX: '0xdef0', BH: '0xde', BL: '0xf0' });
    expect(await children('RSP')).toEqual({ ESP: '0x80006ff8', SP: '0x6ff8', SPL: '0xf8' });
    expect(await children('R8')).toEqual({ R8D: '0x00000000', R8W: '0x0000', R8B: '0x00' });
    expect(await children('RIP')).toEqual({ EIP: '0x80007d20', IP: '0x7d20' });
    expect((await registers()).get('RSP')?.memoryReference).toBe('0xffffffff80006ff8');
    const reference = (await registers()).get('RBX')?.variablesReference;
    const set = (name: string, value: string, variablesReference: number | undefined = reference) =>
      client.request('setVariable', { variablesReference, name, value });
    expect(await set('BH', '0x11')).toMatchObject({ value: '0x11' });
    expect(await client.evaluate('rbx')).toBe('0x123456789abc11f0');
    expect(await set('EBX', '-1')).toMatchObject({ value: '0xffffffff' });
    expect(await client.evaluate('rbx')).toBe('0x12345678ffffffff');
    expect(await set('R9', '-1', 1)).toMatchObject({ value: '0xffffffffffffffff' });
    expect(await set('R9', 'rbx << 8', 1)).toMatchObject({ value: '0x345678ffffffff00' });
    expect(await client.evaluate('r9d')).toBe('0xffffff00');
    expect(
      (await client.send('setVariable', { variablesReference: reference, name: 'BL', value: '0x100' })).message,
    ).toBe('0x100 does not fit into 8 bits');
    expect(await set('CR3', 'cr3 + 0', (await registers()).get('Control')?.variablesReference)).toMatchObject({
      value: '0x0000000000010000',
    });
  });

  it('memory by any name for it, to the byte', async () => {
    await client.request('evaluate', { expression: 'qword[value] = rbx + 1', context: 'repl' });
    for (const name of [
      '0xffffffff80007d27',
      'value',
      'gs:0xffffffff80007d27',
      'rip + 7',
      'p:0x7d27',
      '18446744071562100007',
    ]) {
      expect(await bytesAt(name, 8), name).toBe('f1debc9a78563412');
    }
    expect(await client.request('readMemory', { memoryReference: '0xffffffff80007d27', count: 1 })).toMatchObject({
      address: '0xffffffff80007d27',
    });
    const data = Buffer.from([1, 2, 3]).toString('base64');
    await client.request('writeMemory', { memoryReference: 'value', offset: 6, data });
    expect(await client.evaluate('qword[value]')).toBe('0x02015678 9abcdef1'.replace(' ', ''));
    expect(await bytesAt('0x7d2d', 3)).toBe('010203');
    const x = async (line: string): Promise<string> =>
      String((await client.request('evaluate', { expression: line, context: 'repl' }))['result']);
    expect(await x('x value 1 q')).toMatch(/^0xffffffff80007d27 {2}020156789ABCDEF1 /);
    expect(await x('dis upper 1')).toMatch(/0018:FFFFFFFF80007D00 upper 48 BB F0/);
  });

  it('nothing beyond either half of the address space', async () => {
    expect(await bytesAt('0x0000800000000000', 4)).toBe('');
    expect(await bytesAt('0xffff7fffffffffff', 4)).toBe('');
    expect(await bytesAt('0x0001000000007c00', 4)).toBe('');
    expect(await client.request('readMemory', { memoryReference: '0x0', count: 4, offset: -4 })).toMatchObject({
      address: '0x0000000000000000',
      unreadableBytes: 4,
    });
    expect(
      await client.request('readMemory', { memoryReference: '0xffffffffffffffff', count: 4, offset: 1 }),
    ).toMatchObject({
      address: '0xffffffffffffffff',
      unreadableBytes: 4,
    });
    expect(await bytesAt('p:0x100007c00', 4)).toBe('');
    const { instructions } = await client.request('disassemble', {
      memoryReference: '0x0',
      instructionOffset: -3,
      instructionCount: 4,
    });
    expect((instructions as DebugProtocol.DisassembledInstruction[]).map(({ address }) => address)).toEqual(
      new Array(4).fill('0x0000000000000000'),
    );
  });

  it('values as addresses and addresses as values', async () => {
    expect(await client.request('evaluate', { expression: 'rsp', context: 'watch' })).toMatchObject({
      result: '0xffffffff80006ff8 (18446744071562096632)',
      memoryReference: '0xffffffff80006ff8',
    });
    expect(await client.evaluate('upper_routine')).toBe('0xffffffff80007d20');
    expect(await client.evaluate('rip - upper')).toBe('0x0000000000000020');
    expect(await client.evaluate('cs:rip')).toBe('0xffffffff80007d20');
    expect(await client.evaluate('linear(ss:rsp)')).toBe('0xffffffff80006ff8');
    expect(await client.evaluate('physical(rsp)')).toBe('0x00006ff8');
    expect(await client.evaluate('qword[rsp] == upper + 16h')).toBe('0x00000001');
    expect((await client.send('evaluate', { expression: 'byte[0x8000000000000000]' })).message).toContain(
      'nothing is mapped at linear address 0x8000000000000000',
    );
  });

  it('the way out of a routine, over a call and into it', async () => {
    expect(await client.run('stepOut')).toBe('step 66 upper+0x16 (0018:FFFFFFFF80007D16)');
    await client.request('evaluate', { expression: 'rip = upper + 11h', context: 'repl' });
    await inFunction();
    expect(await client.run('next')).toBe('step 66 upper+0x16 (0018:FFFFFFFF80007D16)');
    await client.request('evaluate', { expression: 'rip = upper + 11h', context: 'repl' });
    expect(await client.run('stepIn')).toBe('step 71 upper_routine (0018:FFFFFFFF80007D20)');
    expect(await client.run('stepOut', { threadId: 1, granularity: 'instruction' })).toBe(
      'step 66 upper+0x16 (0018:FFFFFFFF80007D16)',
    );
  });

  it('callers of the mode, and where to go on', async () => {
    const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
    expect((stackFrames as DebugProtocol.StackFrame[]).map(({ name, line }) => `${line} ${name}`)).toEqual([
      '71 upper_routine (0018:FFFFFFFF80007D20)',
      '65 upper+0x16 (0018:FFFFFFFF80007D16)',
    ]);
    const { targets } = await client.request('gotoTargets', {
      source: { path: '/guest/climb.asm' },
      line: 69,
      column: 1,
    });
    expect(targets).toMatchObject([{ instructionPointerReference: '0xffffffff80007d1e' }]);
    await client.request('goto', { threadId: 1, targetId: (targets as DebugProtocol.GotoTarget[])[0]?.id });
    expect(await client.place()).toBe('69 upper+0x1e (0018:FFFFFFFF80007D1E)');
  });
});

describe('an exception in the upper half', () => {
  it('is told with its address, the stack and the fault address of 64 bits', async () => {
    await inFunction('upper');
    await client.run('continue');
    // mov rax, [rel -16 GiB]; there is nothing that could handle the fault.
    const data = Buffer.from('48a10000000000ffffff', 'hex').toString('base64');
    await client.request('writeMemory', { memoryReference: UPPER, data });
    await client.request('setExceptionBreakpoints', { filters: ['page-faults'] });
    expect(await client.run('continue')).toBe('exception 63 upper (0018:FFFFFFFF80007D00)');
    const { description, details } = await client.request('exceptionInfo', { threadId: 1 });
    expect(description).toContain('#PF Page fault, error code 0000h, at 0018:FFFFFFFF80007D00');
    const { stackTrace } = details as DebugProtocol.ExceptionDetails;
    expect(stackTrace).toContain('(upper: mov rax, [qword 0xffffff0000000000])');
    expect(stackTrace).toContain('not present, read, supervisor, linear address 0xffffff0000000000');
    expect(stackTrace).toMatch(/stack at 0020:FFFFFFFF80007000: [0-9A-F]{16} /);
  });

  it('is where the record of what was executed ends', async () => {
    await inFunction('upper');
    await client.run('continue');
    const ask = async (expression: string): Promise<string> =>
      String((await client.request('evaluate', { expression, context: 'repl' }))['result']);
    await ask('trace on');
    await inFunction('down');
    await client.run('continue');
    const shown = (await ask('trace show 20')).split('\n');
    expect(shown[0]).toBe('0018:FFFFFFFF80007D00 upper mov rbx, 0x123456789abcdef0');
    expect(shown).toContain('0018:FFFFFFFF80007D20 upper_routine inc dword [rel 0xffffffff80007d2b]');
    expect(shown.at(-2)).toMatch(/^0018:FFFFFFFF80007D1E upper\+0x1e +retfq$/);
    expect(shown.at(-1)).toBe('→ 0010:00007D60 down     mov esp, 0x7000');
  });
});

describe('a stop in compatibility mode', () => {
  it('shows the registers of 32 bits, those of 64 by name, and the memory of the whole system', async () => {
    await inFunction('down');
    await client.run('continue');
    expect((await registers()).has('EAX')).toBe(true);
    expect((await registers()).has('RAX')).toBe(false);
    expect(await client.evaluate('rbx')).toBe('0x123456789abcdef0');
    expect(await client.evaluate('r8w')).toBe('0x0000');
    expect(await bytesAt('value', 8)).toBe('f0debc9a79563412');
    expect(await client.evaluate('qword[value]')).toBe('0x123456799abcdef0');
    expect(await client.evaluate('byte[0x100007c00 - 0x100000000]')).toBe('0xfa');
    expect((await client.send('evaluate', { expression: 'byte[0x100007c00]' })).message).toContain('nothing is mapped');
  });
});

describe('memory above 4 GiB', () => {
  it('is read, written, found and watched by its physical address', async () => {
    client = new SessionClient();
    for (const name of ['climb.asm', 'climb.lst', 'climb.img']) client.host.files.set(`/guest/${name}`, fixture(name));
    await client.launch({ ...LAUNCH, memory: '4M', memoryLow: '2M' });
    await client.stop();
    const memoryReference = 'p:0x100000ffe';
    const data = Buffer.from('fedcba98', 'hex').toString('base64');
    expect(await client.request('writeMemory', { memoryReference, data })).toMatchObject({ bytesWritten: 4 });
    expect(await bytesAt(memoryReference, 4)).toBe('fedcba98');
    expect(await bytesAt('p:0xffe', 4)).not.toBe('fedcba98');
    expect(await bytesAt('p:0x1001ffffe', 4)).toBe('0000');
    const find = await client.request('evaluate', { expression: 'find FE DC BA 98', context: 'repl' });
    expect(find['result']).toBe('p:0x100000ffe');
    const none = await client.request('evaluate', { expression: 'find FE DC BA 99', context: 'repl' });
    expect(none['result']).toBe('not found below 0x00200000, nor from 4 GiB to 0x100200000');
    const { dataId } = await client.request('dataBreakpointInfo', {
      ...{ name: '0x100000ff8', asAddress: true, bytes: 8, mode: 'physical' },
    });
    expect(dataId).toBe('physical:0x100000ff8,8');
    const { breakpoints } = await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId, accessType: 'write' }],
    });
    expect(breakpoints).toMatchObject([{ verified: true }]);
    const across = await client.request('dataBreakpointInfo', {
      ...{ name: '0xfffffffc', asAddress: true, bytes: 8, mode: 'physical' },
    });
    const refused = await client.request('setDataBreakpoints', { breakpoints: [{ dataId: across['dataId'] }] });
    expect(refused['breakpoints']).toMatchObject([{ verified: false }]);
  });
});
