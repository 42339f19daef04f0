/** One breakpoint of the user: where it holds in the machine, and what decides whether reaching it stops the run. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Breakpoint } from '../../vm-core/index.ts';
import { compileExpression, type Evaluate } from '../expressions/compile.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import type { Guest } from './guest.ts';
import { type HitCondition, parseHitCondition } from './hit-condition.ts';
import { compileLogMessage } from './log-message.ts';
import { linearReference, type Place } from './places.ts';
import { UserError } from './user-error.ts';

export type BreakpointKind = 'source' | 'function' | 'instruction';

/** What a client asked for. */
export interface BreakpointRequest {
  readonly kind: BreakpointKind;
  /** Where it is wanted, in the form of its kind; equal texts of one kind mean the same place. */
  readonly key: string;
  readonly condition: string | undefined;
  readonly hitCondition: string | undefined;
  readonly logMessage: string | undefined;
  /** Finds the place in a guest. Throws a UserError when there is none. */
  readonly locate: (guest: Guest) => BreakpointLocation;
}

/** Where a breakpoint holds, and what of that is told to the client. */
export interface BreakpointLocation {
  readonly places: readonly Place[];
  readonly source?: DebugProtocol.Source;
  readonly line?: number;
}

/** Where log messages and complaints go. */
export type LogSink = (text: string, breakpoint: DebugProtocol.Breakpoint) => void;

export class UserBreakpoint {
  readonly id: number;
  readonly request: BreakpointRequest;
  readonly #log: LogSink;
  #hits = 0;
  #bound: { readonly guest: Guest; readonly inMachine: readonly Breakpoint[] } | undefined;
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
      ...(first?.space === 'linear' ? { instructionReference: linearReference(first.address) } : {}),
    };
  }

  /** Puts the breakpoint into a guest's machine; hits count from zero again. */
  bind(guest: Guest): void {
    this.unbind();
    this.#hits = 0;
    try {
      this.#location = this.request.locate(guest);
      const decide = this.#compile(guest);
      const inMachine = this.#location.places.map(({ space, address }) => ({ space, address, reached: decide }));
      for (const breakpoint of inMachine) guest.machine.addBreakpoint(breakpoint);
      this.#bound = { guest, inMachine };
      this.#problem = undefined;
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#problem = error.message;
    }
  }

  unbind(): void {
    for (const breakpoint of this.#bound?.inMachine ?? []) this.#bound?.guest.machine.removeBreakpoint(breakpoint);
    this.#bound = undefined;
  }

  owns(breakpoint: Breakpoint): boolean {
    return this.#bound?.inMachine.includes(breakpoint) ?? false;
  }

  /** What the machine would do at a linear address that a step has reached: true when this breakpoint stops there. */
  reachedAt(linearAddress: number): boolean {
    const here = this.#bound?.inMachine.find(({ space, address }) => space === 'linear' && address === linearAddress);
    return here?.reached() ?? false;
  }

  /** The closure that the machine calls: condition, hit count and log message, compiled once. */
  #compile(guest: Guest): () => boolean {
    const { condition, hitCondition, logMessage } = this.request;
    const holds = condition === undefined ? undefined : compileCondition(condition, guest);
    const counts = hitCondition === undefined ? undefined : compileHitCondition(hitCondition);
    const message = logMessage === undefined ? undefined : compileMessage(logMessage, guest);
    return () => {
      try {
        if (holds && holds() === 0) return false;
      } catch (error) {
        if (!(error instanceof ExpressionError)) throw error;
        this.#log(`The condition "${condition}" of a breakpoint failed: ${error.message}`, this.describe());
        return true;
      }
      this.#hits++;
      if (counts && !counts(this.#hits)) return false;
      if (!message) return true;
      this.#log(message(), this.describe());
      return false;
    };
  }
}

function compileCondition(text: string, guest: Guest): Evaluate {
  return compiling('condition', text, () => compileExpression(text, guest.expressions).evaluate);
}

function compileMessage(text: string, guest: Guest): () => string {
  return compiling('log message', text, () => compileLogMessage(text, guest.expressions));
}

function compileHitCondition(text: string): HitCondition {
  const parsed = parseHitCondition(text);
  if (parsed) return parsed;
  throw new UserError('bad-expression', `hit count "${text}": write a number, or one behind >, >=, <, <=, == or %`);
}

function compiling<Compiled>(what: string, text: string, compile: () => Compiled): Compiled {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UserError('bad-expression', `${what} "${text}", column ${error.position + 1}: ${error.message}`);
  }
}
