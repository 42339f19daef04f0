/**
 * What covers each form of each instruction row: recorded hardware vectors, the native oracle, the differential run
 * against QEMU, or a unit test. All but the unit tests are derived from what those suites say they run.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { comparedForms, type Form, formName, formsOf } from '../../scripts/differential/forms.ts';
import { unitRows } from '../../scripts/differential/system/unit-operands.ts';
import { builtFeatures } from '../../vm-core/isa/cpu-feature.ts';
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
  { opcode: '0F 0B', file: 'vm-core/engine/later-integer.test.ts', words: 'UD2 0f0b' },
  { opcode: '0F B9', file: 'vm-core/engine/later-integer.test.ts', words: 'UD1 0fb9c0' },
  { opcode: '0F FF', file: 'vm-core/engine/later-integer.test.ts', words: 'UD0 0fffc0' },
  { opcode: 'NP 0F AE /7', file: 'vm-core/engine/later-integer.test.ts', words: 'CLFLUSH and its like fault' },
  { opcode: '66 0F AE /7', file: 'vm-core/engine/later-integer.test.ts', words: 'CLFLUSH and its like fault' },
  { opcode: '66 0F AE /6', file: 'vm-core/engine/later-integer.test.ts', words: 'CLFLUSH and its like fault' },
  { opcode: '0F 05', file: 'vm-core/cpu/operations/system-calls.test.ts', words: "execute(cpu, 'SYSCALL')" },
  { opcode: '0F 07', file: 'vm-core/cpu/operations/system-calls.test.ts', words: "execute(cpu, 'SYSRET'" },
  { opcode: '0F 01 F8', file: 'vm-core/cpu/operations/long-mode.test.ts', words: "execute(cpu, 'SWAPGS')" },
  { opcode: '0F 30', file: 'vm-core/cpu/model-specific-registers.test.ts', words: "execute(cpu, 'WRMSR')" },
  { opcode: '0F 31', file: 'vm-core/cpu/operations/model-specific.test.ts', words: "execute(cpu, 'RDTSC')" },
  { opcode: '0F 32', file: 'vm-core/cpu/model-specific-registers.test.ts', words: "execute(cpu, 'RDMSR')" },
  {
    opcode: '0F 33',
    file: 'vm-core/cpu/performance/performance-counters.test.ts',
    words: "('RDPMC', () =>",
  },
  { opcode: '0F 34', file: 'vm-core/cpu/operations/fast-calls.test.ts', words: "execute(cpu, 'SYSENTER')" },
  { opcode: '0F 35', file: 'vm-core/cpu/operations/fast-calls.test.ts', words: "execute(cpu, 'SYSEXIT')" },
  { opcode: '0F 01 F9', file: 'vm-core/cpu/model-specific-registers.test.ts', words: "execute(cpu, 'RDTSCP')" },
  { opcode: 'F3 0F C7 /7', file: 'vm-core/cpu/model-specific-registers.test.ts', words: "execute(cpu, 'RDPID'" },
  { opcode: 'NFx 0F C7 /6', file: 'vm-core/cpu/operations/model-specific.test.ts', words: "'RDRAND'" },
  { opcode: 'NFx 0F C7 /7', file: 'vm-core/cpu/operations/model-specific.test.ts', words: "'RDSEED'" },
  { opcode: 'NP 0F 01 C8', file: 'vm-core/cpu/operations/processor-state.test.ts', words: 'MONITOR' },
  { opcode: 'NP 0F 01 C9', file: 'vm-core/cpu/operations/processor-state.test.ts', words: 'MWAIT' },
  { opcode: 'NP 0F 01 CA', file: 'vm-core/cpu/operations/processor-state.test.ts', words: 'CLAC' },
  { opcode: 'NP 0F 01 CB', file: 'vm-core/cpu/operations/processor-state.test.ts', words: 'STAC' },
  { opcode: 'NP 0F 01 EE', file: 'vm-core/cpu/operations/memory-protection.test.ts', words: "'RDPKRU'" },
  { opcode: 'NP 0F 01 EF', file: 'vm-core/cpu/operations/memory-protection.test.ts', words: "'WRPKRU'" },
  { opcode: 'NP 0F AE /0', file: 'vm-core/engine/extended-state.test.ts', words: "run(guest, 'FXSAVE')" },
  { opcode: 'NP 0F AE /1', file: 'vm-core/engine/extended-state.test.ts', words: "run(guest, 'FXRSTOR')" },
  { opcode: 'NP 0F AE /4', file: 'vm-core/engine/extended-state.test.ts', words: "['XSAVE', 'XRSTOR']" },
  { opcode: 'NP 0F AE /5', file: 'vm-core/engine/extended-state.test.ts', words: "run(guest, 'XRSTOR')" },
  { opcode: 'NP 0F AE /6', file: 'vm-core/engine/extended-state.test.ts', words: "['XSAVEOPT', 'XRSTOR']" },
  { opcode: 'NP 0F C7 /3', file: 'vm-core/engine/extended-state.test.ts', words: "['XSAVES', 'XRSTORS']" },
  { opcode: 'NP 0F C7 /4', file: 'vm-core/engine/extended-state.test.ts', words: "['XSAVEC', 'XRSTOR']" },
  { opcode: 'NP 0F C7 /5', file: 'vm-core/engine/extended-state.test.ts', words: "['XSAVES', 'XRSTORS']" },
  { opcode: 'NP 0F 01 D0', file: 'vm-core/engine/extended-state.test.ts', words: "run(guest, 'XGETBV')" },
  { opcode: 'NP 0F 01 D1', file: 'vm-core/engine/extended-state.test.ts', words: "run(guest, 'XSETBV')" },
  { opcode: '66 0F 38 82', file: 'vm-core/cpu/operations/memory-protection.test.ts', words: "'INVPCID'" },
  { opcode: 'F1', file: 'vm-core/cpu/operations/interrupts.test.ts', words: 'INT1 is vector 1' },
  { opcode: 'F4', file: 'vm-core/cpu/operations/flags.test.ts', words: "'HLT'" },
  { opcode: '0F 24', file: 'vm-core/cpu/operations/test-registers.test.ts', words: "'MOV_FROM_TR'" },
  { opcode: '0F 26', file: 'vm-core/cpu/operations/test-registers.test.ts', words: "'MOV_TO_TR'" },
];

/** Forms that nothing covers, by name, with the reason why not. There is none. */
export const uncovered: readonly { readonly form: string; readonly reason: string }[] = [];

/** The forms of the recorded vectors, which are not part of the repository: one a line. */
export const VECTOR_FORMS: string = join(import.meta.dirname, 'golden', 'vector-forms.txt');

const suites: readonly (readonly [name: string, forms: ReadonlySet<string>])[] = [
  ['vectors', new Set(readFileSync(VECTOR_FORMS, 'utf8').split('\n'))],
  ['oracle', new Set(oracleForms.map(formName))],
  ['differential', new Set([...comparedForms, ...unitRows.flatMap(formsOf)].map(formName))],
];

/** A row of a feature that is not built: no model has it, so nobody can execute it yet. */
const LATER = 'no model has it yet';

/** The names of what covers a form. */
export function coversOf(form: Form): string[] {
  const name = formName(form);
  const { feature } = form.row;
  if (feature !== undefined && !builtFeatures.has(feature)) return [LATER];
  const bySuite = suites.filter(([, forms]) => forms.has(name)).map(([suite]) => suite);
  return unitTests.some(({ opcode }) => opcode === form.row.opcode) ? [...bySuite, 'unit test'] : bySuite;
}
