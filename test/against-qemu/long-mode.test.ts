/** Long mode against QEMU: guest-64.asm says on port E9h what it saw, here and there; and what the manual asks beyond it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../../scripts/run-command.ts';
import { isInstalled, runHere, runInQemu } from './both-machines.ts';

const assembles = isInstalled('nasm');

describe.skipIf(!assembles)('long mode (it needs nasm)', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);

  const assemble = (image: string, ...options: readonly string[]) =>
    mustRun('nasm', ['-f', 'bin', ...options, '-o', file(image), join(import.meta.dirname, 'guest-64.asm')]);

  const ours = (image: string) => runHere(file(image), 'disk', 30, 'x86-64-v3');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'long-mode-'));
    await assemble('guest.img');
    await assemble('beyond.img', '-DBEYOND_QEMU');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(!isInstalled('qemu-system-x86_64'))('sees the same as QEMU', { timeout: 60_000 }, async () => {
    const expected = await runInQemu('qemu-system-x86_64', 'qemu64', file('guest.img'), 'disk');
    expect(expected).toMatch(/^back in real mode, EFER 00000101\n$/m);
    expect(await ours('guest.img')).toBe(expected);
  });

  it('does what the manual asks where QEMU does not', { timeout: 60_000 }, async () => {
    const plain = new Set((await ours('guest.img')).split('\n').map(nameOf));
    const beyond = (await ours('beyond.img')).split('\n').filter((line) => !plain.has(nameOf(line)));
    const golden = join(import.meta.dirname, 'golden', 'beyond-qemu.txt');
    const text = `${beyond.map(withoutStack).join('\n')}\n`;
    if (process.env['UPDATE'] === '1') writeFileSync(golden, text);
    expect(text).toBe(readFileSync(golden, 'utf8'));
  });
});

/** An attempt's line without what it saw. */
function nameOf(line: string): string {
  return line.replace(/ [0-9A-F]{16}.*$/, '');
}

/** Places in the guest change with its text. */
function withoutStack(line: string): string {
  return line.replace(/ at [0-9A-F]{16}| CS SS.*$/g, '');
}
