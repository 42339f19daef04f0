/**
 * The loop of the interpreter: runs a block's records, then finds the next block by the linear address of EIP, until
 * the budget is used up or something needs TypeScript. EIP in the state is that of the block's first instruction while
 * the block runs, and exact whenever the loop has returned.
 */
import { BRANCH, EXIT, FAULT, REPEAT, VECTOR_PF } from '../cpu/cpu.ts';
import { JUMP_CACHE } from '../memory/layout.ts';
import { RF } from '../state/lazy-flags.ts';
import { CS, ENTRY_BASE, internal, SEGMENT_ENTRY_SIZE, slot } from '../state/layout.ts';
import type { FunctionBuilder, Label, Value, Variable } from '../wasm/function-builder.ts';
import type { FunctionReference, ModuleBuilder, Signature } from '../wasm/module-builder.ts';
import { JUMP_BLOCK, JUMP_LINEAR, JUMP_MODE, jumpEntryOf } from './jump-cache.ts';
import { KIND_EXCEPTION } from './call-entry.ts';
import { stageBranch } from './branch-stage.ts';
import { stageCounts } from './count-stage.ts';
import { stageTraceBegin, stageTraceCount } from './trace-stage.ts';
import * as record from './record.ts';

/** A handler that faults at once must not go on for ever without being seen. */
const DELIVERIES_MAX = 256;
/** Where the state has the base of the code segment. */
export const CODE_BASE: number = internal.SEGMENTS + CS * SEGMENT_ENTRY_SIZE + ENTRY_BASE;

/** An instruction whose code is part of the loop: it writes itself, sets the status and branches to the end. */
export type InLoop = (
  f: FunctionBuilder,
  cpu: Value,
  record: Value,
  exit: { readonly status: Variable; readonly end: Label },
) => void;

interface LoopState {
  readonly addressBits: 32 | 64;
  readonly cpu: Value;
  readonly budget: Variable;
  /** The record that runs next. */
  readonly at: Variable;
  readonly first: Variable;
  readonly block: Variable;
  readonly status: Variable;
  readonly branches: Branches | undefined;
  readonly events: LoopEvents | undefined;
  /** Budget at which the loop returns between two blocks. */
  readonly sampleAt: Value;
}

/** What a loop that tells of branches needs besides: whom it tells, and where the block began. */
interface Branches {
  readonly branched: FunctionReference;
  readonly base: Variable;
  readonly level: Variable;
  readonly start: Variable;
}

/** What the loop can do by itself instead of coming back. */
export interface LoopEvents {
  /** (cpu, vector, kind, error code, RF or 0) → whether the handler was entered. */
  readonly enter: FunctionReference;
  /** (cpu, linear address, entry's place) → whether the entry of the jump cache is the address's in the current mode now. */
  readonly findAgain: FunctionReference;
  /** Places in the table below which handlers do nothing but change registers, and those of records that are no instructions. */
  readonly insideCount: number;
  readonly pseudoHandlers: Readonly<Record<'invalid' | 'dead', number>>;
}

/**
 * Defines `run(cpu, record, budget) → status` and exports it. The record is the entry of the block in the state, or its
 * first instruction. With `branched` it tells of each branch that is taken, and counts for the performance counters.
 */
