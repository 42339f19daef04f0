/**
 * Loops of random instructions of the x87, MMX, SSE and AVX, with operands of all kinds, run by the interpreter and by compiled
 * code: both end in the same state.
 */
import { describe, expect, it } from 'vitest';
import type { Form } from '../../scripts/differential/encoder.ts';
import { oneOf, type RandomWords, randomWords } from '../../scripts/differential/random.ts';
import { defaultEngine, type Engine } from '../../vm-core/engine/compiler/tiers.ts';
import { Decoder } from '../../vm-core/isa/decoder.ts';
import type { ExecutionUnit } from '../../vm-core/isa/instruction-row.ts';
import type { OperandSize } from '../../vm-core/isa/operand.ts';
import { TF } from '../../vm-core/state/lazy-flags.ts';
import { slot } from '../../vm-core/state/layout.ts';
import { type Case, CODE, DATA, namedSeed, USER_DATA } from '../native-oracle/case.ts';
import { casesOf } from '../native-oracle/cases.ts';
import { oracleFormsOf } from '../native-oracle/forms.ts';
import { OurProcessor } from '../native-oracle/our-processor.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 12);
const SEED = Number(process.env['FUZZ_SEED'] ?? 20261120);
const LENGTH = 8;
const TIMES = 4;
const VECTOR_GP = 13;
const COUNTER = DATA + 16;

type Mode = OperandSize;

const decoder = new Decoder('max');

function processorOf(engine: Engine): OurProcessor {
  const before = defaultEngine.name;
  defaultEngine.name = engine;
  try {
    return new OurProcessor();
  } finally {
    defaultEngine.name = before;
  }
}

function bytesOf(value: bigint, count: number): number[] {
  return Array.from({ length: count }, (_, n) => Number((value >> BigInt(8 * n)) & 0xffn));
}

/** In front of MOV of an immediate of all bits. */
const WIDENING: Readonly<Record<Mode, (register: number) => readonly number[]>> = {
  16: () => [0x66],
  32: () => [],
  64: (register) => [register < 8 ? 0x48 : 0x49],
};

/** Loads all general registers but the stack pointer. */
function loads(general: readonly bigint[], mode: Mode): number[] {
  return general
    .slice(0, mode === 64 ? 16 : 8)
    .flatMap((value, n) =>
      n === 4 ? [] : [...WIDENING[mode](n), 0xb8 + (n & 7), ...bytesOf(value, mode === 64 ? 8 : 4)],
    );
}

/** ModR/M and what follows it of an absolute address. */
const ABSOLUTE: Readonly<Record<Mode, readonly number[]>> = { 16: [0x06], 32: [0x05], 64: [0x04, 0x25] };

/** Counts the loop's turns, and goes back to its beginning so many times. */
function turn(length: number, mode: Mode): number[] {
  const size = mode === 16 ? 2 : 4;
  const place = [...ABSOLUTE[mode], ...bytesOf(BigInt(COUNTER), size)];
  const withReg = (reg: number) => [(place[0] as number) | (reg << 3), ...place.slice(1)];
  const count = [0xff, ...withReg(0), 0x83, ...withReg(7), TIMES];
  const distance = -(length + count.length + 2 + size);
  return [...count, 0x0f, 0x82, ...bytesOf(BigInt(distance), size)];
}

/** The case's instruction in the surroundings of another one. */
function among(test: Case, { selectors, fsBase, gsBase, memory, state, flags }: Case): Case {
  const general = test.general.map((value, n) => (n === 4 ? 0x8f00n : value));
  return { ...test, general, selectors, fsBase, gsBase, memory, state, flags: flags & ~TF, rip: BigInt(CODE + 16) };
}

/** Whether it may stand in a loop: it has no fault of its own, and means the same at another place. */
function isUsable(test: Case, ours: OurProcessor): boolean {
  const { length, baseSlot } = decoder.decode((at) => test.code[at] ?? 0, test.mode);
  if (baseSlot === slot.EIP) return false;
  const { vector, rip } = ours.run(test);
  return vector === VECTOR_GP && rip === test.rip + BigInt(length);
}

/** A case whose code is a loop of several. */
function sequenceOf(forms: readonly Form[], mode: Mode, next: RandomWords, ours: OurProcessor): Case | undefined {
  const any = () => casesOf(oneOf(next, forms), 1, next)[0];
  const first = any();
  if (!first || first.selectors[3] !== USER_DATA) return undefined;
  const code: number[] = [];
  for (let count = 0, tries = 0; count < LENGTH && tries < 8 * LENGTH; tries++) {
    const test = any();
    if (!test) continue;
    const placed = among(test, first);
    // Now and then one that faults is the last.
    if (!isUsable(placed, ours) && next() % 32 > 0) continue;
    code.push(...loads(placed.general, mode), ...placed.code);
    count++;
  }
  return { ...among(first, first), code: [...code, ...turn(code.length, mode)] };
}

describe.each([16, 32, 64] as const)('loops of instructions of other units in %d-bit code', (mode) => {
  const interpreter = processorOf('interpreter');
  const compiler = processorOf('compiler-at-once');
  const units: readonly (readonly ExecutionUnit[])[] = [['x87'], ['MMX', 'SSE'], ['AVX'], ['x87', 'MMX', 'SSE', 'AVX']];

  it.each(units.map((some) => [some.join(' and '), some] as const))('%s', { timeout: 300_000 }, (name, some) => {
    const forms = oracleFormsOf(mode).filter(({ row }) => row.unit && some.includes(row.unit));
    const before = compiler.inCompiledCode;
    let whole = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const test = sequenceOf(forms, mode, randomWords(namedSeed(SEED, `${name} ${mode} ${round}`)), interpreter);
      if (!test) continue;
      const expected = interpreter.run(test);
      const outcome = compiler.run(test);
      if (expected.rip === test.rip + BigInt(test.code.length)) whole++;
      expect(outcome, `round ${round} of seed ${SEED}`).toEqual(expected);
    }
    expect(whole).toBeGreaterThan(0);
    expect(compiler.inCompiledCode - before).toBeGreaterThan(0);
  });
});
