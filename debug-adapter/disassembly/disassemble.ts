/**
 * A listing of exactly so many instructions around an address, forward and backward. x86 code cannot be read backward: the
 * listing before an address starts farther back, at a known start of an instruction or at the place from which decoding
 * meets the fewest bytes that are no instruction; where it would run across a known start, single bytes are put in between.
 */
import {
  type DecodedInstruction,
  declareByte,
  decodeInstruction,
  INSTRUCTION_LENGTH_MAX,
} from './decode-instruction.ts';

/** What is disassembled. Addresses are linear; they may lie outside the address space, where nothing is mapped. */
export interface CodeSource {
  /** Of the code at an address. */
  codeSizeOf(address: number): 16 | 32 | 64;
  /** The processor is one of AMD. */
  readonly isAmd?: boolean;
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
  /** Of what was decoded. */
  readonly codeSize?: 16 | 32 | 64;
}

/**
 * Bytes of a chunk. Where the instructions of a chunk begin follows from the chunk before it and from nothing else, so that
 * whoever scrolls gets the same lines again, however far back the request began.
 */
const CHUNK_SIZE = 256;

/** `count` instructions, the first being number `offset` counted from the instruction at `address` (0 is itself). */
export function disassemble(source: CodeSource, address: number, offset: number, count: number): ListedInstruction[] {
  const listing = new Listing(source);
  const before = Math.max(0, -offset);
  const listed = [
    ...(before > 0 ? listing.backward(address, before) : []),
    ...listing.forward(address, Math.max(0, offset + count)),
  ];
  return listed.slice(before + offset, before + offset + count);
}

class Listing {
  readonly #source: CodeSource;
  /** Instructions by their address, as they are decoded when nothing stops them. */
  readonly #decoded = new Map<number, ListedInstruction>();
  /** First instructions of chunks, by the chunk's number. */
  readonly #entries = new Map<number, number>();

  constructor(source: CodeSource) {
    this.#source = source;
  }

  forward(address: number, count: number): ListedInstruction[] {
    return count === 0 ? [] : this.#sweep(address, Number.POSITIVE_INFINITY, count);
  }

  /** Exactly `count` lines that end where `address` begins. */
  backward(address: number, count: number): ListedInstruction[] {
    const parts: ListedInstruction[][] = [];
    let listed = 0;
    let end = address;
    for (let chunk = Math.floor(address / CHUNK_SIZE); listed < count; chunk--) {
      const start = this.#entry(chunk);
      if (start >= end) continue;
      const part = this.#sweep(start, end, Number.POSITIVE_INFINITY);
      parts.push(part);
      listed += part.length;
      end = start;
    }
    return parts.reverse().flat().slice(-count);
  }

  /** Where the first instruction of a chunk begins, as the chunk before has it. */
  #entry(chunk: number): number {
    const known = this.#entries.get(chunk);
    if (known !== undefined) return known;
    const start = (chunk - 1) * CHUNK_SIZE;
    const end = chunk * CHUNK_SIZE;
    const anchor = this.#source.knownStarts(start, end + 1).at(-1);
    const starts =
      anchor === undefined ? Array.from({ length: INSTRUCTION_LENGTH_MAX }, (_, n) => start + n) : [anchor];
    let entry = end;
    let fewest = Number.POSITIVE_INFINITY;
    for (const candidate of starts) {
      const found = this.#run(candidate, end);
      if (found.breaks >= fewest) continue;
      fewest = found.breaks;
      entry = found.address;
    }
    this.#entries.set(chunk, entry);
    return entry;
  }

  /** Where decoding from an address arrives at or behind `end`, and over how many bytes that are no instruction. */
  #run(start: number, end: number): { readonly address: number; readonly breaks: number } {
    let breaks = 0;
    let address = start;
    while (address < end) {
      const line = this.#lineAt(address);
      if (line.instruction?.valid === false) breaks++;
      address += Math.max(1, line.bytes.length);
    }
    return { address, breaks };
  }

  /** Decodes from `start` up to `end` or `countMax` lines; no instruction runs across a known start or the end. */
  #sweep(start: number, end: number, countMax: number): ListedInstruction[] {
    const listed: ListedInstruction[] = [];
    const reach = Math.min(end, start + countMax * INSTRUCTION_LENGTH_MAX);
    const known = this.#source.knownStarts(start, reach + 1);
    let nextKnown = 0;
    let address = start;
    while (address < end && listed.length < countMax) {
      while ((known[nextKnown] ?? Number.POSITIVE_INFINITY) <= address) nextKnown++;
      const line = this.#upTo(this.#lineAt(address), Math.min(end, known[nextKnown] ?? end));
      listed.push(line);
      address += Math.max(1, line.bytes.length);
    }
    return listed;
  }

  #lineAt(address: number): ListedInstruction {
    const known = this.#decoded.get(address);
    if (known) return known;
    const line = decodeLine(this.#source, address);
    this.#decoded.set(address, line);
    return line;
  }

  /** The line itself, or its first byte where it runs across `stop`. */
  #upTo(line: ListedInstruction, stop: number): ListedInstruction {
    if (line.address + line.bytes.length <= stop) return line;
    return { ...line, bytes: line.bytes.slice(0, 1), instruction: declareByte(line.bytes[0] as number) };
  }
}

function decodeLine(source: CodeSource, address: number): ListedInstruction {
  const bytes = source.read(address, INSTRUCTION_LENGTH_MAX);
  if (bytes.length === 0) return { address, bytes, instruction: undefined };
  const codeSize = source.codeSizeOf(address);
  const instruction = decodeInstruction(bytes, 0, codeSize, source.offsetOf(address), source.isAmd);
  return { address, bytes: bytes.slice(0, instruction.length), instruction, codeSize };
}