export function defineRunLoop(
  builder: ModuleBuilder,
  handler: Signature,
  addressBits: 32 | 64,
  inLoop: readonly InLoop[],
  branched?: FunctionReference,
  events?: LoopEvents,
): void {
  const f = builder.defineFunction({ parameters: ['i32', 'i32', 'i32'], result: 'i32' }, 'run');
  const [cpu, start, budget] = f.parameters as readonly [Value, Value, Value];
  const block = f.variable(f.load('i32', 32, cpu, internal.BLOCK));
  const state: LoopState = {
    addressBits,
    cpu,
    events,
    budget: f.variable(budget),
    at: f.variable(start),
    first: f.variable(f.load('i32', 32, block, record.BLOCK_FIRST)),
    block,
    status: f.variable(f.i32(0)),
    sampleAt: f.copy(f.load('i32', 32, cpu, internal.SAMPLE_AT)),
    branches: branched && {
      branched,
      base: f.variable(f.i32(0)),
      level: f.variable(f.i32(0)),
      start: zero(f, addressBits),
    },
  };
  f.loop((nextBlock) => {
    f.store(32, cpu, internal.BUDGET, state.budget);
    f.store(32, cpu, internal.BLOCK, state.block);
    noteStart(f, state);
    stageTraceBegin(f, cpu, addressBits, () => linearEip(f, state));
    runRecords(f, state, handler, inLoop);
    leaveBlock(f, state, nextBlock);
    findBlock(f, state, nextBlock);
  });
}

function zero(f: FunctionBuilder, addressBits: 32 | 64): Variable {
  return f.variable(addressBits === 64 ? f.i64(0n) : f.i32(0));
}

/** A branch may load another code segment. */
function noteStart(f: FunctionBuilder, state: LoopState): void {
  const { branches } = state;
  if (!branches) return;
  f.set(branches.start, linearEip(f, state));
  f.set(branches.level, f.load('i32', 8, state.cpu, slot.CPL));
  if (state.addressBits === 32) f.set(branches.base, f.load('i32', 32, state.cpu, CODE_BASE));
}

/** Runs records until one returns a status, or the block or the budget ends. */
function runRecords(f: FunctionBuilder, state: LoopState, handler: Signature, inLoop: readonly InLoop[]): void {
  const count = f.load('i32', 32, state.block, record.BLOCK_COUNT);
  const runnable = f.select(f.binary('ltU', count, state.budget), count, f.copy(state.budget));
  const end = f.binary('add', state.first, f.binary('shl', runnable, f.i32(record.RECORD_SHIFT)));
  f.loop((again) => {
    const place = f.load('i32', 16, state.at, record.RECORD_HANDLER);
    const cases = inLoop.map((stage) => (end: Label) => stage(f, state.cpu, state.at, { status: state.status, end }));
    f.switch(place, cases, () => f.set(state.status, f.callIndirect(handler, place, state.cpu, state.at)));
    f.set(state.at, f.binary('add', state.at, f.i32(record.RECORD_SIZE)));
    const more = f.binary('ne', state.at, end);
    f.branchIf(f.binary('and', f.eqz(state.status), more), again);
  });
}

/** Brings EIP and budget up to date, and returns to TypeScript for every status that needs it. */
function leaveBlock(f: FunctionBuilder, state: LoopState, nextBlock: Label): void {
  const { branches, cpu, status } = state;
  if (branches)
    stageBranch(f, { ...branches, cpu, status, last: lastRecord(f, state), now: () => linearEip(f, state) });
  f.if(f.binary('gtU', status, f.i32(BRANCH)), () => leaveForStatus(f, state, nextBlock));
  spend(f, state, state.at);
  f.if(f.eqz(state.status), () => moveEip(f, state, nextOffset(f, lastRecord(f, state))));
}

function lastRecord(f: FunctionBuilder, { at }: LoopState): Value {
  return f.binary('sub', at, f.i32(record.RECORD_SIZE));
}

