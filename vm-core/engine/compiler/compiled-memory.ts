/**
 * Loads and stores of compiled code (DESIGN §4): from an offset to a linear address by what is known of the segment,
 * through the translation table to the host. Whatever is not plain memory is left to the interpreter: the region is left
 * before the instruction has changed anything.
 */
import type { OperandBits } from '../../isa/operand.ts';
import { ENTRY_ADDEND, TLB_PLACE_MASK, TLB_PLACE_SHIFT, TLB_READ, TLB_WRITE } from '../../memory/layout.ts';
import {
  ENTRY_BASE,
  ENTRY_READ_END,
  ENTRY_WRITE_END,
  FS,
  internal,
  SEGMENT_ENTRY_SIZE,
  type SegmentIndex,
} from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { hostBesideCode, hostBesideWatch, hostForValue } from '../slow-paths.ts';
import type { AssumedFacts } from './segment-facts.ts';

/** An offset in a segment, and whether it has at most 16 bits. */
export interface CompiledPlace {
  readonly segment: SegmentIndex;
  readonly offset: Value;
  readonly isShort: boolean;
}

/** (cpu, linear, size) → host address, or 0 where the store has to be left to the interpreter. */
const PLACES: Readonly<Record<32 | 64, SharedFunction>> = {
  32: { signature: { parameters: ['i32', 'i32', 'i32'], result: 'i32' }, write: hostBesideCode },
  64: { signature: { parameters: ['i32', 'i64', 'i32'], result: 'i32' }, write: hostBesideCode },
};

/** (cpu, linear, size, value): the same for a value that is stored. */
const PLACES_OF_VALUES: Readonly<Record<32 | 64, SharedFunction>> = {
  32: { signature: { parameters: ['i32', 'i32', 'i32', 'i64'], result: 'i32' }, write: hostForValue },
  64: { signature: { parameters: ['i32', 'i64', 'i32', 'i64'], result: 'i32' }, write: hostForValue },
};

/** The same for a load from a watched page. */
const UNWATCHED: Readonly<Record<32 | 64, SharedFunction>> = {
  32: { ...PLACES[32], write: hostBesideWatch },
  64: { ...PLACES[64], write: hostBesideWatch },
};

/** An entry of a table: a value, and a distance from it. */
interface Entry {
  readonly place: Value;
  readonly offset: number;
}

/** Leaves the region before the instruction. */
type Bail = (why: 'load' | 'store' | 'limit') => void;

interface MemoryKnowledge {
  readonly facts: AssumedFacts;
  readonly storesBesideCode: boolean;
}

export class CompiledMemory {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #addressBits: 32 | 64;
  readonly #facts: AssumedFacts;
  readonly #generations: readonly [reads: Variable, writes: Variable];
  /** The tag for which the region was left. */
  readonly #found: Variable;
  readonly #storesBesideCode: boolean;

  constructor(f: FunctionBuilder, cpu: Value, addressBits: 32 | 64, { facts, storesBesideCode }: MemoryKnowledge) {
    this.#f = f;
    this.#cpu = cpu;
    this.#addressBits = addressBits;
    this.#facts = facts;
    this.#storesBesideCode = storesBesideCode;
    const type = addressBits === 64 ? 'i64' : 'i32';
    this.#generations = [f.local(type), f.local(type)];
    this.#found = f.local('i64');
  }

