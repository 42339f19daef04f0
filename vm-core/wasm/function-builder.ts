/**
 * Writes the body of one WebAssembly function. Every operation puts its result into a fresh local, so that values can
 * be used any number of times and the compiler behind sees plain single assignments. Constants stay constants.
 */
import { ByteWriter } from './byte-writer.ts';
import { bitsOfResult, foldBinary, foldUnary } from './constant-folding.ts';
import { LateCode } from './late-code.ts';
import { Locals } from './locals.ts';
import {
  type FunctionReference,
  type ModuleBuilder,
  type SharedFunction,
  type Signature,
  type ValueType,
  valueTypeCode,
} from './module-builder.ts';
import {
  type BinaryOperation,
  type Bits,
  binaryOpcodes,
  commutative,
  conversionOpcodes,
  loadOpcodes,
  storeOpcodes,
  type UnaryOperation,
  unaryOpcodes,
} from './opcodes.ts';
import { writeSwitch } from './switch-code.ts';
import { foldVector } from './vector-folding.ts';
import { laneOperations, type LaneOperationName, type OperationName, operations } from './vector-opcodes.ts';

/** A value of the function being built: a constant, or a local. */
export interface Value {
  readonly type: ValueType;
  readonly local: number;
  /** Set for constants; `local` is then -1. i32 constants are int32. */
  readonly constant?: number | bigint;
  /** The same of a vector. */
  readonly vector?: bigint;
  /** Of an i32 that has zeros from this bit on, whatever it is. */
  readonly bits?: number;
}

/** A local that may be assigned again; as a `Value` it reads the newest assignment. */
export interface Variable extends Value {
  readonly mutable: true;
}

/** A place that `branch` can leave for: behind a block, or the start of a loop. */
export interface Label {
  readonly depth: number;
}

const EMPTY_BLOCK = 0x40;

export class FunctionBuilder implements FunctionReference {
  readonly index: number;
  readonly signature: Signature;
  readonly parameters: readonly Value[];
  readonly late: LateCode;
  /** For code that uses none of the values around it. */
  readonly locals: Locals;
  readonly #module: ModuleBuilder;
  readonly #code = new ByteWriter();
  #depth = 0;

