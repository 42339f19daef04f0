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

export const differences: readonly Difference[] = [
  {
    reason: 'LOCK is #UD except before instructions that read and write memory (80386 manual, LOCK)',
    skips: ({ vector, fault }) => fault === 6 && prefixesOf(vector).includes(LOCK),
  },
  {
    reason: '8086: opcodes 60–6F, C0, C1, C8, C9 are other names of 70–7F, C2, C3, CA, CB; 0F is POP CS',
    skips: on('8086', (query) => opcodeRange(0x60, 0x6f)(query) || forms('0F', 'C0', 'C1', 'C8', 'C9')(query)),
  },
];