/** The rare statuses. All but a repeated instruction without a reason to leave return to TypeScript. */
function leaveForStatus(f: FunctionBuilder, state: LoopState, nextBlock: Label): void {
  const has = (bits: number) => f.binary('and', state.status, f.i32(bits));
  f.if(has(record.STATUS_RESUME), () => {
    f.set(state.status, f.binary('and', state.status, f.i32(~record.STATUS_RESUME)));
    if (state.events) resumeOnce(f, state, state.events, nextBlock);
  });
  f.if(f.binary('geU', state.status, f.i32(record.STATUS_REGION)), () => followRegion(f, state, nextBlock));
  const last = f.copy(lastRecord(f, state));
  const back = () => f.binary('sub', nextOffset(f, last), f.load('i32', 8, last, record.RECORD_LENGTH));
  const leave = () => {
    f.store(32, state.cpu, internal.BUDGET, state.budget);
    f.return(state.status);
  };
  f.if(has(record.STATUS_HOOK | record.STATUS_DEAD), () => f.return(state.status));
  f.if(has(FAULT), () => {
    spend(f, state, last);
    moveEip(f, state, back());
    if (state.events) deliverFault(f, state, state.events, nextBlock);
    leave();
  });
  f.if(f.eqz(has(BRANCH)), () => {
    f.if(
      has(REPEAT),
      () => moveEip(f, state, back()),
      () => moveEip(f, state, nextOffset(f, last)),
    );
  });
  f.if(has(EXIT), () => {
    spend(f, state, state.at);
    leave();
  });
}

/**
 * Compiled code has run, perhaps into another block: goes on where it has left off, or as if the loop had called the
 * handler that it has called last.
 */
function followRegion(f: FunctionBuilder, state: LoopState, nextBlock: Label): void {
  const { cpu } = state;
  const left = f.copy(f.load('i32', 32, cpu, internal.BUDGET));
  const executed = f.widen(f.binary('sub', state.budget, left), false);
  f.store(64, cpu, internal.COMPILED, f.binary('add', f.load('i64', 64, cpu, internal.COMPILED), executed));
  f.set(state.budget, left);
  f.store(32, cpu, internal.REGION_BUDGET, left);
  f.set(state.block, f.load('i32', 32, cpu, internal.BLOCK));
  f.set(state.first, f.load('i32', 32, state.block, record.BLOCK_FIRST));
  const at = f.load('i32', 32, cpu, internal.REGION_RECORD);
  f.set(state.at, f.select(at, at, f.copy(state.first)));
  const isLeft = f.binary('and', state.status, f.i32(record.STATUS_REGION));
  f.if(f.select(isLeft, at, f.i32(0)), () => f.branch(nextBlock));
  // Between two blocks: as after a branch with nothing to be counted.
  const called = f.binary('and', state.status, f.i32(record.STATUS_REGION - 1));
  f.set(state.status, f.select(isLeft, f.i32(BRANCH), called));
}

/**
 * IRET has loaded RF: the next instruction is executed alone, as the whole budget, and RF is cleared behind it. Without any
 * budget left that is done by who comes next.
 */
function resumeOnce(f: FunctionBuilder, state: LoopState, events: LoopEvents, nextBlock: Label): void {
  f.if(f.binary('gtU', state.budget, f.i32(1)), () => {
    spend(f, state, state.at);
    f.if(state.budget, () => {
      resumeInside(f, state, events, nextBlock);
      f.store(32, state.cpu, internal.BUDGET_BEHIND, state.budget);
      f.set(state.budget, f.i32(1));
      f.set(state.status, f.i32(BRANCH));
      findBlock(f, state, nextBlock);
    });
    f.store(32, state.cpu, internal.BUDGET, state.budget);
    f.return(state.status);
  });
}

/**
 * Clears RF at once where nobody can tell: a known block comes, neither stopped at nor kept in the record of code, and its first
 * instruction only changes registers.
 */
