/** The bench's programs come to the same sum here, compiled or interpreted, as on this computer. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMachine, createOverlayStore, memorySource } from '../../vm-core/index.ts';
import { compileProgram, hasCompiler, programs } from './program-images.ts';

const ROUNDS = 2;
const INSTRUCTIONS_MAX = 100_000_000;

const directory = mkdtempSync(join(tmpdir(), 'x86-vm-programs-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a boot of the image sends on its serial port. */
function sentBy(image: string, cpuModel: 'core2' | 'x86-64-v3', engine: 'interpreter' | 'compiler-at-once'): string {
  const machine = createMachine({
    machineType: 'isa-1',
    cpuModel,
    memorySize: 16 << 20,
    engine,
    firmware: 'builtin',
    disk: createOverlayStore(memorySource('image', readFileSync(image))),
    exitDevice: true,
    startTimeMs: 0,
  });
  let sent = '';
  machine.onOutput = (device, channel, bytes) => {
    if (device === 'uart-1' && channel === 'serial') sent += new TextDecoder().decode(bytes);
  };
  machine.run({ instructionsMax: INSTRUCTIONS_MAX });
  return sent;
}

describe.skipIf(!hasCompiler())('a program in C comes to the same sum as on this computer', () => {
  const cases = programs.flatMap((program) => ([32, 64] as const).map((codeSize) => ({ program, codeSize })));
  it.for(cases)('$program.description, $codeSize-bit code', { timeout: 60_000 }, async ({ program, codeSize }) => {
    const { image, native } = await compileProgram(directory, { ...program, rounds: ROUNDS }, codeSize);
    const model = codeSize === 64 ? 'x86-64-v3' : 'core2';
    const sent = sentBy(image, model, 'interpreter');
    expect(sent).toMatch(/^S[0-9a-f]{8}E$/);
    expect(sentBy(image, model, 'compiler-at-once')).toBe(sent);
    if (native !== undefined) expect(sent).toBe(spawnSync(native, { encoding: 'utf8' }).stdout);
  });
});
