/**
 * The arithmetic flags inside a region: the operation that has set them and its operands, in locals. The lazy pair of
 * state/lazy-flags.ts is made of them where somebody asks for more than a condition, and where the region is left.
 *
 * Which operation it was is a local as well, for where ways meet; in between it is known when code is generated.
 */
import { Arithmetic } from '../../isa/arithmetic.ts';
import { auxOf, type FlagSource } from '../../isa/flag-source.ts';
import type { OperandBits } from '../../isa/operand.ts';
import type { FunctionPlace } from './compiled-units.ts';
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';

/** Codes of the operations; 0: the pair in the state is valid. Each has four sizes. `pair`: the result and the aux. */
const kinds = ['memory', 'sum', 'difference', 'logic', 'increment', 'decrement', 'pair'] as const;
type Kind = (typeof kinds)[number];
const SIZES: readonly OperandBits[] = [8, 16, 32, 64];
const IN_MEMORY = 0;

/**
 * What is known of the flags at a place in the code: nothing, that the state has them, or the operation; and whether the
 * carry is in a local of its own, which may be all that is known.
 */
export type KnownFlags =
  | undefined
  | { readonly kind: Kind | 'any'; readonly bits: OperandBits; readonly hasCarry?: true };

/** What is known where ways meet that have all provided the carry. */
const WITH_CARRY: KnownFlags = { kind: 'any', bits: 32, hasCarry: true };

/** As they are where a region begins. */
export const IN_STATE: KnownFlags = { kind: 'memory', bits: 32 };

/** Of the operation's size, or of 32 bits where that is less: operands with zeros above, results with their sign. */
interface FlagLocals {
  readonly x: Value;
  readonly y: Value;
  readonly result: Value;
}

export class CompiledFlags {
  /** What is known here. */
  known: KnownFlags;
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #s: Arithmetic;
  readonly #functionPlace: FunctionPlace;
  readonly #kind: Variable;
  /** For INC and DEC, which keep it, so that loops that count need not work it out at each turn. */
  readonly #carry: Variable;
  /** In 64-bit code, zeros are above the 32 bits of smaller ones: two sets would both live around loops that use one. */
  readonly #locals: { readonly [name in keyof FlagLocals]: Variable };
  /** Results of 16- and 32-bit code have at most 32 bits. */
  readonly #wideBits: 32 | 64;

  constructor(f: FunctionBuilder, cpu: Value, addressBits: 32 | 64, functionPlace: FunctionPlace) {
    this.#functionPlace = functionPlace;
    this.#wideBits = addressBits;
    this.#f = f;
    this.#cpu = cpu;
    this.#s = new Arithmetic(f);
    this.#kind = f.local('i32');
    this.#carry = f.local('i32');
    const type = addressBits === 64 ? 'i64' : 'i32';
    this.#locals = { x: f.local(type), y: f.local(type), result: f.local(type) };
  }

  /** Whether the same is known at two places. */
  areSame(one: KnownFlags, other: KnownFlags): boolean {
    return one?.kind === other?.kind && one?.bits === other?.bits && one?.hasCarry === other?.hasCarry;
  }

  /** The code goes on where different ways meet, all of which have provided the carry or not. */
  meet(hasCarry: boolean): void {
    this.known = hasCarry ? WITH_CARRY : undefined;
  }

  /** The code goes on where the carry has to be in its local. */
  provideCarry(): void {
    if (this.known?.hasCarry) return;
    this.#f.set(this.#carry, this.condition(2) ?? this.#s.shrU(this.aux(), 31));
  }

