/** The recorded hardware tests of `../shared/vectors`, all of them, on the real engine (scripts/vectors.ts). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot, runCommand } from '../scripts/run-command.ts';

const FOLDERS = ['8086', '80286-real-mode'].map((set) => join(repositoryRoot, '..', 'shared', 'vectors', set));

describe.skipIf(!FOLDERS.every(existsSync))('recorded hardware tests (they need ../shared/vectors)', () => {
  it.each(FOLDERS)('%s', { timeout: 120_000 }, async (folder) => {
    const script = join(repositoryRoot, 'scripts', 'vectors.ts');
    const { exitCode, output } = await runCommand(process.execPath, [script, folder]);
    expect(output).toMatch(/^\d{5,} passed, 0 failed$/m);
    expect(exitCode).toBe(0);
  });
});
