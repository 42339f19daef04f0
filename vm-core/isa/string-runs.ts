/**
 * Many elements of a repeated string instruction at once (SDM vol. 1 §7.3.9.1): those that lie in plain memory on one page,
 * or on one page each, within the segments and in front of where offsets wrap. What they do to memory is what one element
 * after the other does.
 */
import { ENTRY_ADDEND, PAGE_SIZE, TLB_PLACE_MASK, TLB_PLACE_SHIFT, TLB_READ, TLB_WRITE } from '../memory/layout.ts';
import { ENTRY_BASE, ENTRY_READ_END, ENTRY_WRITE_END, internal, slot } from '../state/layout.ts';
import { DF } from '../state/lazy-flags.ts';
import type { FunctionBuilder, Value, Variable } from '../wasm/function-builder.ts';
import type { SharedFunction, ValueType } from '../wasm/module-builder.ts';
import { Arithmetic } from './arithmetic.ts';
import type { OperandBits } from './operand.ts';

/** What an element does: from source to destination, a register to the destination, a comparison of a register, of both. */
export type RunKind = 'move' | 'store' | 'scan' | 'compare';

/** Fewer elements are done one after the other. */
export const RUN_MIN = 8;
/** From so many on one operation of WebAssembly on memory is faster than a loop. */
const BULK_MIN = 16;
const VECTOR_BYTES = 16;

const LANE_EQUALS = { 8: 'i8x16.eq', 16: 'i16x8.eq', 32: 'i32x4.eq', 64: 'i64x2.eq' } as const;

const defined = new Map<string, SharedFunction>();

/**
 * (cpu, elements at most, address mask, source, its segment, destination, its segment, register) → elements done. Those that a
 * kind does not have are left out. A comparison does elements that go on, and never the last of a page: whoever calls
 * it does one more, and has its flags.
 */
export function stringRun(
  kind: RunKind,
  bits: OperandBits,
  addressBits: 32 | 64,
  whileEqual: boolean | undefined,
): SharedFunction {
  const key = `${kind} ${bits} ${addressBits} ${whileEqual}`;
  const known = defined.get(key);
  if (known) return known;
  const word: ValueType = addressBits === 64 ? 'i64' : 'i32';
  const place: readonly ValueType[] = [word, 'i32'];
  const parameters: readonly ValueType[] = [
    ...(['i32', 'i32', word] as const),
    ...place,
    ...(kind === 'move' || kind === 'compare' ? place : []),
    ...(kind === 'store' || kind === 'scan' ? ([bits === 64 ? 'i64' : 'i32'] as const) : []),
  ];
  const made: SharedFunction = {
    signature: { parameters, result: 'i32' },
    write: (f) => new RunWriter(f, bits).write(kind, whileEqual ?? false),
  };
  defined.set(key, made);
  return made;
}

class RunWriter {
  readonly #f: FunctionBuilder;
  readonly #s: Arithmetic;
  readonly #bits: OperandBits;
  readonly #bytes: number;
  /** Bytes of an element as a shift. */
  readonly #shift: number;
  readonly #cpu: Value;
  readonly #mask: Value;
  readonly #count: Variable;
  readonly #isDown: Value;

  constructor(f: FunctionBuilder, bits: OperandBits) {
    this.#f = f;
    this.#s = new Arithmetic(f);
    this.#bits = bits;
    this.#bytes = bits / 8;
    this.#shift = Math.log2(this.#bytes);
    const [cpu, count, mask] = f.parameters as readonly [Value, Value, Value];
    this.#cpu = cpu;
    this.#mask = mask;
    this.#count = f.variable(count);
    this.#isDown = this.#s.and(f.load('i32', 32, cpu, slot.EFLAGS), DF);
  }

