/**
 * A case for the native oracle: one instruction with the state it starts from, and what it left. The places are those of
 * oracle.c, which holds the same layout.
 */
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import type { OperandSize } from '../../vm-core/isa/operand.ts';
import type { Form } from '../../scripts/differential/encoder.ts';

/** One page for data, readable and writable; its last bytes are the window that a case describes. */
export const DATA = 0x8000;
export const READ_ONLY = 0xa000;
/** A page of HLT, in which the instruction lies. */
export const CODE = 0xc000;
export const PAGE_SIZE = 0x1000;
export const WINDOW_SIZE = 1024;
export const WINDOW = DATA + PAGE_SIZE - WINDOW_SIZE;
/** Operands and the stack lie around here. */
export const MIDDLE = DATA + PAGE_SIZE - 256;

/** Selectors as Linux has them, the same in both worlds. */
export const USER_CODE_32 = 0x23;
export const USER_DATA = 0x2b;
export const USER_CODE_64 = 0x33;
/** Of the local descriptor table that oracle.c writes. */
export const LOCAL_CODE_16 = 0x2f;
export const LOCAL_SELECTORS = [0x07, 0x0f, 0x17, 0x1f, 0x27, LOCAL_CODE_16, 0x37] as const;

/** Registers as a processor has them before or after an instruction; general ones in the order of their encodings. */
export interface Registers {
  readonly general: readonly bigint[];
  readonly rip: bigint;
  readonly flags: number;
  readonly fsBase: bigint;
  readonly gsBase: bigint;
  /** ES, CS, SS, DS, FS, GS. */
  readonly selectors: readonly number[];
  /** x87, SSE and AVX as XSAVE writes them (SDM vol. 1 §13.4). */
  readonly state: Uint8Array;
}

export interface Case extends Registers {
  readonly form: Form;
  readonly row: InstructionRow;
  readonly mode: OperandSize;
  readonly code: readonly number[];
  /** The window of the data page. */
  readonly memory: Uint8Array;
  /** Where in the window the operand was aimed at. */
  readonly operandAt: number | undefined;
}

/** What is there when the exception comes that ends each case. */
export interface Outcome extends Registers {
  readonly vector: number;
  readonly error: number;
  /** CR2, where the exception is a page fault. */
  readonly address: bigint;
  readonly memory: Uint8Array;
}

/** The seed of what has a name in a run: what else the run has does not change it, and each run has its own. FNV-1a. */
export function namedSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1);
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) as number), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}
