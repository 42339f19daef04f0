/** The recorded hardware tests of `../shared/vectors`, all of them, on the real engine (scripts/vectors.ts). */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { chunk, text, u16, u32 } from '../scripts/hardware-vectors/moo-chunks.ts';
import { repositoryRoot, runCommand } from '../scripts/run-command.ts';

const FOLDERS = ['8086', '80286-real-mode'].map((set) => join(repositoryRoot, '..', 'shared', 'vectors', set));

describe.skipIf(!FOLDERS.every(existsSync))('recorded hardware tests (they need ../shared/vectors)', () => {
  it.each(FOLDERS)('%s', { timeout: 120_000 }, async (folder) => {
    const script = join(repositoryRoot, 'scripts', 'vectors.ts');
    const { exitCode, output } = await runCommand(process.execPath, [script, folder]);
    expect(output).toMatch(/^\d{5,} passed, 0 failed$/m);
    expect(exitCode).toBe(0);
  });

  it('run on compiled code', { timeout: 120_000 }, async () => {
    const script = join(repositoryRoot, 'scripts', 'vectors.ts');
    const { output } = await runCommand(process.execPath, [script, '--max', '5', '--engine', 'compiler-at-once']);
    const [, passed] = /^(\d+) passed, 0 failed$/m.exec(output) ?? [];
    const [, compiled, none] = /^(\d+) ran in compiled code; none of (.*)$/m.exec(output) ?? [];
    expect(Number(passed)).toBeGreaterThan(3000);
    expect(Number(compiled)).toBeGreaterThan(0.9 * Number(passed));
    // Segment registers of the stack, BOUND, ARPL, ports, interrupts, HLT and STI; what is no instruction, or faults.
    const never = [
      '17',
      '62',
      '63',
      '6C',
      '6D',
      '6E',
      '6F',
      'C6',
      'C7',
      'CC',
      'CD',
      'CE',
      'CF',
      'F4',
      'F6.6',
      'FB',
      'FF.7',
    ];
    expect(none?.split(', ').filter((form) => !never.includes(form))).toEqual([]);
  });
});

describe('the command', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'x86-vm-vectors-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const run = (...words: string[]) =>
    runCommand(process.execPath, [join(repositoryRoot, 'scripts', 'vectors.ts'), ...words]);

  /** Two tests of NOP at 0:1000h; the other one was recorded with a wrong AX. */
  const nops = (processor: string): Uint8Array => {
    const nop = (index: number, ax: number) =>
      chunk('TEST', [
        ...u32(index),
        ...chunk('NAME', [...u32(3), ...text('nop')]),
        ...chunk('BYTS', [...u32(2), 0x90, 0xf4]),
        ...chunk('INIT', [
          ...chunk('REGS', [...u16(0x3fff), ...new Array<number[]>(12).fill(u16(0)).flat(), ...u16(0x1000), ...u16(2)]),
          ...chunk('RAM ', [...u32(2), ...u32(0x1000), 0x90, ...u32(0x1001), 0xf4]),
        ]),
        ...chunk('FINA', chunk('REGS', [...u16(0x1001), ...u16(ax), ...u16(0x1001)])),
      ]);
    const header = chunk('MOO ', [1, 1, 0, 0, ...u32(2), ...text(processor)]);
    return gzipSync(Uint8Array.from([...header, ...nop(0, 0), ...nop(1, 5)]));
  };

  it('runs the folders that are given, and ends with what failed and the sums', async () => {
    writeFileSync(join(folder, 'metadata.json'), '{"opcodes":{}}');
    writeFileSync(join(folder, '90.MOO.gz'), nops('8086'));
    const { exitCode, output } = await run(folder);
    expect(output).toBe('8086 90: 1 of 2 failed; test 1 “nop” (90 f4): ax 5h expected, 0h found\n1 passed, 1 failed\n');
    expect(exitCode).toBe(1);
    expect((await run(folder, '--max', '1')).output).toBe('1 passed, 0 failed\n');
  });

  it('says what is wrong with a folder', async () => {
    expect(await run(folder)).toMatchObject({ exitCode: 2, output: `${folder}: no file ends with .MOO.gz\n` });
    writeFileSync(join(folder, 'metadata.json'), '{"opcodes":{}}');
    writeFileSync(join(folder, '90.MOO.gz'), nops('Z80 '));
    const output = `${folder}: 90.MOO.gz was recorded on an unknown processor, Z80\n`;
    expect(await run(folder)).toMatchObject({ exitCode: 2, output });
  });
});