function resumeInside(f: FunctionBuilder, state: LoopState, events: LoopEvents, nextBlock: Label): void {
  const { cpu } = state;
  const { insideCount, pseudoHandlers } = events;
  const field = (offset: number) => f.load('i32', 32, cpu, offset);
  const linear = linearEip(f, state);
  const place = f.copy(f.binary('add', cpu, jumpEntryOf(f, linear)));
  const known = f.load(linear.type as 'i32' | 'i64', state.addressBits, place, JUMP_CACHE + JUMP_LINEAR);
  const isMode = f.binary('eq', f.load('i32', 32, place, JUMP_CACHE + JUMP_MODE), field(internal.MODE_KEY));
  const isRoomy = f.binary('gtU', state.budget, state.sampleAt);
  const isKnown = f.binary('and', f.binary('eq', known, linear), f.binary('and', isMode, isRoomy));
  f.if(f.binary('and', isKnown, f.eqz(field(internal.TRACE_NEWEST))), () => {
    const block = f.copy(f.load('i32', 32, place, JUMP_CACHE + JUMP_BLOCK));
    const first = f.copy(f.load('i32', 32, block, record.BLOCK_FIRST));
    const entry = f.copy(f.load('i32', 32, block, record.BLOCK_ENTRY));
    const handlerOf = (at: Value) => f.load('i32', 16, at, record.RECORD_HANDLER);
    const pseudo = f.binary('sub', handlerOf(entry), f.i32(pseudoHandlers.invalid));
    const isPseudo = f.binary('leU', pseudo, f.i32(pseudoHandlers.dead - pseudoHandlers.invalid));
    const isInside = f.binary('ltU', handlerOf(first), f.i32(insideCount));
    const isWithin = state.addressBits === 64 ? f.i32(1) : f.eqz(isBeyondLimit(f, state, loadEip(f, state), block));
    f.if(f.binary('and', f.binary('and', isInside, f.eqz(isPseudo)), isWithin), () => {
      f.store(32, cpu, slot.EFLAGS, f.binary('and', field(slot.EFLAGS), f.i32(~RF)));
      f.set(state.status, f.i32(BRANCH));
      f.set(state.block, block);
      f.set(state.first, first);
      f.set(state.at, entry);
      f.branch(nextBlock);
    });
  });
}

/**
 * At the end of the budget, or where a sample is due: not 0 if the loop goes on, as an instruction is to be executed with RF
 * set, or behind it, where RF is cleared.
 */
function goOnResumed(f: FunctionBuilder, state: LoopState): Value {
  const behind = f.copy(f.load('i32', 32, state.cpu, internal.BUDGET_BEHIND));
  f.if(f.select(behind, f.eqz(state.budget), f.i32(0)), () => {
    const flags = f.load('i32', 32, state.cpu, slot.EFLAGS);
    f.store(32, state.cpu, slot.EFLAGS, f.binary('and', flags, f.i32(~RF)));
    f.set(state.budget, f.binary('sub', behind, f.i32(1)));
    f.store(32, state.cpu, internal.BUDGET_BEHIND, f.i32(0));
  });
  return f.select(behind, state.budget, f.i32(0));
}

/** Goes on with the handler of a usual page fault, unless somebody hears of exceptions. A delivery takes a tick. */
function deliverFault(f: FunctionBuilder, state: LoopState, { enter }: LoopEvents, nextBlock: Label): void {
  const { cpu } = state;
  const field = (offset: number) => f.load('i32', 32, cpu, offset);
  const code = f.copy(field(internal.QUICK_FAULT));
  const delivered = f.copy(field(internal.DELIVERED));
  const isAsked = f.binary('or', field(internal.FAULTS_HEARD), field(internal.EXIT_REQUEST));
  const mayEnter = f.binary('and', f.eqz(isAsked), f.binary('ltU', delivered, f.i32(DELIVERIES_MAX)));
  f.if(f.select(code, mayEnter, f.i32(0)), () => {
    const errorCode = f.binary('sub', code, f.i32(1));
    f.if(f.call(enter, cpu, f.i32(VECTOR_PF), f.i32(KIND_EXCEPTION), errorCode, f.i32(RF)), () => {
      f.store(32, cpu, internal.QUICK_FAULT, f.i32(0));
      f.store(32, cpu, internal.FAULT, f.i32(0));
      f.store(32, cpu, internal.DELIVERED, f.binary('add', delivered, f.i32(1)));
      f.set(state.budget, f.binary('sub', state.budget, f.i32(1)));
      findBlock(f, state, nextBlock);
    });
  });
}

