/** System code of the processor against QEMU: guest.asm says on port E9h what it saw, here and there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../../scripts/run-command.ts';
import { isInstalled, runHere, runInQemu } from './both-machines.ts';

const runnable = isInstalled('nasm') && isInstalled('qemu-system-i386');

describe.skipIf(!runnable)('system code, compared with QEMU (it needs nasm and qemu-system-i386)', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'against-qemu-'));
    await mustRun('nasm', ['-f', 'bin', '-o', file('guest.img'), join(import.meta.dirname, 'guest.asm')]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('sees the same', { timeout: 60_000 }, async () => {
    const expected = await runInQemu('qemu-system-i386', '486', file('guest.img'), 'floppy');
    expect(expected).toMatch(/^back in real mode 0003 .*\n$/m);
    expect(await runHere(file('guest.img'), 'floppy', 30)).toBe(expected);
  });
});
