/**
 * User-mode instructions on this machine's own processor and on ours: results, flags, faults, memory must be equal, for
 * edge and random operands, with registers and memory, 16 and 32 bits. Needs a C compiler and an x86-64 processor.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BareMachine, createBareMachine } from '../../vm-core/engine/bare-machine.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { parseOpcode } from '../../vm-core/isa/opcode-map.ts';
import { hasNo16BitForm, immediateSize, needsModRm } from '../../vm-core/isa/operand.ts';
import { CR0_PE } from '../../vm-core/state/control-bits.ts';
import { slot } from '../../vm-core/state/layout.ts';
import { ARITHMETIC_FLAGS } from '../../vm-core/state/lazy-flags.ts';
import { isAskedInMemory, oracleRows, undefinedFlags } from './forms.ts';

const CASES_PER_FORM = Number(process.env['ORACLE_CASES'] ?? 60);
const CASE_SIZE = 80;
const REGISTERS = [slot.EAX, slot.ECX, slot.EDX, slot.EBX] as const;
const EDGES = [
  0, 1, 2, 3, 0xf, 0x10, 0x1f, 0x20, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
];
const CODE = 0x1000;
const DATA = 0x3000;

interface Case {
  readonly row: InstructionRow;
  readonly bits: number;
  readonly registers: readonly number[];
  readonly flags: number;
  readonly memory: Uint8Array;
  readonly code: readonly number[];
}

interface Outcome {
  readonly registers: readonly number[];
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

/** Machine code of a row: destination and source among EAX, ECX, EDX, EBX, or memory at [ESI]. */
function encode(row: InstructionRow, wide: boolean, memoryForm: boolean, next: () => number): number[] {
  const { place, extension, count, prefix } = parseOpcode(row.opcode);
  const opcode = (place & 0xff) + (count > 1 ? next() % 4 : 0);
  const bytes = [...prefixBytes(place, prefix, wide, next() % 4), opcode];
  if (row.operands.some(needsModRm)) {
    const byteRegisters = row.operands.some((code) => code === 'Gb') ? 8 : 4;
    const reg = extension ?? next() % byteRegisters;
    const rm = row.operands.includes('Eb') ? next() % 8 : next() % 4;
    bytes.push(memoryForm ? (reg << 3) | 6 : 0xc0 | (reg << 3) | rm);
  }
  for (const code of row.operands) {
    for (let n = immediateSize(code, wide ? 32 : 16, 32); n > 0; n--) bytes.push(next() & 0xff);
  }
  return bytes;
}

const ESCAPES = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]] as const;
const VEX_PREFIXES: readonly unknown[] = [0, 0x66, 0xf3, 0xf2];

/** What stands before the opcode: prefixes and escapes, or VEX with a register in vvvv. */
function prefixBytes(place: number, prefix: unknown, wide: boolean, vvvv: number): number[] {
  const map = place >> 8;
  if (map > 3) return [0xc4, 0xe0 | (map - 3), ((vvvv ^ 15) << 3) | VEX_PREFIXES.indexOf(prefix)];
  const mandatory = typeof prefix === 'number' && prefix !== 0 ? [prefix] : [];
  return [...(wide ? [] : [0x66]), ...mandatory, ...(ESCAPES[map] as readonly number[])];
}

function casesOf(row: InstructionRow, next: () => number): Case[] {
  const value = () => (next() % 3 === 0 ? next() : (EDGES[next() % EDGES.length] as number));
  const widths = hasNo16BitForm(row.operands) ? [true] : [true, false];
  return widths.flatMap((wide) =>
    [false, ...(isAskedInMemory(row) ? [true] : [])].flatMap((memoryForm) =>
      Array.from({ length: CASES_PER_FORM }, () => ({
        row,
        bits: row.operands[0]?.endsWith('b') ? 8 : wide ? 32 : 16,
        registers: REGISTERS.map(value),
        flags: 0x202 | (next() & ARITHMETIC_FLAGS),
        memory: Uint8Array.from({ length: 16 }, () => (next() % 2 === 0 ? 0xff * (next() & 1) : next() & 0xff)),
        code: encode(row, wide, memoryForm, next),
      })),
    ),
  );
}

function runNatively(program: string, cases: readonly Case[]): Outcome[] {
  const input = Buffer.alloc(cases.length * CASE_SIZE);
  cases.forEach(({ registers, flags, memory, code }, n) => {
    const at = n * CASE_SIZE;
    registers.forEach((value, index) => {
      input.writeBigUInt64LE(BigInt(value), at + index * 8);
    });
    input.writeBigUInt64LE(BigInt(flags), at + 32);
    input.set(memory, at + 40);
    input.set(code, at + 56);
    input[at + 71] = code.length;
  });
  const { stdout, status } = spawnSync(program, { input, maxBuffer: 1 << 30 });
  expect(status, 'the oracle ends normally').toBe(0);
  return cases.map((_, n) => {
    const at = n * CASE_SIZE;
    return {
      registers: REGISTERS.map((_register, index) => stdout.readUInt32LE(at + index * 8)),
      flags: stdout.readUInt32LE(at + 32),
      memory: Uint8Array.from(stdout.subarray(at + 40, at + 56)),
      fault: stdout.readUInt32LE(at + 72),
    };
  });
}

