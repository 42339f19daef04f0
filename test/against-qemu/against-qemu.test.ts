/** System code of the processor against QEMU: guest.asm says on port E9h what it saw, here and there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun, repositoryRoot, runCommand } from '../../scripts/run-command.ts';

const isThere = (command: string) => spawnSync(command, ['--version']).status === 0;
const runnable = isThere('nasm') && isThere('qemu-system-i386');

/** What the exit device makes of the 0 that the guest ends with. */
const EXIT_CODE = 1;

describe.skipIf(!runnable)('system code, compared with QEMU (it needs nasm and qemu-system-i386)', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'against-qemu-'));
    await mustRun('nasm', ['-f', 'bin', '-o', file('guest.img'), join(import.meta.dirname, 'guest.asm')]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('sees the same', { timeout: 60_000 }, async () => {
    const image = file('guest.img');
    const theirs = await runCommand('qemu-system-i386', [
      ...['-cpu', '486', '-m', '16', '-display', 'none', '-no-reboot'],
      ...['-drive', `if=floppy,format=raw,file=${image}`, '-debugcon', `file:${file('theirs.txt')}`],
      ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
    ]);
    const commandLine = join(repositoryRoot, 'debug-adapter', 'command-line', 'main.ts');
    const ours = await runCommand(process.execPath, [
      ...[commandLine, 'run', image, '--debugcon', `file:${file('ours.txt')}`, '--exit-device'],
      ...['--max-seconds', '30'],
    ]);
    expect(theirs.exitCode, theirs.output).toBe(EXIT_CODE);
    expect(ours.exitCode, ours.output).toBe(EXIT_CODE);
    const expected = readFileSync(file('theirs.txt'), 'utf8');
    expect(expected).toMatch(/^back in real mode 0003 .*\n$/m);
    expect(readFileSync(file('ours.txt'), 'utf8')).toBe(expected);
  });
});
