/**
 * Where an 80386 does something else than the processor a test was recorded on, by documentation: by opcode, never by
 * test. Each entry says what is different; `skips` decides from the instruction and what the 80386 did with it.
 */
import type { Vector } from './moo-file.ts';

/** The processors there are recordings of. */
export type VectorProcessor = '8086' | '80286';

/** A test with the facts that differences depend on. */
export interface DifferenceQuery {
  readonly vector: Vector;
  readonly processor: VectorProcessor;
  /** The form: `F7.4`. */
  readonly form: string;
  /** The exception that the 80386 raised. */
  readonly fault: number | undefined;
}

export interface Difference {
  readonly reason: string;
  skips(query: DifferenceQuery): boolean;
}

const LOCK = 0xf0;
const prefixes: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0xf0, 0xf1, 0xf2, 0xf3]);

/** Prefix bytes before the opcode. */
export function prefixesOf(vector: Vector): number[] {
  const end = vector.bytes.findIndex((byte) => !prefixes.has(byte));
  return [...vector.bytes.subarray(0, Math.max(end, 0))];
}

/** The byte behind a one-byte opcode. */
const modRmOf = (vector: Vector) => vector.bytes[prefixesOf(vector).length + 1] ?? 0;

/** Bytes of the instruction; a HLT follows it in the recording. */
const lengthOf = (vector: Vector) => vector.bytes.length - 1;

const forms = (...names: readonly string[]) => {
  const set = new Set(names);
  return ({ form }: DifferenceQuery) => set.has(form);
};

const opcodeRange = (first: number, last: number) => (query: DifferenceQuery) => {
  const opcode = Number.parseInt(query.form, 16);
  return opcode >= first && opcode <= last;
};

const on =
  (processor: VectorProcessor, skips: (query: DifferenceQuery) => boolean) =>
  (query: DifferenceQuery): boolean =>
    query.processor === processor && skips(query);

const isString = forms('6C', '6D', '6E', '6F', 'A4', 'A5', 'A6', 'A7', 'AA', 'AB', 'AC', 'AD', 'AE', 'AF');
const isSegmentMove = forms('8C', '8E');

/** The longest instruction an 80286 takes, in bytes. */
const LENGTH_MAX_80286 = 10;

export const differences: readonly Difference[] = [
  {
    reason: 'LOCK is #UD except before instructions that read and write memory (80386 manual, LOCK)',
    skips: ({ vector, fault }) => fault === 6 && prefixesOf(vector).includes(LOCK),
  },
  {
    reason: '80286: a string instruction that faults has already advanced SI, DI and CX; an 80386 can restart it',
    skips: on('80286', (query) => isString(query) && query.fault === 13),
  },
  {
    reason: '80286: an access beyond the limit of SS is exception 13, as in other segments; on an 80386 it is 12',
    skips: on('80286', ({ fault, vector }) => fault === 12 && vector.exception?.vector === 13),
  },
  {
    reason: '80286: POP to memory that faults has already advanced SP; an 80386 can restart it',
    skips: on('80286', (query) => query.form === '8F' && query.fault === 13),
  },
  {
    reason: '80386: FS and GS exist (MOV with segment numbers 4 and 5)',
    skips: on('80286', (query) => isSegmentMove(query) && (modRmOf(query.vector) & 0x30) === 0x20),
  },
  {
    reason: '80386 without an 80387: ESC instructions do nothing, their operand is not looked at',
    skips: on('80286', (query) => opcodeRange(0xd8, 0xdf)(query) && query.vector.exception?.vector === 13),
  },
  {
    reason: '80286: an instruction of more than 10 bytes is exception 13; an 80386 takes up to 15',
    skips: on('80286', ({ vector }) => vector.exception?.vector === 13 && lengthOf(vector) > LENGTH_MAX_80286),
  },
  {
    reason: '8086: opcodes 60–6F, C0, C1, C8, C9 are other names of 70–7F, C2, C3, CA, CB; 0F is POP CS',
    skips: on('8086', (query) => opcodeRange(0x60, 0x6f)(query) || forms('0F', 'C0', 'C1', 'C8', 'C9')(query)),
  },
];
