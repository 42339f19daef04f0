/** What a model advertises is built and tested, and the page that says so is current. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { cpuid, cpuidLeaves } from '../../vm-core/cpu/cpuid.ts';
import {
  builtFeatures,
  type CpuidBit,
  type CpuidRegister,
  cpuFeatures,
  cpuidBits,
} from '../../vm-core/isa/cpu-feature.ts';
import { type CpuModel, cpuModels, hasFeature, modelFacts } from '../../vm-core/isa/cpu-model.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { modelSpecificRegisters } from '../../vm-core/cpu/model-specific-registers.ts';
import { ONE_CPU, requireTopology, type Topology } from '../../vm-core/cpu/topology.ts';
import { msrRows } from '../../vm-core/state/msr-table.ts';
import { featureTests } from './feature-tests.ts';
import { isShown, SUPPORT_PAGE, supportPage, testsOfFeature, testsOfRow } from './support.ts';

/** Where CPUID tells of a feature. */
const placeOf = ({ leaf, register }: CpuidBit): string => `${leaf} ${register}`;

const hex = (value: number): string => (value >>> 0).toString(16);

const topologies: readonly Topology[] = [
  ONE_CPU,
  { ...ONE_CPU, packages: 4 },
  { ...ONE_CPU, coresPerPackage: 2 },
  { packages: 2, coresPerPackage: 2, threadsPerCore: 2 },
];

function isPossible(topology: Topology, model: CpuModel): boolean {
  try {
    requireTopology(topology, modelFacts(model));
    return true;
  } catch {
    return false;
  }
}

/** HTT: a package has several cores or threads; AMD says that they are counted as cores. */
const isOfMachine = ({ feature }: CpuidBit, model: CpuModel, topology: Topology): boolean => {
  const isOne = topology.coresPerPackage * topology.threadsPerCore === 1;
  return !isOne && (feature === 'HTT' || (feature === 'CmpLegacy' && modelFacts(model).vendor === 'AuthenticAMD'));
};

/** AMD repeats bits of leaf 1 there (AMD64 manual vol. 3, function 8000_0001h). */
const [AMD_LEAF, REPEATED_BY_AMD] = [`${0x8000_0001} EDX`, 0x0183_f3ff];

/** The title of a test or of a group of tests: a text with which the arguments of a call begin, before a function. */
const TITLE = /\(\s*(['"`])((?:(?!\1).)*)\1,\s*(?:\{[^}]*\},\s*)?(?:async )?\(/g;

const isAdvertised = (feature: Parameters<typeof hasFeature>[1]) =>
  cpuModels.some((model) => hasFeature(model, feature));

describe('what models advertise', () => {
  it('are features that are built and tested', () => {
    for (const model of cpuModels) {
      for (const feature of modelFacts(model).features) expect(builtFeatures).toContain(feature);
    }
    const bare = cpuFeatures.filter((feature) => isAdvertised(feature) && testsOfFeature(feature).length === 0);
    expect(bare).toEqual([]);
  });

  const asked = cpuModels
    .filter((model) => hasFeature(model, 'CPUID'))
    .flatMap((name) =>
      topologies.filter((topology) => isPossible(topology, name)).map((topology) => ({ name, topology })),
    );

  it.each(asked)('are in the CPUID of $name, bit by bit, with $topology', ({ name, topology }) => {
    const model = modelFacts(name);
    const around = { control4: 0, ticksPerSecond: 1e6, is64BitMode: true, topology };
    const repeated = model.vendor === 'AuthenticAMD' ? cpuid(model, 1, 0, around).EDX & REPEATED_BY_AMD : 0;
    const has = new Set(cpuidLeaves(model).map(({ leaf }) => leaf));
    for (const place of new Set(cpuidBits.map(placeOf))) {
      const [leaf, register] = place.split(' ') as [string, CpuidRegister];
      if (!has.has(Number(leaf))) continue;
      const told = cpuid(model, Number(leaf), 0, around)[register];
      const shown = cpuidBits
        .filter((bit) => placeOf(bit) === place && (hasFeature(name, bit.feature) || isOfMachine(bit, name, topology)))
        .filter(({ feature }) => testsOfFeature(feature).length > 0)
        .reduce((mask, { bit }) => (mask | (1 << bit)) >>> 0, 0);
      const expected = place === AMD_LEAF ? shown | repeated : shown;
      expect(hex(told), `leaf ${place}`).toBe(hex(expected));
    }
  });

  it('are instructions that are tested in every mode they have', () => {
    const bare = instructionRows
      .filter(({ feature }) => isAdvertised(feature))
      .flatMap((row) => {
        const { short, long } = testsOfRow(row);
        const missing = [
          row.mode !== 'o64' && short.length === 0 && '16/32',
          row.mode !== 'i64' && long.length === 0 && '64',
        ];
        return missing.filter(Boolean).map((mode) => `${row.opcode} ${row.name} in ${mode}-bit code`);
      });
    expect(bare).toEqual([]);
  });

  it('are instructions of which more is shown than that programs may not have them', () => {
    const bare = instructionRows.filter((row) => isAdvertised(row.feature) && !isShown(testsOfRow(row)));
    expect(bare.map(({ opcode, name }) => `${opcode} ${name}`)).toEqual([]);
  });

  it('are registers that the property test has rules for', () => {
    const advertised = new Set(cpuModels.flatMap((model) => [...modelSpecificRegisters(modelFacts(model)).keys()]));
    const text = readFileSync(join(repositoryRoot, 'vm-core/cpu/msr-properties.test.ts'), 'utf8');
    expect(text).toContain('are of all registers of the table, and of no others');
    expect([...advertised].filter((number) => !msrRows.some((row) => row.number === number))).toEqual([]);
  });
});

describe('the tests of features', () => {
  it.each(featureTests)('$feature is in $file', ({ feature, file, words }) => {
    expect(cpuFeatures).toContain(feature);
    expect(existsSync(join(repositoryRoot, file)), file).toBe(true);
    expect(file).toMatch(/\.test\.ts$/);
    const titles = [...readFileSync(join(repositoryRoot, file), 'utf8').matchAll(TITLE)].map(([, , title]) => title);
    expect(titles.filter((title) => title?.includes(words))).not.toEqual([]);
  });

  it('are one for each feature', () => {
    expect(new Set(featureTests.map(({ feature }) => feature)).size).toBe(featureTests.length);
  });
});

it('the page is current (npm run generate)', () => {
  expect(supportPage()).toBe(readFileSync(join(repositoryRoot, SUPPORT_PAGE), 'utf8'));
});
