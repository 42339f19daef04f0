/**
 * Runs recorded hardware tests on the real engine:
 *   node scripts/vectors.ts FOLDER… [--form F7.4] [--max N]
 * A folder holds `metadata.json` and files named after their opcode, `F7.4.MOO.gz`. Prints each form that fails with its
 * first difference, then `N passed, N failed`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { differences, isRepeatedString, type VectorProcessor } from './hardware-vectors/differences.ts';
import { readVectors, registerNames, type Vector } from './hardware-vectors/moo-file.ts';
import { TestBench } from './hardware-vectors/test-bench.ts';

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
  bench.load(vector);
  const run = bench.run(isRepeatedString(vector, form));
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

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { form: { type: 'string' }, max: { type: 'string' } },
  });
  if (positionals.length === 0) {
    console.error('usage: node scripts/vectors.ts FOLDER… [--form F7.4] [--max N]');
    return 2;
  }
  let passed = 0;
  let failed = 0;
  const skipped = new Map<string, number>();
  for (const folder of positionals) {
    const metadata = JSON.parse(readFileSync(join(folder, 'metadata.json'), 'utf8')) as Metadata;
    let context: FormContext | undefined;
    for (const file of readdirSync(folder).sort()) {
      const form = /^(.+)\.MOO\.gz$/.exec(file)?.[1];
      if (form === undefined || (values.form !== undefined && values.form !== form)) continue;
      const bytes = readFileSync(join(folder, file));
      const vectors = readVectors(bytes).slice(0, values.max === undefined ? undefined : Number(values.max));
      const processor: VectorProcessor = folder.includes('8086') ? '8086' : '80286';
      const bench: TestBench = context?.bench ?? new TestBench(processor === '8086' ? 20 : 24);
      context = { bench, processor, form, flagsMask: flagsMaskOf(metadata, form) };
      const result = runForm(context, vectors);
      passed += result.passed;
      failed += result.failed;
      for (const [reason, count] of result.skipped) skipped.set(reason, (skipped.get(reason) ?? 0) + count);
      if (result.failed > 0) {
        console.log(`${processor} ${form}: ${result.failed} of ${vectors.length} failed; ${result.firstDifference}`);
      }
    }
  }
  for (const [reason, count] of skipped) console.log(`${count} not compared: ${reason}`);
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

process.exitCode = main();
