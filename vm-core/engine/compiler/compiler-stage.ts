/**
 * The compiler's staging of the instruction semantics: operands are constants, registers and flags are locals of the
 * region, and what is not ordinary is left to the interpreter, which does the instruction from its beginning (DESIGN §3).
 */
import type { Operand, OperandBits, UnitOperand } from '../../isa/operand.ts';
import { type SegmentChoice, Semantics } from '../../isa/semantics.ts';
import type { FlagSource } from '../../isa/flag-source.ts';
import { CS, ES, internal, SEGMENT_ENTRY_SIZE, type SegmentIndex, SS, segmentSlots, slot } from '../../state/layout.ts';
import type { Label, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { loadFresh } from '../fresh-immediates.ts';
import { addressConstant, addressPart, offsetOfOperand } from './compiled-addresses.ts';
import { CompiledCalls } from './compiled-calls.ts';
import { FlagMeeting } from './flag-meeting.ts';
import type { CompiledInstruction } from './compiled-instruction.ts';
import type { CompiledPlace } from './compiled-memory.ts';
import * as vectorOperands from './compiled-vector-operands.ts';
import { slotOfField } from './compiled-vectors.ts';
import type { RegionExit } from '../../machine/compiled-region.ts';
import { loadParagraph, type StagedSegment, stagedSegment, takesParagraphs } from '../segment-stage.ts';
import type { StageSurroundings } from './stage-surroundings.ts';

export class CompilerStage extends Semantics {
  override readonly isForUsual: boolean = true;
  readonly #region: StageSurroundings;
  readonly #instruction: CompiledInstruction;
  /** Host addresses of memory operands that were read to be written. */
  #held: Map<Operand, Value> | undefined;
  /** The immediate as it is before the instruction does anything, if it is written over again and again. */
  readonly #fresh: Value | undefined;
  /** What CS was loaded with. */
  #paragraph: Value | undefined;
  /** True where the code that is written next is not reached. */
  #isLeft = false;

  constructor(region: StageSurroundings, instruction: CompiledInstruction) {
    super(region.f, instruction.form?.operandSize ?? 32, region.addressBits, region.units.x87);
    this.#region = region;
    this.#instruction = instruction;
    this.#fresh = instruction.fresh && loadFresh(region.f, instruction.fresh);
  }

  get #vectorPlace(): vectorOperands.VectorOperandPlace {
    const { memory, units } = this.#region;
    const place = () => this.#placeOf('instruction', this.effectiveAddress());
    return { s: this, instruction: this.#instruction, vectors: units.vectors, memory, place, bail: this.#bail };
  }

  /** Whether the instruction always goes elsewhere than to the next one. */
  get isLeft(): boolean {
    return this.#isLeft;
  }

  read(operand: Operand, willWrite = false): Value {
    switch (operand.kind) {
      case 'register':
        return this.readRegister(slotOfField(this.#instruction, operand.field), operand.bits);
      case 'fixed':
        return this.readRegister(operand.slot, operand.bits);
      case 'immediate':
        if (operand.whole) return this.#fresh ?? this.f.i64(this.#instruction.wideConstant);
        return operand.bits === 64 ? this.wideSigned(this.immediate()) : this.immediate();
      case 'constant':
        return this.f.i32(operand.value);
      case 'memory': {
        if (!willWrite) return this.load('instruction', this.#offsetOf(operand), operand.bits);
        const host = this.#writable('instruction', this.#offsetOf(operand), operand.bits / 8);
        this.#held = (this.#held ?? new Map()).set(operand, host);
        return this.f.load(operand.bits === 64 ? 'i64' : 'i32', operand.bits, host);
      }
    }
  }

  write(operand: Operand, value: Value): void {
    if (operand.kind === 'register')
      this.writeRegister(slotOfField(this.#instruction, operand.field), operand.bits, value);
    else if (operand.kind === 'fixed') this.writeRegister(operand.slot, operand.bits, value);
    else if (operand.kind === 'memory') {
      const host =
        this.#held?.get(operand) ?? this.#writable('instruction', this.#offsetOf(operand), operand.bits / 8, value);
      this.f.store(operand.bits, host, 0, value);
    } else throw new Error(`${operand.kind} operands cannot be written`);
  }

  movedBy(operand: Operand, bytes: Value): Operand {
    return Object.assign({ ...operand }, { offset: this.cutAddress(this.add(this.effectiveAddress(), bytes)) });
  }

  /** What is held here is plain memory. */
  holdTogether(): void {}

  effectiveAddress(): Value {
    return offsetOfOperand(this, this.#region, this.#instruction);
  }

  indexedAddress(): Value {
    throw new Error('vectors of indices are not compiled');
  }

  readRegister(slotOffset: number, bits: OperandBits): Value {
    const { registers, cpu } = this.#region;
    if (registers.has(slotOffset)) return registers.read(slotOffset, bits);
    return this.f.load(bits === 64 ? 'i64' : 'i32', bits, cpu, slotOffset);
  }

  writeRegister(slotOffset: number, bits: OperandBits, value: Value): void {
    const { registers } = this.#region;
    if (!registers.has(slotOffset)) throw new Error(`no register at ${slotOffset}`);
    registers.write(slotOffset, bits, value);
  }

  load(segment: SegmentChoice, offset: Value, bits: OperandBits): Value {
    return this.#region.memory.load(this.#placeOf(segment, offset), bits, this.#bail);
  }

  store(segment: SegmentChoice, offset: Value, bits: OperandBits, value: Value): void {
    this.f.store(bits, this.#writable(segment, offset, bits / 8, value), 0, value);
  }

  misalignment(bytes: number): Value {
    const linear = this.#region.memory.linearOf(this.#placeOf('instruction', this.effectiveAddress()));
    return this.f.narrow(this.and(linear, bytes - 1));
  }

  readVector(operand: UnitOperand, alignment?: 'aligned'): readonly Value[] {
    return vectorOperands.readVectorOperand(this.#vectorPlace, operand, alignment);
  }

  writeVector(...written: vectorOperands.WrittenVector): void {
    vectorOperands.writeVectorOperand(this.#vectorPlace, ...written);
  }

  override callUnit(definition: SharedFunction, ...operands: readonly Value[]): Value {
    return this.#region.units.call(definition, operands);
  }

  stackIndex(): Value {
    return this.f.i32(this.#instruction.rmSlot);
  }

  cpuAddress(): Value {
    return this.#region.cpu;
  }

  requireWritable(segment: SegmentChoice, offset: Value, bytes: number): void {
    this.#writable(segment, offset, bytes);
  }

  cutAddress(offset: Value): Value {
    if (this.#instruction.addressShift === 0) return offset;
    return this.and(offset, this.addressBits === 64 ? 0xffff_ffff : 0xffff);
  }

  cutStack(offset: Value): Value {
    return this.#isStackWhole ? offset : this.and(offset, 0xffff);
  }

  readAddressRegister(slotOffset: number): Value {
    return this.cutAddress(addressPart(this, this.#region, this.#instruction, slotOffset));
  }

  writeAddressRegister(slotOffset: number, value: Value): void {
    if (this.addressBits === 64) this.writeRegister(slotOffset, 64, this.cutAddress(value));
    else this.writeRegister(slotOffset, this.#instruction.addressShift === 0 ? 32 : 16, value);
  }

  readStackPointer(): Value {
    return this.readRegister(slot.ESP, this.addressBits);
  }

  override stackPointerToCut(): Value {
    return this.#isStackWhole ? this.readStackPointer() : this.#region.registers.readLow(slot.ESP);
  }

  writeStackPointer(value: Value): void {
    this.writeRegister(slot.ESP, this.#isStackWhole ? this.addressBits : 16, value);
  }

  segmentEntry(segment: SegmentChoice): Value {
    const place = internal.SEGMENTS + this.#segmentOf(segment) * SEGMENT_ENTRY_SIZE;
    return this.add(this.#region.cpu, this.constant(place));
  }

  addressMask(): Value {
    return this.cutAddress(addressConstant(this, -1n));
  }

  instructionPointer(): Value {
    return addressConstant(this, this.#region.entry + BigInt(this.#instruction.nextOffset - this.#instruction.length));
  }

  segmentSelector(): Value {
    const distance = internal.SEGMENTS - (segmentSlots[0] as number);
    return this.f.load('i32', 16, this.#region.cpu, this.#instruction.segmentEntry - distance);
  }

  nextEip(): Value {
    const next = addressConstant(this, this.#region.entry + BigInt(this.#instruction.nextOffset));
    return this.addressBits === 64 ? next : this.cut(next, this.operandSize);
  }

  requireTarget(target: Value): void {
    if (target.constant !== undefined) this.#region.noteTarget(Number(target.constant));
    else this.#region.unlessKnown(target, () => this.#checkTarget(target));
  }

  #checkTarget(target: Value): void {
    if (this.addressBits === 32) {
      const limit = this.f.load('i32', 32, this.#region.cpu, internal.CODE_LIMIT);
      this.f.if(this.gtU(target, limit), () => this.#bail('limit'));
      return;
    }
    const shift = this.f.load('i64', 32, this.#region.cpu, internal.CANONICAL_SHIFT);
    const extended = this.shrS(this.shl(target, shift), shift);
    this.f.if(this.f.binary('ne', extended, target), () => this.#bail('limit'));
  }

  jump(target: Value): void {
    this.#region.jump(target, this.#paragraph);
    this.#isLeft = true;
  }

  end(): void {
    this.#region.end();
    this.#isLeft = true;
  }

  override mayLeaveIf(condition: Value): void {
    this.#region.otherwiseIf(condition);
  }

  interruptPending(): Value {
    return this.#region.interruptPending();
  }

  budgetBehind(): Value {
    return this.#region.budgetBehind();
  }

  endAndLeaveIf(): void {
    this.end();
  }

  override isRealMode(): Value {
    return this.f.i32(this.#region.facts.isRealMode ? 1 : 0);
  }

  takesParagraphs(segment: SegmentIndex | 'reg'): Value {
    return takesParagraphs(this.f, this.#segment(segment));
  }

  loadParagraph(segment: SegmentIndex | 'reg', selector: Value): void {
    loadParagraph(this.f, this.#segment(segment), selector);
    if (segment === CS) this.#paragraph = selector;
  }

  #segment(segment: SegmentIndex | 'reg'): StagedSegment {
    const index = segment === 'reg' ? (this.#instruction.reg as SegmentIndex) : segment;
    return stagedSegment(this.f, this.#region.cpu, this.#region.cpu, index);
  }

  recordCall(target: Value, back: Value, selector?: Value): void {
    if (this.#region.facts.recordsCalls) this.#calls().called(target, back, selector);
  }

  recordReturn(): void {
    if (this.#region.facts.recordsCalls) this.#calls().returned();
  }

  /** Runs an instruction that loads the stack pointer and nothing else. */
  loadStack(run: () => void): void {
    if (this.#region.facts.recordsCalls) this.#calls().loaded(run);
    else run();
  }

  #calls(): CompiledCalls {
    const { memory, calls } = this.#region;
    const linearOf = (offset: Value) => memory.linearOf({ segment: SS, offset, isShort: false });
    return new CompiledCalls(this, calls, () => this.#bail('calls'), linearOf);
  }

  raise(): void {
    this.#bail('exception');
    this.#isLeft = true;
  }

  repeat(again: Label): void {
    this.#region.repeat(() => this.branch(again));
    this.#isLeft = true;
  }

  repeatMax(): Value {
    return this.f.load('i32', 32, this.#region.cpu, internal.REPEAT_MAX);
  }

  immediate(): Value {
    return this.#fresh ?? this.f.i32(this.#instruction.immediate);
  }

  secondImmediate(): Value {
    return this.f.i32(this.#instruction.immediate2);
  }

  yieldTurn(): void {
    this.f.if(this.f.load('i32', 32, this.#region.cpu, internal.YIELDS), () => this.#bail('handler'));
  }

  /** Nothing asks for that but what a region is left for. */
  exitRequested(): Value {
    return this.f.i32(0);
  }

  override keepsFlags(source: FlagSource): boolean {
    this.#region.flags.set(source);
    return true;
  }

  override knownCondition(code: number): Value | undefined {
    return this.#region.flags.condition(code);
  }

  readFlagsResult(): Value {
    return this.#region.flags.result();
  }

  readFlagsAux(): Value {
    return this.#region.flags.aux();
  }

  writeFlags(result: Value, aux: Value): void {
    this.#region.flags.setPair(result, aux);
  }

  writeFlagsAux(aux: Value): void {
    this.#region.flags.setAux(aux);
  }

  readSystemFlags(): Value {
    return this.f.load('i32', 32, this.#region.cpu, slot.EFLAGS);
  }

  writeSystemFlags(value: Value): void {
    this.f.store(32, this.#region.cpu, slot.EFLAGS, value);
  }

  readControl0(): Value {
    return this.f.load('i32', 32, this.#region.cpu, slot.CR0);
  }

  /** What is known of the flags behind it is what both ways agree on. */
  override if(condition: Value, whenTrue: () => void, whenFalse?: () => void): void {
    const meeting = new FlagMeeting(this.#region.flags);
    const leaves = (body: () => void) => {
      this.#isLeft = false;
      body();
      return this.#isLeft;
    };
    const way = (body: () => void) => () => meeting.way(() => leaves(body));
    super.if(condition, way(whenTrue), whenFalse && way(whenFalse));
    if (!whenFalse && !condition.constant) meeting.way(() => false);
    this.#isLeft = !meeting.meet();
  }

  override loop(body: (label: Label) => void): void {
    this.#region.flags.known = undefined;
    super.loop(body);
    this.#region.flags.known = undefined;
  }

  override block(body: (label: Label) => void): void {
    super.block(body);
    this.#isLeft = false;
    this.#region.flags.known = undefined;
  }

  readonly #bail = (why: RegionExit): void => this.#region.bail(why);

  #offsetOf({ offset = this.effectiveAddress() }: Operand & { readonly offset?: Value }): Value {
    return offset;
  }

  #writable(segment: SegmentChoice, offset: Value, bytes: number, value?: Value): Value {
    return this.#region.memory.writable(this.#placeOf(segment, offset), bytes, this.#bail, value);
  }

  #placeOf(segment: SegmentChoice, offset: Value): CompiledPlace {
    const isShortAddress = this.addressBits === 32 && this.#instruction.addressShift !== 0;
    const isShort = segment === 'SS' ? !this.#isStackWhole : isShortAddress;
    return { segment: this.#segmentOf(segment), offset, isShort };
  }

  #segmentOf(segment: SegmentChoice): SegmentIndex {
    if (segment !== 'instruction') return segment === 'SS' ? SS : ES;
    return ((this.#instruction.segmentEntry - internal.SEGMENTS) / SEGMENT_ENTRY_SIZE) as SegmentIndex;
  }

  get #isStackWhole(): boolean {
    return this.addressBits === 64 || this.#region.facts.isStackBig;
  }
}
