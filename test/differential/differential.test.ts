/** A short differential run against QEMU: every form of instruction once in each mode, then random sequences. */
import { afterAll, describe, expect, it } from 'vitest';
import { comparedForms, type Form, formName } from '../../scripts/differential/forms.ts';
import type { Mode } from '../../scripts/differential/image.ts';
import { Qemu, qemuVersion } from '../../scripts/differential/qemu.ts';
import { Rounds } from '../../scripts/differential/round.ts';
import { InterruptRounds } from '../../scripts/differential/interrupts/rounds.ts';
import { systemTools } from '../../scripts/differential/guest-in-qemu.ts';
import { SystemRounds, systemModes } from '../../scripts/differential/system/rounds.ts';

const SEED = 386;
const MODES: readonly Mode[] = ['real', 'protected'];
const IMAGES_PER_MODE_MAX = 6;
const RANDOM_ROUNDS = 1;
const SYSTEM_SEED = 2;
const CASES_PER_SYSTEM_MODE = 400;
const SEQUENCES_OF_STEPS = 40;

const version = qemuVersion();
if (version === undefined) console.warn('differential run: SKIPPED, it needs QEMU (qemu-system-i386)');

describe.skipIf(version === undefined)('differential run against QEMU', () => {
  const qemu = new Qemu();
  const rounds = new Rounds(qemu);
  const compared = new Set<string>();

  afterAll(() => qemu.close());

  it.each(MODES)('every form in %s mode', { timeout: 120_000 }, (mode) => {
    let left: readonly Form[] = comparedForms;
    for (let image = 0; left.length > 0; image++) {
      expect(image).toBeLessThan(IMAGES_PER_MODE_MAX);
      const round = rounds.about(SEED + image, mode, left);
      expect(round.failures).toEqual([]);
      for (const form of round.forms) compared.add(form);
      left = round.left;
    }
  });

  it('leaves no form out', () => {
    expect(comparedForms.map(formName).filter((name) => !compared.has(name))).toEqual([]);
  });

  it.each(MODES)('random sequences in %s mode', { timeout: 120_000 }, (mode) => {
    for (let round = 0; round < RANDOM_ROUNDS; round++) {
      const { failures, passed } = rounds.random(SEED + round, mode);
      expect(failures).toEqual([]);
      expect(passed).toBeGreaterThan(500);
    }
  });
});

const hasSystemTools = systemTools() !== undefined;
if (!hasSystemTools) console.warn('differential run of system code: SKIPPED, it needs qemu-system-x86_64 and nasm');

describe.skipIf(!hasSystemTools)('differential run of system code', () => {
  const rounds = new SystemRounds();

  afterAll(() => rounds.close());

  it.each(systemModes)('random cases of %s', { timeout: 120_000 }, (mode) => {
    const { failures, passed } = rounds.run(mode, SYSTEM_SEED, CASES_PER_SYSTEM_MODE);
    expect(failures).toEqual([]);
    expect(passed).toBe(CASES_PER_SYSTEM_MODE);
  });
});

describe.skipIf(!hasSystemTools)('differential run of interrupt controllers', () => {
  const rounds = new InterruptRounds();

  afterAll(() => rounds.close());

  it('random steps', { timeout: 120_000 }, () => {
    const { failures, passed, steps } = rounds.run(SYSTEM_SEED, SEQUENCES_OF_STEPS);
    expect(failures).toEqual([]);
    expect(passed).toBe(SEQUENCES_OF_STEPS);
    expect(steps).toBeGreaterThan(SEQUENCES_OF_STEPS * 10);
  });
});
