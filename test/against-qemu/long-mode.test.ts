/** Long mode against QEMU: guest-64.asm says on port E9h what it saw, here and there; and what the manual asks beyond it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun, repositoryRoot, runCommand } from '../../scripts/run-command.ts';

const isThere = (command: string) => spawnSync(command, ['--version']).status === 0;
const assembles = isThere('nasm');

/** What the exit device makes of the 0 that the guest ends with. */
const EXIT_CODE = 1;

describe.skipIf(!assembles)('long mode (it needs nasm)', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);

  const assemble = (image: string, ...options: readonly string[]) =>
    mustRun('nasm', ['-f', 'bin', ...options, '-o', file(image), join(import.meta.dirname, 'guest-64.asm')]);

  async function ours(image: string): Promise<string> {
    const commandLine = join(repositoryRoot, 'debug-adapter', 'command-line', 'main.ts');
    const { exitCode, output } = await runCommand(process.execPath, [
      ...[commandLine, 'run', '--disk', file(image), '--cpu', 'x86-64-v3', '--debugcon', `file:${file('ours.txt')}`],
      ...['--exit-device', '--max-seconds', '30'],
    ]);
    expect(exitCode, output).toBe(EXIT_CODE);
    return readFileSync(file('ours.txt'), 'utf8');
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'long-mode-'));
    await assemble('guest.img');
    await assemble('beyond.img', '-DBEYOND_QEMU');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.skipIf(!isThere('qemu-system-x86_64'))('sees the same as QEMU', { timeout: 60_000 }, async () => {
    const theirs = await runCommand('qemu-system-x86_64', [
      ...['-cpu', 'qemu64', '-m', '16', '-display', 'none', '-no-reboot'],
      ...['-drive', `format=raw,file=${file('guest.img')}`, '-debugcon', `file:${file('theirs.txt')}`],
      ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
    ]);
    expect(theirs.exitCode, theirs.output).toBe(EXIT_CODE);
    const expected = readFileSync(file('theirs.txt'), 'utf8');
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
