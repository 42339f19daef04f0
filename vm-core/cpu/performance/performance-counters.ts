/**
 * The performance counters of one processor (SDM vol. 3B chapter 19; AMD64 manual vol. 2 §13.2). While none is on nothing is
 * done. What has happened is asked of the engine when the privilege level or a setting changes, when a counter is read, and
 * when an execution ends; no execution goes beyond the next overflow. An instruction counts by what held when it began.
 */
import type { CpuModelFacts } from '../../isa/cpu-model.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { slot } from '../../state/layout.ts';
import { Counter, type CounterSetting, settingOf } from './counter.ts';
import {
  type CounterFacts,
  controlSlots,
  counterBits,
  counterFacts,
  fixedSlots,
  isCounterSlot,
} from './counter-facts.ts';
import * as events from './events.ts';

const ENABLED = 1n << 22n;
/** IA32_PERF_GLOBAL_STATUS.CTR_FRZ. */
export const COUNTERS_FROZEN: bigint = 1n << 59n;
const FIXED_FIRST = 32;
/** In a field of IA32_FIXED_CTR_CTRL. */
const FIXED_OS = 1;
const FIXED_USR = 2;
const FIXED_PMI = 8;
const EVENT = 0xffn;
const INT = 1n << 20n;
const PMI_IN_USE = 1n << 63n;

/** What the engine knows of the current execution; it counts on and is at 0 when the next one begins. */
export interface ExecutionProgress {
  /** True while an instruction is being executed. */
  readonly isInside: boolean;
  /** Ticks, and instructions that were only continued in them, without the one that is being executed. */
  executed(): number;
  repeats(): number;
  /** Branch instructions, those that were taken, with the one that is being executed if so asked. */
  branches(withCurrent: boolean): number;
  taken(withCurrent: boolean): number;
  /** Ticks that it may still take. */
  left(): number;
  /** Whether repeats and branches are to be counted. */
  keepsNotes: boolean;
  /** Set while counting depends on the level, so that each change of it is told. */
  hearsLevels: boolean;
  /** The next execution begins to count anew. */
  restart(): void;
}

/** What the counters need of their processor. */
export interface CounterSurroundings {
  readonly model: CpuModelFacts;
  readonly progress: ExecutionProgress;
  /** The interrupt of an overflow. */
  interrupt(): void;
  /** The execution has to end after the current instruction. */
  wake(): void;
}

export class PerformanceCounters {
  readonly facts: CounterFacts | undefined;
  readonly #state: CpuState;
  readonly #around: CounterSurroundings;
  /** Those that count at level 0, and at the others. */
  #system: readonly Counter[] = [];
  #user: readonly Counter[] = [];
  #all: readonly Counter[] = [];
  #dependsOnLevel = false;
  #detectsEdges = false;
  #isUser = false;
  /** What of the current execution is counted. */
  #seen = { ticks: 0, repeats: 0, branches: 0, taken: 0 };
  readonly #events = new Float64Array(events.EVENT_KINDS);

  constructor(state: CpuState, around: CounterSurroundings) {
    this.#state = state;
    this.#around = around;
    this.facts = counterFacts(around.model);
  }

  get isOn(): boolean {
    return this.#all.length > 0;
  }

  /** Whether the engine has to tell of branches. */
  get needsTelling(): boolean {
    return this.#around.progress.keepsNotes;
  }

