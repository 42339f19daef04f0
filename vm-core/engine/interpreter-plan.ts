/**
 * Which forms of instructions the interpreter has functions for, and their places in its table: known without any of these
 * functions, which may have been made elsewhere.
 */
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import type { InstructionRow } from '../isa/instruction-row.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import {
  hasNo16BitForm,
  ignoresOperandSize,
  isMemoryOnly,
  isRegisterOrMemory,
  type OperandSize,
} from '../isa/operand.ts';
import { internal } from '../state/layout.ts';
import { quickOperations } from './events/quick-events.ts';
import { belongsInLoop, staysInside } from './loop-forms.ts';
import { type Addressing, addressings } from './record-addresses.ts';
import { loadsStackPointer, mayLoadStackPointer } from './stack-loads.ts';

/** Records that stand for no instruction, or with `fresh` for one whose immediate is read anew each time. */
export type PseudoHandler = 'invalid' | 'beyondLimit' | 'hook' | 'dead' | 'fresh';

/** A form of an instruction, to be staged. */
export interface StagedForm {
  readonly row: InstructionRow;
  readonly rowIndex: number;
  readonly form: Form;
}

/** Forms whose functions stand behind each other in the table. */
export interface PlacedForms {
  readonly start: number;
  readonly forms: readonly StagedForm[];
}

/** What stands where in the table, in this order. */
export interface InterpreterPlan {
  readonly addressBits: 32 | 64;
  /** What the loop does itself; only compiled code calls these functions. */
  readonly inLoop: readonly StagedForm[];
  /** How many of them, which come first, do nothing but change registers. */
  readonly insideCount: number;
  /** Other forms with functions of their own. */
  readonly apart: readonly StagedForm[];
  /** The function of all system operations of which generated code does nothing. */
  readonly systemPlace: number;
  readonly pseudoHandlers: Readonly<Record<PseudoHandler, number>>;
  /** A function (record) → whether a maskable interrupt waits. */
  readonly asksInterrupt: number;
  /** The units in parts that are staged as one. */
  readonly parts: readonly PlacedForms[];
  readonly tableLength: number;
  /** Place in the table of the handler for a decoded instruction. */
  readonly handlerOf: (instruction: DecodedInstruction) => number;
  /** The form whose handler is at a place in the table; undefined for system operations and pseudo handlers. */
  readonly formAt: (place: number) => StagedForm | undefined;
}

/** Displacements from RIP up to here stay below 2^31 when the way from a block's first instruction is added. */
export const RELATIVE_MAX = 0x7fff_0000;

/** Lays out the table of the interpreter of code of a size. */
export function planInterpreter(addressBits: 32 | 64): InterpreterPlan {
  const all = instructionRows.flatMap((row, rowIndex) =>
    formsOf(row, addressBits).map((form) => ({ row, rowIndex, form })),
  );
  const forms = all.filter(({ row }) => row.unit === undefined);
  const places = new Map<number, number>();
  const byPlace: StagedForm[] = [];
  const put = (staged: StagedForm, place: number): void => {
    places.set(formKey(staged.rowIndex, staged.form), place);
    byPlace[place] = staged;
  };
  let place = 0;
  const looped = forms.filter(({ row, form }) => isInLoop(row, form));
  const inside = looped.filter(({ row, form }) => staysInside(row) && !form.addressing && !form.loadsStack);
  const inLoop = [...inside, ...looped.filter((staged) => !inside.includes(staged))];
  for (const staged of inLoop) put(staged, place++);
  const isPlaced = ({ rowIndex, form }: StagedForm): boolean => places.has(formKey(rowIndex, form));
  const apart = forms.filter(
    (staged) => (staged.row.semantics || staged.row.inline || quickOperations[staged.row.name]) && !isPlaced(staged),
  );
  for (const staged of apart) put(staged, place++);
  const systemPlace = place++;
  for (const staged of forms) if (!isPlaced(staged)) places.set(formKey(staged.rowIndex, staged.form), systemPlace);
  const pseudoHandlers = { invalid: place++, beyondLimit: place++, hook: place++, dead: place++, fresh: place++ };
  const asksInterrupt = place++;
  const parts = unitParts(all).map((part): PlacedForms => {
    const start = place;
    for (const staged of part) put(staged, place++);
    return { start, forms: part };
  });
  return {
    ...{
      addressBits,
      inLoop,
      insideCount: inside.length,
      apart,
      systemPlace,
      pseudoHandlers,
      asksInterrupt,
      parts,
      tableLength: place,
    },
    handlerOf: (instruction) => placeOf(places, instruction, addressBits),
    formAt: (at) => byPlace[at],
  };
}

/** The forms of the units in parts that are staged as one: what a feature brings to a unit. */
function unitParts(forms: readonly StagedForm[]): readonly (readonly StagedForm[])[] {
  const parts = new Map<string, StagedForm[]>();
  for (const form of forms) {
    const { unit, feature, name } = form.row;
    if (unit === undefined) continue;
    const key = `${unit} ${feature} ${name}`;
    const part = parts.get(key);
    if (part) part.push(form);
    else parts.set(key, [form]);
  }
  return [...parts.values()];
}

