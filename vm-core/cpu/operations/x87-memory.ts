/** x87: its environment and state in memory, and packed decimal numbers (SDM vol. 1 §8.1.10, §8.1.11, §4.7). */
import { slot } from '../../state/layout.ts';
import { type Cpu, type Instruction, NEXT, type SystemOperation } from '../cpu.ts';
import { MemoryOperand } from '../memory-operand.ts';
import { usesDescriptors } from '../mode.ts';
import { requireNoError, X87Instruction } from '../x87-instruction.ts';
import {
  exactValue,
  type ExtendedNumber,
  INVALID,
  indefinite,
  initializeX87,
  isInfinite,
  isNotNumber,
  isUnsupported,
  moveTop,
  popStack,
  readStack,
  writeStack,
  writeStatus,
} from '../x87-number.ts';

const EXCEPTIONS = 0x3f;
const ERROR_SUMMARY = 0x8080;
const REGISTERS = 8;
const REGISTER_BYTES = 10;
const TAG_VALID = 0;
const TAG_ZERO = 1;
const TAG_SPECIAL = 2;
const TAG_EMPTY = 3;

/** The tags as the environment has them: two bits for each register. */
function tagWord(cpu: Cpu): number {
  const { state } = cpu;
  const top = (state.read16(slot.FSW) >> 11) & 7;
  let word = 0;
  for (let register = 0; register < REGISTERS; register++) {
    const isFull = ((state.read8(slot.FTW) >> register) & 1) === 1;
    const tag = isFull ? tagOf(readStack(state, (register - top + REGISTERS) % REGISTERS)) : TAG_EMPTY;
    word |= tag << (2 * register);
  }
  return word;
}

function tagOf({ exponent, significand }: ExtendedNumber): number {
  if (exponent === 0 && significand === 0n) return TAG_ZERO;
  return exponent === 0 || exponent === 0x7fff || significand >> 63n === 0n ? TAG_SPECIAL : TAG_VALID;
}

/** Bytes of the environment. */
const environmentBytes = ({ operandSize }: Instruction): number => (operandSize === 16 ? 14 : 28);

/** The seven words of the environment: control, status, tags, and four of the pointers. */
function environmentWords(cpu: Cpu, isNarrow: boolean): readonly number[] {
  const { state } = cpu;
  const [control, status] = [state.read16(slot.FCW), state.read16(slot.FSW)];
  const [instructionSegment, dataSegment] = [state.read16(slot.FCS), state.read16(slot.FDS)];
  const [instruction, data] = [state.read32(slot.FIP), state.read32(slot.FDP)];
  const opcode = state.read16(slot.FOP) & 0x7ff;
  const first = [control, status, tagWord(cpu)];
  if (usesDescriptors(state)) {
    const upper = isNarrow ? instructionSegment : (instructionSegment | (opcode << 16)) >>> 0;
    return [...first, instruction, upper, data, dataSegment];
  }
  const linear = [instruction + instructionSegment * 16, data + dataSegment * 16] as const;
  const upperOf = (address: number, low: number) => ((((address >>> 16) & 0xffff) << 12) | low) >>> 0;
  return [...first, linear[0] & 0xffff, upperOf(linear[0], opcode), linear[1] & 0xffff, upperOf(linear[1], 0)];
}

function writeEnvironment(cpu: Cpu, instruction: Instruction, operand: MemoryOperand): void {
  const isNarrow = instruction.operandSize === 16;
  const isProtected = usesDescriptors(cpu.state);
  environmentWords(cpu, isNarrow).forEach((word, n) => {
    if (isNarrow) {
      operand.write(2 * n, 2, word & 0xffff);
      return;
    }
    // Of a doubleword that holds a word, the upper half is all ones.
    const isWord = n < 3 || (isProtected ? n === 6 : n === 3 || n === 5);
    operand.write(4 * n, 4, isWord ? (word | 0xffff_0000) >>> 0 : word);
  });
}