  /** The locals by what they hold. */
  names(): readonly (readonly [Value, string])[] {
    const operands = (['x', 'y', 'result'] as const).map((name) => [this.#locals[name], `flags.${name}`] as const);
    return [[this.#kind, 'flags.kind'], [this.#carry, 'flags.carry'], ...operands];
  }

  set(source: FlagSource): void {
    const { kind, bits } = source;
    const hasCarry = kind === 'increment' || kind === 'decrement';
    if (hasCarry) {
      this.#f.set(this.#carry, source.carry);
      this.#put('y', this.#carry, 32);
    }
    if (kind !== 'logic') this.#put('x', source.x, bits);
    if (kind === 'sum' || kind === 'difference') this.#put('y', source.y, bits);
    this.#put('result', this.#s.signed(source.result, bits), bits);
    this.#become(kind, bits);
    if (hasCarry) this.known = { kind, bits, hasCarry };
  }

  /** Any flags: a result that is extended with its sign to 64 bits, and its aux. */
  setPair(result: Value, aux: Value): void {
    const bits = this.#wideBits;
    this.#put('y', aux, 32);
    this.#put('result', result, bits);
    this.#become('pair', bits);
  }

  /** Replaces the aux and leaves the result. */
  setAux(aux: Value): void {
    const f = this.#f;
    const known = this.#operation();
    if (known) {
      this.#put('y', aux, 32);
      this.#become('pair', known.bits);
    } else {
      this.flush();
      f.store(32, this.#cpu, internal.FLAGS_AUX, aux);
    }
  }

  /** The result, extended with its sign to 64 bits. */
  result(): Value {
    const f = this.#f;
    const known = this.#operation() ?? this.flush();
    if (!known) return f.load('i64', 64, this.#cpu, internal.FLAGS_RESULT);
    return f.widen(f.copy(this.#get('result', known.bits)), true);
  }

  aux(): Value {
    const f = this.#f;
    const known = this.#operation() ?? this.flush();
    if (!known) return f.load('i32', 32, this.#cpu, internal.FLAGS_AUX);
    return this.#auxOf(known.kind, known.bits);
  }

  /** A condition with an even number (SDM vol. 2 appendix B.1.4.7) as 0 or 1, if it follows from the operands at once. */
  condition(code: number): Value | undefined {
    if (code === 2 && this.known?.hasCarry) return this.#f.copy(this.#carry);
    const known = this.#operation();
    if (!known) return undefined;
    const { kind, bits } = known;
    const s = this.#s;
    const result = this.#get('result', bits);
    if (code === 4) return s.isZero(result);
    if (kind === 'pair') return undefined;
    if (code === 8) return s.ltS(result, 0);
    if (kind === 'difference') return this.#ofDifference(code, this.#get('x', bits), this.#get('y', bits), bits);
    if (kind === 'logic') return this.#ofLogic(code, result);
    return code === 2 && kind === 'sum' ? s.ltU(s.cut(result, bits), this.#get('y', bits)) : undefined;
  }

  /** The operation that is known to have set the flags; undefined where the state has them, or nothing is known. */
  #operation(): Operation | undefined {
    const { kind = 'any', bits = 32 } = this.known ?? {};
    return kind === 'any' || kind === 'memory' ? undefined : { kind, bits };
  }

  /** The state gets the pair. */
  flush(): undefined {
    const f = this.#f;
    if (this.known?.kind === 'memory') return;
    const { y, result } = this.#locals;
    f.if(this.#kind, () => {
      const flush = this.#wideBits === 64 ? FLUSH_WIDE : FLUSH;
      f.callIndirect(flush.signature, f.i32(this.#functionPlace(flush)), this.#cpu, this.#kind, y, result);
      f.set(this.#kind, f.i32(IN_MEMORY));
    });
    this.known = IN_STATE;
  }

  /** The same where the operation is known, with code for no other: for ways that are taken often. */
  flushKnown(): void {
    const f = this.#f;
    if (!this.known || this.known.kind === 'memory') return;
    f.store(64, this.#cpu, internal.FLAGS_RESULT, this.result());
    f.store(32, this.#cpu, internal.FLAGS_AUX, this.aux());
    f.set(this.#kind, f.i32(IN_MEMORY));
    this.known = IN_STATE;
  }

  #become(kind: Kind, bits: OperandBits): void {
    this.#f.set(this.#kind, this.#f.i32(codeOf(kind, bits)));
    this.known = { kind, bits };
  }

  #put(name: keyof FlagLocals, value: Value, bits: OperandBits): void {
    const f = this.#f;
    const fitting = bits === 64 ? f.widen(value, true) : f.narrow(value);
    f.set(this.#locals[name], this.#wideBits === 64 ? f.widen(fitting, false) : fitting);
  }

  #get(name: keyof FlagLocals, bits: OperandBits): Value {
    return bits === 64 ? this.#locals[name] : this.#f.narrow(this.#locals[name]);
  }

  #auxOf(kind: Kind, bits: OperandBits): Value {
    if (kind === 'pair') return this.#f.copy(this.#get('y', 32));
    const [x, y, result] = [this.#get('x', bits), this.#get('y', bits), this.#get('result', bits)];
    return auxOf(this.#s, sourceOf(this.#s, kind, bits, { x, y, result, carry: this.#get('y', 32) }));
  }

  #ofDifference(code: number, x: Value, y: Value, bits: OperandBits): Value | undefined {
    const s = this.#s;
    const signed = (value: Value) => s.signed(value, bits);
    if (code === 2) return s.ltU(x, y);
    if (code === 6) return this.#f.binary('leU', x, y);
    if (code === 12) return s.ltS(signed(x), signed(y));
    return code === 14 ? this.#f.binary('leS', signed(x), signed(y)) : undefined;
  }

  #ofLogic(code: number, result: Value): Value | undefined {
    const s = this.#s;
    if (code === 0 || code === 2) return s.constant(0);
    if (code === 6) return s.isZero(result);
    if (code === 12) return s.ltS(result, 0);
    return code === 14 ? this.#f.binary('leS', result, this.#f.like(result, 0)) : undefined;
  }
}

function codeOf(kind: Kind, bits: OperandBits): number {
  return kinds.indexOf(kind) * SIZES.length + SIZES.indexOf(bits);
}

interface Operation {
  readonly kind: Kind;
  readonly bits: OperandBits;
}

interface FlagValues {
  readonly x: Value;
  readonly y: Value;
  readonly result: Value;
  readonly carry: Value;
}

function sourceOf(s: Arithmetic, kind: Kind, bits: OperandBits, values: FlagValues): FlagSource {
  const { x, y, result, carry } = values;
  if (kind === 'sum' || kind === 'difference') return { kind, bits, x, y, result };
  if (kind === 'increment' || kind === 'decrement') return { kind, bits, x, result, carry };
  return { kind: 'logic', bits, result: s.cut(result, bits) };
}

/** (cpu, code, y, result), these with zeros above 32 bits where they are wider: the first operand follows from the result. Gives 0. */
function flushOf(type: 'i32' | 'i64'): SharedFunction {
  return {
    signature: { parameters: ['i32', 'i32', type, type], result: 'i32' },
    write(f) {
      const [cpu, code, ...operands] = f.parameters as readonly [Value, Value, Value, Value];
      const cases = kinds.flatMap((kind) => SIZES.map((bits) => () => flushKind(f, cpu, { kind, bits }, operands)));
      f.switch(code, cases, () => {});
      f.return(f.i32(0));
    },
  };
}

const FLUSH = flushOf('i32');
const FLUSH_WIDE = flushOf('i64');

function flushKind(f: FunctionBuilder, cpu: Value, { kind, bits }: Operation, operands: readonly [Value, Value]): void {
  const isWide = operands[0].type === 'i64';
  if (kind === 'memory' || (bits === 64 && !isWide)) return;
  const s = new Arithmetic(f);
  const [y, result] = bits === 64 ? operands : ([f.narrow(operands[0]), f.narrow(operands[1])] as const);
  f.store(64, cpu, internal.FLAGS_RESULT, f.widen(result, true));
  const low = f.narrow(operands[0]);
  if (kind === 'pair') {
    f.store(32, cpu, internal.FLAGS_AUX, low);
    return;
  }
  const x = s.cut(firstOperand(s, kind, y, result), bits);
  f.store(32, cpu, internal.FLAGS_AUX, auxOf(s, sourceOf(s, kind, bits, { x, y, result, carry: low })));
}

function firstOperand(s: Arithmetic, kind: Kind, y: Value, result: Value): Value {
  if (kind === 'sum') return s.sub(result, y);
  if (kind === 'difference') return s.add(result, y);
  return s.add(result, s.f.like(result, kind === 'increment' ? -1 : 1));
}
