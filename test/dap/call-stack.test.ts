/** The call stack as clients see it. The guests need the assembler nasm; without it they are skipped. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { assembleListed, bootSectorSource, hasNasm } from '../support/boot-sectors.ts';
import { SessionClient } from './support/session-client.ts';

const PROLOGUE = 'start: xor ax,ax\nmov ds,ax\nmov es,ax\nmov ss,ax\nmov sp,7c00h\n';
const KEY_A = [0x1e, 0x9e];

/** A client that has stopped at the first instruction of a boot sector. */
async function launched(code: string): Promise<SessionClient> {
  const client = new SessionClient();
  const { image, listing } = assembleListed(bootSectorSource(PROLOGUE + code));
  client.host.files.set('/guest/calls.img', image);
  client.host.write('/guest/calls.lst', listing);
  await client.launch({ program: '/guest/calls.img', listing: '/guest/calls.lst' });
  await client.stop();
  return client;
}

async function runTo(client: SessionClient, name: string): Promise<void> {
  await client.request('setFunctionBreakpoints', { breakpoints: [{ name }] });
  await client.run('continue');
}

async function frames(client: SessionClient, given: object = {}): Promise<readonly DebugProtocol.StackFrame[]> {
  const { stackFrames } = await client.request('stackTrace', { threadId: 1, ...given });
  return stackFrames as DebugProtocol.StackFrame[];
}

/** Names without addresses. */
async function names(client: SessionClient): Promise<readonly string[]> {
  return (await frames(client)).map(({ name }) => name.replace(/ \([0-9A-F]{4}:[0-9A-F]{4}\)/, ''));
}

async function known(client: SessionClient, frameId: number): Promise<Readonly<Record<string, string>>> {
  const { scopes } = await client.request('scopes', { frameId });
  const [, { variablesReference }] = scopes as readonly [DebugProtocol.Scope, DebugProtocol.Scope];
  const { variables } = await client.request('variables', { variablesReference });
  return Object.fromEntries((variables as DebugProtocol.Variable[]).map(({ name, value }) => [name, value]));
}