/** What tells the forms of one row apart. */
export interface Form {
  readonly operandSize: OperandSize;
  /** How a memory operand is addressed; undefined without one. */
  readonly addressing: Addressing | undefined;
  /** 0: no repeat prefix (or it means nothing); F3h: REP and REPE; F2h: REPNE. */
  readonly repeatPrefix: 0 | 0xf2 | 0xf3;
  /** The destination is the stack pointer, and the row one that changes stacks. */
  readonly loadsStack: boolean;
}

function formsOf(row: InstructionRow, addressBits: 32 | 64): Form[] {
  if (row.mode === (addressBits === 64 ? 'i64' : 'o64')) return [];
  const mayBeMemory = row.operands.some((code) => isRegisterOrMemory(code) || isMemoryOnly(code));
  const isOffset = row.operands.some((code) => code === 'Ob' || code === 'Ov');
  const places = isOffset
    ? ([addressBits === 64 ? 'absolute' : 'direct'] as const)
    : mayBeMemory
      ? row.unit === undefined
        ? ([undefined, 'direct', 'based', 'indexed'] as const)
        : ([undefined, 'indexed'] as const)
      : [undefined];
  const prefixes: readonly (0 | 0xf2 | 0xf3)[] = row.repeat ? [0, 0xf2, 0xf3] : [0];
  const all: readonly OperandSize[] = addressBits === 64 ? sizesIn64BitMode(row) : [16, 32];
  const sizes = hasNo16BitForm(row.operands)
    ? all.filter((size) => size !== 16)
    : hasOneForm(row)
      ? [32 as const]
      : all;
  const stacks = mayLoadStackPointer(row) ? [false, true] : [false];
  return sizes.flatMap((operandSize) =>
    places.flatMap((addressing) =>
      prefixes.flatMap((repeatPrefix) =>
        stacks.map((loadsStack) => ({ operandSize, addressing, repeatPrefix, loadsStack })),
      ),
    ),
  );
}

/** True for rows that do the same at every operand size. */
function hasOneForm(row: InstructionRow): boolean {
  return row.unit !== undefined && ignoresOperandSize(row.operands);
}

function isInLoop(row: InstructionRow, { repeatPrefix, addressing, loadsStack }: Form): boolean {
  if (!belongsInLoop(row) || repeatPrefix !== 0 || addressing === 'indexed') return false;
  // MOV SP,BP ends many a routine.
  return !loadsStack || (row.name === 'MOV' && addressing === undefined && row.operands.includes('Ev'));
}

function sizesIn64BitMode({ mode }: InstructionRow): readonly OperandSize[] {
  if (mode === 'f64') return [64];
  return mode === 'd64' || mode === 'n64' ? [16, 64] : [16, 32, 64];
}

function formKey(rowIndex: number, form: Form): number {
  const prefix = form.repeatPrefix === 0 ? 0 : form.repeatPrefix === 0xf2 ? 1 : 2;
  const place = form.addressing === undefined ? 0 : addressings.indexOf(form.addressing) + 1;
  const sized = (rowIndex * 4 + form.operandSize / 16 - 1) * 2 + (form.loadsStack ? 1 : 0);
  return (sized * 5 + place) * 3 + prefix;
}

function placeOf(places: ReadonlyMap<number, number>, instruction: DecodedInstruction, addressBits: 32 | 64): number {
  const row = instructionRows[instruction.rowIndex] as InstructionRow;
  const repeats = row.repeat !== undefined;
  const operandSize = hasOneForm(row) ? 32 : instruction.operandSize;
  const addressing = instruction.memoryForm
    ? row.unit
      ? 'indexed'
      : addressingOf(instruction, addressBits)
    : undefined;
  const repeatPrefix = repeats ? instruction.repeatPrefix : 0;
  const loadsStack = loadsStackPointer(instruction);
  const place = places.get(formKey(instruction.rowIndex, { operandSize, addressing, repeatPrefix, loadsStack }));
  if (place === undefined) throw new Error(`no handler for row ${instruction.rowIndex}`);
  return place;
}

/** System operations compute their addresses themselves, but have the same forms. */
function addressingOf(instruction: DecodedInstruction, addressBits: 32 | 64): Addressing {
  const { baseSlot, indexSlot, isAbsolute, isRelative, displacement, addressSize } = instruction;
  if (isAbsolute) return 'absolute';
  // The writer of the record may have to add an index to RIP.
  if (isRelative && displacement > RELATIVE_MAX) return 'indexed';
  if (indexSlot !== internal.ZERO) return 'indexed';
  // With 32-bit addresses in 64-bit mode the sign of a displacement does not reach further.
  const isCut = addressBits === 64 && addressSize === 32;
  return baseSlot === internal.ZERO && !isCut ? 'direct' : 'based';
}
