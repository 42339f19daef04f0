/**
 * The interpreter: one WebAssembly function for each form of each instruction, and the loop that runs blocks of decoded
 * records through them (DESIGN §3). There is a module for 16- and 32-bit code and one for 64-bit code (docs/decisions/0008);
 * each is the same for every machine and is built when it is first needed, or in pieces ahead of that, or elsewhere.
 */
import type { DecodedInstruction } from '../isa/decoded-instruction.ts';
import type { InstructionRow } from '../isa/instruction-row.ts';
import { type OperandSize, resolveOperand } from '../isa/operand.ts';
import { repeated } from '../isa/rows/strings.ts';
import { VECTOR_GP, VECTOR_UD } from '../isa/vectors.ts';
import { slot } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { type FunctionReference, ModuleBuilder, type Signature } from '../wasm/module-builder.ts';
import { type BoundInterpreter, bindInterpreter, once, STAGE_UNIT } from './bound-interpreter.ts';
import { stackTopOf, stageStackLoad } from './call-stage.ts';
import { quickOperations, withEvents } from './events/quick-events.ts';
import { stageFresh } from './fresh-immediates.ts';
import { stageHookFilter } from './hook-filter.ts';
import {
  type Form,
  type InterpreterPlan,
  type PlacedForms,
  planInterpreter,
  type PseudoHandler,
  type StagedForm,
} from './interpreter-plan.ts';
import { InterpreterStage, type StagePlace } from './interpreter-stage.ts';
import { RECORD_HANDLER, STATUS_DEAD } from './record.ts';
import { defineRunLoop, type InLoop } from './run-loop.ts';
import { defineSlowPaths, type SlowPathImports, type SlowPaths } from './slow-paths.ts';
import { requireUnit } from './units.ts';

/** (vCPU's base, record) → an outcome or a status. */
export const HANDLER_SIGNATURE: Signature = { parameters: ['i32', 'i32'], result: 'i32' };

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

/** Memory of a machine is at most 4 GiB. */
export const MEMORY_PAGES_MAX = 0x10000;

const shared: { 32?: InterpreterBuild; 64?: InterpreterBuild } = {};

/** This process's interpreter of code of a size; what is not built yet is built now. */
export function interpreter(codeSize: OperandSize): Interpreter {
  return buildOf(codeSize).finish();
}

/** Builds a piece of it ahead of its first use; false when there is nothing left to do. */
export function prepareInterpreter(codeSize: OperandSize): boolean {
  return buildOf(codeSize).advance();
}

/** What `interpreter` compiles: the same bytes for the same sources. */
export function interpreterBytes(codeSize: OperandSize): Uint8Array<ArrayBuffer> {
  return buildOf(codeSize).bytes();
}

/**
 * Has this process's interpreter use what `interpreterBytes` gave elsewhere, from the same sources. It is asked when they are
 * needed, and may not have them yet.
 */
export function adoptInterpreter(codeSize: OperandSize, bytes: InterpreterSource): void {
  buildOf(codeSize).adopt(bytes);
}

type InterpreterSource = () => Uint8Array<ArrayBuffer> | undefined;

function buildOf(codeSize: OperandSize): InterpreterBuild {
  const addressBits = codeSize === 64 ? 64 : 32;
  shared[addressBits] ??= new InterpreterBuild(addressBits);
  return shared[addressBits];
}

/** An interpreter that is being built, or whose module was built elsewhere. */
class InterpreterBuild {
  readonly #addressBits: 32 | 64;
  #source: InterpreterSource | undefined;
  #planned: InterpreterPlan | undefined;
  #pieces: Iterator<undefined, Uint8Array<ArrayBuffer>> | undefined;
  #bytes: Uint8Array<ArrayBuffer> | undefined;
  #isCompiling = false;
  #module: WebAssembly.Module | undefined;
  #interpreter: Interpreter | undefined;

  constructor(addressBits: 32 | 64) {
    this.#addressBits = addressBits;
  }

  adopt(source: InterpreterSource): void {
    this.#source = source;
  }