describe.skipIf(!hasNasm)('the call stack', () => {
  it('shows exact callers, whatever else lies on the stack', async () => {
    const client = await launched(`call f\nback: jmp done\nf: push word start.fake\ncall g\nadd sp,2\nret
      g: enter 8,0\nnop\nhere: leave\nret\nstart.fake:`);
    await runTo(client, 'here');
    expect(await names(client)).toEqual(['here', 'f+0x6', 'back']);
    await runTo(client, 'done');
    expect(await names(client)).toEqual(['done']);
  });

  it('labels interrupts, exceptions and what they interrupted', async () => {
    const client = await launched(`mov word [21h*4],dos\nmov word [21h*4+2],0\nmov word [0],divide\nmov word [2],0
      call f\nback: jmp done\nf: int 21h\nret\ndos: xor bx,bx\nbad: div bx\nafter: iret\ndivide: mov bp,sp\nmov word [bp],after\nout_of: iret`);
    await runTo(client, 'divide');
    const [handler, interrupted, caller, main] = await frames(client);
    expect(handler?.name).toMatch(/^#DE: divide \(/);
    expect(interrupted?.name).toMatch(/^INT 21h: bad \(/);
    expect(caller?.name).toMatch(/^f\+0x2 \(/);
    expect(main?.name).toMatch(/^back /);
    // An exception is in the instruction, a call behind it.
    const lines = await frames(client, { format: { line: true } });
    expect(lines.map(({ line }) => line)).toEqual([...lines.map(({ line }) => line)].sort((x, y) => y - x));
    await runTo(client, 'out_of');
    expect(await names(client)).toEqual(['#DE: out_of', 'INT 21h: after, return address changed', 'f+0x2', 'back']);
    expect(await client.run('stepOut')).toMatch(/ INT 21h: after \(/);
    expect(await client.run('stepOut')).toMatch(/ f\+0x2 \(/);
    expect(await client.run('stepOut')).toMatch(/ back \(/);
  });

  it('names the lines of hardware interrupts', async () => {
    const client = await launched(`cli\nmov ax,[8*4]\nmov [old],ax\nmov ax,[8*4+2]\nmov [old+2],ax
      mov word [8*4],tick\nmov word [8*4+2],0\nsti\ncall wait_\nback: jmp done\nwait_: cmp byte [ticks],2\njb wait_\nret
      tick: inc byte [ticks]\npushf\ncall far [old]\nhere: iret\nold: dd 0\nticks: db 0`);
    await runTo(client, 'tick');
    expect(await names(client)).toEqual(['IRQ 0 (INT 08h): tick', expect.stringMatching(/^wait_(\+0x\d+)?$/), 'back']);
    await runTo(client, '0F000h:0FEA5h');
    const [bios, handler] = await names(client);
    expect([bios, handler]).toEqual(['F000:FEA5', 'IRQ 0 (INT 08h): here']);
    expect(await client.run('stepOut')).toMatch(/ IRQ 0 \(INT 08h\): here /);
    expect(await client.run('stepOut')).toMatch(/ wait_/);
  });

  it('shows the caller of a BIOS service, and steps out of it', async () => {
    const client = await launched('call read\nback: jmp done\nread: mov ah,0\nint 16h\ngot: ret');
    await client.request('continue', { threadId: 1 });
    for (let slice = 0; slice < 20; slice++) client.host.runOne();
    await client.run('pause');
    expect(await names(client)).toEqual([expect.stringMatching(/^INT 16h: F000:/), 'got', 'back']);
    client.session.receiveScreen({ type: 'keys', scanCodes: KEY_A });
    expect(await client.run('stepOut')).toMatch(/ got \(/);
  });

  it('shows the callers of the stack that the processor is on, right after the switch', async () => {
    const client = await launched(`mov word [7afeh],second\nmov word [other],7afeh\ncall first\nback: jmp done
      first: call yield\ncall yield\nret\nsecond: call work\nwork: call yield\njmp work
      yield: xchg sp,[other]\nhere: ret\nother: dw 0`);
    await runTo(client, 'here');
    expect(await names(client)).toEqual(['here']);
    await client.run('continue');
    expect(await names(client)).toEqual(['here', 'first+0x3', 'back']);
    await client.run('continue');
    expect(await names(client)).toEqual(['here', 'work+0x3', 'work']);
    // Out of this activation, not out of the next task's that comes by.
    expect(await client.run('stepOut')).toMatch(/ work\+0x3 \(/);
  });

  it('steps over and out of what another task does in the same code', async () => {
    const client =
      await launched(`mov word [7afeh],task\nmov word [7a7eh],task\nmov word [others],7afeh\nmov word [others+2],7a7eh\njmp task
      task: call work\njmp task\nwork: call yield\nback: inc word [count]\nret
      yield: push bp\nmov bp,sp\nxchg bp,[others]\nxchg bp,[others+2]\nmov sp,bp\ncmp sp,7afeh\nje .fresh\ncmp sp,7a7eh\nje .fresh\npop bp\n.fresh: ret
      others: dw 0,0\ncount: dw 0`);
    // The task whose stack is the lowest: those of the others look as if this one had returned.
    const lowest = { name: 'work', condition: 'word[count] > 6 && sp < 0x7a80' };
    await client.request('setFunctionBreakpoints', { breakpoints: [lowest] });
    await client.run('continue');
    await client.request('setFunctionBreakpoints', { breakpoints: [] });
    expect(await names(client)).toEqual(['work', 'task+0x3']);
    const stack = await client.evaluate('sp');
    expect(await client.run('next')).toMatch(/ back \(/);
    expect(await client.evaluate('sp')).toBe(stack);
    await client.run('next');
    await client.run('next');
    await client.run('next');
    expect(await client.run('stepIn')).toMatch(/ work \(/);
    expect(await client.evaluate('sp')).toBe(stack);
    expect(await client.run('stepOut')).toMatch(/ task\+0x3 \(/);
    expect(Number(await client.evaluate('sp'))).toBe(Number(stack) + 2);
  });

  it('steps over a call that only asks for its address', async () => {
    const client = await launched('mov cx,2\nwhere: call .here\n.here: pop ax\nloop where\nhang: jmp hang');
    await runTo(client, 'where');
    expect(await client.run('next')).toMatch(/ where\.here \(/);
    expect(await client.evaluate('cx')).toBe('0x0002');
  });

  it('knows where callers go on and where their stacks are', async () => {
    const client = await launched('call f\nback: jmp done\nf: push ax\ncall 0:g\npop ax\nret\ng: int 60h\nhere: retf');
    await client.request('evaluate', { expression: 'dword[0x60*4] = 0x7c30', context: 'repl' });
    await client.request('writeMemory', { memoryReference: '0x7c30', data: 'kM8=' });
    await runTo(client, '7C30');
    expect(await names(client)).toEqual(['INT 60h: done+0x15', 'here', 'f+0x6', 'back']);
    expect(await known(client, 1)).toEqual({ CS: '0x0000', EIP: '0x00007c1a', SS: '0x0000', ESP: '0x00007bf8' });
    expect(await known(client, 2)).toMatchObject({ EIP: '0x00007c16', ESP: '0x00007bfc' });
    expect(await known(client, 3)).toMatchObject({ EIP: '0x00007c0e', ESP: '0x00007c00' });
    const { variablesReference } =
      ((await client.request('scopes', { frameId: 3 }))['scopes'] as DebugProtocol.Scope[])[1] ?? {};
    const written = await client.send('setVariable', { variablesReference, name: 'ESP', value: '0' });
    expect(written.success).toBe(false);
    const { result } = await client.request('evaluate', { expression: 'sp', frameId: 3, context: 'watch' });
    expect(result).toMatch(/^0x7bf2/);
  });

  it('gives out deep recursion in pages', async () => {
    const client = await launched('mov cx,1000\ncall f\nback: jmp done\nf: dec cx\njz deep\ncall f\ndeep: ret');
    await runTo(client, 'deep');
    const { totalFrames, stackFrames } = await client.request('stackTrace', {
      threadId: 1,
      startFrame: 998,
      levels: 2,
    });
    expect(totalFrames).toBe(1001);
    expect((stackFrames as DebugProtocol.StackFrame[]).map(({ id, name }) => `${id} ${name}`)).toEqual([
      '998 deep (0000:7C19)',
      '999 deep (0000:7C19)',
    ]);
    expect((await frames(client, { startFrame: 1000 })).map(({ name }) => name)).toEqual(['back (0000:7C11)']);
    expect(await frames(client, { startFrame: -5, levels: 1 })).toMatchObject([{ id: 0, name: 'deep (0000:7C19)' }]);
    expect(await client.run('stepOut')).toMatch(/ deep \(/);
    expect(await frames(client)).toHaveLength(1000);
  });

  it('follows a routine that changes its return address, and steps out of it', async () => {
    const client = await launched(`call print\ndb 'text',0\nback: jmp done
      print: pop si\n.next: lodsb\ntest al,al\njnz .next\npush si\nhere: ret`);
    await runTo(client, 'print');
    expect(await names(client)).toEqual(['print', 'start+0xe']);
    expect(await client.run('stepOut')).toMatch(/ back \(/);
    const again = await launched(`call print\ndb 'text',0\nback: jmp done
      print: pop si\n.next: lodsb\ntest al,al\njnz .next\npush si\nhere: ret`);
    await runTo(again, 'here');
    expect(await names(again)).toEqual(['here', 'back, return address changed']);
  });

  it('guesses what is older than the record, and says so', async () => {
    const client = await launched('call f\nback: jmp done\nf: call g\nret\ng: nop\nhere: ret');
    await runTo(client, 'here');
    if (!client.machine) throw new Error('no machine');
    client.machine.recordsCalls = false;
    client.machine.recordsCalls = true;
    expect(await names(client)).toEqual(['here', 'f+0x3, probably', 'back, probably']);
    expect(await client.run('stepOut')).toMatch(/ f\+0x3 \(/);
  });
});
