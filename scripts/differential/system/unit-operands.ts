/**
 * What sequences with instructions of the x87, MMX and SSE need: the rows that QEMU has, states and control registers to
 * begin with, operands in memory, registers (SDM vol. 1 chapters 8 to 13).
 */
import { hasFeature } from '../../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../../vm-core/isa/instruction-table.ts';
import type { Random } from '../random.ts';
import { anyState, fillVector, MXCSR } from '../unit-state.ts';
import { bytesOf, emptyCase, type Patch } from './case.ts';
import { CPU_MODEL, UNITS } from './layout.ts';

/** Instructions of no unit that are about the states of all of them. */
const STATE_NAMES: ReadonlySet<string> = new Set(['WAIT', 'XSAVE', 'XRSTOR', 'XSAVEOPT', 'XGETBV']);

/** What QEMU 7.2 has not got, or does by other means (explained.ts). */
const NOT_COMPARED = /^(SHA(1|256)|F(SIN|COS|SINCOS|PTAN)$|R(CP|SQRT)[PS]S$|F(FREEP?|INCSTP|DECSTP)$)/;

export const unitRows: readonly InstructionRow[] = instructionRows.filter(
  ({ name, unit, feature, opcode }) =>
    !opcode.startsWith('VEX') &&
    (unit !== undefined || STATE_NAMES.has(name)) &&
    !NOT_COMPARED.test(name) &&
    hasFeature(CPU_MODEL, feature),
);

const [RAX, RCX, RDX, RDI] = [0, 1, 2, 7];
const [MP, EM, TS] = [2, 4, 8];
const [OSFXSR, OSXMMEXCPT, OSXSAVE] = [1 << 9, 1 << 10, 1 << 18];
const MASKS = 0x3f;
/** Of the status word: an exception that is not masked, and one of the register stack. */
const [SUMMARY, STACK_FAULT] = [0x80, 0x40];
const [LEGACY_SIZE, HEADER_SIZE, VECTORS_AT] = [512, 64, 160];

/** CR0 and CR4: everything may be used, most of the time. */
export function unitControl(random: Random): { readonly cr0: number; readonly cr4: number } {
  const rarely = (bits: number, percent: number) => (random.chance(percent) ? bits : 0);
  const missing = rarely(OSFXSR, 3) | rarely(OSXSAVE, 3);
  return {
    cr0: (emptyCase.cr0 | rarely(MP, 60) | rarely(TS, 4) | rarely(EM, 3)) >>> 0,
    cr4: emptyCase.cr4 | ((OSFXSR | OSXMMEXCPT | OSXSAVE) & ~missing),
  };
}

/** Tags of so many registers that count from the top of a status word. */
const tagsOf = (used: number, status: number): number =>
  Array.from({ length: used }, (_, n) => 1 << ((n + (status >> 11)) & 7)).reduce((tags, bit) => tags | bit, 0);

/** An image as FXSAVE writes it, with so many registers in use; all exceptions are masked, as QEMU raises none of SSE and is late with those of the x87. */
function image(random: Random, used: number): number[] {
  const bytes = [...anyState(random.next).subarray(0, LEGACY_SIZE)];
  bytes[0] = (bytes[0] as number) | MASKS;
  bytes[2] = (bytes[2] as number) & ~(SUMMARY | STACK_FAULT);
  bytes[3] = (bytes[3] as number) & 0x7f;
  bytes[4] = tagsOf(used, (bytes[3] as number) << 8);
  bytes.splice(MXCSR, 4, ...maskedMxcsr(bytes[MXCSR] as number, (bytes[MXCSR + 1] as number) & 0xe0));
  return bytes;
}

const maskedMxcsr = (low: number, high: number): number[] => bytesOf(low | (high << 8) | (MASKS << 7), 4);

/** The state that a case begins with. */
export function unitStart(random: Random, used: number, hasNans: boolean): Patch {
  const bytes = image(random, used);
  if (!hasNans) withoutNans(bytes, VECTORS_AT);
  return { at: UNITS, bytes: [...bytes.slice(0, 28), ...bytesOf(0xffff, 4), ...bytes.slice(32, 416)] };
}

/** Takes a bit of the exponent from what is a NaN, or may be the upper half of one. */
function withoutNans(bytes: number[], from: number): void {
  for (let at = from; at < bytes.length; at += 4) {
    const isHigh = ((bytes[at + 3] as number) & 0x7f) === 0x7f && ((bytes[at + 2] as number) & 0x80) !== 0;
    if (isHigh) bytes[at + 3] = (bytes[at + 3] as number) & ~1;
  }
}

/** An operand in memory, where the row may have one. */
export function unitOperand({ name }: InstructionRow, at: number, random: Random, hasNans: boolean): Patch[] {
  if (name === 'FXRSTOR') return [{ at, bytes: image(random, 8) }];
  if (name === 'XRSTOR') return [{ at, bytes: savedState(random) }];
  if (/^V?LDMXCSR$/.test(name)) {
    const reserved = random.chance(10) ? 1 << random.between(16, 31) : 0;
    return [{ at, bytes: bytesOf(reserved | (MASKS << 7) | (random.next() & 0xe03f), 4) }];
  }
  if (name === 'FLDCW') return [{ at, bytes: bytesOf((random.next() & 0xf40) | MASKS, 2) }];
  if (name === 'FLDENV' || name === 'FRSTOR') return [{ at, bytes: environment(random) }];
  const bytes = new Uint8Array(32);
  for (const half of [0, 16]) fillVector(new DataView(bytes.buffer), half, random.next);
  const operand = [...bytes];
  if (!hasNans) withoutNans(operand, 0);
  return [{ at, bytes: operand }];
}

/** Control, status and tag word, pointers, in one of their two widths; for FRSTOR registers follow. */
function environment(random: Random): number[] {
  const width = random.pick([2, 4]);
  const words = [(random.next() & 0xf40) | MASKS, random.next() & 0x7f3f, 0];
  const pointers = Array.from({ length: 4 * width }, () => 0);
  const state = anyState(random.next);
  const registers = Array.from({ length: 8 }, (_, n) => [...state.subarray(32 + 16 * n, 42 + 16 * n)]).flat();
  return [...words.flatMap((word) => bytesOf(word, width)), ...pointers, ...registers];
}

/** What XRSTOR takes, with a header that is now and then one it refuses. */
function savedState(random: Random): number[] {
  const bytes = image(random, 0);
  const header = [random.next() & 3, ...new Array<number>(HEADER_SIZE - 1).fill(0)];
  if (random.chance(6)) header[random.below(24)] = random.pick([4, 8, 0x80]);
  return [...bytes.slice(0, 416), ...new Array<number>(LEGACY_SIZE - 416).fill(0), ...header];
}

/** Registers that a row takes without naming them. */
export function unitRegisters(name: string, random: Random, data: () => bigint): [number, bigint | number][] {
  if (/^X(SAVE|RSTOR)/.test(name)) {
    return [
      [RAX, random.below(8)],
      [RDX, 0],
    ];
  }
  if (name === 'XGETBV') return [[RCX, random.below(10) === 0 ? 2 : random.below(2)]];
  if (/^V?MASKMOV/.test(name)) return [[RDI, data()]];
  if (/^PCMPESTR/.test(name)) return [RAX, RDX].map((register) => [register, random.below(20)]);
  return [];
}
