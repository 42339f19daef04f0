/** The test kernels tell the same on COM1 here and in QEMU, booted directly and from a disk. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot, runCommand } from '../../scripts/run-command.ts';
import { isInstalled } from '../against-qemu/both-machines.ts';
import { hasNasm } from '../support/boot-sectors.ts';
import { assembleKernel, type KernelStart } from './kernel-images.ts';

/** What the exit device makes of the kernels' 0. */
const EXIT_CODE = 1;

const kernels = [
  { name: 'kernel-32', qemu: 'qemu-system-i386', theirCpu: 'pentium3', ourCpu: 'pentium3' },
  { name: 'kernel-64', qemu: 'qemu-system-x86_64', theirCpu: 'qemu64', ourCpu: 'x86-64-v2' },
] as const;

const TEXTS = {
  'kernel-32': [
    ...['kernel: paging is on', 'user: INT', 'user: SYSENTER', 'user: call gate'],
    ...['page fault: error 00000005 at 00200000', 'other task', 'user: LDT'],
    ...['monitor: INT with AX 00001234', 'monitor: INT with AX 00005678', 'done', ''],
  ],
  'kernel-64': [
    ...['kernel: long mode', 'user: INT', 'user: SYSCALL', 'user: INT to the upper half', 'user: call gate'],
    'page fault: error 0000000000000005 at 0000000000200000 on 0000000000212000',
    ...['user: compatibility mode', 'user: 64-bit mode again', 'done', ''],
  ],
} as const;

describe.skipIf(!hasNasm)('the test kernels (they need nasm)', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kernels-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(kernels)('$name', ({ name, qemu, theirCpu, ourCpu }) => {
    describe.each(['multiboot', 'boot-sector'] as const)('from %s', (start) => {
      const image = () => {
        const path = join(folder, `${name}-${start}.bin`);
        writeFileSync(path, assembleKernel(name, start).image);
        return path;
      };
      const text = TEXTS[name].join('\n');

      it('says what it does', { timeout: 60_000 }, async () => {
        expect(await ourText(image(), start, ourCpu)).toBe(text);
      });

      it.skipIf(!isInstalled(qemu))(`says the same in ${qemu}`, { timeout: 60_000 }, async () => {
        expect(await theirText(qemu, theirCpu, image(), start)).toBe(text);
      });
    });
  });
});

async function ourText(image: string, start: KernelStart, cpu: string): Promise<string> {
  const said = `${image}.ours.txt`;
  const { exitCode, output } = await runCommand(process.execPath, [
    ...[join(repositoryRoot, 'debug-adapter', 'command-line', 'main.ts'), 'run'],
    ...[start === 'multiboot' ? '--kernel' : '--disk', image, '--cpu', cpu],
    ...['--serial', `file:${said}`, '--exit-device', '--max-seconds', '50'],
  ]);
  expect(exitCode, output).toBe(EXIT_CODE);
  return readFileSync(said, 'latin1');
}

async function theirText(qemu: string, cpu: string, image: string, start: KernelStart): Promise<string> {
  const said = `${image}.theirs.txt`;
  const { exitCode, output } = await runCommand(qemu, [
    ...['-cpu', cpu, '-m', '16', '-display', 'none', '-no-reboot', '-serial', `file:${said}`],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=4'],
    ...(start === 'multiboot' ? ['-kernel', image] : ['-drive', `if=ide,format=raw,file=${image}`]),
  ]);
  expect(exitCode, output).toBe(EXIT_CODE);
  return readFileSync(said, 'latin1');
}
