/** What the guest executed last, from the machine's record, as text: instructions as memory holds them now, with symbols. */
import type { TraceEntry } from '../../vm-core/index.ts';
import { decodeInstruction, INSTRUCTION_LENGTH_MAX } from '../disassembly/decode-instruction.ts';
import { formatFar } from '../expressions/format.ts';
import { segmentBaseOf } from './descriptors.ts';
import type { Guest } from './guest.ts';
import { interruptName } from './interrupt-name.ts';

type Code = Extract<TraceEntry, { kind: 'code' }>;
type Interrupt = Exclude<TraceEntry, Code>;

const SEGMENT_SIZE = 0x10000;

/** At most so many lines, the oldest first. What was executed again and again is shown once. */
export function executedLines(guest: Guest, linesMax: number): readonly string[] {
  const entries = guest.vcpu.trace();
  const lines: string[] = [];
  for (let end = entries.length; end > 0 && lines.length < linesMax; ) {
    const entry = entries[end - 1] as TraceEntry;
    const count = repetitions(entries, end);
    lines.push(...linesOf(guest, entry, count).toReversed());
    end -= count;
  }
  return lines.slice(0, linesMax).reverse();
}

/** How many entries in front of `end` are the same. */
function repetitions(entries: readonly TraceEntry[], end: number): number {
  const last = entries[end - 1] as TraceEntry;
  let start = end - 1;
  if (last.kind === 'code') while (start > 0 && isSame(last, entries[start - 1] as TraceEntry)) start--;
  return end - start;
}

function isSame(left: Code, right: TraceEntry): boolean {
  return right.kind === 'code' && left.address === right.address && left.count === right.count;
}

function linesOf(guest: Guest, entry: TraceEntry, count: number): readonly string[] {
  if (entry.kind === 'interrupt') return [interruptLine(guest, entry)];
  const more = count === 1 ? [] : [`  … ${count} times`];
  return [...codeLines(guest, entry), ...more];
}

function interruptLine(guest: Guest, { vector, source, address, selector }: Interrupt): string {
  return `  — ${interruptName(guest, { vector, source })} at ${placeIn(guest, selector, address, undefined)}`;
}

function codeLines(guest: Guest, { address, selector, count, codeSize }: Code): readonly string[] {
  const base = baseOf(guest, selector, address);
  const lines: string[] = [];
  let at = address;
  for (let n = 0; n < count; n++) {
    const bytes = guest.readLinear(at, INSTRUCTION_LENGTH_MAX);
    const instruction = bytes.length === 0 ? undefined : decodeInstruction(bytes, 0, codeSize, at - base, guest.isAmd);
    const target = instruction?.target === undefined ? undefined : guest.describeSymbol(base + instruction.target);
    const text = instruction?.text ?? '??';
    lines.push(
      `${placeIn(guest, selector, at, codeSize).padEnd(24)} ${text}${target === undefined ? '' : `  ; ${target}`}`,
    );
    if (!instruction?.valid) return [...lines, '  (memory has changed since)'];
    at += instruction.length;
  }
  return lines;
}

/** Of interrupts the size of the code is not recorded: addresses that 32 bits do not hold are of 64. */
function placeIn(guest: Guest, selector: number, address: number, codeSize: Code['codeSize'] | undefined): string {
  const offset = address - baseOf(guest, selector, address);
  const isWide = codeSize === 64 || offset < 0 || offset >= 2 ** 32;
  const place = formatFar(selector, offset, isWide ? 64 : offset < SEGMENT_SIZE ? 16 : 32);
  const symbol = guest.describeSymbol(address);
  return symbol === undefined ? place : `${place} ${symbol}`;
}

/** Where the segment began: as real mode has it if the address lies in it then, else as its descriptor says now. */
function baseOf(guest: Guest, selector: number, address: number): number {
  const real = selector << 4;
  if (guest.vcpu.mode === 'real' && address >= real && address - real < SEGMENT_SIZE) return real;
  return segmentBaseOf(guest, selector) ?? 0;
}
