/**
 * The interpreter's staging of the instruction semantics: operands are read from a decoded record, registers live in
 * the vCPU's state, and the function returns an outcome (DESIGN §3, §4).
 */
import { BRANCH, EXIT, FAULT, REPEAT } from '../cpu/cpu.ts';
import type { Operand, OperandBits, OperandSize, UnitOperand } from '../isa/operand.ts';
import { type Alignment, type SegmentChoice, Semantics } from '../isa/semantics.ts';
import { VECTOR_GP } from '../isa/vectors.ts';
import { internal, type SegmentIndex, segmentSlots, slot } from '../state/layout.ts';
import type { FunctionBuilder, Label, Value, Variable } from '../wasm/function-builder.ts';
import { type CallKeeper, stackTopOf, stageCall, stageReturn } from './call-stage.ts';
import { type HeldPlace, MemoryAccess } from './memory-access.ts';
import { loadParagraph, type StagedSegment, stagedSegment, takesParagraphs } from './segment-stage.ts';
import { type Addressing, RecordAddresses } from './record-addresses.ts';
import type { SlowPaths } from './slow-paths.ts';
import { VectorStage } from './vector-stage.ts';
import * as record from './record.ts';

/** Where an instruction's code stands. */
export interface StagePlace {
  readonly paths: SlowPaths;
  readonly addressing: Addressing | undefined;
  readonly cpu: Value;
  readonly record: Value;
  /** Absent: the code is a function of its own and returns its outcome. Otherwise it sets it and goes to the label. */
  readonly exit?: { readonly status: Variable; readonly end: Label };
}

/** Where a record has the slot of a register operand; what has VEX.vvvv needs no second immediate. */
const REGISTER_PLACES = {
  rm: record.RECORD_RM_SLOT,
  reg: record.RECORD_REG_SLOT,
  vvvv: record.RECORD_IMMEDIATE2,
} as const;

export class InterpreterStage extends Semantics {
  readonly #paths: SlowPaths;
  readonly #addresses: RecordAddresses;
  readonly #cpu: Value;
  readonly #record: Value;
  readonly #exit: StagePlace['exit'];
  readonly #status: Variable;
  readonly #memory: MemoryAccess;
  readonly #vectors: VectorStage;
  readonly #held = new Map<Operand, HeldPlace>();
  readonly #moved = new Map<Operand, Value>();