  constructor(module: ModuleBuilder, index: number, signature: Signature) {
    this.#module = module;
    this.index = index;
    this.signature = signature;
    this.locals = new Locals(this.#code, signature.parameters.length);
    this.late = new LateCode(this.#code, this.locals);
    this.parameters = signature.parameters.map((type, local) => ({ type, local }));
  }

  /** Bytes of instructions so far. */
  get size(): number {
    return this.#code.length;
  }

  i32(constant: number): Value {
    return { type: 'i32', local: -1, constant: constant | 0 };
  }

  i64(constant: bigint): Value {
    return { type: 'i64', local: -1, constant };
  }

  /** A constant vector of 16 bytes, by its halves. */
  v128(low: bigint, high: bigint): Value {
    return { type: 'v128', local: -1, vector: BigInt.asUintN(64, low) | (BigInt.asUintN(64, high) << 64n) };
  }

  /** A constant of the same type as another value; an i32 is extended with its sign. */
  like(value: Value, constant: number | bigint): Value {
    return value.type === 'i64' ? this.i64(BigInt(constant)) : this.i32(Number(BigInt.asIntN(32, BigInt(constant))));
  }

  /** A local that can be set again and begins with 0, for the whole function. */
  local(type: ValueType): Variable {
    return { type, local: this.locals.addLasting(type), mutable: true };
  }

  /** A local that can be set again. */
  variable(initial: Value): Variable {
    const local = this.locals.add(initial.type);
    this.locals.push(initial);
    this.locals.set(local);
    return { type: initial.type, local, mutable: true };
  }

  set(variable: Variable, value: Value): void {
    this.locals.push(value);
    this.locals.set(variable.local);
  }

  /** The value a variable has now, kept while the variable changes. Whoever knows that it is short tells its bits. */
  copy(value: Value, bits?: number): Value {
    this.locals.push(value);
    return this.locals.result(value.type, bits);
  }

  /** A constant operand takes the type of the other one. */
  binary(operation: BinaryOperation, x: Value, y: Value): Value {
    const left = x.type !== y.type && x.constant !== undefined ? this.like(y, x.constant) : x;
    const right = left.type !== y.type && y.constant !== undefined ? this.like(left, y.constant) : y;
    if (left.type !== right.type) throw new Error(`${operation} of ${left.type} and ${right.type}`);
    const folded = foldBinary(operation, left, right);
    if (folded) return folded;
    const [i32, i64, comparison] = binaryOpcodes[operation];
    // What is on the stack already stays there.
    if (commutative.has(operation) && this.locals.isLast(right)) this.locals.push(right, left);
    else this.locals.push(left, right);
    this.#code.byte(left.type === 'i64' ? i64 : i32);
    return this.locals.result(comparison ? 'i32' : left.type, comparison ? 1 : bitsOfResult(operation, left, right));
  }

  unary(operation: UnaryOperation, operand: Value): Value {
    const folded = foldUnary(operation, operand);
    if (folded) return folded;
    this.locals.push(operand);
    this.#code.byte(unaryOpcodes[operation][operand.type === 'i64' ? 1 : 0]);
    return this.locals.result(operand.type);
  }

  /** An operation on floating-point numbers or vectors, by its name in WebAssembly's text format. */
  operate(name: OperationName, ...operands: readonly Value[]): Value {
    const folded = foldVector(name, operands);
    if (!folded) return this.#operate(name, operations[name], operands, undefined);
    if ('vector' in folded) return this.v128(folded.vector, folded.vector >> 64n);
    return this.shuffle(folded.x, folded.y, folded.bytes);
  }

  /** The same for the operations on one lane. */
  operateOnLane(name: LaneOperationName, lane: number, ...operands: readonly Value[]): Value {
    return this.#operate(name, laneOperations[name], operands, lane);
  }

  /** Sixteen bytes out of the 32 of two vectors, by their numbers. */
  shuffle(x: Value, y: Value, bytes: readonly number[]): Value {
    if (bytes.length !== 16) throw new Error(`a shuffle of ${bytes.length} bytes`);
    this.locals.push(x, y);
    this.#vectorCode(0x0d);
    this.#code.append(bytes);
    return this.locals.result('v128');
  }

  #operate(
    name: string,
    operation: { readonly opcode: number; readonly operands: readonly ValueType[]; readonly result: ValueType },
    operands: readonly Value[],
    lane: number | undefined,
  ): Value {
    const types = operands.map(({ type }) => type).join(' ');
    if (types !== operation.operands.join(' ')) throw new Error(`${name} of ${types}`);
    this.locals.push(...operands);
    if (operation.opcode < 0x100) this.#code.byte(operation.opcode);
    else this.#vectorCode(operation.opcode & 0xff, operation.opcode >> 8);
    if (lane !== undefined) this.#code.byte(lane);
    return this.locals.result(operation.result);
  }

  eqz(operand: Value): Value {
    if (operand.constant !== undefined) return this.i32(Number(operand.constant) === 0 ? 1 : 0);
    return this.#convert(operand.type === 'i64' ? 'i64.eqz' : 'i32.eqz', operand, 'i32');
  }

  /** i32 → i64. */
  widen(operand: Value, signed: boolean): Value {
    if (operand.type === 'i64') return operand;
    const { constant } = operand;
    if (typeof constant === 'number') return this.i64(BigInt(signed ? constant : constant >>> 0));
    return this.#convert(signed ? 'i64.extend_i32_s' : 'i64.extend_i32_u', operand, 'i64');
  }

  /** i64 → i32, the low half. */
  narrow(operand: Value): Value {
    if (operand.type === 'i32') return operand;
    if (operand.constant !== undefined) return this.i32(Number(BigInt.asIntN(32, BigInt(operand.constant))));
    return this.#convert('i32.wrap_i64', operand, 'i32');
  }

  /** A linear address as TypeScript gets it: an i32 as an unsigned number, an i64 as a signed one. */
  addressNumber(operand: Value): Value {
    return this.#convert(operand.type === 'i64' ? 'f64.convert_i64_s' : 'f64.convert_i32_u', operand, 'f64');
  }

  #convert(name: keyof typeof conversionOpcodes, operand: Value, result: ValueType): Value {
    this.locals.push(operand);
    this.#code.byte(conversionOpcodes[name]);
    return this.locals.result(result);
  }

  select(condition: Value, whenTrue: Value, whenFalse: Value): Value {
    if (condition.constant !== undefined) return this.copy(condition.constant ? whenTrue : whenFalse);
    this.locals.push(whenTrue, whenFalse, condition);
    this.#code.byte(0x1b);
    return this.locals.result(whenTrue.type);
  }

  /** Loads `bits` from `address + offset`, zero- or sign-extended into `type`. */
  load(type: 'i32' | 'i64', bits: Bits, address: Value, offset = 0, signed = false): Value {
    const opcodes = loadOpcodes[type][bits];
    if (!opcodes) throw new Error(`no ${type} load of ${bits} bits`);
    this.locals.push(address);
    this.#code.byte(opcodes[signed ? 1 : 0]);
    this.#memoryArgument(offset);
    return this.locals.result(type, type === 'i32' && bits < 32 && !signed ? bits : undefined);
  }

  store(bits: Bits, address: Value, offset: number, value: Value): void {
    const opcode = storeOpcodes[value.type as 'i32' | 'i64'][bits];
    if (opcode === undefined) throw new Error(`no ${value.type} store of ${bits} bits`);
    this.locals.push(address, value);
    this.#code.byte(opcode);
    this.#memoryArgument(offset);
  }

  /** Loads 16 bytes, or 8 or 4 with zeros above. */
  loadVector(bits: 32 | 64 | 128, address: Value, offset = 0): Value {
    this.locals.push(address);
    this.#vectorCode(bits === 128 ? 0x00 : bits === 64 ? 0x5d : 0x5c);
    this.#memoryArgument(offset);
    return this.locals.result('v128');
  }

