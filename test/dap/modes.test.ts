import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../debug-adapter/command-line/node-host.ts';
import { SessionClient } from './support/session-client.ts';

const folder = fileURLToPath(new URL('../../examples/bootloader', import.meta.url));
const main = `${folder}/boot.asm`;
const ENTER = [0x1c, 0x9c];

/** Line of a source file that begins with a text, counted from 1. */
function lineOf(name: string, text: string): number {
  const index = readFileSync(`${folder}/${name}`, 'utf8')
    .split('\n')
    .findIndex((line) => line.trim().startsWith(text));
  if (index < 0) throw new Error(`${name} has no line "${text}"`);
  return index + 1;
}

/** The bundled example: real mode, protected mode, and back. */
describe('a guest that changes its mode', () => {
  let client: SessionClient;

  const breakAt = (name: string, ...texts: readonly string[]): Promise<unknown> =>
    client.request('setBreakpoints', {
      source: { path: `${folder}/${name}` },
      breakpoints: texts.map((text) => ({ line: lineOf(name, text) })),
    });

  const threadName = async (): Promise<string | undefined> =>
    ((await client.request('threads'))['threads'] as DebugProtocol.Thread[])[0]?.name;

  const expectStop = (stop: string, name: string, text: string): void => {
    expect(
      stop.split(' ').find((word) => /^\d+$/.test(word)),
      `${stop}, not at "${text}"`,
    ).toBe(String(lineOf(name, text)));
  };

  beforeAll(async () => {
    client = new SessionClient();
    const { image, listing, messages } = await createNodeHost().assemble(main);
    if (image === undefined || listing === undefined) throw new Error(JSON.stringify(messages));
    client.host.sources.set(main, { image, listing, messages });
    for (const path of [image, listing]) client.host.files.set(path, new Uint8Array(readFileSync(path)));
    for (const name of ['macros.inc', 'console.asm', 'stage2.asm', 'mode-switch.asm', 'protected.asm', 'boot.asm']) {
      client.host.files.set(`${folder}/${name}`, new Uint8Array(readFileSync(`${folder}/${name}`)));
    }
    await client.launch({ program: main, listing: undefined });
    await client.stop();
  });

  it('waits for a key, which the screen view sends', async () => {
    expect(await threadName()).toBe('CPU 0 · real mode');
    await breakAt('stage2.asm', 'xor ah, ah');
    expectStop(await client.run('continue'), 'stage2.asm', 'xor ah, ah');
    await breakAt('stage2.asm');
    await breakAt('protected.asm', 'mov ax, FLAT_DATA');
    await client.request('continue', { threadId: 1 });
    client.session.receiveScreen({ type: 'keys', scanCodes: ENTER });
    expectStop(await client.stop(), 'protected.asm', 'mov ax, FLAT_DATA');
    expect(await threadName()).toBe('CPU 0 · 32-bit, ring 0');
  });

  it('steps 32-bit code by lines, over calls and repeated instructions', async () => {
    expectStop(await client.run('next'), 'protected.asm', 'mov ds, ax');
    expect(await client.evaluate('ds.limit')).toMatch(/^0x/);
    for (const text of ['mov es, ax', 'mov ss, ax', 'mov esp,', 'mov edi, VIDEO_SEGMENT * 16', 'call draw_line']) {
      expectStop(await client.run('next'), 'protected.asm', text);
    }
    expect(await client.evaluate('cr0.pe')).toBe('1');
    expectStop(await client.run('stepIn'), 'protected.asm', 'mov ecx, PICTURE_WIDTH');
    await client.run('next');
    expectStop(await client.run('next'), 'protected.asm', 'rep stosb');
    expectStop(await client.run('next'), 'protected.asm', 'ret');
    expect(await client.evaluate('ecx')).toBe('0x00000000');
  });

  it('names frames and disassembles in 32 bits', async () => {
    const { stackFrames } = await client.request('stackTrace', { threadId: 1 });
    const [frame, caller] = stackFrames as DebugProtocol.StackFrame[];
    expect(frame?.name).toMatch(/^draw_line\+0x[0-9a-f]+ \([0-9A-F]{4}:[0-9A-F]{8}\)$/);
    expect(caller?.name).toMatch(/\([0-9A-F]{4}:[0-9A-F]{8}\)$/);
    expect(caller?.line).toBe(lineOf('protected.asm', 'call draw_line'));
    const { instructions } = await client.request('disassemble', {
      memoryReference: frame?.instructionPointerReference,
      instructionOffset: -3,
      instructionCount: 4,
    });
    expect((instructions as DebugProtocol.DisassembledInstruction[]).map(({ instruction }) => instruction)).toEqual([
      'mov ecx, 0x140',
      'mov al, 0xf',
      'rep stosb',
      'ret',
    ]);
  });

  it('steps out of 32-bit code, and back into real mode', async () => {
    await client.run('stepOut');
    await breakAt('protected.asm', 'jmp REAL_CODE:');
    expectStop(await client.run('continue'), 'protected.asm', 'jmp REAL_CODE:');
    await client.run('stepIn');
    expect(await threadName()).toBe('CPU 0 · 16-bit, ring 0');
    for (let step = 0; step < 30 && (await client.evaluate('cr0.pe')) === '1'; step++) await client.run('next');
    await client.run('next');
    expect(await threadName()).toBe('CPU 0 · real mode');
  });

  it('boots again on restart, with its breakpoints', async () => {
    await client.request('restart', {});
    expect(await client.stop()).toMatch(/^entry .*\(0000:7C00\)$/);
    expect(client.transcript.filter((line) => line.startsWith('← event initialized'))).toHaveLength(1);
  });
});