  constructor(f: FunctionBuilder, operandSize: OperandSize, place: StagePlace) {
    super(f, operandSize, place.paths.addressBits);
    this.#addresses = new RecordAddresses(this, place.addressing ?? 'indexed', place.cpu, place.record);
    this.#paths = place.paths;
    this.#cpu = place.cpu;
    this.#record = place.record;
    this.#exit = place.exit;
    this.#status = f.variable(f.i32(0));
    this.#memory = new MemoryAccess(f, {
      ...place,
      status: this.#status,
      leaveWithFault: () => this.#leave(f.i32(FAULT)),
    });
    this.#vectors = new VectorStage(this, this.#memory, place.cpu, place.record);
  }

  read(operand: Operand, willWrite = false): Value {
    switch (operand.kind) {
      case 'register':
        return this.#loadRegister(this.#registerAddress(operand.field), 0, operand.bits);
      case 'fixed':
        return this.#loadRegister(this.#cpu, operand.slot, operand.bits);
      case 'immediate':
        if (operand.whole) return this.f.load('i64', 64, this.#record, record.RECORD_WIDE_CONSTANT);
        return operand.bits === 64 ? this.wideSigned(this.immediate()) : this.immediate();
      case 'constant':
        return this.f.i32(operand.value);
      case 'memory': {
        const offset = this.#moved.get(operand) ?? this.effectiveAddress();
        if (!willWrite) return this.load('instruction', offset, operand.bits);
        const { value, held } = this.#memory.readHolding(offset, operand.bits);
        this.#held.set(operand, held);
        return value;
      }
    }
  }

  write(operand: Operand, value: Value): void {
    switch (operand.kind) {
      case 'register':
        this.#storeRegister(this.#registerAddress(operand.field), 0, operand.bits, value);
        return;
      case 'fixed':
        this.#storeRegister(this.#cpu, operand.slot, operand.bits, value);
        return;
      case 'memory': {
        const held = this.#held.get(operand);
        if (held) this.#memory.writeHeld(held, operand.bits, value);
        else this.store('instruction', this.#moved.get(operand) ?? this.effectiveAddress(), operand.bits, value);
        return;
      }
      default:
        throw new Error(`${operand.kind} operands cannot be written`);
    }
  }

  movedBy(operand: Operand, bytes: Value): Operand {
    const moved = { ...operand };
    this.#moved.set(moved, this.cutAddress(this.add(this.effectiveAddress(), bytes)));
    return moved;
  }

  holdTogether(first: Operand, second: Operand): void {
    const [a, b] = [this.#held.get(first), this.#held.get(second)];
    if (!a || !b) throw new Error('only memory that was read for a write is held');
    const { f } = this;
    f.if(f.eqz(a.host), () => f.set(b.host, f.i32(0)));
    f.if(f.eqz(b.host), () => f.set(a.host, f.i32(0)));
  }

  effectiveAddress(): Value {
    return this.#addresses.offset();
  }

  indexedAddress(index: Value): Value {
    return this.#addresses.indexedBy(index);
  }

  readRegister(slotOffset: number, bits: OperandBits): Value {
    return this.#loadRegister(this.#cpu, slotOffset, bits);
  }

  writeRegister(slotOffset: number, bits: OperandBits, value: Value): void {
    this.#storeRegister(this.#cpu, slotOffset, bits, value);
  }

  load(segment: SegmentChoice, offset: Value, bits: OperandBits, alignment?: Alignment): Value {
    return this.#memory.load(segment, offset, bits, alignment);
  }

  store(segment: SegmentChoice, offset: Value, bits: OperandBits, value: Value, alignment?: Alignment): void {
    this.#memory.store(segment, offset, bits, value, alignment);
  }

  misalignment(bytes: number): Value {
    return this.f.narrow(this.and(this.#memory.linearOf('instruction', this.effectiveAddress()), bytes - 1));
  }

  readVector(operand: UnitOperand, alignment?: 'aligned'): readonly Value[] {
    return this.#vectors.read(operand, alignment);
  }

  writeVector(...[operand, vectors, above = 'keep', alignment]: Parameters<Semantics['writeVector']>): void {
    this.#vectors.write(operand, vectors, above, alignment);
  }

  stackIndex(): Value {
    return this.f.load('i32', 16, this.#record, record.RECORD_RM_SLOT);
  }

  cpuAddress(): Value {
    return this.#cpu;
  }

  requireWritable(segment: SegmentChoice, offset: Value, bytes: number, alignment?: Alignment): void {
    this.#memory.requireWritable(segment, offset, bytes, alignment);
  }

  cutAddress(offset: Value): Value {
    return this.and(offset, this.addressMask());
  }

  cutStack(offset: Value): Value {
    return this.#isWide ? offset : this.and(offset, this.#stackMask());
  }

  readAddressRegister(slotOffset: number): Value {
    return this.cutAddress(this.readRegister(slotOffset, this.addressBits));
  }

  /** In 64-bit mode a register written by the address size of 32 bits loses its upper half, as by the operand size. */
  writeAddressRegister(slotOffset: number, value: Value): void {
    if (this.#isWide) this.writeRegister(slotOffset, 64, this.cutAddress(value));
    else this.#mergeRegister(slotOffset, value, this.addressMask());
  }

  readStackPointer(): Value {
    return this.readRegister(slot.ESP, this.addressBits);
  }

  writeStackPointer(value: Value): void {
    if (this.#isWide) this.writeRegister(slot.ESP, 64, value);
    else this.#mergeRegister(slot.ESP, value, this.#stackMask());
  }

  segmentEntry(segment: SegmentChoice): Value {
    return this.#memory.segmentEntry(segment);
  }

  instructionPointer(): Value {
    const type = this.#isWide ? 'i64' : 'i32';
    return this.sub(this.nextEip(), this.f.load(type, 8, this.#record, record.RECORD_LENGTH));
  }

  segmentSelector(): Value {
    const entry = this.f.load('i32', 16, this.#record, record.RECORD_SEGMENT_ENTRY);
    // Entries and selectors are as far from each other.
    const distance = internal.SEGMENTS - (segmentSlots[0] as number);
    return this.f.load('i32', 16, this.sub(this.add(this.#cpu, entry), this.constant(distance)));
  }

  nextEip(): Value {
    const type = this.#isWide ? 'i64' : 'i32';
    const entry = this.f.load(type, this.addressBits, this.#cpu, slot.EIP);
    const next = this.add(entry, this.f.load(type, 16, this.#record, record.RECORD_NEXT_OFFSET));
    return this.#isWide ? next : this.cut(next, this.operandSize);
  }

  requireTarget(target: Value): void {
    if (this.#isWide) {
      const shift = this.f.load('i64', 32, this.#cpu, internal.CANONICAL_SHIFT);
      const extended = this.shrS(this.shl(target, shift), shift);
      this.if(this.f.binary('ne', extended, target), () => this.raise(VECTOR_GP, 0));
      return;
    }
    const limit = this.f.load('i32', 32, this.#cpu, internal.CODE_LIMIT);
    this.if(this.gtU(target, limit), () => this.raise(VECTOR_GP, 0));
  }

  jump(target: Value, leavesIf?: Value): void {
    this.f.store(this.addressBits, this.#cpu, slot.EIP, target);
    const branch = this.f.i32(BRANCH);
    this.#leave(this.or(this.#status, leavesIf ? this.select(leavesIf, this.f.i32(BRANCH | EXIT), branch) : branch));
  }

  interruptPending(): Value {
    return this.f.call(this.#paths.interruptPending, this.#record);
  }

  budgetBehind(): Value {
    const block = this.f.load('i32', 32, this.#cpu, internal.BLOCK);
    const first = this.f.load('i32', 32, block, record.BLOCK_FIRST);
    const number = this.shrU(this.sub(this.#record, first), record.RECORD_SHIFT);
    return this.sub(this.sub(this.f.load('i32', 32, this.#cpu, internal.BUDGET), number), this.constant(1));
  }

  end(): void {
    this.#leave(this.#status);
  }

  endAndLeaveIf(condition: Value): void {
    this.#leave(this.or(this.#status, this.select(condition, this.f.i32(EXIT), this.f.i32(0))));
  }

  takesParagraphs(segment: SegmentIndex | 'reg'): Value {
    return takesParagraphs(this.f, this.#segment(segment));
  }

  loadParagraph(segment: SegmentIndex | 'reg', selector: Value): void {
    loadParagraph(this.f, this.#segment(segment), selector);
  }

  #segment(index: SegmentIndex | 'reg'): StagedSegment {
    return stagedSegment(this.f, this.#cpu, this.#record, index);
  }

  recordCall(target: Value, back: Value, selector?: Value): void {
    stageCall(this.f, this.#cpu, this.#callKeeper, { target, back, size: this.operandSize / 8, selector });
  }

  recordReturn(): void {
    stageReturn(this.f, this.#cpu, this.#callKeeper);
  }

  raise(vector: number, errorCode = -1): void {
    this.f.callVoid(this.#paths.raise, this.f.i32(vector), this.f.i32(errorCode));
    this.#leave(this.f.i32(FAULT));
  }

  repeat(_again: Label, isPause: Value): void {
    this.#leave(this.select(isPause, this.or(this.#status, REPEAT), this.f.i32(EXIT | FAULT)));
  }

  repeatMax(): Value {
    return this.f.load('i32', 32, this.#cpu, internal.REPEAT_MAX);
  }

  immediate(): Value {
    return this.f.load('i32', 32, this.#record, record.RECORD_IMMEDIATE);
  }

  secondImmediate(): Value {
    return this.f.load('i32', 16, this.#record, record.RECORD_IMMEDIATE2);
  }

  yieldTurn(): void {
    const yields = this.f.copy(this.f.load('i32', 32, this.#cpu, internal.YIELDS));
    this.f.store(32, this.#cpu, internal.YIELDED, yields);
    this.f.set(this.#status, this.or(this.#status, yields));
  }

  exitRequested(): Value {
    return this.#status;
  }

  readFlagsResult(): Value {
    return this.f.load('i64', 64, this.#cpu, internal.FLAGS_RESULT);
  }

  readFlagsAux(): Value {
    return this.f.load('i32', 32, this.#cpu, internal.FLAGS_AUX);
  }

  writeFlags(result: Value, aux: Value): void {
    this.f.store(64, this.#cpu, internal.FLAGS_RESULT, result);
    this.writeFlagsAux(aux);
  }

  writeFlagsAux(aux: Value): void {
    this.f.store(32, this.#cpu, internal.FLAGS_AUX, aux);
  }

  readSystemFlags(): Value {
    return this.f.load('i32', 32, this.#cpu, slot.EFLAGS);
  }

  writeSystemFlags(value: Value): void {
    this.f.store(32, this.#cpu, slot.EFLAGS, value);
  }

  readControl0(): Value {
    return this.f.load('i32', 32, this.#cpu, slot.CR0);
  }

  get #callKeeper(): CallKeeper {
    const { f } = this;
    return {
      stackTop: () => stackTopOf(f, this.#cpu, this.addressBits),
      callsOver: (at, pushed) => f.callVoid(this.#paths.callsOver, f.addressNumber(at), f.i32(pushed)),
    };
  }

  /** Ends the instruction: a function of its own returns, one that is part of the loop goes on there. */
  #leave(outcome: Value): void {
    if (!this.#exit) {
      this.f.return(outcome);
      return;
    }
    this.f.set(this.#exit.status, outcome);
    this.f.branch(this.#exit.end);
  }

  get #isWide(): boolean {
    return this.addressBits === 64;
  }

  #registerAddress(field: keyof typeof REGISTER_PLACES): Value {
    const place = REGISTER_PLACES[field];
    return this.add(this.#cpu, this.f.load('i32', 16, this.#record, place));
  }

  #loadRegister(address: Value, offset: number, bits: OperandBits): Value {
    return this.f.load(bits === 64 ? 'i64' : 'i32', bits, address, offset);
  }

  #storeRegister(address: Value, offset: number, bits: OperandBits, value: Value): void {
    if (this.#isWide && bits === 32) this.f.store(64, address, offset, this.wideUnsigned(value));
    else this.f.store(bits, address, offset, value);
  }

  /** Writes the bits of the mask; the others stay. */
  #mergeRegister(slotOffset: number, value: Value, mask: Value): void {
    const old = this.readRegister(slotOffset, 32);
    this.writeRegister(slotOffset, 32, this.or(this.and(old, this.not(mask)), this.and(value, mask)));
  }

  addressMask(): Value {
    return this.#addresses.mask();
  }

  #stackMask(): Value {
    return this.f.load('i32', 32, this.#cpu, internal.STACK_MASK);
  }
}
