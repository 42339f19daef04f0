/**
 * The interpreter and the compiler in lock-step, for as long as there is time in every run of the tests; `npm run lock-step`
 * runs whole guests (scripts/lock-step.ts).
 */
import { describe, expect, it } from 'vitest';
import { guests } from '../../scripts/lock-step/guests.ts';
import { type LockStepResult, type LockStepRun, lockStep } from '../../scripts/lock-step/lock-step.ts';
import { createOverlayStore, type DeviceRow, type MachineConfig, memorySource } from '../../vm-core/index.ts';

const SECTOR = 512;
const TIMEOUT = 120_000;

/** A floppy whose boot sector begins with the code. */
function bootConfig(code: readonly number[], devices: readonly DeviceRow[] = []): MachineConfig {
  const image = new Uint8Array(2880 * SECTOR);
  image.set(code);
  image.set([0x55, 0xaa], SECTOR - 2);
  return {
    machineType: 'isa-1',
    cpuModel: '486',
    memorySize: 1 << 20,
    firmware: 'builtin',
    floppy: createOverlayStore(memorySource('boot.img', image)),
    devices,
    exitDevice: false,
    startTimeMs: 0,
  };
}

/** Port 300h reads otherwise where code is compiled. */
const traitor: DeviceRow = {
  name: 'traitor',
  ports: { data: 0x300 },
  create: (_context, { engine }) => ({
    description: { name: 'traitor', title: 'A device', specification: 'none', version: 1, registers: [] },
    state: {},
    ports: { data: { size: 1, width: 8, read: () => (engine === 'interpreter' ? 5 : 7), write: () => {} } },
    reset: () => {},
  }),
};

/** mov cx,10000; inc bx; add si,bx; loop; mov dx,300h; in al,dx; cli; hlt */
const LOOP_AND_READ = [0xb9, 0x10, 0x27, 0x43, 0x01, 0xde, 0xe2, 0xfb, 0xba, 0x00, 0x03, 0xec, 0xfa, 0xf4];

describe('the lock-step', () => {
  const run = (devices: readonly DeviceRow[], atBorders: boolean): LockStepResult =>
    lockStep({
      config: bootConfig(LOOP_AND_READ, devices),
      engine: 'compiler-at-once',
      seed: 7,
      instructionsMax: 1_000_000,
      atBorders,
    });

  it('finds the first instruction that does something else', { timeout: TIMEOUT }, () => {
    const { differences } = run([traitor], false);
    expect(differences[0]).toMatch(/^vCPU 0 RAX: .*5h interpreted, .*7h compiled$/);
    expect(differences.join('\n')).toMatch(/before it: vCPU 0, real mode, 7C0Bh: in al, dx \(ec/);
  });

  it('finds it at the border of its block', { timeout: TIMEOUT }, () => {
    const { differences } = run([traitor], true);
    expect(differences.join('\n')).toMatch(/RAX: .*5h interpreted, .*7h compiled\n/);
  });

  it('runs to the end of what is the same', { timeout: TIMEOUT }, () => {
    const result = run([], true);
    expect(result).toMatchObject({ differences: [], end: 'halted' });
    expect(result.retired).toBeGreaterThan(30_000);
    expect(result.borders).toBeGreaterThan(2);
  });
});

const cases: readonly (Pick<LockStepRun, 'engine' | 'instructionsMax'> & { guest: string; atBorders?: boolean })[] = [
  { guest: 'seabios', engine: 'compiler', instructionsMax: 20_000_000 },
  { guest: 'linux-686', engine: 'compiler-random:5', instructionsMax: 5_000_000 },
  { guest: 'linux-cloud-amd64', engine: 'compiler', instructionsMax: 40_000_000 },
  { guest: 'memtest-64', engine: 'compiler-random:6', instructionsMax: 400_000, atBorders: true },
];

describe.each(cases)('$guest with $engine', ({ guest, ...run }) => {
  const config = guests[guest]?.();

  it.skipIf(config === undefined)('is the same everywhere (skipped without its packages)', { timeout: TIMEOUT }, () => {
    const result = lockStep({ config: config as MachineConfig, seed: 1, ...run });
    expect(result.differences).toEqual([]);
    expect(result.retired).toBeGreaterThanOrEqual(run.instructionsMax);
  });
});
