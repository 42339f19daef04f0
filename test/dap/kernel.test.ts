/** A kernel that is booted directly and debugged in its source. It needs the assembler nasm; without it this is skipped. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

async function launched(given: object = {}): Promise<SessionClient> {
  const client = new SessionClient();
  const { image, listing } = assembleWithListing(SOURCE);
  client.host.write('/k/kernel.asm', SOURCE);
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
});

async function dataIdOf(client: SessionClient, name: string): Promise<string> {
  const { dataId } = await client.request('dataBreakpointInfo', { name });
  return dataId as string;
}
