/** The bench's guests that change code or tasks come to their end, by as many instructions compiled as interpreted. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createMachine, createOverlayStore, memorySource } from '../../vm-core/index.ts';
import { assembleGuest, eventKernels, modifyingKernels } from './guest-images.ts';

const ITERATIONS = 100;
const INSTRUCTIONS_MAX = 5_000_000;

const directory = mkdtempSync(join(tmpdir(), 'x86-vm-guests-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What the guest has sent, and when it asked for the end. */
function run(image: string, cpuModel: '386' | 'x86-64-v3', engine: 'interpreter' | 'compiler-at-once') {
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
  const { reason } = machine.run({ instructionsMax: INSTRUCTIONS_MAX });
  return { sent, reason, retired: machine.retired };
}

describe.skipIf(spawnSync('nasm', ['-v']).status !== 0)('a guest of the bench comes to its end', () => {
  const cases = [...modifyingKernels, ...eventKernels].flatMap((kernel) => [
    { kernel, frame: 'paged-loop' as const, model: '386' as const },
    { kernel, frame: 'long-loop' as const, model: 'x86-64-v3' as const },
  ]);
  it.for(cases)('$kernel.description, $frame', { timeout: 60_000 }, async ({ kernel, frame, model }) => {
    const image = await assembleGuest(directory, { ...kernel, iterations: ITERATIONS }, frame);
    const interpreted = run(image, model, 'interpreter');
    expect(interpreted).toMatchObject({ sent: 'SE', reason: 'request' });
    expect(run(image, model, 'compiler-at-once')).toEqual(interpreted);
  });
});
