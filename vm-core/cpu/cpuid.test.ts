import { describe, expect, it } from 'vitest';
import { builtFeatures, type CpuFeature, control4Bits, cpuidBits } from '../isa/cpu-feature.ts';
import { type CpuModel, cpuModels, hasFeature, modelFacts } from '../isa/cpu-model.ts';
import { CR4_PCIDE } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { ID } from '../state/lazy-flags.ts';
import { VECTOR_GP, VECTOR_UD } from './cpu.ts';
import { type CpuidAnswer, cpuid } from './cpuid.ts';
import { execute, type FakeCpu, faultOf, realCpu, withModel } from './fake-cpu.ts';

const REGISTERS = ['EAX', 'EBX', 'ECX', 'EDX'] as const;

function ask(cpu: FakeCpu, leaf: number, subleaf = 0): CpuidAnswer {
  cpu.state.write32(slot.EAX, leaf);
  cpu.state.write32(slot.ECX, subleaf);
  execute(cpu, 'CPUID');
  return Object.fromEntries(REGISTERS.map((name) => [name, cpu.state.read32(slot[name])])) as CpuidAnswer;
}

function characters(...values: readonly number[]): string {
  const bytes = values.flatMap((value) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff));
  return String.fromCharCode(...bytes.filter((byte) => byte !== 0));
}

describe('CPUID', () => {
  it('names the vendor and the highest leaf', () => {
    const intel = ask(withModel(realCpu(), 'pentium3'), 0);
    expect([intel.EAX, characters(intel.EBX, intel.EDX, intel.ECX)]).toEqual([2, 'GenuineIntel']);
    const amd = ask(withModel(realCpu(), 'amd-zen'), 0);
    expect(characters(amd.EBX, amd.EDX, amd.ECX)).toBe('AuthenticAMD');
  });

  it('tells family, model and stepping as software takes them apart', () => {
    const signatures = cpuModels.slice(1).map((model) => ask(withModel(realCpu(), model), 1).EAX);
    expect(signatures.map((value) => value.toString(16))).toEqual([
      '480',
      '52c',
      '683',
      'f29',
      'f43',
      '6fb',
      '106ca',
      '106a5',
      '306c3',
      '506e3',
      '800f12',
      '806f8',
    ]);
  });

  it('tells the brand where there are leaves for it', () => {
    const cpu = withModel(realCpu(), 'core2');
    const words = [2, 3, 4].flatMap((n) => Object.values(ask(cpu, 0x8000_0000 + n)));
    expect(characters(...words)).toBe('Intel Core 2');
    expect(ask(cpu, 0x8000_0000).EAX).toBe(0x8000_0008);
  });

  it('answers beyond the last leaf as for the last basic one, AMD with zeros', () => {
    const cpu = withModel(realCpu(), 'pentium3');
    expect(ask(cpu, 0x8000_0000)).toEqual(ask(cpu, 2));
    expect(ask(cpu, 77)).toEqual(ask(cpu, 2));
    expect(ask(withModel(realCpu(), 'amd-zen'), 77)).toEqual({ EAX: 0, EBX: 0, ECX: 0, EDX: 0 });
  });

  it('tells caches, topology, clock and address sizes', () => {
    const cpu = withModel(realCpu(), 'max');
    const l1 = ask(cpu, 4, 0);
    const bytes = ((l1.EBX >>> 22) + 1) * ((l1.EBX & 0xfff) + 1) * (l1.ECX + 1);
    expect([l1.EAX & 0xff, bytes]).toEqual([0x21, 32768]);
    expect(ask(cpu, 4, 9).EAX).toBe(0);
    expect([ask(cpu, 11, 0).ECX, ask(cpu, 11, 1).ECX, ask(cpu, 11, 2).ECX]).toEqual([0x100, 0x201, 2]);
    expect(ask(cpu, 0x15)).toEqual({ EAX: 1, EBX: 1, ECX: 200_000_000, EDX: 0 });
    expect(ask(cpu, 0x16).EAX).toBe(200);
    expect(ask(cpu, 0x8000_0008).EAX & 0xff).toBe(46);
  });

  it('tells the caches of AMD in the extended leaves, which are not there with Intel', () => {
    const amd = withModel(realCpu(), 'amd-zen');
    expect([ask(amd, 4).EAX, ask(withModel(realCpu(), 'max'), 0x8000_0005).ECX]).toEqual([0, 0]);
    const { ECX: data, EDX: code } = ask(amd, 0x8000_0005);
    expect([data >>> 24, data & 0xff, code >>> 24]).toEqual([32, 64, 32]);
    const { ECX: second, EDX: third } = ask(amd, 0x8000_0006);
    expect([second >>> 16, (second >>> 12) & 15, (third >>> 18) / 2, (third >>> 12) & 15]).toEqual([512, 6, 8, 8]);
  });

  it('tells OSXSAVE and OSPKE as CR4 is', () => {
    const surroundings = { control4: (1 << 18) | (1 << 22), ticksPerSecond: 1 };
    expect(cpuid(modelFacts('max'), 1, 0, surroundings).ECX & (1 << 27)).toBe(1 << 27);
    expect(cpuid(modelFacts('max'), 7, 0, surroundings).ECX & (1 << 4)).toBe(1 << 4);
    expect(cpuid(modelFacts('max'), 1, 0, { ...surroundings, control4: 0 }).ECX & (1 << 27)).toBe(0);
  });

  it.each(cpuModels)('of %s advertises exactly the features that it has and that are built', (model) => {
    const cpu = withModel(realCpu(), model);
    const highest = modelFacts(model);
    for (const { feature, leaf, register, bit } of cpuidBits) {
      if (leaf > (leaf < 0x8000_0000 ? highest.leafMax : highest.extendedLeafMax)) continue;
      const told = (ask(cpu, leaf)[register] >>> bit) & 1;
      const isHidden = feature === 'SYSCALL' && highest.vendor === 'GenuineIntel';
      expect([feature, told]).toEqual([feature, hasFeature(model, feature) && !isHidden ? 1 : 0]);
      if (!builtFeatures.has(feature)) expect([feature, told]).toEqual([feature, 0]);
    }
    expect(ask(cpu, 7, 1)).toEqual(modelFacts(model).leafMax >= 7 ? { EAX: 0, EBX: 0, ECX: 0, EDX: 0 } : ask(cpu, 7));
  });
});