function readEnvironment(cpu: Cpu, instruction: Instruction, operand: MemoryOperand): () => void {
  const isNarrow = instruction.operandSize === 16;
  const word = (n: number): number => (isNarrow ? operand.read(2 * n, 2) : operand.read(4 * n, 4));
  const words = [0, 1, 2, 3, 4, 5, 6].map(word) as [number, number, number, number, number, number, number];
  const [control, status, tags, ip, ipUpper, dp, dpUpper] = words;
  return () => {
    const { state } = cpu;
    state.write16(slot.FCW, (control & 0x1f3f) | 0x40);
    writeStatus(state, status);
    let abridged = 0;
    for (let n = 0; n < REGISTERS; n++) if (((tags >> (2 * n)) & 3) !== TAG_EMPTY) abridged |= 1 << n;
    state.write8(slot.FTW, abridged);
    const isProtected = usesDescriptors(state);
    const upper = (value: number) => (isProtected ? 0 : ((value >>> 12) & 0xffff) << 16);
    const low = (value: number) => (isProtected && !isNarrow ? value : value & 0xffff);
    state.write64(slot.FIP, BigInt((low(ip) | upper(ipUpper)) >>> 0));
    state.write64(slot.FDP, BigInt((low(dp) | upper(dpUpper)) >>> 0));
    state.write16(slot.FCS, isProtected ? ipUpper & 0xffff : 0);
    state.write16(slot.FDS, isProtected ? dpUpper & 0xffff : 0);
    if (isProtected && isNarrow) return;
    state.write16(slot.FOP, (isProtected ? ipUpper >>> 16 : ipUpper) & 0x7ff);
  };
}

export const FNSTENV: SystemOperation = (cpu, instruction) => {
  const operand = new MemoryOperand(cpu, instruction);
  operand.requireWritable(environmentBytes(instruction));
  writeEnvironment(cpu, instruction, operand);
  const { state } = cpu;
  state.write16(slot.FCW, state.read16(slot.FCW) | EXCEPTIONS);
  state.write16(slot.FSW, state.read16(slot.FSW) & ~ERROR_SUMMARY);
  return NEXT;
};

export const FLDENV: SystemOperation = (cpu, instruction) => {
  requireNoError(cpu);
  readEnvironment(cpu, instruction, new MemoryOperand(cpu, instruction))();
  return NEXT;
};

export const FNSAVE: SystemOperation = (cpu, instruction) => {
  const { state } = cpu;
  const operand = new MemoryOperand(cpu, instruction);
  const start = environmentBytes(instruction);
  operand.requireWritable(start + REGISTERS * REGISTER_BYTES);
  writeEnvironment(cpu, instruction, operand);
  for (let n = 0; n < REGISTERS; n++) writeExtended(operand, start + n * REGISTER_BYTES, readStack(state, n));
  initializeX87(state);
  return NEXT;
};

export const FRSTOR: SystemOperation = (cpu, instruction) => {
  requireNoError(cpu);
  const operand = new MemoryOperand(cpu, instruction);
  const start = environmentBytes(instruction);
  const commit = readEnvironment(cpu, instruction, operand);
  const numbers = Array.from({ length: REGISTERS }, (_, n) => readExtended(operand, start + n * REGISTER_BYTES));
  commit();
  const tags = cpu.state.read8(slot.FTW);
  numbers.forEach((number, n) => {
    writeStack(cpu.state, n, number);
  });
  cpu.state.write8(slot.FTW, tags);
  return NEXT;
};

function writeExtended(operand: MemoryOperand, at: number, { sign, exponent, significand }: ExtendedNumber): void {
  operand.write(at, 4, Number(significand & 0xffff_ffffn));
  operand.write(at + 4, 4, Number(significand >> 32n));
  operand.write(at + 8, 2, (sign << 15) | exponent);
}

function readExtended(operand: MemoryOperand, at: number): ExtendedNumber {
  const significand = BigInt(operand.read(at, 4)) | (BigInt(operand.read(at + 4, 4)) << 32n);
  const upper = operand.read(at + 8, 2);
  return { sign: (upper >> 15) as 0 | 1, exponent: upper & 0x7fff, significand };
}

