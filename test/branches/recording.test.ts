/** A guest that programs branch recording and checks itself, on every model with a layout of its own, in 32- and 64-bit mode. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  type CpuModel,
  createMachine,
  createOverlayStore,
  findRegister,
  type Machine,
  type MachineConfig,
  memorySource,
  type Register,
} from '../../vm-core/index.ts';
import { assemble, hasNasm } from '../support/boot-sectors.ts';

/** What the program is told of a model, in the names that it has for it. */
type Layout = Readonly<Record<string, number>>;

const NOTHING: Layout = {
  PAIR: 0,
  PACKED: 0,
  SOURCES: 0,
  TARGETS: 0,
  TOS: 0,
  DEPTH: 1,
  TRACE: 0,
  INTERRUPT: 0,
  NOT_SYSTEM: 0,
};
const PAIR: Layout = { ...NOTHING, PAIR: 1, LER: 0x1dd, RESERVED: 0x80, FIELD: 4 };
const NETBURST: Layout = { ...NOTHING, TOS: 0x1da, LER: 0x1d7, TRACE: 0xc, INTERRUPT: 0x10, RESERVED: 0x80 };
const CORE: Layout = {
  ...{ ...NOTHING, TOS: 0x1c9, LER: 0x1dd, TRACE: 0xc0, INTERRUPT: 0x100, NOT_SYSTEM: 0x200, RESERVED: 4, FIELD: 8 },
};
const later = { SOURCES: 0x680, TARGETS: 0x6c0 };
const early = { SOURCES: 0x40, TARGETS: 0x60 };

const layouts: Readonly<Partial<Record<CpuModel, Layout>>> = {
  pentium3: PAIR,
  pentium4: { ...NETBURST, PACKED: 1, DEPTH: 4, FIELD: 4 },
  prescott: { ...NETBURST, ...later, DEPTH: 16, NOT_SYSTEM: 0x20, FIELD: 8 },
  core2: { ...CORE, ...early, DEPTH: 4 },
  atom: { ...CORE, ...early, DEPTH: 8 },
  'x86-64-v2': { ...CORE, ...later, DEPTH: 16 },
  'x86-64-v3': { ...CORE, ...later, DEPTH: 16 },
  skylake: { ...CORE, ...later, DEPTH: 32 },
  'amd-zen': PAIR,
  max: { ...CORE, ...later, DEPTH: 32 },
};

const SECTORS = 12;

function machineOf(model: CpuModel, isLong: boolean, changes: Partial<MachineConfig> = {}): Machine {
  const given = { ...layouts[model], LONG_MODE: isLong ? 1 : 0, SECTORS };
  const defines = Object.entries(given).map(([name, value]) => `${name} equ ${value}`);
  const parts = ['kernels/boot-sector.asm', 'branches/recording.asm'].map((path) =>
    readFileSync(join(import.meta.dirname, '..', path), 'utf8'),
  );
  const image = assemble([...defines, ...parts].join('\n'));
  return createMachine({
    ...{ machineType: 'isa-1', cpuModel: model, memorySize: 2 << 20, firmware: 'builtin', exitDevice: true },
    disk: createOverlayStore(memorySource('branches', image)),
    startTimeMs: 0,
    ...changes,
  });
}

/** What the program gives to the exit device; text for any other end. */
function codeOf(machine: Machine): number | string {
  const result = machine.run({ instructionsMax: 10_000_000, timeMax: 10_000_000 });
  if (result.reason !== 'request') return `${result.reason} at ${machine.cpus[0].linearEip.toString(16)}`;
  return result.request.kind === 'exit' ? result.request.value : result.request.kind;
}

const models = Object.keys(layouts) as readonly CpuModel[];
const long = models.filter((model) => model !== 'pentium3' && model !== 'pentium4');

describe.skipIf(!hasNasm)('a guest that records its branches (it needs nasm)', () => {
  it.each(models)('finds in 32-bit mode on %s what it should', (model) => {
    expect(codeOf(machineOf(model, false))).toBe(0);
  });

  it.each(long)('finds in 64-bit mode on %s what it should', (model) => {
    expect(codeOf(machineOf(model, true))).toBe(0);
  });

  it.each([false, true])('finds it where code is compiled when it is first executed (64-bit mode: %s)', (isLong) => {
    expect(codeOf(machineOf('core2', isLong, { engine: 'compiler-at-once' }))).toBe(0);
  });

  it('finds it on one of two processors', () => {
    const topology = { packages: 2, coresPerPackage: 1, threadsPerCore: 1 };
    const machine = machineOf('skylake', true, { topology });
    expect(codeOf(machine)).toBe(0);
    const top = findRegister('MSR_LASTBRANCH_TOS') as Register;
    const [first, second] = machine.cpus.map(({ state }) => state.readRegister(top));
    expect([first !== 0n, second]).toEqual([true, 0n]);
  });

  it('does so while the debugger keeps its own record, instruction by instruction the same', () => {
    const [watched, alone] = [machineOf('core2', true), machineOf('core2', true)];
    watched.recordsBranches = true;
    expect([codeOf(watched), codeOf(alone)]).toEqual([0, 0]);
    expect(watched.retired).toBe(alone.retired);
    expect(watched.cpus[0].branches().length).toBeGreaterThan(0);
  });
});
