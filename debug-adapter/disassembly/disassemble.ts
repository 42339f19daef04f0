/**
 * A listing of exactly so many instructions around an address, forward and backward. x86 code cannot be read backward:
 * the listing before an address starts farther back, at the place from which decoding runs into the known starts of
 * instructions with the fewest breaks, and where it would run across a known start, single bytes are put in between.
 */
import {
  type DecodedInstruction,
  declareByte,
  decodeInstruction,
  INSTRUCTION_LENGTH_MAX,
} from './decode-instruction.ts';

/** What is disassembled. Addresses are linear; they may lie outside the address space, where nothing is mapped. */
export interface CodeSource {
  readonly codeSize: 16 | 32 | 64;
  /** Short where nothing is mapped. */
  read(address: number, length: number): Uint8Array;
  /** Offset in the code segment, for branch targets. */
  offsetOf(address: number): number;
  /** Known starts of instructions in `start` ≤ address < `end`, ascending. */
  knownStarts(start: number, end: number): readonly number[];
}

/** One line of the listing; `instruction` is undefined for a byte that is not mapped. */
export interface ListedInstruction {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly instruction: DecodedInstruction | undefined;
}

/** An instruction is rarely longer than this on average; where it is, the search goes back again. */
const AVERAGE_LENGTH = 5;

/** `count` instructions, the first being number `offset` counted from the instruction at `address` (0 is itself). */
export function disassemble(source: CodeSource, address: number, offset: number, count: number): ListedInstruction[] {
  const before = Math.max(0, -offset);
  const listed = [
    ...(before > 0 ? backward(source, address, before) : []),
    ...forward(source, address, Math.max(0, offset + count)),
  ];
  return listed.slice(before + offset, before + offset + count);
}

function forward(source: CodeSource, address: number, count: number): ListedInstruction[] {
  if (count === 0) return [];
  return sweep(source, address, address + count * INSTRUCTION_LENGTH_MAX, count);
}

/** Exactly `count` lines that end where `address` begins. */
function backward(source: CodeSource, address: number, count: number): ListedInstruction[] {
  for (let window = count * AVERAGE_LENGTH + INSTRUCTION_LENGTH_MAX; ; window *= 2) {
    const listed = bestSweep(source, address - window, address);
    if (listed.length >= count) return listed.slice(-count);
  }
}

/** Of the sweeps that begin in the first bytes of a window the one with the fewest bytes that are no instruction. */
function bestSweep(source: CodeSource, start: number, end: number): ListedInstruction[] {
  let best: ListedInstruction[] = [];
  let bestBreaks = Number.POSITIVE_INFINITY;
  const known = source.knownStarts(start, start + INSTRUCTION_LENGTH_MAX);
  const starts =
    known.length > 0 ? known.slice(0, 1) : Array.from({ length: INSTRUCTION_LENGTH_MAX }, (_, n) => start + n);
  for (const candidate of starts) {
    const listed = sweep(source, candidate, end, Number.POSITIVE_INFINITY);
    const breaks = listed.filter(({ instruction }) => instruction?.valid === false).length;
    if (breaks >= bestBreaks) continue;
    best = listed;
    bestBreaks = breaks;
  }
  return best;
}

/** Decodes from `start` up to `end` or `countMax` lines; no instruction runs across a known start or the end. */
function sweep(source: CodeSource, start: number, end: number, countMax: number): ListedInstruction[] {
  const listed: ListedInstruction[] = [];
  const known = source.knownStarts(start, end + 1);
  let nextKnown = 0;
  let address = start;
  while (address < end && listed.length < countMax) {
    while ((known[nextKnown] ?? Number.POSITIVE_INFINITY) <= address) nextKnown++;
    // A sweep of a given count is not bounded by its end, which is only a guess of how far it goes.
    const stop = known[nextKnown] ?? (countMax === Number.POSITIVE_INFINITY ? end : Number.POSITIVE_INFINITY);
    const line = lineAt(source, address, stop);
    listed.push(line);
    address += Math.max(1, line.bytes.length);
  }
  return listed;
}

function lineAt(source: CodeSource, address: number, stop: number): ListedInstruction {
  const bytes = source.read(address, INSTRUCTION_LENGTH_MAX);
  if (bytes.length === 0) return { address, bytes, instruction: undefined };
  const whole = decodeInstruction(bytes, 0, source.codeSize, source.offsetOf(address));
  const instruction = address + whole.length <= stop ? whole : declareByte(bytes[0] as number);
  return { address, bytes: bytes.slice(0, instruction.length), instruction };
}
