/**
 * User-mode instructions of 64-bit code on this machine's own processor and on ours: all sixteen registers, operands of
 * 64 bits, every address form, flags, faults and memory must be equal. Needs a C compiler and an x86-64 processor.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BareMachine, createBareMachine } from '../../vm-core/engine/bare-machine.ts';
import { CR0_PE, EFER_LMA, EFER_LME } from '../../vm-core/state/control-bits.ts';
import { CS, longGeneralSlots, slot } from '../../vm-core/state/layout.ts';
import { ARITHMETIC_FLAGS } from '../../vm-core/state/lazy-flags.ts';
import { CODE, type Case, casesOf, DATA, DATA_SIZE, rowsOf64BitMode } from './cases-64.ts';
import { undefinedFlags } from './forms.ts';

const CASES_PER_FORM = Number(process.env['ORACLE_CASES'] ?? 40);
const CASE_SIZE = 136 + DATA_SIZE + 16 + 8;
const MEMORY_AT = 136;
const CODE_AT = MEMORY_AT + DATA_SIZE;
const FAULT_AT = CODE_AT + 16;
const PAGE_SIZE = 0x1000;

interface Outcome {
  readonly registers: readonly bigint[];
  readonly flags: number;
  readonly memory: Uint8Array;
  readonly fault: number;
}

function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

function runNatively(program: string, cases: readonly Case[]): Outcome[] {
  const input = Buffer.alloc(cases.length * CASE_SIZE);
  cases.forEach(({ registers, flags, memory, code }, n) => {
    const at = n * CASE_SIZE;
    registers.forEach((value, index) => {
      input.writeBigUInt64LE(value, at + index * 8);
    });
    input.writeBigUInt64LE(BigInt(flags), at + 128);
    input.set(memory, at + MEMORY_AT);
    input.set(code, at + CODE_AT);
    input[at + CODE_AT + 15] = code.length;
  });
  const { stdout, status } = spawnSync(program, { input, maxBuffer: 1 << 30 });
  expect(status, 'the oracle ends normally').toBe(0);
  return cases.map((_, n) => {
    const at = n * CASE_SIZE;
    return {
      registers: Array.from({ length: 16 }, (_register, index) => stdout.readBigUInt64LE(at + index * 8)),
      flags: stdout.readUInt32LE(at + 128),
      memory: Uint8Array.from(stdout.subarray(at + MEMORY_AT, at + CODE_AT)),
      fault: stdout.readUInt32LE(at + FAULT_AT),
    };
  });
}

/** 64-bit mode without page tables: the oracle's addresses are physical ones. */
function longMachine(): BareMachine {
  const machine = createBareMachine(0x400000, undefined, 'max');
  const { processor } = machine;
  const { state } = processor;
  state.write32(slot.CR0, CR0_PE);
  state.write32(slot.EFER, EFER_LME | EFER_LMA);
  for (let index = 0; index < 6; index++) {
    state.setSegment(index, { selector: 8, base: 0, limit: 0xffffffff, attributes: index === CS ? 0xa9b : 0xc93 });
  }
  processor.refresh();
  return machine;
}

function runOurs({ processor, map, loop }: BareMachine, test: Case): Outcome {
  const { state } = processor;
  map.copyIn(CODE, Uint8Array.from([...test.code, 0xf4]));
  map.copyIn(DATA, new Uint8Array(PAGE_SIZE));
  map.copyIn(DATA, test.memory);
  processor.codeWritten(CODE, PAGE_SIZE);
  longGeneralSlots.forEach((register, n) => {
    state.write64(register, test.registers[n] as bigint);
  });
  state.eflags = test.flags & ~0x200;
  state.eip = CODE;
  state.write8(slot.HALTED, 0);
  loop.stopOnExceptions = new Set([0, 6, 12, 13]);
  const result = loop.run({ instructionsMax: 2 });
  loop.reset();
  return {
    registers: longGeneralSlots.map((register) => state.read64(register)),
    flags: state.eflags,
    memory: map.copyOut(DATA, DATA_SIZE),
    fault: result.reason === 'exception' ? result.event.vector + 1 : 0,
  };
}

/** The shift count of a case, cut as the processor does; 0 where the row has none. */
function countOf({ row, code, registers, size }: Case): number {
  const mask = size === 64 && !row.operands[0]?.endsWith('b') ? 63 : 31;
  const operand = row.operands.at(-1);
  if (operand === '1') return 1;
  if (operand === 'CL') return Number((registers[1] as bigint) & BigInt(mask));
  return operand === 'Ib' ? (code.at(-1) as number) & mask : 0;
}

/** Differences as text; results that the manual leaves undefined are not compared. */
function compare(test: Case, native: Outcome, ours: Outcome): string | undefined {
  const count = countOf(test);
  const bits = test.row.operands[0]?.endsWith('b') ? 8 : test.size;
  if (/^SH[LR]D$/.test(test.row.name) && count > bits) return undefined;
  const words = test.code.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const where = `${test.row.name} (${words})`;
  if (native.fault !== ours.fault) return `${where}: fault ${native.fault - 1}, ours ${ours.fault - 1}`;
  if (native.fault !== 0) return undefined;
  const noSource = /^BS[FR]$/.test(test.row.name) && (native.flags & 0x40) !== 0;
  const register = native.registers.findIndex((value, n) => value !== ours.registers[n]);
  if (!noSource && register >= 0) {
    const before = `from ${hex(test.registers[register])}`;
    return `${where}: register ${register} ${before} is ${hex(native.registers[register])}, ours ${hex(ours.registers[register])}`;
  }
  const byte = native.memory.findIndex((value, n) => value !== ours.memory[n]);
  if (byte >= 0) return `${where}: memory at ${byte} is ${native.memory[byte]}, ours ${ours.memory[byte]}`;
  const compared = ARITHMETIC_FLAGS & ~undefinedFlags(test.row.name, count, bits);
  if (((native.flags ^ ours.flags) & compared) === 0) return undefined;
  return `${where}: flags ${hex(native.flags & compared)}, ours ${hex(ours.flags & compared)}`;
}

const hex = (value: number | bigint | undefined) => value?.toString(16);

function compile(directory: string): string | undefined {
  const program = join(directory, 'oracle');
  const { status } = spawnSync('cc', ['-O1', '-o', program, join(import.meta.dirname, 'oracle-64.c')]);
  return status === 0 ? program : undefined;
}

const directory = mkdtempSync(join(tmpdir(), 'native-oracle-64-'));
const program = process.arch === 'x64' ? compile(directory) : undefined;
if (!program) console.warn('native oracle of 64-bit code: SKIPPED, it needs an x86-64 processor and cc');

describe.skipIf(!program)('native oracle of 64-bit code', () => {
  afterAll(() => rmSync(directory, { recursive: true }));

  it(`agrees on every register and memory form of ${rowsOf64BitMode.length} rows`, () => {
    const next = random(Number(process.env['ORACLE_SEED'] ?? 20261120));
    const cases = rowsOf64BitMode.flatMap((row) => casesOf(row, CASES_PER_FORM, next));
    const native = runNatively(program as string, cases);
    const machine = longMachine();
    const differences = new Map<string, string>();
    cases.forEach((test, n) => {
      const difference = compare(test, native[n] as Outcome, runOurs(machine, test));
      if (difference) differences.set(`${test.row.opcode} ${test.row.name} ${test.size}`, difference);
    });
    expect([...differences].map(([key, value]) => `${key}: ${value}`)).toEqual([]);
  }, 120_000);
});
