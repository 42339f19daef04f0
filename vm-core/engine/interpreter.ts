/**
 * The interpreter: one WebAssembly function for each form of each instruction, and the loop that runs blocks of decoded
 * records through them (DESIGN §3). There is a module for 16- and 32-bit code and one for 64-bit code (docs/decisions/0008);
 * each is the same for every machine and is built when it is first needed, or in pieces ahead of that.
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
  resolveOperand,
} from '../isa/operand.ts';
import { repeated } from '../isa/rows/strings.ts';
import { VECTOR_GP, VECTOR_UD } from '../isa/vectors.ts';
import { internal, slot } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { type FunctionReference, ModuleBuilder, type Signature } from '../wasm/module-builder.ts';
import { type BoundInterpreter, bindInterpreter, type LaterModules, once, STAGE_UNIT } from './bound-interpreter.ts';
import { stackTopOf, stageStackLoad } from './call-stage.ts';
import { stageHookFilter } from './hook-filter.ts';
import { InterpreterStage, type StagePlace } from './interpreter-stage.ts';
import { type Addressing, addressings } from './record-addresses.ts';
import { belongsInLoop } from './loop-forms.ts';
import { quickOperations, withEvents } from './events/quick-events.ts';
import { loadsStackPointer, mayLoadStackPointer } from './stack-loads.ts';
import { defineRunLoop, type InLoop } from './run-loop.ts';
import { RECORD_HANDLER, STATUS_DEAD } from './record.ts';
import { requireUnit } from './units.ts';
import { defineSlowPaths, type SlowPathImports, type SlowPaths } from './slow-paths.ts';

/** (vCPU's base, record) → an outcome or a status. */
export const HANDLER_SIGNATURE: Signature = { parameters: ['i32', 'i32'], result: 'i32' };

/** Records that stand for no instruction. */
export type PseudoHandler = 'invalid' | 'beyondLimit' | 'hook' | 'dead';

/** The built module and what the decoder's records need to know of it. */
export interface Interpreter {
  /** Place in the table of the handler for a decoded instruction. */
  handlerOf(instruction: DecodedInstruction): number;
  /** The form whose handler is at a place in the table; undefined for system operations and pseudo handlers. */
  formAt(place: number): StagedForm | undefined;
  /** True for the handler of all system operations of which generated code does nothing. */
  isSystem(place: number): boolean;
  /** Place of a function (record) → whether a maskable interrupt waits. */
  readonly asksInterrupt: number;
  readonly pseudoHandlers: Readonly<Record<PseudoHandler, number>>;
  /** Binds the module to a machine's memory. */
  instantiate(memory: WebAssembly.Memory, imports: SlowPathImports): BoundInterpreter;
}

/** Displacements from RIP up to here stay below 2^31 when the way from a block's first instruction is added. */
const RELATIVE_MAX = 0x7fff_0000;

/** Memory of a machine is at most 4 GiB. */
export const MEMORY_PAGES_MAX = 0x10000;

/** A form of an instruction, to be staged. */
export interface StagedForm {
  readonly row: InstructionRow;
  readonly rowIndex: number;
  readonly form: Form;
}

const shared: { 32?: InterpreterBuild; 64?: InterpreterBuild } = {};

/** This process's interpreter of code of a size; what is not built yet is built now. */
export function interpreter(codeSize: OperandSize): Interpreter {
  return buildOf(codeSize).finish();
}

/** Builds a piece of it ahead of its first use; false when there is nothing left to do. */
export function prepareInterpreter(codeSize: OperandSize): boolean {
  return buildOf(codeSize).advance();
}

function buildOf(codeSize: OperandSize): InterpreterBuild {
  const addressBits = codeSize === 64 ? 64 : 32;
  shared[addressBits] ??= new InterpreterBuild(buildInterpreter(addressBits));
  return shared[addressBits];
}

/** What is known of an interpreter before its module is compiled. */
interface BuiltInterpreter extends Omit<Interpreter, 'instantiate'>, LaterModules {
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** An interpreter that is being built. */
class InterpreterBuild {
  readonly #pieces: Iterator<undefined, BuiltInterpreter>;
  #built: BuiltInterpreter | undefined;
  #module: WebAssembly.Module | undefined;
  #interpreter: Interpreter | undefined;

  constructor(pieces: Iterator<undefined, BuiltInterpreter>) {
    this.#pieces = pieces;
  }

