/**
 * The language in which instructions are written: values, operands, memory, flags, control. A row's semantics is a
 * function over this class; each staging (interpreter, compiler) says where operands and registers live (DESIGN §3).
 *
 * Values of 8- and 16-bit operands are zero-extended into an i32; those of 64-bit operands are i64. Addresses, the stack
 * pointer and the instruction pointer are i32, in 64-bit mode i64. Where an operation has a constant, the constant takes
 * the type of the other operand.
 */
import type { FunctionBuilder, Label, Value } from '../wasm/function-builder.ts';
import { CR0_PE } from '../state/control-bits.ts';
import type { SharedFunction } from '../wasm/module-builder.ts';
import type { SegmentIndex } from '../state/layout.ts';
import { Arithmetic } from './arithmetic.ts';
import type { FlagSource } from './flag-source.ts';
import type { Operand, OperandBits, OperandSize, UnitOperand } from './operand.ts';
import type { X87Locals } from './x87-fields.ts';

/** The segment of a memory access: one that is fixed, or the one that the instruction's prefixes choose. */
export type SegmentChoice = 'ES' | 'SS' | 'instruction';
/** Whether an access that is not aligned may be #AC, as most may. */
export type Alignment = 'checked' | 'any';

export abstract class Semantics extends Arithmetic {
  /** Operand size of this form of the instruction; byte forms have operands of 8 bits all the same. */
  readonly operandSize: OperandSize;

  /** True if `raise` has another staging do the whole instruction: what is rare need not be written. */
  readonly isForUsual: boolean = false;

  /** Where a staging keeps the words of the x87, if that is not the state. */
  readonly x87Locals: X87Locals | undefined;

  /** Bits of an address value: 64 in 64-bit mode. */
  readonly addressBits: 32 | 64;

  constructor(f: FunctionBuilder, operandSize: OperandSize, addressBits: 32 | 64, x87Locals?: X87Locals) {
    super(f);
    this.x87Locals = x87Locals;
    this.operandSize = operandSize;
    this.addressBits = addressBits;
  }

