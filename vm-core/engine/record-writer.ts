/** Writes decoded instructions into records (see record.ts). */
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import { internal, SEGMENT_ENTRY_SIZE } from '../state/layout.ts';
import { transfersControl } from './branch-kinds.ts';
import * as record from './record.ts';

const NEAR_BRANCH = /^(J[A-Z]+|LOOP.*|CALL|RET)$/;

/** By the indices of rows. */
const isBranchRow: Uint8Array = Uint8Array.from(instructionRows, ({ name }, index) =>
  transfersControl[index] || NEAR_BRANCH.test(name) ? 1 : 0,
);

/** `nextOffset` is the distance from the block's start to the next instruction, in bytes; `isLong` is for 64-bit mode. */
export function writeRecord(
  view: DataView,
  at: number,
  instruction: DecodedInstruction,
  handler: number,
  nextOffset: number,
  isLong: boolean,
): void {
  writePseudoRecord(view, at, handler, instruction.length, nextOffset);
  const flags =
    (instruction.memoryForm ? record.FLAG_MEMORY : 0) |
    (isLong ? record.FLAG_LONG : 0) |
    (instruction.operandSize === 32 ? record.FLAG_OPERAND_32 : 0) |
    (instruction.operandSize === 64 ? record.FLAG_OPERAND_64 : 0) |
    (instruction.repeatPrefix !== 0 ? record.FLAG_REPEAT : 0) |
    (isBranchRow[instruction.rowIndex] === 1 ? record.FLAG_BRANCH : 0);
  view.setUint8(at + record.RECORD_REG, instruction.reg);
  view.setUint16(at + record.RECORD_SEGMENT_ENTRY, internal.SEGMENTS + instruction.segment * SEGMENT_ENTRY_SIZE, true);
  view.setUint16(at + record.RECORD_RM_SLOT, instruction.rmSlot, true);
  view.setUint16(at + record.RECORD_REG_SLOT, instruction.regSlot, true);
  view.setInt32(at + record.RECORD_DISPLACEMENT, instruction.displacement, true);
  view.setInt32(at + record.RECORD_IMMEDIATE, instruction.immediate, true);
  view.setUint16(at + record.RECORD_IMMEDIATE2, instruction.immediate2, true);
  view.setUint8(at + record.RECORD_FLAGS, flags);
  view.setUint8(at + record.RECORD_SCALE, instruction.scale);
  view.setUint16(at + record.RECORD_BASE_SLOT, instruction.baseSlot, true);
  view.setUint16(at + record.RECORD_INDEX_SLOT, instruction.indexSlot, true);
  view.setUint8(at + record.RECORD_ADDRESS_SHIFT, (isLong ? 64 : 32) - instruction.addressSize);
  view.setUint16(at + record.RECORD_ROW, instruction.rowIndex, true);
  if (instruction.isRelative) makeRelativeToBlock(view, at, instruction.displacement + nextOffset);
}

/** While a block runs, RIP's slot is that of its first instruction. */
function makeRelativeToBlock(view: DataView, at: number, distance: number): void {
  const isTooFar = distance > 0x7fff_ffff;
  view.setInt32(at + record.RECORD_DISPLACEMENT, isTooFar ? distance - 2 ** 31 : distance, true);
  if (isTooFar) view.setUint16(at + record.RECORD_INDEX_SLOT, internal.TWO_GIBIBYTES, true);
}

/** A record that only names its handler and its place. */
export function writePseudoRecord(
  view: DataView,
  at: number,
  handler: number,
  length: number,
  nextOffset: number,
): void {
  view.setUint16(at + record.RECORD_HANDLER, handler, true);
  view.setUint16(at + record.RECORD_NEXT_OFFSET, nextOffset, true);
  view.setUint8(at + record.RECORD_LENGTH, length);
}
