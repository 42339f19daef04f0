/**
 * An entry of the ring of taken branches as it lies in a vCPU's area: an instruction that has gone elsewhere, or an
 * exception or interrupt between two instructions. Offsets are in bytes.
 */
import { BRANCH_RING_SIZE } from '../memory/layout.ts';

export const BRANCH_ENTRY_SIZE = 32;
export const BRANCH_ENTRIES: number = BRANCH_RING_SIZE / BRANCH_ENTRY_SIZE;

/** i64: linear address of the branch instruction, or of the one that an event has come before. */
export const BRANCH_FROM = 0;
/** i64: linear address of what was executed next. */
export const BRANCH_TO = 8;
/** i32: where the code segment began before; 0 in 64-bit mode. */
export const BRANCH_BASE = 16;
/** i32: the immediate of the instruction, which is the vector of INT n; the vector of an event. */
export const BRANCH_IMMEDIATE = 20;
/** u16: row of the instruction; u8: one of the causes below; u8: privilege level before. */
export const BRANCH_ROW = 24;
export const BRANCH_CAUSE = 26;
export const BRANCH_LEVEL = 27;

export const CAUSE_NONE = 0;
export const CAUSE_INSTRUCTION = 1;
export const CAUSE_EXCEPTION = 2;
export const CAUSE_EXTERNAL = 3;
