/** What one breakpoint of the user has put into the machine: instruction breakpoints, or a watchpoint. */
import type { Breakpoint, MemoryAccess, Watchpoint } from '../../vm-core/index.ts';
import { bitsOf } from '../expressions/address.ts';
import type { ExpressionContext } from '../expressions/compile.ts';
import { type ConditionFilters, filtersOf } from '../expressions/comparison.ts';
import { localized } from '../protocol/localized.ts';
import { narrowOperand, type Operand, wideOperand } from '../expressions/operands.ts';
import { type BreakpointOptions, compileDecision, type Decide } from './breakpoint-decision.ts';
import { BootSectorLoad } from './boot-sector-load.ts';
import type { Guest } from './guest.ts';
import type { Place } from './places.ts';
import { describeChange, type ValueChange, WatchedValue } from './watched-value.ts';

/** What the machine reports when it stops. */
export type MachineStop = Breakpoint | Watchpoint;

export interface InstalledStops {
  owns(stop: MachineStop): boolean;
  /** What the machine would do at a linear address that a step of a processor has reached: true when it would stop. */
  reachedAt(linearAddress: number, cpu: number): boolean;
  /** The debugger may have written memory. */
  refresh(): void;
  /** What the last stop saw, for the user. */
  readonly text: string | undefined;
  remove(): void;
}

/** Which memory a data breakpoint watches. */
export interface Watched {
  readonly name: string;
  readonly place: Place;
  /** In bytes. */
  readonly length: number;
  readonly access: Watchpoint['access'];
}

type Log = (text: string) => void;

const NO_FILTERS: ConditionFilters = { cpu: undefined, register: undefined };

/** Puts instruction breakpoints at places. Throws a UserError for options that cannot be compiled. */
export function installBreakpoints(
  guest: Guest,
  places: readonly Place[],
  options: BreakpointOptions,
  log: Log,
): InstalledStops {
  const contexts = guest.cpus.map(({ expressions }) => expressions);
  const decide = compileDecision(options, contexts, log);
  const { cpu, register } =
    options.condition === undefined ? NO_FILTERS : filtersOf(options.condition, guest.expressions.isLong);
  const rest = {
    reached: decide,
    ...(cpu === undefined ? {} : { cpu }),
    ...(register === undefined ? {} : { filter: register }),
  };
  const breakpoints = places.map(({ space, address }): Breakpoint => ({ space, address, ...rest }));
  for (const breakpoint of breakpoints) guest.machine.addBreakpoint(breakpoint);
  return {
    owns: (stop) => breakpoints.includes(stop as Breakpoint),
    reachedAt: (linearAddress, index) =>
      breakpoints.find(({ space, address }) => space === 'linear' && address === linearAddress)?.reached(index) ??
      false,
    refresh: () => {},
    text: undefined,
    remove: () => {
      for (const breakpoint of breakpoints) guest.machine.removeBreakpoint(breakpoint);
    },
  };
}

/** Watches memory. Its condition may also use `old`, `new` and `address`. */
export function installWatchpoint(
  guest: Guest,
  watched: Watched,
  options: BreakpointOptions,
  log: Log,
): InstalledStops {
  return new InstalledWatchpoint(guest, watched, options, log);
}

class InstalledWatchpoint implements InstalledStops {
  text: string | undefined;
  readonly #guest: Guest;
  readonly #watched: Watched;
  readonly #value: WatchedValue;
  readonly #watchpoint: Watchpoint;
  readonly #decide: Decide;
  readonly #load: BootSectorLoad;
  #access: MemoryAccess | undefined;
  #change: ValueChange = { before: undefined, after: undefined, size: 1, isCut: false };
  /** One instruction counts as one hit, although it may read and write. */
  #last = { retired: -1, stops: false };

  constructor(guest: Guest, watched: Watched, options: BreakpointOptions, log: Log) {
    const { place, length, access } = watched;
    this.#guest = guest;
    this.#watched = watched;
    this.#value = new WatchedValue(guest, place, length);
    const contexts = guest.cpus.map(({ expressions }) => this.#context(expressions));
    this.#decide = compileDecision(options, contexts, log);
    const { cpu } = options.condition === undefined ? NO_FILTERS : filtersOf(options.condition, false);
    const reached = (met: MemoryAccess): boolean => this.#reached(met);
    this.#watchpoint = { ...place, length, access, reached, ...(cpu === undefined ? {} : { cpu }) };
    this.#load = new BootSectorLoad(guest.machine);
    guest.machine.addWatchpoint(this.#watchpoint);
  }

  owns(stop: MachineStop): boolean {
    return stop === this.#watchpoint;
  }

  /** A place in the code is never reached by watching data. */
  reachedAt(): boolean {
    return false;
  }

  refresh(): void {
    this.#value.refresh();
    this.#load.refresh();
  }

  remove(): void {
    this.#load.remove();
    this.#guest.machine.removeWatchpoint(this.#watchpoint);
  }

  #context(expressions: ExpressionContext): ExpressionContext {
    const isWide = this.#watched.length > 4;
    const value = (read: () => bigint | undefined): Operand =>
      isWide
        ? wideOperand(() => BigInt.asUintN(64, read() ?? 0n))
        : narrowOperand(() => Number(BigInt.asUintN(32, read() ?? 0n)));
    const address = (): number => this.#access?.linearAddress ?? 0;
    return {
      ...expressions,
      variables: {
        old: value(() => this.#change.before),
        new: value(() => this.#change.after),
        address: expressions.isLong ? wideOperand(() => bitsOf(address())) : narrowOperand(address),
      },
    };
  }

  #reached(access: MemoryAccess): boolean {
    if (this.#load.makes(access)) return false;
    const { retired } = this.#guest.machine;
    if (retired === this.#last.retired) {
      if (this.#last.stops && access.kind === 'write') this.#describe(access, this.#change);
      return this.#last.stops;
    }
    this.#access = access;
    this.#change = this.#value.take(access);
    const stops = this.#decide(access.cpu);
    this.#last = { retired, stops };
    if (stops) this.#describe(access, this.#change);
    return stops;
  }

  #describe({ kind, instruction, cpu }: MemoryAccess, change: ValueChange): void {
    const { cpus, hasSeveralCpus } = this.#guest;
    const place = (cpus[cpu] ?? this.#guest).describeAddress(instruction);
    const by = hasSeveralCpus ? localized('{0} on CPU {1}', place, cpu) : place;
    const isRead = kind === 'read';
    // Who reads changes nothing; what lay there before may be older than a write that was not watched.
    const value = describeChange(isRead ? { ...change, before: undefined } : change);
    this.text = `${this.#watched.name} ${isRead ? 'read' : 'written'} by ${by}: ${value}`;
  }
}
