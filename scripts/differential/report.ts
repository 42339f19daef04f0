/** What is printed of a difference: seed, sequence, disassembly, start and both results. */
import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from 'iced-x86';
import type { LimitFailure } from './generator.ts';
import type { Mode, StartState } from './image.ts';
import type { Sequence } from './sequence.ts';

export interface Failure {
  readonly seed: number;
  readonly mode: Mode;
  readonly index: number;
  readonly sequence: Sequence;
  readonly lines: readonly string[];
  readonly shortest: Shortest | undefined;
}

/** The first instructions of a sequence that are enough to differ, and how they differ. */
export interface Shortest {
  readonly count: number;
  readonly lines: readonly string[];
}

const hex = (value: number) => (value >>> 0).toString(16).toUpperCase();
const names = ['EAX', 'ECX', 'EDX', 'EBX', 'ESP', 'EBP', 'ESI', 'EDI'];
const segmentNames = ['ES', 'CS', 'SS', 'DS', 'FS', 'GS'];

export function describeFailure({ seed, mode, index, sequence, lines, shortest }: Failure): string {
  const listing = disassemble(sequence, shortest?.count);
  return [
    `seed ${seed} ${mode}, sequence ${index} at ${hex(sequence.at)}h`,
    `  ${describeStart(sequence.start)}`,
    ...listing.map((line) => `    ${line}`),
    ...lines.map((line) => `  ${line}`),
    ...(shortest ? [`  after ${shortest.count}:`, ...shortest.lines.map((line) => `  ${line}`)] : []),
  ].join('\n');
}

export function describeLimitFailure({ message, code, start }: LimitFailure, mode: Mode, seed: number): string {
  const bytes = code.map((byte) => hex(byte).padStart(2, '0')).join(' ');
  return [`seed ${seed} ${mode}, without QEMU: ${message}`, `  ${describeStart(start)}`, `    ${bytes}`].join('\n');
}

function describeStart({ general, segments, cs, eip, eflags, cr0 }: StartState): string {
  const registers = general.map((value, n) => `${names[n]}=${hex(value)}`);
  const selectors = segments.map((value, n) => `${segmentNames[n]}=${hex(n === 1 ? cs : value)}`);
  return [...registers, ...selectors, `EIP=${hex(eip)}`, `EFLAGS=${hex(eflags)}`, `CR0=${hex(cr0)}`].join(' ');
}

/** The instructions, the one after which the results first differ marked. */
function disassemble(sequence: Sequence, marked: number | undefined): string[] {
  const formatter = new Formatter(FormatterSyntax.Nasm);
  const bytes = Uint8Array.from(sequence.code);
  const lines = sequence.instructions.map(({ offset, codeSize }, n) => {
    const decoder = new Decoder(codeSize, bytes.subarray(offset), DecoderOptions.MovTr);
    const instruction = decoder.decode();
    const raw = [...bytes.subarray(offset, offset + instruction.length)].map((byte) => hex(byte).padStart(2, '0'));
    const text = instruction.isInvalid ? '(invalid)' : formatter.format(instruction);
    instruction.free();
    decoder.free();
    return `${n + 1 === marked ? '>' : ' '} ${hex(sequence.at + offset)} ${raw.join(' ').padEnd(30)} ${codeSize}: ${text}`;
  });
  formatter.free();
  return lines;
}
