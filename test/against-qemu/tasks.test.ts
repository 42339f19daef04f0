/** Task switches against QEMU: tasks.asm says on port E9h what became of each, here and there. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mustRun } from '../../scripts/run-command.ts';
import { isInstalled, runHere, runInQemu } from './both-machines.ts';

const runnable = isInstalled('nasm') && isInstalled('qemu-system-i386');
const RF = 0x1_0000;

/** Words of a line: flags of the main and the new task, instruction pointers of the new ones of 32 and 16 bits. */
const MAIN_FLAGS = 22;
const NEW_POINTER = 40;
const NEW_FLAGS = 41;
const NEW_POINTER_16 = 61;

/**
 * A line about a fault without what QEMU leaves undone (SDM vol. 3B §18.3.1.1, vol. 3A §7.3): it does not set RF in what a
 * fault saves through a task gate, and saves the old task's instruction pointer when the new task's state is at fault.
 */
function comparable(line: string): string {
  if (!line.startsWith('F')) return line;
  const words = line.split(' ');
  for (const at of [MAIN_FLAGS, NEW_FLAGS]) {
    words[at] = ((Number.parseInt(words[at] ?? '0', 16) & ~RF) >>> 0).toString(16);
  }
  for (const at of [NEW_POINTER, NEW_POINTER_16]) words[at] = '';
  return words.join(' ');
}

describe.skipIf(!runnable)('task switches, compared with QEMU (it needs nasm and qemu-system-i386)', () => {
  let folder = '';
  const file = (name: string) => join(folder, name);

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tasks-'));
    await mustRun('nasm', ['-f', 'bin', '-o', file('tasks.img'), join(import.meta.dirname, 'tasks.asm')]);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('have the same outcome', { timeout: 180_000 }, async () => {
    const image = file('tasks.img');
    const comparableLines = (text: string): string[] => text.split('\n').map(comparable);
    const expected = comparableLines(await runInQemu('qemu-system-i386', '486', image, 'floppy'));
    const seen = comparableLines(await runHere(image, 'floppy', 150));
    const differences = expected.flatMap((line, n) => (line === seen[n] ? [] : [`${n}: ${line}\n${seen[n]}`]));
    expect(differences.slice(0, 5)).toEqual([]);
    expect(seen.length).toBe(expected.length);
    const counts = Map.groupBy(expected, (line) => line[0]);
    for (const letter of 'NFIR') expect(counts.get(letter)?.length, letter).toBeGreaterThan(50);
  });
});
