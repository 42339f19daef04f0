/** CPUID as registers: all leaves of every model, with fields that do not overlap. */
import { describe, expect, it } from 'vitest';
import { cpuModels, modelFacts } from '../isa/cpu-model.ts';
import { cpuid, cpuidLeaves } from './cpuid.ts';
import { cpuidRows } from './cpuid-rows.ts';

const surroundings = { control4: 0, ticksPerSecond: 1e6 };

describe.each(cpuModels)('the CPUID of %s', (name) => {
  const model = modelFacts(name);
  const rows = cpuidRows(model, surroundings);

  it('has a row for each leaf, with what the leaf answers', () => {
    expect(rows.map(({ leaf, subleaf }) => ({ leaf, subleaf }))).toEqual(cpuidLeaves(model));
    for (const { leaf, subleaf, registers } of rows) {
      const told = Object.fromEntries(registers.map((register) => [register.name, register.value]));
      expect(told).toEqual(cpuid(model, leaf, subleaf, surroundings));
    }
  });

  it('has fields with names of their own that share no bit', () => {
    for (const { leaf, registers } of rows) {
      for (const { name: register, fields } of registers) {
        const names = fields.map((field) => field.name);
        expect(new Set(names).size, `${leaf.toString(16)} ${register}: ${names.join(' ')}`).toBe(names.length);
        let end = 0;
        for (const { low, width } of fields) {
          expect(low, `${leaf.toString(16)} ${register} ${names.join(' ')}`).toBeGreaterThanOrEqual(end);
          end = low + width;
        }
        expect(end).toBeLessThanOrEqual(32);
      }
    }
  });

  it('names every bit of the leaves of features that is set', () => {
    for (const { leaf, registers } of rows.filter((row) => row.leaf === 1 || row.leaf === 7)) {
      for (const { name: register, value, fields } of registers) {
        const known = fields.reduce((mask, { low, width }) => mask | (((1n << BigInt(width)) - 1n) << BigInt(low)), 0n);
        expect(BigInt(value) & ~known, `${leaf} ${register}`).toBe(0n);
      }
    }
  });
});
