/**
 * Runs recorded hardware tests on the real engine:
 *   node scripts/vectors.ts [FOLDER…] [--form F7.4] [--max N] [--engine compiler-at-once]
 * A folder holds `metadata.json` and files named after their opcode, `F7.4.MOO.gz`; without one, those of ../shared/vectors
 * are run. Prints how many tests show documented differences, each form that fails with its first difference, and
 * `N passed, N failed`; of a compiling engine also how many of the tests ran in compiled code.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Engine } from '../vm-core/engine/compiler/tiers.ts';
import { differences, isRepeatedString, type VectorProcessor } from './hardware-vectors/differences.ts';
import { readMooFile, registerNames, type Vector } from './hardware-vectors/moo-file.ts';
import { TestBench } from './hardware-vectors/test-bench.ts';
import { repositoryRoot } from './run-command.ts';

/** What is run when no folder is given. */
const FOLDERS = ['8086', '80286-real-mode'].map((set) => join(repositoryRoot, '..', 'shared', 'vectors', set));

/** Bits that mean the same on all processors; the others are fixed differently on each. */
const COMPARED_FLAGS = 0x0fd5;

const PUSHF_FORM = '9C';
/** INT3, INT and INTO: recorded as exceptions, executed as instructions. */
const interruptForms: ReadonlySet<string> = new Set(['CC', 'CD', 'CE']);

interface OpcodeFacts {
  readonly 'flags-mask'?: number;
  readonly reg?: Readonly<Record<string, OpcodeFacts>>;
}

interface Metadata {
  readonly opcodes: Readonly<Record<string, OpcodeFacts>>;
}

/** What the tests of one form came to. */
interface FormResult {
  passed: number;
  failed: number;
  /** Tests that show a documented difference, by its reason. */
  readonly skipped: Map<string, number>;
  firstDifference: string | undefined;
}

interface FormContext {
  readonly bench: TestBench;
  readonly processor: VectorProcessor;
  readonly form: string;
  readonly flagsMask: number;
  readonly compiled: CompiledTests;
}

/** What compiled code has executed. */
interface CompiledTests {
  tests: number;
  /** Forms of which it has executed no test. */
  readonly none: string[];
}

function flagsMaskOf(metadata: Metadata, form: string): number {
  const [opcode = '', extension = ''] = form.split('.');
  const row = metadata.opcodes[opcode];
  const mask = row?.reg?.[extension]?.['flags-mask'] ?? row?.['flags-mask'] ?? 0xffff;
  return mask & COMPARED_FLAGS;
}

/** Runs one test; the text says how it differs, undefined that it does not. */
function runVector(context: FormContext, vector: Vector): { difference?: string; skipped?: string } {
  const { bench, processor, form } = context;
  const isRepeated = isRepeatedString(vector, form);
  bench.load(vector, isRepeated);
  const { compiled } = bench;
  const run = bench.run(isRepeated);
  if (bench.compiled > compiled) context.compiled.tests++;
  const reason = differences.find((one) => one.skips({ vector, processor, form, fault: run.fault }))?.reason;
  if (reason !== undefined) return { skipped: reason };
  if (run.problem !== undefined) return { difference: run.problem };
  const expected = interruptForms.has(form) ? undefined : vector.exception?.vector;
  if (processor === '80286' && run.fault !== expected) {
    return { difference: `exception ${expected ?? 'none'} expected, ${run.fault ?? 'none'} raised` };
  }
  const difference = registerDifference(context, vector, run.halted) ?? memoryDifference(context, vector);
  return difference === undefined ? {} : { difference };
}

function registerDifference(
  { bench, processor, flagsMask }: FormContext,
  vector: Vector,
  halted: boolean,
): string | undefined {
  for (const name of registerNames) {
    const recorded = vector.final.registers[name] ?? vector.initial.registers[name] ?? 0;
    // A test recorded on an 80286 goes on to a HLT behind the instruction and stops one byte after it.
    const behind = processor === '80286' && name === 'ip' && !halted;
    const expected = behind ? (recorded - 1) & 0xffff : recorded;
    const defined = vector.final.masks[name] ?? 0xffff;
    const mask = name === 'flags' ? defined & flagsMask : defined;
    const actual = bench.register(name);
    if (((expected ^ actual) & mask) !== 0) return `${name} ${hex(expected)} expected, ${hex(actual)} found`;
  }
  return undefined;
}

function memoryDifference(context: FormContext, vector: Vector): string | undefined {
  const { bench, flagsMask } = context;
  const flagsAddress = pushedFlagsAddress(context, vector);
  for (const [address, expected] of vector.final.memory) {
    const byte = flagsAddress === undefined ? -1 : address - flagsAddress;
    const mask = byte === 0 ? flagsMask & 0xff : byte === 1 ? flagsMask >>> 8 : 0xff;
    const actual = bench.byte(address);
    if (((expected ^ actual) & mask) === 0) continue;
    return `[${hex(address)}] ${hex(expected)} expected, ${hex(actual)} found`;
  }
  return undefined;
}

