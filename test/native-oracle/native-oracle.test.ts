/**
 * Instructions of 16-, 32- and 64-bit code at privilege level 3 on this machine's own processor and on ours: registers,
 * flags, memory, selectors, and the exception with its error code and address must be equal.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { hasFeature } from '../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import type { OperandSize } from '../../vm-core/isa/operand.ts';
import type { Form } from '../../scripts/differential/encoder.ts';
import { randomWords } from '../../scripts/differential/random.ts';
import { type Case, namedSeed, type Outcome } from './case.ts';
import { casesOf } from './cases.ts';
import { compare } from './compare.ts';
import { isMakersOwn, notAsked, oracleFormName, oracleFormsOf, oracleModes, oracleRows } from './forms.ts';
import { findProcessor, hasNatively, runNatively } from './native.ts';
import { OurProcessor } from './our-processor.ts';
import { Shown } from './shown.ts';

const CASES_PER_FORM = Number(process.env['ORACLE_CASES'] ?? 12);
/** The same of compiled code. */
const COMPILED_CASES = Number(process.env['ORACLE_COMPILED_CASES'] ?? 1);
const SEED = Number(process.env['ORACLE_SEED'] ?? 20261120);
/** Forms that have not come to their end in a round are asked again, so often. */
const ROUNDS_MAX = 8;
const TIME_MAX_MS = 3_600_000;
/** So many cases go to the processor at once. */
const BATCH = 50_000;

const processor = findProcessor();
if (processor.missing) console.warn(`native oracle: SKIPPED, ${processor.missing}`);
const absent = new Set(
  oracleRows.filter(({ feature }) => !hasNatively(processor, feature)).map(({ feature }) => feature),
);
if (absent.size > 0)
  console.warn(`native oracle: SKIPPED for this processor has not got them: ${[...absent].join(', ')}`);

/** The forms of a mode that this processor has, as we do. */
function formsHere(mode: OperandSize): readonly Form[] {
  return oracleFormsOf(mode).filter(
    (form) => hasNatively(processor, form.row.feature) && !isMakersOwn(form, processor.vendor),
  );
}

/** Cases of some forms. What one form is asked depends on its name, not on which others there are. */
function* batches(forms: readonly Form[], round: number, cases = CASES_PER_FORM): Iterable<readonly Case[]> {
  let batch: Case[] = [];
  for (const form of forms) {
    const seed = namedSeed(SEED, `${oracleFormName(form)} ${round}`);
    batch.push(...casesOf(form, cases, randomWords(seed)));
    if (batch.length < BATCH) continue;
    yield batch;
    batch = [];
  }
  yield batch;
}

describe('the forms that are asked', () => {
  it('are all rows of the integer unit but those of a list, which another test has', () => {
    const left = instructionRows.filter((row) => hasFeature('max', row.feature) && !oracleRows.includes(row));
    const names = new Set(left.map(({ name }) => name));
    expect([...names].sort()).toEqual(notAsked.flatMap(({ names: some }) => some).sort());
    for (const { test, reason } of notAsked) {
      expect(existsSync(join(repositoryRoot, test)), test).toBe(true);
      expect(reason).toMatch(/\w+ \w+/);
    }
  });

  it.each(oracleModes)('have an encoding each in %d-bit code', (mode) => {
    const next = randomWords(1);
    const empty = oracleFormsOf(mode).filter((form) => casesOf(form, 4, next).length === 0);
    expect(empty.map(oracleFormName)).toEqual([]);
  });
});

describe.skipIf(processor.missing !== undefined)('native oracle', () => {
  afterAll(() => rmSync(processor.directory, { recursive: true }));

  it.each(oracleModes)(
    `agrees on every form of ${oracleRows.length} rows in %d-bit code`,
    { timeout: TIME_MAX_MS },
    (mode) => {
      const ours = new OurProcessor('interpreter');
      const differences = new Map<InstructionRow, string>();
      const shown = new Shown(mode);
      const forms = formsHere(mode);
      let asked = forms;
      for (let round = 0; round < ROUNDS_MAX && asked.length > 0; round++) {
        for (const batch of batches(asked, round)) {
          const native = runNatively(processor, batch);
          batch.forEach((test, n) => {
            const outcome = native[n] as Outcome;
            shown.add(test, outcome);
            const difference = compare(test, outcome, ours.run(test));
            if (difference) differences.set(test.row, difference);
          });
        }
        asked = shown.stuck(forms);
      }
      expect([...differences.values()]).toEqual([]);
      expect(shown.missing(forms)).toEqual([]);
    },
  );

  it.each(oracleModes)('agrees on %d-bit code that is compiled', { timeout: TIME_MAX_MS }, (mode) => {
    const ours = new OurProcessor('compiler-at-once');
    const differences: string[] = [];
    let count = 0;
    for (const batch of batches(formsHere(mode), 0, COMPILED_CASES)) {
      const native = runNatively(processor, batch);
      batch.forEach((test, n) => {
        const difference = compare(test, native[n] as Outcome, ours.run(test));
        if (difference) differences.push(difference);
      });
      count += batch.length;
    }
    expect(differences).toEqual([]);
    expect(ours.inCompiledCode).toBeGreaterThan(0.6 * count);
  });
});
