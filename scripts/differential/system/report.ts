/** What is printed of a case that differs: where it began, its code, and the differences. */
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import type { SystemCase } from './case.ts';
import { type Comparison, describeMismatch, type Mismatch } from './compare.ts';
import { codeSizeOf, landingVector } from './comparison-facts.ts';
import { CODE, ENDING } from './layout.ts';
import type { SystemResult } from './results.ts';

const hex = (value: bigint | number) => BigInt.asUintN(64, BigInt(value)).toString(16).toUpperCase();
const NAMES = ['AX', 'CX', 'DX', 'BX', 'SP', 'BP', 'SI', 'DI', '8', '9', '10', '11', '12', '13', '14', '15'];

export function describeComparison(
  label: string,
  { test, qemu, ours }: Comparison,
  mismatches: readonly Mismatch[],
): string {
  return [
    `${label}: ${test.text}`,
    `  ${describeStart(test)}`,
    ...listing(test).map((line) => `    ${line}`),
    ...test.patches
      .filter(({ at }) => at !== CODE)
      .map(({ at, bytes }) => `  at ${hex(at)}h: ${bytes.map((byte) => hex(byte).padStart(2, '0')).join(' ')}`),
    `  QEMU ${describeEnding(qemu)}; ours ${describeEnding(ours)}`,
    ...mismatches.slice(0, 12).map((mismatch) => `  ${describeMismatch(mismatch)}`),
  ].join('\n');
}

function describeStart(test: SystemCase): string {
  const registers = test.general.map((value, n) => `R${NAMES[n]}=${hex(n === 4 ? test.rsp : value)}`);
  const segments = (['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const).map(
    (name) => `${name.toUpperCase()}=${hex(test[name])}`,
  );
  const control = (['cr0', 'cr3', 'cr4', 'efer', 'rip', 'rflags'] as const).map(
    (name) => `${name.toUpperCase()}=${hex(test[name])}`,
  );
  const tables = [`IDTR=${hex(test.idtr.base)}:${hex(test.idtr.limit)}`, `TR=${hex(test.tr)}`];
  return [...registers, ...segments, ...control, ...tables, `MSRs ${test.msrs.map(hex).join(' ')}`].join(' ');
}

function describeEnding(result: SystemResult): string {
  const { ending, rip, cs } = result.registers;
  const name = Object.entries(ENDING).find(([, value]) => BigInt(value) === ending)?.[0] ?? '?';
  const vector = landingVector(result);
  return `${name} at ${hex(cs)}:${hex(rip)}${vector === undefined ? '' : ` (vector ${vector})`}`;
}

function listing(test: SystemCase): string[] {
  const bytes = test.patches.find(({ at }) => at === CODE)?.bytes ?? [];
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const decoder = new Decoder(codeSizeOf(test), Uint8Array.from(bytes), DecoderOptions.None);
  decoder.ip = BigInt.asUintN(64, test.rip);
  const lines: string[] = [];
  while (decoder.position < bytes.length) {
    const start = decoder.position;
    const instruction = decoder.decode();
    const raw = bytes.slice(start, start + instruction.length).map((byte) => hex(byte).padStart(2, '0'));
    const text = instruction.isInvalid ? '(invalid)' : formatter.format(instruction);
    lines.push(`${hex(start).padStart(3, '0')} ${raw.join(' ').padEnd(32)} ${text}`);
    instruction.free();
  }
  decoder.free();
  formatter.free();
  return lines;
}
