/** What a model advertises is built and tested, and the page that says so is current. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { builtFeatures, cpuFeatures } from '../../vm-core/isa/cpu-feature.ts';
import { cpuModels, hasFeature, modelFacts } from '../../vm-core/isa/cpu-model.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { modelSpecificRegisters } from '../../vm-core/cpu/model-specific-registers.ts';
import { msrRows } from '../../vm-core/state/msr-table.ts';
import { featureTests } from './feature-tests.ts';
import { isShown, SUPPORT_PAGE, supportPage, testsOfFeature, testsOfRow } from './support.ts';

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
    expect(readFileSync(join(repositoryRoot, file), 'utf8')).toContain(words);
  });

  it('are one for each feature', () => {
    expect(new Set(featureTests.map(({ feature }) => feature)).size).toBe(featureTests.length);
  });
});

it('the page is current (npm run generate)', () => {
  expect(supportPage()).toBe(readFileSync(join(repositoryRoot, SUPPORT_PAGE), 'utf8'));
});
