/** What the tables of explained differences ask of a case and of its results. */
import type { Case, Outcome } from './case.ts';

export interface Explained {
  readonly reason: string;
  readonly applies: (test: Case, native: Outcome, ours: Outcome) => boolean;
}

export const vector = { DB: 1, UD: 6, SS: 12, GP: 13, PF: 14, MF: 16, AC: 17, XM: 19 } as const;
/** The vector of a case that has not come to its end on the processor, as oracle.c says it. */
export const NO_END = 255;

export const LOCK = 0xf0;
/** Prefixes that repeat string instructions. */
export const REPEAT: readonly number[] = [0xf2, 0xf3];
/** A code segment of oracle.c's table. */
export const EXECUTE_ONLY = 0x27;

const FAULTS: readonly number[] = [vector.SS, vector.GP, vector.PF, vector.AC];

/** Whether an outcome is a fault of an access that the instruction at `at` makes. */
export const isFault = (outcome: Outcome, { rip }: Case, at: bigint): boolean =>
  at === rip && FAULTS.includes(outcome.vector);

/** Both end the instruction, though by other faults. */
export function bothFault(test: Case, native: Outcome, ours: Outcome): boolean {
  return isFault(native, test, native.rip) && isFault(ours, test, ours.rip);
}

/** Both stop at the instruction itself, by the same exception. */
export function bothStop({ rip }: Case, native: Outcome, ours: Outcome): boolean {
  return native.rip === rip && ours.rip === rip && native.vector === ours.vector;
}

/** Whether a string instruction has a prefix that repeats it. */
export function isRepeatedString({ row, code }: Case): boolean {
  return /^(MOVS|CMPS|STOS|LODS|SCAS)B?$/.test(row.name) && code.some((byte) => REPEAT.includes(byte));
}
