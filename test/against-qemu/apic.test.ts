/** The local APIC and the I/O APIC against QEMU: apic.asm says on port E9h what came of its interrupts, here and there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../../scripts/run-command.ts';
import { isInstalled, runHere, runInQemu } from './both-machines.ts';

const runnable = isInstalled('nasm') && isInstalled('qemu-system-i386');

describe.skipIf(!runnable)('interrupt controllers, compared with QEMU (it needs nasm and qemu-system-i386)', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'apic-'));
    await mustRun('nasm', ['-f', 'bin', '-o', file('apic.img'), join(import.meta.dirname, 'apic.asm')]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('deliver the same', { timeout: 120_000 }, async () => {
    const expected = await runInQemu('qemu-system-i386', 'pentium3', file('apic.img'), 'disk');
    expect(await runHere(file('apic.img'), 'disk', 60, 'pentium3')).toBe(expected);
    // The letters that begin its parts, but for those that are digits.
    expect(expected.replaceAll(/[^G-Z]/g, '')).toBe('RITLNOPVX');
  });
});
