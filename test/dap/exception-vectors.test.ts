/** Each exception that 16-bit code can raise, caught by its vector, with the state in front of its handler. */
import { describe, expect, it } from 'vitest';
import { exceptions } from '../../debug-adapter/session/exceptions.ts';
import { SessionClient } from './support/session-client.ts';

/** By vector: code at 7C00h, the offset of the instruction at which the stop shows, and the filter that offers it. */
const RAISED: Readonly<Record<number, readonly [code: string, at: number, filter: string]>> = {
  // xor cx, cx; div cx
  0: ['31C9 F7F1', 2, 'exceptions'],
  // pushf; pop ax; or ah, 1; push ax; popf; nop; nop: the trap comes behind the instruction after POPF.
  1: ['9C 58 80CC01 50 9D 90 90', 8, 'debug-exceptions'],
  // int3: told in front of it, as the instruction raises it
  3: ['90 CC', 1, 'debug-exceptions'],
  // mov al, 7Fh; add al, 1; into
  4: ['B07F 0401 CE', 4, 'exceptions'],
  // mov ax, 5; bound ax, [7C40h], which are zeros
  5: ['B80500 6206407C', 3, 'exceptions'],
  // ud2
  6: ['0F0B', 0, 'exceptions'],
  // mov eax, cr0; or al, 4; mov cr0, eax; fadd
  7: ['0F20C0 0C04 0F22C0 D8C0', 8, 'exceptions'],
  // lidt [7C20h], whose limit leaves out all behind 8; int 40h
  8: ['0F011E207C CD40', 5, 'double-fault'],
  // mov bp, FFFFh; mov ax, [bp]
  12: ['BDFFFF 8B4600', 3, 'exceptions'],
  // mov bx, FFFFh; mov ax, [bx]
  13: ['BBFFFF 8B07', 3, 'exceptions'],
};

/** What it takes more for than 16-bit code of this machine. */
const NOT_RAISED: Readonly<Record<number, string>> = {
  9: 'of the 387 beside a 386 only',
  10: 'task switches are of protected mode',
  11: 'descriptors are of protected mode',
  14: 'paging is of protected mode',
  16: 'needs a coprocessor with unmasked exceptions',
  17: 'is checked at privilege level 3 only',
  19: 'needs a processor with SSE and an operating system that lets it',
};

/** 0000:7C30 in base64, as an interrupt vector. */
const HANDLER = 'MHwAAA==';

async function booted(code: string): Promise<SessionClient> {
  const client = new SessionClient();
  const image = new Uint8Array(512);
  image.set(Buffer.from(code.replaceAll(' ', ''), 'hex'));
  image.set([0x23, 0, 0, 0, 0, 0], 0x20);
  image.set([0x55, 0xaa], 510);
  client.host.files.set('/raise.img', image);
  await client.launch({ program: '/raise.img', listing: undefined, exitDevice: false });
  await client.stop();
  await client.request('evaluate', { expression: 'ds = 0', context: 'repl' });
  return client;
}

/** Lets it run for a while: a guest that does not stop is paused. */
async function runOn(client: SessionClient): Promise<string> {
  client.host.workMs = () => (client.machine?.retired ?? 0) / 20;
  await client.request('continue', { threadId: 1 });
  for (let slice = 0; slice < 10; slice++) client.host.runOne();
  await client.request('pause', { threadId: 1 });
  return client.stop();
}

const choose = (client: SessionClient, ...filterOptions: object[]) =>
  client.request('setExceptionBreakpoints', { filters: [], filterOptions });

describe('exceptions by vector', () => {
  it('are all raised here, or it is said why not', () => {
    const listed = [...Object.keys(RAISED), ...Object.keys(NOT_RAISED)].map(Number).sort((a, b) => a - b);
    expect(listed).toEqual(exceptions.map(({ vector }) => vector));
  });

  it.each(Object.keys(RAISED).map(Number))('%i stops where it is raised', async (vector) => {
    const [code, at, filter] = RAISED[vector] as (typeof RAISED)[number];
    const client = await booted(code);
    const condition = filter === 'double-fault' ? undefined : `${vector}`;
    expect(await choose(client, { filterId: filter, condition })).toEqual({ breakpoints: [{ verified: true }] });
    expect(await runOn(client)).toMatch(/^exception /);
    const row = exceptions.find((candidate) => candidate.vector === vector);
    expect(await client.request('exceptionInfo', { threadId: 1 })).toMatchObject({
      exceptionId: expect.stringContaining(row?.mnemonic ?? 'none'),
    });
    expect(await client.evaluate('eip')).toBe(`0x${(0x7c00 + at).toString(16).padStart(8, '0')}`);
    // The next step goes into the handler, which is the guest's own: those of the BIOS are one step.
    await client.request('writeMemory', { memoryReference: `${vector * 4}`, data: HANDLER });
    expect(await client.run('stepIn', { threadId: 1, granularity: 'instruction' })).toMatch(/0000:7C30/);
  });

  it.each(
    Object.keys(RAISED)
      .map(Number)
      .filter((vector) => RAISED[vector]?.[2] !== 'double-fault'),
  )('%i passes where another is asked for', async (vector) => {
    const [code, , filter] = RAISED[vector] as (typeof RAISED)[number];
    const client = await booted(code);
    await choose(client, { filterId: filter, condition: `${vector === 6 ? 13 : 6}` });
    // Its handler, which is another reason to stop.
    const handler = await client.evaluate(`word[${vector * 4}]`);
    const segment = await client.evaluate(`word[${vector * 4 + 2}]`);
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: `${segment}:${handler}` }] });
    expect(await runOn(client)).toMatch(/^function breakpoint /);
  });
});
