/** Several processors against QEMU: smp.asm says on port E9h what comes of locks and messages, here and there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../../scripts/run-command.ts';
import { isInstalled, runHere, runInQemu } from './both-machines.ts';

const runnable = isInstalled('nasm') && isInstalled('qemu-system-i386');

describe.skipIf(!runnable)('several processors, compared with QEMU (it needs nasm and qemu-system-i386)', () => {
  let folder = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'smp-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each([2, 4, 8])('do the same: %i', { timeout: 120_000 }, async (count) => {
    const image = join(folder, `smp-${count}.img`);
    const source = join(import.meta.dirname, 'smp.asm');
    await mustRun('nasm', ['-f', 'bin', `-DCPUS=${count}`, '-o', image, source]);
    const expected = await runInQemu('qemu-system-i386', 'pentium3', image, 'disk', count);
    expect(await runHere(image, 'disk', 60, 'pentium3', count)).toBe(expected);
    // The letters that begin its parts, but for those that are digits.
    expect(expected.replaceAll(/[^G-Z]/g, '')).toBe('SLPGNI');
  });
});