it('CPUID tells 64-bit code of SYSCALL, other code only on AMD', () => {
  const told = (model: CpuModel, is64BitMode: boolean) => {
    const facts = modelFacts(model);
    const asked = { ...facts, features: new Set<CpuFeature>([...facts.features, 'SYSCALL']) };
    return (cpuid(asked, 0x8000_0001, 0, { control4: 0, ticksPerSecond: 1, is64BitMode }).EDX >>> 11) & 1;
  };
  expect([told('core2', false), told('core2', true)]).toEqual([0, 1]);
  expect([told('amd-zen', false), told('amd-zen', true)]).toEqual([1, 1]);
});

describe('models', () => {
  it('have each later Intel one all features of those before it but test registers, the P6’s counters and layouts of branch records', () => {
    // The Atom is beside the others.
    const intel = cpuModels.map(modelFacts).filter(({ vendor, name }) => vendor === 'GenuineIntel' && name !== 'atom');
    const isLayout = (feature: string) => /^LBR|Branches$/.test(feature);
    intel.slice(1).forEach(({ features }, n) => {
      const gone = new Set(['BufferTest', 'CacheTest', 'PMC2']);
      for (const feature of intel[n]?.features ?? [])
        if (!gone.has(feature) && !isLayout(feature)) expect(features).toContain(feature);
    });
  });

  it('say in DX after RESET what CPUID says', () => {
    expect(modelFacts('386').signature).toBe(0x308);
  });
});

describe('CR4', () => {
  const write = (cpu: FakeCpu, value: number) => {
    cpu.state.write32(slot.EBX, value);
    return () => execute(cpu, 'MOV_TO_CR', { reg: 4, rmSlot: slot.EBX });
  };

  it('is there from the processors with CPUID on', () => {
    expect(faultOf(write(realCpu(), 0))).toEqual([VECTOR_UD, undefined]);
    expect(faultOf(write(withModel(realCpu(), '486'), 0))).toBeUndefined();
  });

  it.each(cpuModels.slice(1))('of %s holds the bits of its features and no others', (model) => {
    const cpu = withModel(realCpu(), model);
    // Process-context identifiers are for long mode.
    const mask = control4Bits(modelFacts(model).features) & ~CR4_PCIDE;
    write(cpu, mask)();
    expect(cpu.state.read32(slot.CR4)).toBe(mask);
    for (let bit = 0; bit < 32; bit++) {
      const fault = faultOf(write(cpu, 2 ** bit));
      expect([bit, fault]).toEqual([bit, (mask & (1 << bit)) === 0 ? [VECTOR_GP, 0] : undefined]);
    }
  });

  it('bits come from features', () => {
    const some: readonly CpuFeature[] = ['VME', 'TSC', 'SMAP'];
    expect(control4Bits(new Set(some))).toBe(0x20_0007);
  });
});

describe('EFLAGS.ID', () => {
  it.each([
    { model: '386', changed: 0 },
    { model: '486', changed: ID },
  ] as const)('of a $model can be changed: $changed', ({ model, changed }) => {
    const cpu = withModel(realCpu(), model);
    cpu.writeLinear(0x20100, 4, ID);
    execute(cpu, 'POPF', { operandSize: 32 });
    expect(cpu.state.eflags & ID).toBe(changed);
  });
});
