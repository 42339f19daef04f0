/** All breakpoints of a session, in the sets in which the protocol replaces them; they outlive the machine. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Vcpu } from '../../vm-core/index.ts';
import type { Guest } from './guest.ts';
import type { MachineStop } from './machine-stops.ts';
import { type BreakpointRequest, type LogSink, UserBreakpoint } from './user-breakpoint.ts';

export class BreakpointTable {
  readonly #log: LogSink;
  readonly #changed: (breakpoint: DebugProtocol.Breakpoint) => void;
  /** By the set's name: `function`, `instruction`, `data`, or `source` and the path. */
  readonly #sets = new Map<string, readonly UserBreakpoint[]>();
  /** The index of the sets; absent after they have changed. A step asks it, however many breakpoints there are. */
  #index: BreakpointIndex | undefined;
  #nextId = 1;
  #guest: Guest | undefined;

  /** `changed` is told about breakpoints whose verification changes with the guest. */
  constructor(log: LogSink, changed: (breakpoint: DebugProtocol.Breakpoint) => void) {
    this.#log = log;
    this.#changed = changed;
  }

  /** Replaces a set. Breakpoints that were in it before and are asked for again keep their id and their hit count. */
  replace(set: string, requests: readonly BreakpointRequest[]): DebugProtocol.Breakpoint[] {
    const before = new Map<string, UserBreakpoint[]>();
    for (const breakpoint of this.#sets.get(set) ?? []) {
      const text = textOf(breakpoint.request);
      const same = before.get(text);
      if (same) same.push(breakpoint);
      else before.set(text, [breakpoint]);
    }
    const after = requests.map((request) => before.get(textOf(request))?.shift() ?? this.#make(request));
    for (const left of before.values()) for (const breakpoint of left) breakpoint.unbind();
    this.#sets.set(set, after);
    this.#index = undefined;
    return after.map((breakpoint) => breakpoint.describe());
  }

  #make(request: BreakpointRequest): UserBreakpoint {
    const breakpoint = new UserBreakpoint(this.#nextId++, request, this.#log);
    if (this.#guest) breakpoint.bind(this.#guest);
    return breakpoint;
  }

  /** Moves all breakpoints to a new guest, or out of the last one. */
  bind(guest: Guest | undefined): void {
    this.#guest = guest;
    this.#index = undefined;
    for (const breakpoint of this.all()) {
      if (!guest) {
        breakpoint.unbind();
        continue;
      }
      breakpoint.bind(guest);
      this.#changed(breakpoint.describe());
    }
  }

  /** The user's breakpoints behind those that the machine reported. */
  owners(stops: readonly MachineStop[]): readonly UserBreakpoint[] {
    return this.all().filter((owner) => stops.some((stop) => owner.owns(stop)));
  }

  /** The debugger may have written memory since the last run. */
  refresh(): void {
    for (const breakpoint of this.#indexed().watching) breakpoint.refresh();
  }

  /** Lets the breakpoints where a processor stands take effect as if it had come upon them; gives those that stop. */
  reachedAt({ linearEip: linearAddress, index }: Vcpu): readonly UserBreakpoint[] {
    const there = this.#indexed().byAddress.get(linearAddress) ?? [];
    return there.filter((breakpoint) => breakpoint.reachedAt(linearAddress, index));
  }

  #indexed(): BreakpointIndex {
    this.#index ??= makeIndex(this.all());
    return this.#index;
  }

  /** All of them, in the order of their sets. */
  all(): readonly UserBreakpoint[] {
    return [...this.#sets.values()].flat();
  }
}

/** Those that stand in the machine, by what they are asked for. */
interface BreakpointIndex {
  readonly byAddress: ReadonlyMap<number, readonly UserBreakpoint[]>;
  readonly watching: readonly UserBreakpoint[];
}

function makeIndex(breakpoints: readonly UserBreakpoint[]): BreakpointIndex {
  const byAddress = new Map<number, UserBreakpoint[]>();
  for (const breakpoint of breakpoints) {
    for (const address of new Set(breakpoint.linearAddresses)) {
      const there = byAddress.get(address);
      if (there) there.push(breakpoint);
      else byAddress.set(address, [breakpoint]);
    }
  }
  return { byAddress, watching: breakpoints.filter(({ isWatching }) => isWatching) };
}

/** Equal for requests that ask for the same. */
function textOf({ key, condition, hitCondition, logMessage }: BreakpointRequest): string {
  return JSON.stringify([key, condition, hitCondition, logMessage]);
}
