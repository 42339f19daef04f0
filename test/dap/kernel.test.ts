/** A kernel that is booted directly and debugged in its source. It needs the assembler nasm; without it this is skipped. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { describe, expect, it } from 'vitest';
import { hasNasm } from '../support/boot-sectors.ts';
import { SessionClient } from './support/session-client.ts';

const SOURCE = `bits 32
org 200000h
header: dd 1badb002h, 10000h, -(1badb002h + 10000h)
  dd header, 200000h, 0, 0, entry
entry: mov esp, stack
  mov esi, [ebx + 16]
  push esi
  call first_letter
  mov dx, 0f4h
  out dx, al
  hlt
first_letter: mov eax, [esp + 4]
  mov al, [eax]
  ret
  times 64 db 0
stack:
`;

function assembleWithListing(source: string): { image: Uint8Array; listing: string } {
  const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
  try {
    writeFileSync(join(folder, 'kernel.asm'), source);
    execFileSync('nasm', ['-f', 'bin', '-l', 'kernel.lst', '-o', 'kernel.bin', 'kernel.asm'], { cwd: folder });
    const listing = readFileSync(join(folder, 'kernel.lst'), 'utf8');
    return { image: new Uint8Array(readFileSync(join(folder, 'kernel.bin'))), listing };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Maps the first 8 MiB by two pages of 4 MiB, the second read-only for all, and halts. */
const PAGED = `bits 32
org 200000h
header: dd 1badb002h, 10000h, -(1badb002h + 10000h)
  dd header, 200000h, 0, end + 2000h, entry
entry: mov dword [directory], 83h
  mov dword [directory + 4], 400085h
  mov eax, directory
  mov cr3, eax
  mov eax, cr4
  or al, 10h
  mov cr4, eax
  mov eax, cr0
  or eax, 80010000h
  mov cr0, eax
  lidt [interrupts]
paged: hlt
  align 8
gates: dq 0
  dw paged - $$, 10h, 8e00h, 20h
interrupts: dw 15
  dd gates
end:
directory equ 201000h
`;

async function launched(given: object = {}, source = SOURCE): Promise<SessionClient> {
  const client = new SessionClient();
  const { image, listing } = assembleWithListing(source);
  client.host.write('/k/kernel.asm', source);
  client.host.write('/k/kernel.lst', listing);
  client.host.files.set('/k/kernel.bin', image);
  client.host.sources.set('/k/kernel.asm', { image: '/k/kernel.bin', listing: '/k/kernel.lst', messages: [] });
  await client.launch({ program: undefined, listing: undefined, kernel: '/k/kernel.asm', append: 'Zebra', ...given });
  return client;
}

describe.skipIf(!hasNasm)('a kernel from source', () => {
  it('stops at its first instruction, in its line, and steps in 32-bit protected mode', async () => {
    const client = await launched();
    expect(await client.stop()).toMatch(/^entry 5 entry/);
    expect(await client.evaluate('eax')).toBe('0x2badb002');
    await client.request('stepIn', { threadId: 1 });
    expect(await client.stop()).toMatch(/^step 6 entry/);
  });

  it('gets its command line, and its exit code is the session’s', async () => {
    const client = await launched({ exitDevice: true, stopOnEntry: false });
    expect(await client.event('exited')).toEqual({ exitCode: ('Z'.charCodeAt(0) << 1) | 1 });
  });

  it('stops at a data breakpoint once it runs, not while it is loaded', async () => {
    const client = await launched();
    await client.stop();
    await client.request('setDataBreakpoints', {
      breakpoints: [{ dataId: await dataIdOf(client, 'first_letter'), accessType: 'write' }],
    });
    await client.request('restart', {});
    expect(await client.stop()).toMatch(/^entry 5 entry/);
  });

  it('shows its page tables, and why an access faults', async () => {
    const client = await launched({ cpu: 'pentium', stopOnEntry: true }, PAGED);
    await client.stop();
    const type = async (expression: string) =>
      String((await client.request('evaluate', { expression, context: 'repl' }))['result']);
    expect(await type('pages')).toBe('Paging is off: linear addresses are physical ones.');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'paged' }] });
    await client.request('continue', { threadId: 1 });
    expect(await client.stop()).toMatch(/paged/);
    expect(await type('pages')).toBe(
      [
        '0x00000000-0x003fffff → 0x000000000  -RWX -A-  4 MiB pages',
        '0x00400000-0x007fffff → 0x000400000  UR-X ---  4 MiB pages',
      ].join('\n'),
    );
    expect(await type('walk 0x400123 w')).toMatch(
      /^PDE 1 .* = 0x00400085 {2}page UR-X --- {2}← the page is read-only, and CR0.WP is set\nPage fault, error code 03h/,
    );
    expect(await type('walk paged x')).toMatch(/The fetch is allowed. Physical address 0x0000002000/);
    expect(await type('tlb')).toMatch(/^\d+ cached: .*\n0x\w+ → 0x\w+ {2}-RWX {2}4 MiB, context 0/);
    expect(await type('walk 0x800000')).toMatch(/PDE 2 .* not present {2}← the PDE is not present/);
    expect(await complain(client, 'walk 0 q')).toBe('q: write r, w or x for the access, and user for level 3');
  });

  it('shows the descriptor tables, and where gates lead', async () => {
    const client = await launched({ cpu: 'pentium' }, PAGED);
    await client.stop();
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'paged' }] });
    await client.request('continue', { threadId: 1 });
    await client.stop();
    const children = async (variablesReference: number): Promise<readonly DebugProtocol.Variable[]> =>
      (await client.request('variables', { variablesReference }))['variables'] as DebugProtocol.Variable[];
    const { scopes } = (await client.request('scopes', { frameId: 0 })) as { scopes: DebugProtocol.Scope[] };
    const tables = await children(scopes.find(({ name }) => name === 'Descriptor tables')?.variablesReference ?? 0);
    expect(tables.map(({ name, value }) => `${name} ${value}`)).toEqual([
      expect.stringMatching(/^IDT base 0x0020\w{4}, limit 0x000f$/),
      expect.stringMatching(/^GDT base 0x\w{8}, limit 0x001f$/),
      'LDT none: LDTR is null',
      'TSS none: TR is null',
    ]);
    const [idt, gdt] = await Promise.all(
      tables.slice(0, 2).map(({ variablesReference }) => children(variablesReference)),
    );
    expect(gdt?.map(({ name, value }) => `${name} ${value}`)).toEqual([
      '0x0000 null',
      '0x0008 null',
      '0x0010 base 0x00000000, limit 0xffffffff, 32-bit code, readable, DPL 0 (00cf9b000000ffffh)',
      '0x0018 base 0x00000000, limit 0xffffffff, 32-bit data, writable, DPL 0 (00cf93000000ffffh)',
    ]);
    expect(idt?.[1]?.name).toBe('01h');
    expect(idt?.[1]?.value).toMatch(/^0010:0020\w{4} paged, 32-bit interrupt gate, DPL 0/);
    const location = await client.request('locations', { locationReference: idt?.[1]?.valueLocationReference ?? 0 });
    expect(location).toMatchObject({ source: { path: '/k/kernel.asm' }, line: 16 });
  });
});

const complain = async (client: SessionClient, expression: string): Promise<string | undefined> =>
  (await client.send('evaluate', { expression, context: 'repl' })).message;

async function dataIdOf(client: SessionClient, name: string): Promise<string> {
  const { dataId } = await client.request('dataBreakpointInfo', { name });
  return dataId as string;
}
