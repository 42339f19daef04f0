/** One breakpoint of the user: where it holds in the machine, and what of that the client is told. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { BreakpointOptions } from './breakpoint-decision.ts';
import type { Guest } from './guest.ts';
import {
  type InstalledStops,
  installBreakpoints,
  installWatchpoint,
  type MachineStop,
  type Watched,
} from './machine-stops.ts';
import { formatReference, type Place } from './places.ts';
import { sourceOf } from './source-lines.ts';
import { UserError } from './user-error.ts';

export type BreakpointKind = 'source' | 'function' | 'instruction' | 'data';

/** What a client asked for. */
export interface BreakpointRequest extends BreakpointOptions {
  readonly kind: BreakpointKind;
  /** Where it is wanted, in the form of its kind; equal texts of one kind mean the same place. */
  readonly key: string;
  /** What a stop there says, where it is more than the place. */
  readonly stopText?: string;
  /** Finds the place in a guest. Throws a UserError when there is none. */
  readonly locate: (guest: Guest) => BreakpointLocation;
}

/** Where a breakpoint holds (places in code, or memory that is watched), and what of that is told to the client. */
export interface BreakpointLocation {
  readonly places: readonly Place[];
  readonly watched?: Watched;
  readonly source?: DebugProtocol.Source;
  readonly line?: number;
}

/** Where log messages and complaints go. */
export type LogSink = (text: string, breakpoint: DebugProtocol.Breakpoint) => void;

export class UserBreakpoint {
  readonly id: number;
  readonly request: BreakpointRequest;
  readonly #log: LogSink;
  #installed: InstalledStops | undefined;
  #location: BreakpointLocation | undefined;
  #problem: string | undefined = 'There is no machine yet.';

  constructor(id: number, request: BreakpointRequest, log: LogSink) {
    this.id = id;
    this.request = request;
    this.#log = log;
  }

  /** As the protocol describes it. */
  describe(): DebugProtocol.Breakpoint {
    const { places, source, line } = this.#location ?? {};
    const first = places?.[0];
    return {
      id: this.id,
      verified: this.#problem === undefined,
      ...(this.#problem === undefined ? {} : { message: this.#problem }),
      ...(source ? { source } : {}),
      ...(line === undefined ? {} : { line }),
      ...(first?.space === 'linear' ? { instructionReference: formatReference(first) } : {}),
    };
  }

  /** One line for the console. */
  summary(): string {
    const { kind, key, condition, hitCondition, logMessage } = this.request;
    const { places, source, line, watched } = this.#location ?? {};
    const first = places?.[0];
    const where = [
      watched ? `${watched.access} of ${watched.name}` : undefined,
      source && line !== undefined ? `${source.name ?? sourceOf(source.path ?? '').name}:${line}` : undefined,
      first ? formatReference(first) : undefined,
    ].filter((part) => part !== undefined);
    const options = [
      condition === undefined ? '' : `, if ${condition}`,
      hitCondition === undefined ? '' : `, hits ${hitCondition}`,
      logMessage === undefined ? '' : `, logs ${JSON.stringify(logMessage)}`,
      this.#problem === undefined ? '' : ` (not set: ${this.#problem})`,
    ];
    return `${this.id}  ${kind}  ${where.join(' ') || key}${options.join('')}`;
  }

  /** Puts the breakpoint into a guest's machine; hits count from zero again. */
  bind(guest: Guest): void {
    this.unbind();
    try {
      this.#location = this.request.locate(guest);
      const { places, watched } = this.#location;
      const log = (text: string): void => this.#log(text, this.describe());
      this.#installed = watched
        ? installWatchpoint(guest, watched, this.request, log)
        : installBreakpoints(guest, places, this.request, log);
      this.#problem = undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#problem = error.message;
    }
  }

  unbind(): void {
    this.#installed?.remove();
    this.#installed = undefined;
  }

  /** Where instructions are that it may stop at. */
  get linearAddresses(): readonly number[] {
    const places = this.#location?.places ?? [];
    return places.filter(({ space }) => space === 'linear').map(({ address }) => address);
  }

  /** True if it watches memory. */
  get isWatching(): boolean {
    return this.#location?.watched !== undefined;
  }

  owns(stop: MachineStop): boolean {
    return this.#installed?.owns(stop) ?? false;
  }

  /** What the machine would do where a step of a processor has come to: true when this breakpoint stops there. */
  reachedAt(linearAddress: number, cpu: number): boolean {
    return this.#installed?.reachedAt(linearAddress, cpu) ?? false;
  }

  /** The debugger may have written what is watched. */
  refresh(): void {
    this.#installed?.refresh();
  }

  /** What the last stop saw, where there is more to say than the place. */
  get stopText(): string | undefined {
    return this.request.stopText ?? this.#installed?.text;
  }
}