const DIGITS = 18;
/** Bytes of a decimal number, and the parts in which it is read and written. */
const DECIMAL_SIZE = 10;
const DECIMAL_PARTS = [
  [0, 4],
  [4, 4],
  [8, 2],
] as const;

function bytesOf(value: number, size: number): readonly number[] {
  return Array.from({ length: size }, (_, n) => (value >>> (8 * n)) & 0xff);
}

/** Eighteen decimal digits and a sign; every nibble counts as it is. */
export const FBLD: SystemOperation = (cpu, instruction) => {
  const x87 = new X87Instruction(cpu, instruction);
  const operand = new MemoryOperand(cpu, instruction);
  operand.requireReadable(DECIMAL_SIZE);
  const bytes = DECIMAL_PARTS.flatMap(([at, size]) => bytesOf(operand.read(at, size), size));
  const negative = ((bytes.pop() as number) & 0x80) !== 0;
  const value = bytes.reduceRight((sum, byte) => sum * 100n + BigInt((byte >> 4) * 10 + (byte & 15)), 0n);
  const push = (number: ExtendedNumber) => {
    moveTop(cpu.state, -1);
    x87.write(0, number);
  };
  if (!x87.hasRoom(() => push(indefinite))) return NEXT;
  const number = x87.rounded(negative, value, 0, false);
  return x87.finish(() => push(number));
};

export const FBSTP: SystemOperation = (cpu, instruction) => {
  const x87 = new X87Instruction(cpu, instruction);
  const operand = new MemoryOperand(cpu, instruction);
  operand.requireWritable(DECIMAL_SIZE);
  const store = (bytes: readonly number[]) => {
    for (const [at, size] of DECIMAL_PARTS) {
      const part = bytes.slice(at, at + size).reduceRight((sum, byte) => sum * 256 + byte, 0);
      operand.write(at, size, part);
    }
    popStack(cpu.state);
  };
  const invalid = [0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff];
  if (!x87.isFull([0], () => store(invalid))) return NEXT;
  const x = x87.top();
  const digits = decimalDigits(x87, x);
  if (digits === undefined) x87.raised |= INVALID;
  return x87.finish(() => store(digits ?? invalid));
};

/** The ten bytes of a number rounded to an integer; undefined for what has more than eighteen digits. */
function decimalDigits(x87: X87Instruction, x: ExtendedNumber): readonly number[] | undefined {
  if (isUnsupported(x) || isNotNumber(x) || isInfinite(x) || x.exponent > 16383 + 62) return undefined;
  const { value, scale } = exactValue(x);
  const { integer, exceptions } = roundedInteger(value, scale, x.sign, x87.rounding);
  if (integer >= 10n ** BigInt(DIGITS)) return undefined;
  x87.raised |= exceptions;
  const text = integer.toString().padStart(DIGITS, '0');
  const bytes = Array.from({ length: DIGITS / 2 }, (_, n) => Number.parseInt(text.slice(16 - 2 * n, 18 - 2 * n), 16));
  return [...bytes, x.sign === 1 ? 0x80 : 0];
}

function roundedInteger(value: bigint, scale: number, sign: 0 | 1, rounding: number) {
  if (scale >= 0) return { integer: value << BigInt(scale), exceptions: 0 };
  const shift = BigInt(Math.min(-scale, 130));
  const kept = value >> shift;
  const rest = value - (kept << shift);
  if (rest === 0n) return { integer: kept, exceptions: 0 };
  const twice = 2n * rest;
  const unit = 1n << shift;
  const nearest = twice > unit || (twice === unit && (kept & 1n) === 1n);
  const up = rounding === 0 ? nearest : rounding === (sign === 0 ? 2 : 1);
  return { integer: up ? kept + 1n : kept, exceptions: 0x20 | (up ? 0x200 : 0) };
}