  /** The operand's value. A memory operand is read; if `willWrite`, write permission is checked first. */
  abstract read(operand: Operand, willWrite?: boolean): Value;
  /** Writes the operand; memory that was read with `willWrite` cannot fault any more. */
  abstract write(operand: Operand, value: Value): void;
  /** The same memory operand moved by a signed number of bytes, which has the type of an address. */
  abstract movedBy(operand: Operand, bytes: Value): Operand;
  /**
   * Two memory operands that were read with `willWrite` are written in one piece: neither store is made where the other may
   * have to wait for a device.
   */
  abstract holdTogether(first: Operand, second: Operand): void;
  /** The effective address (offset in the segment) of the memory operand, cut to the address size. */
  abstract effectiveAddress(): Value;
  /** The same with an index of the caller's, which the address form scales. */
  abstract indexedAddress(index: Value): Value;
  /** Not 0 unless the linear address of the memory operand is aligned to so many bytes. */
  abstract misalignment(bytes: number): Value;
  abstract readRegister(slot: number, bits: OperandBits): Value;
  /** A write of 32 bits in 64-bit mode clears the upper half. */
  abstract writeRegister(slot: number, bits: OperandBits, value: Value): void;
  /** A count or index register, cut to the address size. */
  abstract readAddressRegister(slot: number): Value;
  /** Writes as much of a count or index register as the address size covers. */
  abstract writeAddressRegister(slot: number, value: Value): void;
  abstract load(segment: SegmentChoice, offset: Value, bits: OperandBits, alignment?: Alignment): Value;
  abstract store(segment: SegmentChoice, offset: Value, bits: OperandBits, value: Value, alignment?: Alignment): void;
  /**
   * A vector operand: one v128, two of an operand of 256 bits. Memory is read as far as the operand goes, with zeros above;
   * of a register all of the v128 is there. `aligned`: memory must be aligned to its size, #GP(0) otherwise.
   */
  abstract readVector(operand: UnitOperand, alignment?: 'aligned'): readonly Value[];
  /**
   * Writes a vector operand. Memory gets as many bits as the operand has. A register gets all of the vectors; what lies
   * above them is kept, or with `clear` becomes 0, as for every instruction with a VEX prefix.
   */
  abstract writeVector(
    operand: UnitOperand,
    vectors: readonly Value[],
    above?: 'keep' | 'clear',
    alignment?: 'aligned',
  ): void;
  /** Number i of the operand ST(i), from 0 to 7. */
  abstract stackIndex(): Value;
  /** The address of the vCPU's state, to which the offsets of layout.ts are added: for what has no accessor here. */
  abstract cpuAddress(): Value;
  /** Finds what forbids writing so many bytes at an offset; then a store to them cannot fault any more. */
  abstract requireWritable(segment: SegmentChoice, offset: Value, bytes: number, alignment?: Alignment): void;
  /** Cuts an offset to the instruction's address size. */
  abstract cutAddress(offset: Value): Value;
  /** Cuts an offset to the size of the stack, which the B bit of SS gives, or 64-bit mode. */
  abstract cutStack(offset: Value): Value;
  /** ESP or RSP, all of it. */
  abstract readStackPointer(): Value;
  /** The same for what cuts it to the size of the stack pointer: above that may be anything. */
  stackPointerToCut(): Value {
    return this.readStackPointer();
  }
  /** Writes as much of the stack pointer as the size of the stack covers. */
  abstract writeStackPointer(value: Value): void;
  /** The address of what is derived from a segment: where it begins and ends (state/layout.ts). */
  abstract segmentEntry(segment: SegmentChoice): Value;
  /** The highest offset that the instruction's address size has. */
  abstract addressMask(): Value;
  /** EIP or RIP of this instruction. */
  abstract instructionPointer(): Value;
  /** The selector of the segment that the memory operand is in. */
  abstract segmentSelector(): Value;
  /** EIP or RIP of the next instruction. */
  abstract nextEip(): Value;
  /**
   * #GP(0) when the target lies beyond the code segment's limit, or in 64-bit mode is not canonical; before anything is
   * committed.
   */
  abstract requireTarget(target: Value): void;
  /**
   * Ends the instruction with EIP set to a target that `requireTarget` has let pass. If the condition is not 0, which
   * `mayLeaveIf` has said, events have their turn before the next.
   */
  abstract jump(target: Value, leavesIf?: Value): void;
  /** Ends the instruction: the next one follows. Only where that is not the end of its semantics. */
  abstract end(): void;
  /** Ends the instruction; if the condition is not 0, which `mayLeaveIf` has said, events have their turn before the next. */
  abstract endAndLeaveIf(condition: Value): void;
  /** In real mode: true if a load changes only selector and base of the segment (`reg`: the one that ModR/M names). */
  abstract takesParagraphs(segment: SegmentIndex | 'reg'): Value;
  /** Loads such a segment: a selector, zero-extended, whose base is 16 times itself. */
  abstract loadParagraph(segment: SegmentIndex | 'reg', selector: Value): void;
  /**
   * For the record of calls: the return address `back` was pushed, and the routine at `target` comes next; with a selector
   * in that paragraph, and CS was pushed as well.
   */
  abstract recordCall(target: Value, back: Value, selector?: Value): void;
  /** For the record of calls: the return address on top of the stack is about to be dropped. */
  abstract recordReturn(): void;
  /** Ends the instruction with a fault. */
  abstract raise(vector: number, errorCode?: number): void;
  /**
   * Ends the instruction: the same one is executed again, after events had their turn; at the label if it is known that none
   * has. A pause counts as an instruction; what else ends it does not, `exitRequested`.
   */
  abstract repeat(again: Label, isPause: Value): void;
  /** How many iterations a repeated instruction may make before `repeat`. */
  abstract repeatMax(): Value;
  /** The value of an immediate operand, extended to 32 bits as its code says. */
  abstract immediate(): Value;
  /** The second immediate: the selector of a far pointer. */
  abstract secondImmediate(): Value;
  /** Ends the turn of this vCPU behind the instruction if there are others. */
  abstract yieldTurn(): void;
  /** True when something has asked for the block to be left (an event, modified code). */
  abstract exitRequested(): Value;

  /** Whether a maskable interrupt waits. */
  abstract interruptPending(): Value;
  /** What is left of the budget of the execution behind this instruction, unless BUDGET_BEHIND has more. */
  abstract budgetBehind(): Value;

  abstract readFlagsResult(): Value;
  abstract readFlagsAux(): Value;
  abstract writeFlags(result: Value, aux: Value): void;
  abstract writeFlagsAux(aux: Value): void;
  /** EFLAGS without the arithmetic flags. */
  abstract readSystemFlags(): Value;
  abstract writeSystemFlags(value: Value): void;
  abstract readControl0(): Value;

  /** Before anything has changed: whether `endAndLeaveIf` or `jump` may find a condition not 0. */
  mayLeaveIf(_condition: Value): void {}

  isRealMode(): Value {
    return this.isZero(this.and(this.readControl0(), CR0_PE));
  }

  /** Calls a function over the numbers of a unit. */
  callUnit(definition: SharedFunction, ...operands: readonly Value[]): Value {
    return this.f.callShared(definition, ...operands);
  }

  /** Takes all arithmetic flags from an operation; false where a staging wants the lazy pair. */
  keepsFlags(_source: FlagSource): boolean {
    return false;
  }

  /** A condition with an even number, as 0 or 1, where a staging knows it without the lazy pair. */
  knownCondition(_code: number): Value | undefined {
    return undefined;
  }

  /** A count or distance, as an address has it. */
  addressConstant(value: number): Value {
    return this.addressBits === 64 ? this.f.i64(BigInt(value)) : this.f.i32(value);
  }
}