/** Distance of the instruction behind a record from the first of its block. */
function nextOffset(f: FunctionBuilder, at: Value): Value {
  return f.load('i32', 16, at, record.RECORD_NEXT_OFFSET);
}

function moveEip(f: FunctionBuilder, state: LoopState, by: Value): void {
  const eip = loadEip(f, state);
  const moved = f.binary('add', eip, state.addressBits === 64 ? f.widen(by, true) : by);
  f.store(state.addressBits, state.cpu, slot.EIP, moved);
}

function loadEip(f: FunctionBuilder, { addressBits, cpu }: LoopState): Value {
  return f.load(addressBits === 64 ? 'i64' : 'i32', addressBits, cpu, slot.EIP);
}

function linearEip(f: FunctionBuilder, state: LoopState): Value {
  const eip = loadEip(f, state);
  return state.addressBits === 64 ? eip : f.binary('add', eip, f.load('i32', 32, state.cpu, CODE_BASE));
}

/** Takes the instructions before a record from the budget. */
function spend(f: FunctionBuilder, state: LoopState, upTo: Value): void {
  const done = f.binary('shrU', f.binary('sub', upTo, state.first), f.i32(record.RECORD_SHIFT));
  f.set(state.budget, f.binary('sub', state.budget, done));
  stageTraceCount(f, state.cpu, done);
  if (state.branches) stageCounts(f, state.cpu, { first: state.first, upTo, status: state.status });
}

/** Goes on with the block at EIP if the jump cache knows one for this mode that lies inside the code segment. */
function findBlock(f: FunctionBuilder, state: LoopState, nextBlock: Label): void {
  const isWide = state.addressBits === 64;
  f.if(f.binary('leU', state.budget, state.sampleAt), () => {
    const goesOn = state.events ? goOnResumed(f, state) : f.i32(0);
    f.if(f.eqz(goesOn), () => {
      f.store(32, state.cpu, internal.BUDGET, state.budget);
      f.return(f.select(state.budget, f.i32(record.STATUS_SAMPLE), f.i32(record.STATUS_LIMIT)));
    });
  });
  const eip = loadEip(f, state);
  const linear = linearEip(f, state);
  const place = f.copy(f.binary('add', state.cpu, jumpEntryOf(f, linear)));
  const lookUp = () => {
    f.store(32, state.cpu, internal.BUDGET, state.budget);
    f.return(f.i32(record.STATUS_LOOKUP));
  };
  const known = f.load(linear.type as 'i32' | 'i64', state.addressBits, place, JUMP_CACHE + JUMP_LINEAR);
  const mode = f.load('i32', 32, place, JUMP_CACHE + JUMP_MODE);
  const isOtherMode = f.binary('ne', mode, f.load('i32', 32, state.cpu, internal.MODE_KEY));
  f.if(f.binary('or', f.binary('ne', known, linear), isOtherMode), () => {
    if (state.events) f.if(f.eqz(f.call(state.events.findAgain, state.cpu, linear, place)), lookUp);
    else lookUp();
  });
  f.set(state.block, f.load('i32', 32, place, JUMP_CACHE + JUMP_BLOCK));
  if (!isWide) f.if(isBeyondLimit(f, state, eip, state.block), lookUp);
  f.set(state.first, f.load('i32', 32, state.block, record.BLOCK_FIRST));
  f.set(state.at, f.load('i32', 32, state.block, record.BLOCK_ENTRY));
  f.branch(nextBlock);
}

/** Not 0 if the block at EIP reaches over the limit of the code segment. */
function isBeyondLimit(f: FunctionBuilder, state: LoopState, eip: Value, block: Value): Value {
  const bytes = f.load('i32', 32, block, record.BLOCK_BYTES);
  const lastByte = f.binary('add', eip, f.binary('sub', bytes, f.i32(1)));
  return f.binary('gtU', lastByte, f.load('i32', 32, state.cpu, internal.CODE_LIMIT));
}