function runOurs({ processor, map, loop }: BareMachine, test: Case): Outcome {
  const { state } = processor;
  const code = [...test.code, 0xf4];
  code.forEach((value, n) => {
    map.write(CODE + n, 1, value);
  });
  test.memory.forEach((value, n) => {
    map.write(DATA + n, 1, value);
  });
  processor.codeWritten(CODE, code.length);
  REGISTERS.forEach((register, n) => {
    state.write32(register, test.registers[n] as number);
  });
  state.write32(slot.ESI, DATA);
  state.eflags = test.flags & ~0x200;
  state.eip = CODE;
  state.write8(slot.HALTED, 0);
  loop.stopOnExceptions = new Set([0, 6, 13]);
  const result = loop.run({ instructionsMax: 2 });
  loop.reset();
  return {
    registers: REGISTERS.map((register) => state.read32(register)),
    flags: state.eflags,
    memory: map.copyOut(DATA, 16),
    fault: result.reason === 'exception' ? result.event.vector + 1 : 0,
  };
}

function flatMachine(): BareMachine {
  const machine = createBareMachine(0x100000, undefined, 'max');
  for (let index = 0; index < 6; index++) {
    const attributes = index === 1 ? 0xc9b : 0xc93;
    machine.processor.state.setSegment(index, { selector: 0, base: 0, limit: 0xffffffff, attributes });
  }
  machine.processor.state.write32(slot.CR0, CR0_PE);
  machine.processor.refresh();
  return machine;
}

/** The shift count a case uses, modulo 32; 0 where the row has none. */
function countOf({ row, code, registers }: Case): number {
  const operand = row.operands.at(-1);
  if (operand === '1') return 1;
  if (operand === 'CL') return (registers[1] as number) & 31;
  return operand === 'Ib' ? (code.at(-1) as number) & 31 : 0;
}

/** Differences as text; results that the manual leaves undefined are not compared. */
function compare(test: Case, native: Outcome, ours: Outcome): string | undefined {
  const count = countOf(test);
  if (/^SH[LR]D$/.test(test.row.name) && count > test.bits) return undefined;
  const words = test.code.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
  const where = `${test.row.name} (${words}) ${test.registers.map((value) => value.toString(16))}`;
  if (native.fault !== ours.fault) return `${where}: fault ${native.fault - 1}, ours ${ours.fault - 1}`;
  if (native.fault !== 0) return undefined;
  const noSource = /^BS[FR]$/.test(test.row.name) && (native.flags & 0x40) !== 0;
  const registersDiffer = native.registers.some((value, n) => value !== ours.registers[n]);
  if (!noSource && registersDiffer) return `${where}: ${native.registers.map(hex)}, ours ${ours.registers.map(hex)}`;
  if (native.memory.some((value, n) => value !== ours.memory[n])) return `${where}: memory`;
  const compared = ARITHMETIC_FLAGS & ~undefinedFlags(test.row.name, count, test.bits);
  if (((native.flags ^ ours.flags) & compared) === 0) return undefined;
  return `${where}: flags ${hex(native.flags & compared)}, ours ${hex(ours.flags & compared)}`;
}

const hex = (value: number) => value.toString(16);

function compile(directory: string): string | undefined {
  const program = join(directory, 'oracle');
  const source = join(import.meta.dirname, 'oracle.c');
  const { status } = spawnSync('cc', ['-O1', '-o', program, source]);
  return status === 0 ? program : undefined;
}

const directory = mkdtempSync(join(tmpdir(), 'native-oracle-'));
const program = process.arch === 'x64' ? compile(directory) : undefined;
if (!program) console.warn('native oracle: SKIPPED, it needs an x86-64 processor and a C compiler (cc)');

describe.skipIf(!program)('native oracle', () => {
  it(`agrees on every register and memory form of ${oracleRows.length} rows`, () => {
    const next = random(20261120);
    const cases = oracleRows.flatMap((row) => casesOf(row, next));
    const native = runNatively(program as string, cases);
    const machine = flatMachine();
    const differences = new Map<string, string>();
    cases.forEach((test, n) => {
      const difference = compare(test, native[n] as Outcome, runOurs(machine, test));
      if (difference) differences.set(`${test.row.opcode} ${test.row.name} ${test.bits}`, difference);
    });
    rmSync(directory, { recursive: true });
    expect([...differences]).toEqual([]);
  }, 120_000);
});