/** Where the instruction has pushed flags. The recorded address is rounded down to an even one, so it is worked out. */
function pushedFlagsAddress({ bench, form, processor }: FormContext, vector: Vector): number | undefined {
  const offset = form === PUSHF_FORM ? 0 : vector.exception || interruptForms.has(form) ? 4 : undefined;
  if (offset === undefined) return undefined;
  const address = bench.register('ss') * 16 + ((bench.register('sp') + offset) & 0xffff);
  return processor === '8086' ? address % 0x100000 : address;
}

function runForm(context: FormContext, vectors: readonly Vector[]): FormResult {
  const result: FormResult = { passed: 0, failed: 0, skipped: new Map(), firstDifference: undefined };
  for (const vector of vectors) {
    const { difference, skipped } = runVector(context, vector);
    if (skipped !== undefined) result.skipped.set(skipped, (result.skipped.get(skipped) ?? 0) + 1);
    else if (difference === undefined) result.passed++;
    else {
      result.failed++;
      result.firstDifference ??= `${describe(vector)}: ${difference}`;
    }
  }
  return result;
}

function describe(vector: Vector): string {
  const bytes = [...vector.bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  return `test ${vector.index} “${vector.name}” (${bytes})`;
}

const hex = (value: number) => `${value.toString(16).toUpperCase()}h`;

const processorNames: ReadonlyMap<string, VectorProcessor> = new Map([
  ['8086', '8086'],
  ['8088', '8086'],
  ['C286', '80286'],
]);

/** Address lines, which also say where addresses wrap. */
const addressBits = { '8086': 20, '80286': 24 } as const;

/** What a run over all folders came to. */
interface Summary {
  passed: number;
  failed: number;
  readonly skipped: Map<string, number>;
  readonly failures: string[];
  readonly compiled: CompiledTests;
}

interface Selection {
  readonly engine: Engine;
  readonly form: string | undefined;
  readonly vectorsMax: number | undefined;
}

/** Runs the files of a folder, each on the processor that its header names. */
function runFolder(folder: string, selection: Selection, summary: Summary): void {
  const files = readdirSync(folder).flatMap((file) => /^(.+)\.MOO\.gz$/.exec(file)?.[1] ?? []);
  if (files.length === 0) throw new Error('no file ends with .MOO.gz');
  const metadata = JSON.parse(readFileSync(join(folder, 'metadata.json'), 'utf8')) as Metadata;
  const benches = new Map<VectorProcessor, TestBench>();
  for (const form of files.sort()) {
    if (selection.form !== undefined && selection.form !== form) continue;
    const file = readMooFile(readFileSync(join(folder, `${form}.MOO.gz`)));
    const processor = processorNames.get(file.processor);
    if (processor === undefined)
      throw new Error(`${form}.MOO.gz was recorded on an unknown processor, ${file.processor}`);
    const bench = benches.get(processor) ?? new TestBench(addressBits[processor], selection.engine);
    benches.set(processor, bench);
    const { tests } = summary.compiled;
    const vectors = file.vectors.slice(0, selection.vectorsMax);
    const result = runForm(
      { bench, processor, form, flagsMask: flagsMaskOf(metadata, form), compiled: summary.compiled },
      vectors,
    );
    if (summary.compiled.tests === tests) summary.compiled.none.push(form);
    summary.passed += result.passed;
    summary.failed += result.failed;
    for (const [reason, count] of result.skipped) {
      summary.skipped.set(reason, (summary.skipped.get(reason) ?? 0) + count);
    }
    if (result.failed > 0) {
      const { failed, firstDifference } = result;
      summary.failures.push(`${processor} ${form}: ${failed} of ${vectors.length} failed; ${firstDifference}`);
    }
  }
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { form: { type: 'string' }, max: { type: 'string' }, engine: { type: 'string' } },
  });
  const folders = positionals.length > 0 ? positionals : FOLDERS;
  const engine = (values.engine ?? 'interpreter') as Engine;
  const vectorsMax = values.max === undefined ? undefined : Number(values.max);
  const selection = { form: values.form, vectorsMax, engine };
  const summary: Summary = { passed: 0, failed: 0, skipped: new Map(), failures: [], compiled: { tests: 0, none: [] } };
  for (const folder of folders) {
    try {
      runFolder(folder, selection, summary);
    } catch (error) {
      console.error(`${folder}: ${error instanceof Error ? error.message : String(error)}`);
      return 2;
    }
  }
  for (const [reason, count] of summary.skipped) console.log(`${count} not compared: ${reason}`);
  for (const failure of summary.failures) console.log(failure);
  const { tests, none } = summary.compiled;
  if (engine !== 'interpreter') console.log(`${tests} ran in compiled code; none of ${none.sort().join(', ')}`);
  console.log(`${summary.passed} passed, ${summary.failed} failed`);
  return summary.passed > 0 && summary.failed === 0 ? 0 : 1;
}

process.exitCode = main();
