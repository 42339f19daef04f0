/** What the decoder makes of the bytes of an instruction. */
import type { SegmentIndex } from '../state/layout.ts';
import type { OperandSize } from './operand.ts';

/** A decoded instruction. One object is reused by the decoder; copy what must last. */
export interface DecodedInstruction {
  /** Index in `instructionRows`; -1: invalid opcode (#UD); -2: longer than 15 bytes (#GP). */
  rowIndex: number;
  length: number;
  /** Bytes before the displacement and the immediate: prefixes, opcode, ModR/M and SIB. */
  headLength: number;
  operandSize: OperandSize;
  addressSize: OperandSize;
  /** ModR/M names memory, or the operand is a memory offset. */
  memoryForm: boolean;
  /** The last of the F2h and F3h prefixes, or 0. */
  repeatPrefix: 0 | 0xf2 | 0xf3;
  reg: number;
  regSlot: number;
  rmSlot: number;
  baseSlot: number;
  indexSlot: number;
  scale: number;
  displacement: number;
  /** RIP of the next instruction is the base: `baseSlot` is RIP's. */
  isRelative: boolean;
  /** The operand is a memory offset of 64-bit mode. */
  isAbsolute: boolean;
  segment: SegmentIndex;
  /** A memory offset or an immediate of 64 bits has its lower half in `displacement` and its upper half here. */
  immediate: number;
  immediate2: number;
}

export const ROW_INVALID = -1;
export const ROW_TOO_LONG = -2;

/** Gives the byte at an offset from the instruction's start; may throw what its owner catches (a page not present). */
export type ByteSource = (offset: number) => number;
