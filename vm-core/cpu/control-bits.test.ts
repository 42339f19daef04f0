/** The bits of CR4 that each model lets software write are those of its features (SDM vol. 3A §2.5); others are #GP(0). */
import { describe, expect, it } from 'vitest';
import type { CpuFeature } from '../isa/cpu-feature.ts';
import { control4Bits } from '../isa/cpu-feature.ts';
import { cpuModels, modelFacts } from '../isa/cpu-model.ts';
import { slot } from '../state/layout.ts';
import { VECTOR_GP } from './cpu.ts';
import { faultOf, realCpu, withModel } from './fake-cpu.ts';
import { writeCr4 } from './paging-registers.ts';

/** By bit; PCIDE (17) is for long mode alone, which has its own test. */
const FEATURES: Readonly<Record<number, CpuFeature>> = {
  ...{
    0: 'VME',
    1: 'VME',
    2: 'TSC',
    3: 'DE',
    4: 'PSE',
    5: 'PAE',
    6: 'MCE',
    7: 'PGE',
    8: 'RDPMC',
    9: 'FXSR',
    10: 'SSE',
  },
  ...{ 11: 'UMIP', 12: 'LA57', 16: 'FSGSBASE', 18: 'XSAVE', 20: 'SMEP', 21: 'SMAP', 22: 'PKU', 24: 'PKS' },
};
const PCIDE = 17;

describe.each(cpuModels)('CR4 of %s', (name) => {
  const { features } = modelFacts(name);
  const bits = Array.from({ length: 32 }, (_, bit) => bit).filter((bit) => bit !== PCIDE);

  it.each(bits)('takes bit %d if the feature is there', (bit) => {
    const cpu = withModel(realCpu(), name);
    const feature = FEATURES[bit];
    const value = 2 ** bit;
    const isThere = feature !== undefined && features.has(feature);
    expect((control4Bits(features) & value) !== 0).toBe(isThere);
    expect(faultOf(() => writeCr4(cpu, value))).toEqual(isThere ? undefined : [VECTOR_GP, 0]);
    expect(cpu.state.read32(slot.CR4)).toBe(isThere ? value : 0);
  });
});
