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

const stringForms: ReadonlySet<string> = new Set([
  '6C',
  '6D',
  '6E',
  '6F',
  'A4',
  'A5',
  'A6',
  'A7',
  'AA',
  'AB',
  'AC',
  'AD',
  'AE',
  'AF',
]);
const isString = ({ form }: DifferenceQuery) => stringForms.has(form);
/** True for a string instruction with a repeat prefix, which may need several executions. */
export const isRepeatedString = (vector: Vector, form: string): boolean =>
  stringForms.has(form) && hasPrefix(vector, 0xf2, 0xf3);

const isSegmentMove = forms('8C', '8E');

const AF = 1 << 4;

/** DAA and DAS below 6 and between 9Ah and 9Fh with AF set; AAA and AAS where adding or subtracting 6 crosses into AH. */
function isOddDecimal({ form, vector: { initial } }: DifferenceQuery): boolean {
  const low = (initial.registers.ax ?? 0) & 0xff;
  const adjust = ((initial.registers.flags ?? 0) & AF) !== 0;
  if (form === '27' || form === '2F') return adjust && ((low >= 0x9a && low <= 0x9f) || low < 6);
  return (form === '37' && low >= 0xfa) || (form === '3F' && low < 6);
}

/** FF /6 and /7 with SP as operand. */
const pushesStackPointer = (vector: Vector) =>
  vector.bytes[prefixesOf(vector).length] === 0xff && (modRmOf(vector) & 0xf7) === 0xf4;

const isSignedDivision = forms('F6.7', 'F7.7');
const isSignedProduct = forms('F6.5', 'F7.5', 'F6.7', 'F7.7');
const isShiftByCl = ({ form }: DifferenceQuery) => form.startsWith('D2.') || form.startsWith('D3.');

const hasPrefix = (vector: Vector, ...wanted: readonly number[]) =>
  prefixesOf(vector).some((prefix) => wanted.includes(prefix));

/** True if the recorded processor pushed flags, CS and IP. */
const pushesInterrupt = ({ initial, final }: Vector) =>
  final.registers.sp === ((initial.registers.sp ?? 0) - 6) % 0x10000;

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
  {
    reason: '8086: no opcode is invalid; an 80386 raises exception 6',
    skips: on('8086', ({ fault }) => fault === 6),
  },
  {
    reason: '8086: words wrap at the end of a segment; an 80386 raises exception 12 or 13',
    skips: on('8086', ({ fault }) => fault === 12 || fault === 13),
  },
  {
    reason: '8086: a divide error pushes the address of the next instruction; an 80386 that of the division',
    skips: on('8086', ({ fault }) => fault === 0),
  },
  {
    reason: '8086: IDIV takes the most negative quotient for an overflow; an 80386 does not',
    skips: on('8086', (query) => isSignedDivision(query) && query.fault === undefined && pushesInterrupt(query.vector)),
  },
  {
    reason: '8086: a repeat prefix changes the sign of IMUL and IDIV; an 80386 ignores it',
    skips: on('8086', (query) => isSignedProduct(query) && hasPrefix(query.vector, 0xf2, 0xf3)),
  },
  {
    reason: '8086: PUSH SP pushes the new value, an 80386 the old one',
    skips: on('8086', (query) => query.form === '54' || pushesStackPointer(query.vector)),
  },
  {
    reason: '8086: shift counts are not cut to 5 bits',
    skips: on('8086', (query) => isShiftByCl(query) && (query.vector.initial.registers.cx ?? 0) % 256 > 31),
  },
  {
    reason: '8086: decimal adjustments treat some digits that are none differently',
    skips: on('8086', isOddDecimal),
  },
  {
    reason: '8086: D0 /6 to D3 /6 set all bits; on an 80386 they are SHL',
    skips: on('8086', forms('D0.6', 'D1.6', 'D2.6', 'D3.6')),
  },
  {
    reason: '8086: F1 is another LOCK prefix; on an 80386 it is INT1',
    skips: on('8086', ({ vector }) => hasPrefix(vector, 0xf1)),
  },
  {
    reason: '8086: segment numbers 4–7 are those of 0–3; an 80386 has FS and GS',
    skips: on('8086', (query) => isSegmentMove(query) && (modRmOf(query.vector) & 0x20) !== 0),
  },
];