  /** One piece; false when there is nothing left to do. Compiling goes on beside everything else. */
  advance(): boolean {
    if (!this.#bytes) this.#step();
    if (!this.#bytes) return true;
    if (this.#isCompiling || this.#interpreter) return false;
    this.#isCompiling = true;
    const compiled = (module: WebAssembly.Module): void => {
      this.#module ??= module;
    };
    // Where that fails, the interpreter's first use says so.
    WebAssembly.compile(this.#bytes).then(compiled, () => {});
    return false;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    while (!this.#bytes) this.#step();
    return this.#bytes;
  }

  finish(): Interpreter {
    if (this.#interpreter) return this.#interpreter;
    this.#module ??= new WebAssembly.Module(this.bytes());
    const module = this.#module;
    const addressBits = this.#addressBits;
    const plan = this.#plan();
    const { systemPlace, asksInterrupt, pseudoHandlers, handlerOf, formAt } = plan;
    const units = plan.parts.map(({ forms, start }) => once(() => buildUnit(forms, start, addressBits)));
    const telling = once(() => buildTelling(plan));
    this.#interpreter = {
      ...{ handlerOf, formAt, pseudoHandlers, asksInterrupt },
      isSystem: (place) => place === systemPlace,
      instantiate: (memory, imports) => bindInterpreter(module, { units, telling }, memory, imports),
    };
    return this.#interpreter;
  }

  #plan(): InterpreterPlan {
    this.#planned ??= planInterpreter(this.#addressBits);
    return this.#planned;
  }

  #step(): void {
    this.#bytes = this.#source?.();
    if (this.#bytes) return;
    this.#pieces ??= buildInterpreter(this.#plan());
    const { done, value } = this.#pieces.next();
    if (done) this.#bytes = value;
  }
}

function* buildInterpreter(plan: InterpreterPlan): Generator<undefined, Uint8Array<ArrayBuffer>> {
  const { addressBits, inLoop, insideCount, apart, pseudoHandlers, systemPlace } = plan;
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX);
  const stageUnit = builder.importFunction(STAGE_UNIT, { parameters: ['i32'] });
  const paths = withEvents(builder, defineSlowPaths(builder, addressBits, true));
  for (const { row, form } of inLoop) defineHandler(builder, paths, row, form);
  for (const { row, form } of apart) {
    defineHandler(builder, paths, row, form);
    yield;
  }
  requirePlace(systemPlace, defineSystemHandler(builder, paths));
  requirePlace(pseudoHandlers.invalid, defineRaising(builder, paths, VECTOR_UD, undefined));
  requirePlace(pseudoHandlers.beyondLimit, defineRaising(builder, paths, VECTOR_GP, 0));
  requirePlace(pseudoHandlers.hook, defineHook(builder, paths));
  requirePlace(pseudoHandlers.dead, defineReturning(builder, STATUS_DEAD));
  requirePlace(pseudoHandlers.fresh, defineFresh(builder));
  requirePlace(plan.asksInterrupt, builder.addToTable(paths.interruptPending));
  const events = paths.events && { ...paths.events, insideCount, pseudoHandlers };
  defineRunLoop(builder, HANDLER_SIGNATURE, addressBits, stagesOf(inLoop, paths), undefined, events);
  yield;
  for (const [number, part] of plan.parts.entries()) reserveUnit(builder, stageUnit, number, part);
  requirePlace(plan.tableLength, builder.tableLength);
  yield;
  return builder.build();
}

function requirePlace(planned: number, place: number): void {
  if (place !== planned) throw new Error(`place ${place} of the interpreter's table was to be ${planned}`);
}

function stagesOf(forms: readonly StagedForm[], paths: SlowPaths): readonly InLoop[] {
  return forms.map(({ row, form }) => (f, cpu, record, exit) => {
    stageInstruction(f, row, form, { paths, addressing: form.addressing, cpu, record, exit });
  });
}

/** The loop that tells of branches, over the functions of the table. */
function buildTelling({ inLoop, tableLength, addressBits }: InterpreterPlan): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX, tableLength);
  const branched = builder.importFunction('branched', { parameters: ['i32'], result: 'i32' });
  const paths = defineSlowPaths(builder, addressBits);
  defineRunLoop(builder, HANDLER_SIGNATURE, addressBits, stagesOf(inLoop, paths), branched);
  return builder.build();
}

/**
 * Keeps places in the table for a part of a unit. What stands there first has the part's module put its functions into
 * these places, and goes on with the one that is wanted.
 */
function reserveUnit(
  builder: ModuleBuilder,
  stageUnit: FunctionReference,
  number: number,
  { start, forms }: PlacedForms,
): void {
  const first = builder.defineFunction(HANDLER_SIGNATURE);
  const [cpu, record] = first.parameters as readonly [Value, Value];
  first.callVoid(stageUnit, first.i32(number));
  const place = first.load('i32', 16, record, RECORD_HANDLER);
  first.return(first.callIndirect(HANDLER_SIGNATURE, place, cpu, record));
  requirePlace(start, builder.tableLength);
  for (const _form of forms) builder.addToTable(first);
}

function buildUnit(forms: readonly StagedForm[], start: number, addressBits: 32 | 64): Uint8Array<ArrayBuffer> {
  const builder = new ModuleBuilder(MEMORY_PAGES_MAX, start);
  const paths = defineSlowPaths(builder, addressBits);
  for (const { row, form } of forms) defineHandler(builder, paths, row, form);
  return builder.build();
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

function defineFresh(builder: ModuleBuilder): number {
  const f = builder.defineFunction(HANDLER_SIGNATURE);
  stageFresh(f, HANDLER_SIGNATURE);
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