  /** The locals by what they hold. */
  names(): readonly (readonly [Value, string])[] {
    const [reads, writes] = this.#generations;
    return [
      [reads, 'tlb.read'],
      [writes, 'tlb.write'],
      [this.#found, 'tlb.found'],
    ];
  }

  /** At the region's beginning: nothing in it changes the numbers of the contexts. */
  begin(): void {
    const f = this.#f;
    const type = this.#addressBits === 64 ? 'i64' : 'i32';
    const [reads, writes] = this.#generations;
    f.set(reads, f.load(type, 32, this.#cpu, internal.TLB_GENERATION));
    f.set(writes, f.load(type, 32, this.#cpu, internal.TLB_WRITE_GENERATION));
  }

  /** At its end. */
  end(): void {
    this.#keep(this.#found);
  }

  load(place: CompiledPlace, bits: OperandBits, bail: Bail): Value {
    return this.#f.load(bits === 64 ? 'i64' : 'i32', bits, this.readable(place, bits / 8, bail));
  }

  /** The host address of bytes that may be loaded from. */
  readable(place: CompiledPlace, bytes: number, bail: Bail): Value {
    const f = this.#f;
    const linear = this.#linear(place, bytes, ENTRY_READ_END, bail);
    const entry = this.#entryOf(linear, TLB_READ);
    const { isOther, found } = this.#isOther(linear, entry, 8 * bytes, 0);
    if (!this.#facts.isWatched) {
      f.if(isOther, () => {
        f.set(this.#found, found);
        bail('load');
      });
      return this.#hostOf(linear, entry);
    }
    const host = f.variable(this.#hostOf(linear, entry));
    f.if(isOther, () => {
      this.#keep(found);
      f.set(host, f.callShared(UNWATCHED[this.#addressBits], this.#cpu, linear, f.i32(bytes)));
      f.if(f.eqz(host), () => bail('load'));
    });
    return host;
  }

  /** The host address of bytes that may be stored to; of code also, if they have the value already that is to be stored. */
  writable(place: CompiledPlace, bytes: number, bail: Bail, value?: Value): Value {
    const f = this.#f;
    const linear = this.#linear(place, bytes, ENTRY_WRITE_END, bail);
    const entry = this.#entryOf(linear, TLB_WRITE);
    const { isOther, found } = this.#isOther(linear, entry, 8 * bytes, 1);
    if (!this.#storesBesideCode) {
      f.if(isOther, () => {
        f.set(this.#found, found);
        bail('store');
      });
      return this.#hostOf(linear, entry);
    }
    const host = f.variable(this.#hostOf(linear, entry));
    f.if(isOther, () => {
      this.#keep(found);
      const besideCode = value
        ? f.callShared(PLACES_OF_VALUES[this.#addressBits], this.#cpu, linear, f.i32(bytes), f.widen(value, false))
        : f.callShared(PLACES[this.#addressBits], this.#cpu, linear, f.i32(bytes));
      f.set(host, besideCode);
      f.if(f.eqz(host), () => bail('store'));
    });
    return host;
  }

  /** The linear address of an offset, whether it may be accessed or not. */
  linearOf({ segment, offset }: CompiledPlace): Value {
    const f = this.#f;
    if (this.#isBaseZero(segment)) return offset;
    const [type, bits] = this.#addressBits === 64 ? (['i64', 64] as const) : (['i32', 32] as const);
    return f.binary('add', f.load(type, bits, this.#cpu, entryOffset(segment) + ENTRY_BASE), offset);
  }

  #isBaseZero(segment: SegmentIndex): boolean {
    return this.#addressBits === 64 ? segment < FS : this.#facts.isFlat(segment);
  }

  #linear(place: CompiledPlace, bytes: number, endField: number, bail: Bail): Value {
    const f = this.#f;
    const { segment, offset, isShort } = place;
    if (this.#addressBits === 64 || this.#facts.isFlat(segment)) return this.linearOf(place);
    if (isShort && this.#facts.has64KiB(segment)) {
      if (bytes > 1) f.if(f.binary('gtU', offset, f.i32(0x10000 - bytes)), () => bail('limit'));
    } else {
      const end = f.binary('add', f.widen(offset, false), f.i64(BigInt(bytes)));
      f.if(f.binary('gtU', end, f.load('i64', 64, this.#cpu, entryOffset(segment) + endField)), () => bail('limit'));
    }
    return this.linearOf(place);
  }

  /** The entry of a linear address in a table. */
  #entryOf(linear: Value, table: number): Entry {
    const f = this.#f;
    const place = f.binary('and', f.binary('shrU', f.narrow(linear), f.i32(TLB_PLACE_SHIFT)), f.i32(TLB_PLACE_MASK));
    const { constant } = this.#cpu;
    return typeof constant === 'number'
      ? { place, offset: table + constant }
      : { place: f.binary('add', this.#cpu, place), offset: table };
  }

  /** Whether an entry is not that of the page of the access's last byte, and the tag that was found there. */
  #isOther(linear: Value, { place, offset }: Entry, bits: number, table: 0 | 1): { isOther: Value; found: Value } {
    const f = this.#f;
    const last = f.binary('add', linear, f.i32(bits / 8 - 1));
    const tag = f.widen(f.binary('or', f.binary('and', last, f.i32(~0xfff)), this.#generations[table]), false);
    const found = f.load('i64', 64, place, offset);
    return { isOther: f.binary('ne', found, tag), found };
  }

  /** V8 loads twice what is loaded to be compared with and for nothing else, as a load may trap: so what was found is kept. */
  #keep(found: Value): void {
    this.#f.store(64, this.#cpu, internal.TLB_FOUND, found);
  }

  #hostOf(linear: Value, { place, offset }: Entry): Value {
    return this.#f.binary('add', this.#f.narrow(linear), this.#f.load('i32', 32, place, offset + ENTRY_ADDEND));
  }
}

function entryOffset(segment: SegmentIndex): number {
  return internal.SEGMENTS + segment * SEGMENT_ENTRY_SIZE;
}
