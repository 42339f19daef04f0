/**
 * The page that says of every instruction, processor feature and model-specific register what it is tested by. It is made of
 * the tables and of what the suites say they run.
 */
import { formsOf } from '../../scripts/differential/forms.ts';
import {
  builtFeatures,
  type CpuFeature,
  cpuFeatures,
  cpuidBits,
  machineFeatures,
} from '../../vm-core/isa/cpu-feature.ts';
import { type CpuModel, cpuModels, hasFeature, modelFacts } from '../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { type MsrRow, msrRows } from '../../vm-core/state/msr-table.ts';
import { notAsked, oracleFormsOf, privilegedNames } from '../native-oracle/forms.ts';
import { coversOf, unitTests } from './covers.ts';
import { featureTests } from './feature-tests.ts';

/** Where the page is, from the repository's root. */
export const SUPPORT_PAGE = 'docs/reference/support.md';

const MSR_TEST = 'vm-core/cpu/msr-properties.test.ts';
const LATER = 'later';
/** In the place of models. */
const OF_MACHINE = 'of the machine';

const SUITES: Readonly<Record<string, string>> = {
  vectors: 'hardware vectors',
  oracle: 'native oracle 16/32',
  differential: 'QEMU differential',
};

const askedIn64BitMode = new Set(oracleFormsOf(64).map(({ row }) => row));

const isBuilt = ({ feature }: { readonly feature?: string }) =>
  feature === undefined || builtFeatures.has(feature as CpuFeature);

/** Tests outside of the suites that look at a row, by file. */
function ownTests(row: InstructionRow): readonly string[] {
  const listed = notAsked.filter(({ names }) => row.unit === undefined && names.includes(row.name));
  const own = unitTests.filter(({ opcode }) => opcode === row.opcode);
  return [...new Set([...own.map(({ file }) => file), ...listed.map(({ test }) => test)])];
}

/** What tests a row in 16- and 32-bit code, and what in 64-bit code. */
interface RowTests {
  readonly short: readonly string[];
  readonly long: readonly string[];
}

const REFUSAL = ' (refusal at level 3)';

/** Whether something shows more of a row than that programs may not have it. */
export function isShown({ short, long }: RowTests): boolean {
  return [...short, ...long].some((test) => !test.endsWith(REFUSAL));
}

/** What tests a row, by mode. */
export function testsOfRow(row: InstructionRow): RowTests {
  const own = ownTests(row);
  const note = privilegedNames.has(row.name) ? REFUSAL : '';
  const covers = new Set(formsOf(row).flatMap(coversOf));
  const suites = Object.entries(SUITES).flatMap(([name, title]) =>
    covers.has(name) ? [name === 'oracle' ? title + note : title] : [],
  );
  return {
    short: row.mode === 'o64' ? [] : [...suites, ...own],
    long: row.mode === 'i64' ? [] : [...(askedIn64BitMode.has(row) ? [`native oracle 64${note}`] : []), ...own],
  };
}

/** What tests a feature: the test that is declared, its instructions, its registers. */
export function testsOfFeature(feature: CpuFeature): readonly string[] {
  const declared = featureTests.filter((test) => test.feature === feature).map(({ file }) => file);
  const rows = instructionRows.filter((row) => row.feature === feature);
  const areTested = rows.every((row) => isShown(testsOfRow(row)));
  const registers = msrRows.filter((row) => row.feature === feature);
  return [
    ...declared,
    ...(rows.length > 0 && areTested ? [`${rows.length} rows of instructions`] : []),
    ...(registers.length > 0 ? [MSR_TEST] : []),
  ];
}

/** The models that have a register. */
function modelsWith({ feature, vendor }: MsrRow): readonly CpuModel[] {
  return cpuModels.filter((model) => {
    const facts = modelFacts(model);
    return (
      hasFeature(model, 'MSR') && hasFeature(model, feature as CpuFeature) && (vendor ?? facts.vendor) === facts.vendor
    );
  });
}

const MODES: Readonly<Record<string, string>> = { i64: '16, 32', o64: '64' };

const cell = (text: string) => text.replaceAll('|', '\\|');

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function instructionLine(row: InstructionRow): readonly string[] {
  const { short, long } = testsOfRow(row);
  const tests = [...new Set([...short, ...long])].join(', ');
  const name = `${row.name} ${row.operands.join(',')}`.trim();
  return [row.opcode, name, row.feature ?? '386', MODES[row.mode ?? ''] ?? '16, 32, 64', isBuilt(row) ? tests : LATER];
}

function featureLine(feature: CpuFeature): readonly string[] {
  const bit = cpuidBits.find((row) => row.feature === feature);
  const place = bit ? `${bit.leaf.toString(16).toUpperCase()}h ${bit.register} ${bit.bit}` : '';
  const models = cpuModels.filter((model) => hasFeature(model, feature));
  const isTold = builtFeatures.has(feature) || machineFeatures.has(feature);
  const tests = isTold ? testsOfFeature(feature).join(', ') : LATER;
  return [feature, place, machineFeatures.has(feature) ? OF_MACHINE : models.join(', '), tests];
}

/** What tests a register: its properties, and what its feature does. */
const testsOfRegister = ({ feature }: MsrRow): readonly string[] => [
  ...new Set([MSR_TEST, ...featureTests.filter((test) => test.feature === feature).map(({ file }) => file)]),
];

function registerLine(row: MsrRow): readonly string[] {
  const { number, name, reset, writable, behaviour } = row;
  const attributes = `${behaviour ?? 'plain'}, ${writable.toString(16).toUpperCase()}h`;
  const hex = (value: bigint | number) => `${value.toString(16).toUpperCase()}h`;
  return [
    hex(number),
    name,
    modelsWith(row).join(', '),
    hex(reset),
    attributes,
    isBuilt(row) ? testsOfRegister(row).join(', ') : LATER,
  ];
}

/** The reasons why the native oracle is not asked for some rows. */
function listedReasons(): string {
  return table(
    ['Instructions', 'Why this machine’s processor is not asked', 'Test instead'],
    notAsked.map(({ names, reason, test }) => [names.join(', '), reason, test]),
  );
}

/** The page as it should be. */
export function supportPage(): string {
  const sections = [
    '<!-- Generated by `npm run generate` from the tables of vm-core and from what the tests declare; edit those. -->',
    '# What is supported, and tested by what',
    'Hardware vectors are recordings of real processors; the native oracle is the processor of the machine that runs the ' +
      'tests, in 16-, 32- and 64-bit code; the QEMU differential runs random code here and there. The decoder is compared with iced-x86 over all ' +
      'prefixes, opcodes and ModR/M (`test/decoder`), which is not said again in each row. `later`: no model has it, ' +
      'and nothing advertises it. `of the machine`: no model has it; CPUID tells of it where `cpus` gives a package ' +
      'several cores or threads.',
    '## Instructions',
    table(['Opcode', 'Instruction', 'Feature', 'Modes', 'Tested by'], instructionRows.map(instructionLine)),
    '### Not asked of this machine’s processor',
    listedReasons(),
    '## Features of processors',
    table(['Feature', 'CPUID', 'Models', 'Tested by'], cpuFeatures.map(featureLine)),
    '## Model-specific registers',
    table(
      ['Number', 'Name', 'Models', 'Reset', 'How it takes values, writable bits', 'Tested by'],
      msrRows.map(registerLine),
    ),
  ];
  return `${sections.join('\n\n')}\n`;
}
