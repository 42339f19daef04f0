/**
 * The record of calls (call-shadow.ts) in a region: where its newest entry lies is a local, addresses of code are constants,
 * and what stands together in an entry is stored together. Entries are as call-stage.ts makes them.
 */
import { CALL_SHADOW, CALL_SHADOW_SIZE } from '../../memory/layout.ts';
import { CS, internal, segmentSlots } from '../../state/layout.ts';
import type { FunctionBuilder, Value, Variable } from '../../wasm/function-builder.ts';
import {
  CALL_ADDRESS_SIZE,
  CALL_ENTRY_SIZE,
  CALL_KIND,
  CALL_RETURN,
  CALL_SELECTOR,
  CALL_SLOT,
  CALL_TARGET,
  KIND_FAR,
} from '../call-entry.ts';
import type { StagedCall } from '../call-stage.ts';
import { codeBaseOf, type Region } from './region-graph.ts';
import type { AssumedFacts } from './segment-facts.ts';

const CS_SELECTOR = segmentSlots[CS] as number;
const KIND_SHIFT = BigInt(8 * (CALL_KIND - CALL_SELECTOR));
const SIZE_SHIFT = BigInt(8 * (CALL_ADDRESS_SIZE - CALL_SELECTOR));
const UNUSED = -1n;

export class RegionCalls {
  readonly #f: FunctionBuilder;
  readonly #cpu: Value;
  readonly #facts: AssumedFacts;
  readonly #codeBase: number;
  /** Distance of the newest entry from the beginning of the ring. */
  readonly #top: Variable;
  #isUsed = false;

  constructor(f: FunctionBuilder, cpu: Value, { root, addressBits }: Region, facts: AssumedFacts) {
    this.#f = f;
    this.#cpu = cpu;
    this.#facts = facts;
    this.#codeBase = addressBits === 64 ? 0 : codeBaseOf(root.block, root.eip);
    this.#top = f.local('i32');
  }

  /** Where the region is entered, when all else is written. */
  begin(): void {
    if (this.#isUsed) this.#load();
  }

  /** Where it is left. */
  end(): void {
    if (this.#isUsed) this.#store();
  }

  /** Before a handler is called, which may look at the record and change it; `take` comes behind. */
  give(): void {
    if (!this.#facts.recordsCalls) return;
    this.#isUsed = true;
    this.#store();
  }

  take(): void {
    if (this.#facts.recordsCalls) this.#load();
  }

  /** The address of the newest entry's slot; unsigned, -1 where there is none. */
  newestSlot(): Value {
    this.#isUsed = true;
    return this.#f.load('i64', 64, this.#entry(), CALL_SHADOW + CALL_SLOT);
  }

  /** Adds a call, after its push to the linear address `at`. */
  add(at: Value, { target, back, size, selector }: StagedCall): void {
    const f = this.#f;
    this.#move(CALL_ENTRY_SIZE);
    const entry = this.#entry();
    f.store(64, entry, CALL_SHADOW + CALL_SLOT, at);
    f.store(64, entry, CALL_SHADOW + CALL_RETURN, this.#address(back));
    f.store(64, entry, CALL_SHADOW + CALL_TARGET, this.#address(target, selector));
    const kind = (selector ? BigInt(KIND_FAR) << KIND_SHIFT : 0n) | (BigInt(size) << SIZE_SHIFT);
    const caller = f.widen(f.load('i32', 16, this.#cpu, CS_SELECTOR), false);
    f.store(64, entry, CALL_SHADOW + CALL_SELECTOR, f.binary('or', caller, f.i64(kind)));
  }

  /** Takes the newest one away. */
  drop(): void {
    this.#f.store(64, this.#entry(), CALL_SHADOW + CALL_SLOT, this.#f.i64(UNUSED));
    this.#move(-CALL_ENTRY_SIZE);
  }

  #entry(): Value {
    return this.#f.binary('add', this.#cpu, this.#top);
  }

  #move(distance: number): void {
    const f = this.#f;
    f.set(this.#top, f.binary('and', f.binary('add', this.#top, f.i32(distance)), f.i32(CALL_SHADOW_SIZE - 1)));
  }

  #load(): void {
    const f = this.#f;
    const newest = f.load('i32', 32, this.#cpu, internal.CALLS_TOP);
    f.set(this.#top, f.binary('and', newest, f.i32(CALL_SHADOW_SIZE - 1)));
  }

  #store(): void {
    const f = this.#f;
    f.store(32, this.#cpu, internal.CALLS_TOP, f.binary('add', this.#entry(), f.i32(CALL_SHADOW)));
  }

  /** Linear address of an offset in the code segment or a paragraph; one of 64 bits is linear itself. */
  #address(offset: Value, paragraph?: Value): Value {
    const f = this.#f;
    if (offset.type === 'i64') return offset;
    const base = paragraph ? f.binary('shl', paragraph, f.i32(4)) : f.i32(this.#codeBase);
    return f.widen(f.binary('add', base, offset), false);
  }
}
