/**
 * What covers each form of each instruction row: recorded hardware vectors, the native oracle, the differential run
 * against QEMU, or a unit test. All but the unit tests are derived from what those suites say they run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparedForms, type Form, formName } from '../../scripts/differential/forms.ts';
import { oracleForms } from '../native-oracle/forms.ts';

/** A unit test that looks at what a row does; `words` stand in the file. */
export interface UnitTest {
  readonly opcode: string;
  readonly file: string;
  readonly words: string;
}

/** Rows that no other suite can run, or of which it cannot see what matters. */
export const unitTests: readonly UnitTest[] = [
  { opcode: '0F A2', file: 'vm-core/cpu/cpuid.test.ts', words: "execute(cpu, 'CPUID')" },
  { opcode: 'F1', file: 'vm-core/cpu/operations/interrupts.test.ts', words: 'INT1 is vector 1' },
  { opcode: 'F4', file: 'vm-core/cpu/operations/flags.test.ts', words: "'HLT'" },
  { opcode: '0F 24', file: 'vm-core/cpu/operations/control-registers.test.ts', words: "'MOV_FROM_TR'" },
  { opcode: '0F 26', file: 'vm-core/cpu/operations/control-registers.test.ts', words: "'MOV_TO_TR'" },
];

/** Forms that nothing covers, by name, with the reason why not. There is none. */
export const uncovered: readonly { readonly form: string; readonly reason: string }[] = [];

/** The forms of the recorded vectors, which are not part of the repository: one a line. */
export const VECTOR_FORMS: string = join(import.meta.dirname, 'golden', 'vector-forms.txt');

const suites: readonly (readonly [name: string, forms: ReadonlySet<string>])[] = [
  ['vectors', new Set(readFileSync(VECTOR_FORMS, 'utf8').split('\n'))],
  ['oracle', new Set(oracleForms.map(formName))],
  ['differential', new Set(comparedForms.map(formName))],
];

/** The names of what covers a form. */
export function coversOf(form: Form): string[] {
  const name = formName(form);
  const bySuite = suites.filter(([, forms]) => forms.has(name)).map(([suite]) => suite);
  return unitTests.some(({ opcode }) => opcode === form.row.opcode) ? [...bySuite, 'unit test'] : bySuite;
}
