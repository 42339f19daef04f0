/** A decoded record as the compiler reads it: its form, and the constants that the interpreter loads from it. */
import type { InstructionRow } from '../../isa/instruction-row.ts';
import { instructionRows } from '../../isa/instruction-table.ts';
import type { Form, StagedForm } from '../interpreter-plan.ts';
import type { Interpreter } from '../interpreter.ts';
import { ES, internal, slot, SS } from '../../state/layout.ts';
import { type FreshImmediate, readFresh } from '../fresh-immediates.ts';
import * as record from '../record.ts';
import { isUnitCompiled } from './compiled-units.ts';

export interface CompiledInstruction {
  /** Address of the record, and the place of its handler. */
  readonly at: number;
  readonly handler: number;
  readonly row: InstructionRow;
  /** Absent: the interpreter's handler is called. Of a system operation only the inline part is compiled. */
  readonly form: Form | undefined;
  readonly length: number;
  /** Distance from the block's first instruction to the next one. */
  readonly nextOffset: number;
  readonly segmentEntry: number;
  readonly rmSlot: number;
  readonly reg: number;
  readonly regSlot: number;
  readonly immediate: number;
  /** Where the immediate is read from each time, because it is written over again and again. */
  readonly fresh: FreshImmediate | undefined;
  readonly immediate2: number;
  /** An immediate or a memory offset of 64 bits. */
  readonly wideConstant: bigint;
  readonly displacement: number;
  readonly scale: number;
  readonly addressShift: number;
  /** Slots of base and index; undefined: none. */
  readonly base: number | undefined;
  readonly index: number | undefined;
  /** The base is RIP of the block's first instruction, and 2^31 is to be added or not. */
  readonly isRelative: boolean;
  readonly isFarRelative: boolean;
}

/** The record at an address in a block; undefined for those that stand for no instruction. */
export function readInstruction(
  view: DataView,
  block: number,
  at: number,
  handlers: Pick<Interpreter, 'formAt' | 'isSystem' | 'pseudoHandlers'>,
  isRealMode: boolean,
): CompiledInstruction | undefined {
  const handler = view.getUint16(at + record.RECORD_HANDLER, true);
  const fresh = handler === handlers.pseudoHandlers.fresh ? readFresh(view, block, at) : undefined;
  const staged = handlers.formAt(fresh?.handler ?? handler);
  const row = staged?.row ?? instructionRows[view.getUint16(at + record.RECORD_ROW, true)];
  if (!row || (!staged && !handlers.isSystem(handler))) return undefined;
  const reg = view.getUint8(at + record.RECORD_REG);
  const base = view.getUint16(at + record.RECORD_BASE_SLOT, true);
  const index = view.getUint16(at + record.RECORD_INDEX_SLOT, true);
  const isFarRelative = index === internal.TWO_GIBIBYTES;
  return {
    at,
    handler,
    row,
    form: staged && isCompiled(staged, reg, isRealMode) ? staged.form : undefined,
    length: view.getUint8(at + record.RECORD_LENGTH),
    nextOffset: view.getUint16(at + record.RECORD_NEXT_OFFSET, true),
    segmentEntry: view.getUint16(at + record.RECORD_SEGMENT_ENTRY, true),
    reg,
    rmSlot: view.getUint16(at + record.RECORD_RM_SLOT, true),
    regSlot: view.getUint16(at + record.RECORD_REG_SLOT, true),
    fresh,
    immediate: view.getInt32(at + record.RECORD_IMMEDIATE, true),
    immediate2: view.getUint16(at + record.RECORD_IMMEDIATE2, true),
    wideConstant: view.getBigInt64(at + record.RECORD_WIDE_CONSTANT, true),
    displacement: view.getInt32(at + record.RECORD_DISPLACEMENT, true),
    scale: view.getUint8(at + record.RECORD_SCALE),
    addressShift: view.getUint8(at + record.RECORD_ADDRESS_SHIFT),
    base: base === internal.ZERO || base === slot.EIP ? undefined : base,
    index: index === internal.ZERO || isFarRelative ? undefined : index,
    isRelative: base === slot.EIP,
    isFarRelative,
  };
}

/** System operations are the interpreter's; so is some of the other units, and what may have to be undone and cannot be. */
function isCompiled({ row, form }: StagedForm, reg: number, isRealMode: boolean): boolean {
  const loadsStackSegment = (row.name === 'MOV_SREG_RM' ? reg : row.name === 'POP_SREG' ? row.detail : ES) === SS;
  if (row.inline) return !loadsStackSegment && (isRealMode || row.inlineIn !== 'real');
  if (form.loadsStack && row.name === 'XCHG') return false;
  if (row.unit !== undefined) return isUnitCompiled(row);
  return row.semantics !== undefined && row.name !== 'WAIT' && row.name !== 'ESC';
}