  storeVector(address: Value, offset: number, value: Value): void {
    this.locals.push(address, value);
    this.#vectorCode(0x0b);
    this.#memoryArgument(offset);
  }

  /** Copies bytes as if all were read before the first is written, or fills them with the low byte of `from`. */
  bulk(operation: 'copy' | 'fill', to: Value, from: Value, count: Value): void {
    this.locals.push(to, from, count);
    this.#code.append(operation === 'copy' ? [0xfc, 0x0a, 0x00, 0x00] : [0xfc, 0x0b, 0x00]);
  }

  /** Where the condition is known, only one of the two is written. */
  if(condition: Value, whenTrue: () => void, whenFalse?: () => void): void {
    if (condition.constant !== undefined) {
      (condition.constant ? whenTrue : whenFalse)?.();
      return;
    }
    this.locals.push(condition);
    this.#begin(0x04);
    whenTrue();
    if (whenFalse) {
      this.#code.byte(0x05);
      whenFalse();
    }
    this.#end();
  }

  /** `branch(label)` inside goes on behind the block. */
  block(body: (label: Label) => void): void {
    this.#structure(0x02, body);
  }

  /** `branch(label)` inside goes on at the loop's start; falling off the end leaves it. */
  loop(body: (label: Label) => void): void {
    this.#structure(0x03, body);
  }

  branch(label: Label): void {
    this.#code.byte(0x0c);
    this.#code.unsigned(this.#depth - label.depth);
  }

  branchIf(condition: Value, label: Label): void {
    this.locals.push(condition);
    this.#code.byte(0x0d);
    this.#code.unsigned(this.#depth - label.depth);
  }

  /** Branches to the label that `selector` numbers, or to the last one. */
  branchTable(selector: Value, labels: readonly Label[]): void {
    this.locals.push(selector);
    this.#code.byte(0x0e);
    this.#code.unsigned(labels.length - 1);
    for (const { depth } of labels) this.#code.unsigned(this.#depth - depth);
  }

  /** Runs the case that `selector` numbers, or the last one for every number beyond; then goes on behind, as a branch to its label does. */
  switch(selector: Value, cases: readonly ((end: Label) => void)[], otherwise: () => void): void {
    const blocks = { begin: () => this.#begin(0x02), end: () => this.#end() };
    writeSwitch(this, blocks, selector, [...cases, otherwise]);
  }

  /** Locals that are made inside can be used again by what follows: values must not leave the scope. */
  scope(body: () => void): void {
    this.locals.scope(body);
  }

  /** Calls a function that has a result. */
  call(target: FunctionReference, ...operands: readonly Value[]): Value {
    this.callVoid(target, ...operands);
    if (!target.signature.result) throw new Error('the function called has no result');
    return this.locals.result(target.signature.result);
  }

  callVoid(target: FunctionReference, ...operands: readonly Value[]): void {
    for (const operand of operands) this.locals.push(operand);
    this.#code.byte(0x10);
    this.#code.unsigned(target.index);
  }

  /** Calls a function that the module gets with the first call. */
  callShared(definition: SharedFunction, ...operands: readonly Value[]): Value {
    return this.call(this.#module.shared(definition), ...operands);
  }

  /** Calls through the module's table; the signature must have a result. */
  callIndirect(signature: Signature, place: Value, ...operands: readonly Value[]): Value {
    this.#callPlace(0x11, signature, place, operands);
    return this.locals.result(signature.result as ValueType);
  }

  /** Goes on in a function of the table instead of this one, with the same type of result: no frame is left behind. */
  returnCallIndirect(signature: Signature, place: Value, ...operands: readonly Value[]): void {
    this.#callPlace(0x13, signature, place, operands);
  }

  #callPlace(opcode: number, signature: Signature, place: Value, operands: readonly Value[]): void {
    for (const operand of [...operands, place]) this.locals.push(operand);
    this.#code.byte(opcode);
    this.#code.unsigned(this.#module.typeIndex(signature));
    this.#code.byte(0x00);
  }

  return(value?: Value): void {
    if (value) this.locals.push(value);
    this.#code.byte(0x0f);
  }

  /** The body with its locals, as the code section holds it; the end of one with a result is never reached. */
  finish(): ByteWriter {
    this.late.fill();
    const out = new ByteWriter();
    out.runs(this.locals.types.map(valueTypeCode));
    out.append(this.#code.bytes);
    if (this.signature.result) out.byte(0x00);
    out.byte(0x0b);
    return out;
  }

  #structure(opcode: number, body: (label: Label) => void): void {
    this.#begin(opcode);
    body({ depth: this.#depth });
    this.#end();
  }

  #begin(opcode: number): number {
    this.#code.append([opcode, EMPTY_BLOCK]);
    return ++this.#depth;
  }

  #end(): void {
    this.#code.byte(0x0b);
    this.#depth--;
  }

  #vectorCode(opcode: number, prefix = 0xfd): void {
    this.#code.byte(prefix);
    this.#code.unsigned(opcode);
  }

  #memoryArgument(offset: number): void {
    this.#code.byte(0x00);
    this.#code.unsigned(offset);
  }
}