  /** Ticks that an execution may take so that nothing overflows before its end. A tick has one event of each at most; off: no end. */
  get budget(): number {
    if (this.#detectsEdges) return 1;
    let least = Number.POSITIVE_INFINITY;
    for (const { remaining } of this.#active) least = Math.min(least, remaining);
    return least;
  }

  /** A register of the table has changed; nothing is done about those that are none of its business. */
  changed(offset: number): void {
    if (offset === slot.CPL) this.#levelChanged();
    else if (isCounterSlot(offset)) this.derive();
  }

  /** Takes over what the registers say. What was counted until now has to be in them. */
  derive(): void {
    this.#isUser = this.#state.read8(slot.CPL) !== 0;
    if (!this.facts) return;
    this.#noteUse(this.facts);
    const settings = this.#settings(this.facts);
    if (settings.length === 0 && !this.isOn) return;
    const limit = 2 ** this.facts.bits;
    const { bits } = this.facts;
    // A debugger may have written more bits than there are.
    const counted = (slotOffset: number) => Number(BigInt.asUintN(bits, this.#state.read64(slotOffset)));
    const made = settings.map((setting) => new Counter(setting, limit - counted(setting.value)));
    this.#all = made.filter(({ isLive }) => isLive);
    this.#system = this.#all.filter(({ setting }) => setting.system);
    this.#user = this.#all.filter(({ setting }) => setting.user);
    this.#dependsOnLevel = this.#all.some(({ setting }) => setting.system !== setting.user);
    this.#detectsEdges = this.#all.some(({ isEdge }) => isEdge);
    const { progress } = this.#around;
    progress.hearsLevels = this.#dependsOnLevel;
    progress.keepsNotes = this.#all.some(({ needsNotes }) => needsNotes);
    this.#look(progress.isInside);
  }

  /** Brings what was counted into the registers; with `withCurrent` the instruction that is being executed is over. */
  settle(withCurrent = false): void {
    if (!this.isOn) return;
    this.#advance(withCurrent && this.#around.progress.isInside);
    const limit = 2 ** (this.facts as CounterFacts).bits;
    for (const { setting, remaining } of this.#all) this.#state.write64(setting.value, BigInt(limit - remaining));
  }

  /** An interrupt of theirs stops them, until software lets them go on. */
  freeze(): void {
    if (!this.facts || this.facts.version < 2) return;
    this.settle(true);
    if (this.facts.version < 4) this.#state.write64(controlSlots.GLOBAL, 0n);
    else this.#state.write64(controlSlots.STATUS, this.#state.read64(controlSlots.STATUS) | COUNTERS_FROZEN);
    this.derive();
  }

  /** The run loop has counted what was executed. */
  executionEnded(): void {
    if (!this.isOn) return;
    this.#advance(false);
    this.#around.progress.restart();
    this.#seen = { ticks: 0, repeats: 0, branches: 0, taken: 0 };
  }

  /** A tick in which no instruction is executed: an event is delivered. */
  delivers(isHardwareInterrupt: boolean): void {
    if (!this.isOn) return;
    this.#events.fill(0);
    this.#events[events.CYCLE] = 1;
    this.#events[events.HARDWARE_INTERRUPT] = isHardwareInterrupt ? 1 : 0;
    this.#count(1);
  }

  /** Time passes while the processor is halted. */
  halted(): void {
    for (const counter of this.#all) counter.halted();
  }

  get #active(): readonly Counter[] {
    return this.#isUser ? this.#user : this.#system;
  }

  #levelChanged(): void {
    const isUser = this.#state.read8(slot.CPL) !== 0;
    if (isUser === this.#isUser) return;
    const { progress } = this.#around;
    if (this.#dependsOnLevel) this.#advance(progress.isInside);
    this.#isUser = isUser;
    if (this.#dependsOnLevel && this.budget < progress.left()) this.#around.wake();
  }

  /** Counts what has happened since the last time. */
  #advance(withCurrent: boolean): void {
    const { progress } = this.#around;
    const before = this.#seen;
    const ticks = progress.executed() + (withCurrent ? 1 : 0) - before.ticks;
    // An instruction that was counted ahead of its end is not over yet.
    if (ticks <= 0) return;
    this.#look(withCurrent);
    const { repeats, branches, taken } = this.#seen;
    const counts = this.#events;
    counts[events.CYCLE] = ticks;
    counts[events.INSTRUCTION] = ticks - (repeats - before.repeats);
    counts[events.BRANCH_INSTRUCTION] = branches - before.branches;
    counts[events.TAKEN_BRANCH] = taken - before.taken;
    counts[events.HARDWARE_INTERRUPT] = 0;
    this.#count(ticks);
  }

  #look(withCurrent: boolean): void {
    const { progress } = this.#around;
    const ticks = progress.executed() + (withCurrent ? 1 : 0);
    const branches = progress.keepsNotes ? progress.branches(withCurrent) : 0;
    const taken = progress.keepsNotes ? progress.taken(withCurrent) : 0;
    this.#seen = { ticks, repeats: progress.repeats(), branches, taken };
  }

  #count(ticks: number): void {
    let interrupts = false;
    for (const counter of this.#active) {
      counter.remaining -= counter.countOf(ticks, this.#events[counter.event] as number);
      if (counter.remaining <= 0 && this.#overflow(counter)) interrupts = true;
    }
    if (interrupts) this.#around.interrupt();
  }

  /** True if it interrupts. */
  #overflow(counter: Counter): boolean {
    const { bits, version } = this.facts as CounterFacts;
    counter.remaining += 2 ** bits;
    if (version >= 2) {
      const status = this.#state.read64(controlSlots.STATUS);
      this.#state.write64(controlSlots.STATUS, status | (1n << BigInt(counter.setting.bit)));
    }
    return counter.setting.interrupts;
  }

  /** IA32_PERF_GLOBAL_INUSE: what somebody has set up, on or not. */
  #noteUse(facts: CounterFacts): void {
    if (facts.version < 4) return;
    const selects = facts.selects.map((offset) => this.#state.read64(offset));
    const control = Number(this.#state.read64(controlSlots.FIXED));
    let used = 0n;
    selects.forEach((select, n) => {
      if ((select & EVENT) !== 0n) used |= 1n << BigInt(n);
      if ((select & INT) !== 0n) used |= PMI_IN_USE;
    });
    fixedSlots.forEach((_, n) => {
      const field = control >>> (n * 4);
      if ((field & (FIXED_OS | FIXED_USR)) !== 0) used |= 1n << BigInt(FIXED_FIRST + n);
      if ((field & FIXED_PMI) !== 0) used |= PMI_IN_USE;
    });
    this.#state.write64(controlSlots.IN_USE, used);
  }

  /** The counters that are on. */
  #settings(facts: CounterFacts): readonly CounterSetting[] {
    const global = facts.version >= 2 ? this.#state.read64(controlSlots.GLOBAL) : counterBits(facts);
    if (facts.version >= 4 && (this.#state.read64(controlSlots.STATUS) & COUNTERS_FROZEN) !== 0n) return [];
    const all = [...this.#programmed(facts), ...this.#fixed(facts)];
    return all.filter(({ bit, user, system }) => ((global >> BigInt(bit)) & 1n) === 1n && (user || system));
  }

  #programmed(facts: CounterFacts): readonly CounterSetting[] {
    const selects = facts.selects.map((offset) => this.#state.read64(offset));
    // On the P6 the first counter's bit is that of both.
    const isOn = (n: number): boolean => ((selects[facts.scheme === 'P6' ? 0 : n] as bigint) & ENABLED) !== 0n;
    return selects.flatMap((select, n) =>
      isOn(n)
        ? [{ ...settingOf(select), event: events.eventOf(facts, select), value: facts.values[n] as number, bit: n }]
        : [],
    );
  }

  #fixed(facts: CounterFacts): readonly CounterSetting[] {
    const control = facts.fixed > 0 ? Number(this.#state.read64(controlSlots.FIXED)) : 0;
    return fixedSlots.map((value, n) => {
      const field = (control >>> (n * 4)) & 0xf;
      const levels = { user: (field & FIXED_USR) !== 0, system: (field & FIXED_OS) !== 0 };
      const event = events.fixedEvents[n] as number;
      return { event, value, bit: FIXED_FIRST + n, ...levels, interrupts: (field & FIXED_PMI) !== 0 };
    });
  }
}
