/**
 * An entry of the ring of executed code as it lies in memory: a run of instructions that follow each other, or an
 * interrupt between two runs. Offsets are in bytes.
 */
import { TRACE_RING_SIZE } from '../memory/layout.ts';

export const TRACE_ENTRY_SIZE = 16;
export const TRACE_ENTRIES: number = TRACE_RING_SIZE / TRACE_ENTRY_SIZE;

/** i64: linear address of the first instruction, or of the one that was interrupted. */
export const TRACE_ADDRESS = 0;
/** u16: how many instructions have retired. */
export const TRACE_COUNT = 8;
/** u8: one of the kinds; u8: the vector of an interrupt. */
export const TRACE_KIND = 10;
export const TRACE_VECTOR = 11;
/** u16, u16: CS and its attributes. */
export const TRACE_SELECTOR = 12;
export const TRACE_ATTRIBUTES = 14;

export const KIND_UNUSED = 0;
export const KIND_CODE = 1;
export const KIND_LONG_CODE = 2;
export const KIND_EXCEPTION = 3;
export const KIND_EXTERNAL = 4;