  /** One piece; false when there is nothing left to do. Compiling goes on beside everything else. */
  advance(): boolean {
    if (this.#built) return false;
    if (!this.#step()) return true;
    const compiled = (module: WebAssembly.Module): void => {
      this.#module ??= module;
    };
    // Where that fails, the interpreter's first use says so.
    if (this.#built) WebAssembly.compile((this.#built as BuiltInterpreter).bytes).then(compiled, () => {});
    return false;
  }

  finish(): Interpreter {
    if (this.#interpreter) return this.#interpreter;
    while (!this.#built) this.#step();
    const { bytes, handlerOf, formAt, isSystem, pseudoHandlers, asksInterrupt, ...parts } = this
      .#built as BuiltInterpreter;
    this.#module ??= new WebAssembly.Module(bytes);
    const module = this.#module;
    this.#interpreter = {
      ...{ handlerOf, formAt, isSystem, pseudoHandlers, asksInterrupt },
      instantiate: (memory, imports) => bindInterpreter(module, parts, memory, imports),
    };
    return this.#interpreter;
  }

  /** True behind the last piece. */
  #step(): boolean {
    const { done, value } = this.#pieces.next();
    if (done) this.#built = value;
    return done === true;
  }
}

function* buildInterpreter(addressBits: 32 | 64): Generator<undefined, BuiltInterpreter> {
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX);
  const stageUnit = builder.importFunction(STAGE_UNIT, { parameters: ['i32'] });
  const paths = withEvents(builder, defineSlowPaths(builder, addressBits, true));
  const all = instructionRows.flatMap((row, rowIndex) =>
    formsOf(row, addressBits).map((form) => ({ row, rowIndex, form })),
  );
  const forms = all.filter(({ row }) => row.unit === undefined);
  const inLoop = forms.filter(({ row, form }) => isInLoop(row, form));
  const places = new Map<number, number>();
  // The loop does what stands at the first places of the table itself: only compiled code calls them.
  for (const { row, rowIndex, form } of inLoop) {
    places.set(formKey(rowIndex, form), defineHandler(builder, paths, row, form));
  }
  for (const { row, rowIndex, form } of forms) {
    const key = formKey(rowIndex, form);
    if ((row.semantics || row.inline || quickOperations[row.name]) && !places.has(key)) {
      places.set(key, defineHandler(builder, paths, row, form));
      yield;
    }
  }
  const systemPlace = defineSystemHandler(builder, paths);
  for (const { rowIndex, form } of forms) {
    const key = formKey(rowIndex, form);
    if (!places.has(key)) places.set(key, systemPlace);
  }
  const pseudoHandlers = {
    invalid: defineRaising(builder, paths, VECTOR_UD, undefined),
    beyondLimit: defineRaising(builder, paths, VECTOR_GP, 0),
    hook: defineHook(builder, paths),
    dead: defineReturning(builder, STATUS_DEAD),
  };
  const asksInterrupt = builder.addToTable(paths.interruptPending);
  defineRunLoop(builder, HANDLER_SIGNATURE, addressBits, stagesOf(inLoop, paths), undefined, paths.events);
  yield;
  const units = unitParts(all).map((part, number) =>
    reserveUnit(builder, stageUnit, number, part, places, addressBits),
  );
  const byPlace = new Map(all.map((staged) => [places.get(formKey(staged.rowIndex, staged.form)), staged]));
  byPlace.delete(systemPlace);
  yield;
  return {
    ...{ pseudoHandlers, asksInterrupt },
    units,
    telling: once(() => buildTelling(inLoop, builder.tableLength, addressBits)),
    handlerOf: (instruction) => placeOf(places, instruction, addressBits),
    formAt: (place) => byPlace.get(place),
    isSystem: (place) => place === systemPlace,
    bytes: builder.build(),
  };
}

function stagesOf(forms: readonly StagedForm[], paths: SlowPaths): readonly InLoop[] {
  return forms.map(({ row, form }) => (f, cpu, record, exit) => {
    stageInstruction(f, row, form, { paths, addressing: form.addressing, cpu, record, exit });
  });
}

/** The loop that tells of branches, over the functions of the table. */
function buildTelling(
  forms: readonly StagedForm[],
  tableLength: number,
  addressBits: 32 | 64,
): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX, tableLength);
  const branched = builder.importFunction('branched', { parameters: ['i32'], result: 'i32' });
  const paths = defineSlowPaths(builder, addressBits);
  defineRunLoop(builder, HANDLER_SIGNATURE, addressBits, stagesOf(forms, paths), branched);
  return builder.build();
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

/**
 * Keeps places in the table for a part of a unit. What stands there first has the part's module put its functions into
 * these places, and goes on with the one that is wanted. The result builds that module, once.
 */
function reserveUnit(
  builder: ModuleBuilder,
  stageUnit: FunctionReference,
  number: number,
  forms: readonly StagedForm[],
  places: Map<number, number>,
  addressBits: 32 | 64,
): () => WebAssembly.Module {
  const first = builder.defineFunction(HANDLER_SIGNATURE);
  const [cpu, record] = first.parameters as readonly [Value, Value];
  first.callVoid(stageUnit, first.i32(number));
  const place = first.load('i32', 16, record, RECORD_HANDLER);
  first.return(first.callIndirect(HANDLER_SIGNATURE, place, cpu, record));
  const start = builder.tableLength;
  for (const { rowIndex, form } of forms) places.set(formKey(rowIndex, form), builder.addToTable(first));
  return once(() => buildUnit(forms, start, addressBits));
}

function buildUnit(forms: readonly StagedForm[], start: number, addressBits: 32 | 64): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX, start);
  const paths = defineSlowPaths(builder, addressBits);
  for (const { row, form } of forms) defineHandler(builder, paths, row, form);
  return builder.build();
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

function defineHandler(builder: ModuleBuilder, paths: SlowPaths, row: InstructionRow, form: Form): number {
  const f = builder.defineFunction(HANDLER_SIGNATURE);
  const [cpu, record] = f.parameters as readonly [Value, Value];
  if (paths.events) quickOperations[row.name]?.(f, paths.events, form.operandSize);
  stageInstruction(f, row, form, { paths, addressing: form.addressing, cpu, record });
  return builder.addToTable(f);
}

function stageInstruction(f: FunctionBuilder, row: InstructionRow, form: Form, place: StagePlace): void {
  const stage = new InterpreterStage(f, form.operandSize, place);
  if (row.unit) requireUnit(stage, row.unit);
  const operands = row.operands.map((code) => resolveOperand(code, form.operandSize, form.addressing !== undefined));
  const run = () => row.semantics?.(stage, ...operands);
  if (form.loadsStack) runStackLoad(f, place, run);
  else if (form.repeatPrefix === 0) run();
  else repeated(stage, run, row, form.repeatPrefix);
  row.inline?.(stage, ...operands);
  if (row.semantics) stage.end();
  else f.return(f.call(place.paths.system, place.record));
}

function runStackLoad(f: FunctionBuilder, { cpu, paths }: StagePlace, run: () => void): void {
  const { addressBits, stackLoaded } = paths;
  const before = f.addressNumber(f.load(addressBits === 64 ? 'i64' : 'i32', addressBits, cpu, slot.ESP));
  const keeper = { stackTop: () => stackTopOf(f, cpu, addressBits) };
  stageStackLoad(f, cpu, keeper, run, () => f.callVoid(stackLoaded, before));
}

function defineSystemHandler(builder: ModuleBuilder, paths: SlowPaths): number {
  const f = builder.defineFunction(HANDLER_SIGNATURE);
  const [, record] = f.parameters;
  if (record) f.return(f.call(paths.system, record));
  return builder.addToTable(f);
}

function defineHook(builder: ModuleBuilder, paths: SlowPaths): number {
  const f = builder.defineFunction(HANDLER_SIGNATURE);
  const [cpu, record] = f.parameters as readonly [Value, Value];
  stageHookFilter(f, cpu, record);
  f.return(f.call(paths.hook));
  return builder.addToTable(f);
}

function defineRaising(
  builder: ModuleBuilder,
  paths: SlowPaths,
  vector: number,
  errorCode: number | undefined,
): number {
  const f = builder.defineFunction(HANDLER_SIGNATURE);
  const [cpu, record] = f.parameters as readonly [Value, Value];
  new InterpreterStage(f, 16, { paths, addressing: undefined, cpu, record }).raise(vector, errorCode);
  return builder.addToTable(f);
}

function defineReturning(builder: ModuleBuilder, status: number): number {
  const f = builder.defineFunction(HANDLER_SIGNATURE);
  f.return(f.i32(status));
  return builder.addToTable(f);
}