  write(kind: RunKind, whileEqual: boolean): void {
    const f = this.#f;
    const [first, firstEntry, second, secondEntry] = f.parameters.slice(3) as [Value, Value, ...Value[]];
    const one = this.#reach(first, firstEntry, kind === 'store' ? 'write' : 'read');
    const reachOther = () => this.#reach(second as Value, secondEntry as Value, kind === 'move' ? 'write' : 'read');
    if (kind === 'store') this.#store(one, second as Value);
    else if (kind === 'scan') this.#compare(one, second as Value, whileEqual);
    else if (kind === 'move') this.#move(one, reachOther());
    else this.#compare(one, reachOther(), whileEqual, true);
    f.return(this.#count);
  }

  /** The host address of the first element. The count becomes what can be reached from there, or the function returns 0. */
  #reach(offset: Value, entry: Value, access: 'read' | 'write'): Value {
    const f = this.#f;
    const s = this.#s;
    const isWide = offset.type === 'i64';
    const linear = s.add(f.load(isWide ? 'i64' : 'i32', isWide ? 64 : 32, entry, ENTRY_BASE), offset);
    const low = f.narrow(linear);
    const inPage = s.and(low, PAGE_SIZE - 1);
    const ahead = s.shrU(s.sub(f.i32(PAGE_SIZE), inPage), this.#shift);
    // The element itself lies on the page where any fits ahead.
    const behind = f.select(ahead, s.add(s.shrU(inPage, this.#shift), f.i32(1)), f.i32(0));
    this.#atMost(f.select(this.#isDown, behind, ahead));
    this.#atMost(this.#beforeWrap(offset));
    if (!isWide)
      this.#withinSegment(offset, f.load('i64', 64, entry, access === 'read' ? ENTRY_READ_END : ENTRY_WRITE_END));
    const [table, generation] =
      access === 'read' ? [TLB_READ, internal.TLB_GENERATION] : [TLB_WRITE, internal.TLB_WRITE_GENERATION];
    const translation = s.add(this.#cpu, s.and(s.shrU(low, TLB_PLACE_SHIFT), TLB_PLACE_MASK));
    const current = f.load(isWide ? 'i64' : 'i32', 32, this.#cpu, generation);
    const tag = s.or(s.and(linear, -PAGE_SIZE), current);
    const misses = f.binary('ne', f.load('i64', 64, translation, table), f.widen(tag, false));
    f.if(s.or(misses, f.binary('leS', this.#count, f.i32(0))), () => f.return(f.i32(0)));
    return s.add(low, f.load('i32', 32, translation, table + ENTRY_ADDEND));
  }

  #atMost(limit: Value): void {
    this.#f.set(this.#count, this.#s.select(this.#s.ltU(limit, this.#count), limit, this.#f.copy(this.#count)));
  }

  /** At least one less than there are, so that the last is left to whoever knows how offsets wrap. */
  #beforeWrap(offset: Value): Value {
    const s = this.#s;
    const left = s.select(this.#isDown, offset, s.sub(this.#mask, offset));
    const elements = s.shrU(left, this.#shift);
    if (elements.type === 'i32') return elements;
    return s.select(s.gtU(elements, PAGE_SIZE), this.#f.i32(PAGE_SIZE), this.#f.narrow(elements));
  }

  #withinSegment(offset: Value, end: Value): void {
    const f = this.#f;
    const s = this.#s;
    const room = f.copy(s.shrS(s.sub(end, f.widen(offset, false)), this.#shift));
    const fits = s.select(s.gtS(room, PAGE_SIZE), f.i32(PAGE_SIZE), f.narrow(room));
    const isOne = f.binary('gtS', room, f.i64(0n));
    this.#atMost(s.select(isOne, s.select(this.#isDown, f.i32(PAGE_SIZE), fits), f.i32(0)));
  }

  /** From one element to the next. */
  #step(): Value {
    return this.#s.select(this.#isDown, this.#f.i32(-this.#bytes), this.#f.i32(this.#bytes));
  }

  /** The lowest address of a run. */
  #lowest(host: Value): Value {
    const length = this.#s.shl(this.#s.sub(this.#f.copy(this.#count), this.#f.i32(1)), this.#shift);
    return this.#s.select(this.#isDown, this.#s.sub(host, length), host);
  }

  /** What is stored is not what is loaded later, unless the destination lies a little further on. */
  #move(from: Value, to: Value): void {
    const f = this.#f;
    const s = this.#s;
    const bytes = s.shl(f.copy(this.#count), this.#shift);
    const distance = s.select(this.#isDown, s.sub(from, to), s.sub(to, from));
    const isApart = f.binary('geU', s.sub(distance, f.i32(1)), s.sub(bytes, f.i32(1)));
    const isLong = f.binary('geU', this.#count, f.i32(BULK_MIN));
    f.if(
      s.and(isApart, isLong),
      () => f.bulk('copy', this.#lowest(to), this.#lowest(from), bytes),
      () => {
        const [source, destination] = [f.variable(from), f.variable(to)];
        const step = this.#step();
        this.#each(() => {
          f.store(this.#bits, destination, 0, this.#load(source));
          f.set(source, s.add(source, step));
          f.set(destination, s.add(destination, step));
        });
      },
    );
  }

  #store(to: Value, value: Value): void {
    const f = this.#f;
    const s = this.#s;
    const bytes = s.shl(f.copy(this.#count), this.#shift);
    const low = s.cut(value, this.#bits);
    const isUniform = s.eq(low, s.cut(s.mul(s.and(low, 0xff), f.like(low, 0x0101_0101_0101_0101n)), this.#bits));
    const isLong = f.binary('geU', this.#count, f.i32(BULK_MIN));
    const start = this.#lowest(to);
    f.if(
      s.and(isUniform, isLong),
      () => f.bulk('fill', start, f.narrow(value), bytes),
      () => {
        const at = f.variable(start);
        this.#each(() => {
          f.store(this.#bits, at, 0, value);
          f.set(at, s.add(at, f.i32(this.#bytes)));
        });
      },
    );
  }

  /** With `isMemory` the second is a host address too. The count becomes that of the elements that go on. */
  #compare(first: Value, second: Value, whileEqual: boolean, isMemory = false): void {
    const f = this.#f;
    const s = this.#s;
    const limit = s.sub(f.copy(this.#count), f.i32(1));
    const done = f.variable(f.i32(0));
    const [x, y] = [f.variable(first), f.variable(isMemory ? second : f.i32(0))];
    const move = (by: Value) => {
      f.set(x, s.add(x, by));
      if (isMemory) f.set(y, s.add(y, by));
    };
    f.if(f.eqz(this.#isDown), () =>
      this.#compareVectors({ x, y: isMemory ? y : undefined, second, done, limit, whileEqual, move }),
    );
    const step = this.#step();
    f.block((end) => {
      f.loop((again) => {
        f.branchIf(f.binary('geU', done, limit), end);
        const isEqual = s.eq(this.#load(x), isMemory ? this.#load(y) : s.cut(second, this.#bits));
        f.branchIf(whileEqual ? f.eqz(isEqual) : isEqual, end);
        move(step);
        f.set(done, s.add(done, f.i32(1)));
        f.branch(again);
      });
    });
    f.set(this.#count, done);
  }

  /** Sixteen bytes at a time, up to the first that hold the end. */
  #compareVectors(run: {
    readonly x: Variable;
    readonly y: Variable | undefined;
    readonly second: Value;
    readonly done: Variable;
    readonly limit: Value;
    readonly whileEqual: boolean;
    readonly move: (by: Value) => void;
  }): void {
    const f = this.#f;
    const s = this.#s;
    const lanes = VECTOR_BYTES / this.#bytes;
    const splat = run.y ? undefined : this.#splat(run.second);
    f.block((end) => {
      f.loop((again) => {
        f.branchIf(f.binary('gtU', s.add(run.done, f.i32(lanes)), run.limit), end);
        const other = splat ?? f.loadVector(128, run.y as Variable);
        const equal = f.operate(LANE_EQUALS[this.#bits], f.loadVector(128, run.x), other);
        const bits = f.operate('i8x16.bitmask', equal);
        f.branchIf(run.whileEqual ? s.ne(bits, 0xffff) : bits, end);
        run.move(f.i32(VECTOR_BYTES));
        f.set(run.done, s.add(run.done, f.i32(lanes)));
        f.branch(again);
      });
    });
  }

  #splat(value: Value): Value {
    const f = this.#f;
    if (this.#bits === 64) return f.operate('i64x2.splat', value);
    return f.operate(this.#bits === 8 ? 'i8x16.splat' : this.#bits === 16 ? 'i16x8.splat' : 'i32x4.splat', value);
  }

  #load(host: Value): Value {
    return this.#f.load(this.#bits === 64 ? 'i64' : 'i32', this.#bits, host);
  }

  /** Once for each element. */
  #each(body: () => void): void {
    const f = this.#f;
    const left = f.variable(f.copy(this.#count));
    f.loop((again) => {
      body();
      f.set(left, this.#s.sub(left, f.i32(1)));
      f.branchIf(left, again);
    });
  }
}
