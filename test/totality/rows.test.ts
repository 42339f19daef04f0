/** Every form of every instruction row is covered, or stands on the list that says why not; the two add up. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allForms, comparedForms, formName, formsOf, notCompared } from '../../scripts/differential/forms.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { coversOf, uncovered, unitTests, VECTOR_FORMS } from './covers.ts';
import { formsOfVectors } from './vector-forms.ts';

const VECTORS = join(repositoryRoot, '..', 'shared', 'vectors', '80286-real-mode');
const GOLDEN = join(import.meta.dirname, 'golden', 'rows.txt');
const UPDATE = process.env['UPDATE'] === '1';
const opcodes = new Set(instructionRows.map(({ opcode }) => opcode));

describe('instruction rows', () => {
  it('have two to four forms each', () => {
    expect(allForms.length).toBeGreaterThan(2 * instructionRows.length);
    expect(new Set(allForms.map(formName)).size).toBe(allForms.length);
  });

  it('are covered in every form or stand on the list', () => {
    const bare = allForms.filter((form) => coversOf(form).length === 0).map(formName);
    expect(bare.sort()).toEqual(uncovered.map(({ form }) => form).sort());
    for (const { reason } of uncovered) expect(reason).toMatch(/\w+ \w+/);
  });

  it('that no sequence compares are those of a list with reasons', () => {
    const left = allForms.filter((form) => !comparedForms.includes(form));
    for (const { opcode, operandSize, reason } of notCompared) {
      expect(left.filter(({ row }) => row.opcode === opcode).length, opcode).toBeGreaterThan(0);
      expect(reason).toMatch(/\w+ \w+/);
      if (operandSize !== undefined) expect([16, 32]).toContain(operandSize);
    }
    expect(left.length + comparedForms.length).toBe(allForms.length);
  });

  it.each(unitTests)('$opcode is in the unit test that the list names', ({ opcode, file, words }) => {
    expect(opcodes).toContain(opcode);
    expect(readFileSync(join(repositoryRoot, file), 'utf8')).toContain(words);
  });

  it('have the covers that the table says (UPDATE=1 writes it)', () => {
    const table = `${instructionRows.map(lineOf).join('\n')}\n`;
    if (UPDATE) writeFileSync(GOLDEN, table);
    expect(table).toBe(readFileSync(GOLDEN, 'utf8'));
  });
});

describe.skipIf(!existsSync(VECTORS))('forms of the recorded vectors (they need ../shared/vectors)', () => {
  it('are those of the committed list (UPDATE=1 writes it)', { timeout: 120_000 }, () => {
    const files = readdirSync(VECTORS).filter((name) => name.endsWith('.MOO.gz'));
    const forms = formsOfVectors(files.map((name) => readFileSync(join(VECTORS, name))));
    const list = `${forms.join('\n')}\n`;
    if (UPDATE) writeFileSync(VECTOR_FORMS, list);
    expect(list).toBe(readFileSync(VECTOR_FORMS, 'utf8'));
  });
});

/** A row with its covers: once where all its forms have the same, else form by form. */
function lineOf(row: (typeof instructionRows)[number]): string {
  const forms = formsOf(row).map((form) => ({
    where: `${form.operandSize}/${form.operand}`,
    covers: coversOf(form).join(', '),
  }));
  const groups = Map.groupBy(forms, ({ covers }) => covers);
  const parts = [...groups].map(([covers, members]) =>
    groups.size === 1 ? covers : `${members.map(({ where }) => where).join(' ')}: ${covers}`,
  );
  return `${[row.opcode, row.name, row.operands.join(',')].filter((text) => text !== '').join(' ')} | ${parts.join('; ')}`;
}
