/**
 * What decides whether reaching a breakpoint stops the run: condition, hit count and log message, compiled once, so that
 * a condition that does not hold costs a few calls.
 */
import { localized } from '../protocol/localized.ts';
import { compileExpression, type ExpressionContext } from '../expressions/compile.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import { type HitCondition, parseHitCondition } from './hit-condition.ts';
import { compileLogMessage } from './log-message.ts';
import { UserError } from './user-error.ts';

/** Characters of a condition that a message repeats. */
const SHOWN_MAX = 120;

/** The options that all kinds of breakpoints have in common. */
export interface BreakpointOptions {
  readonly condition: string | undefined;
  readonly hitCondition: string | undefined;
  readonly logMessage: string | undefined;
}

/** Whether reaching a breakpoint stops the run, asked for the processor with an index that has reached it. */
export type Decide = (cpu: number) => boolean;

/** What options mean to one processor. */
interface Tests {
  readonly holds: (() => number | bigint) | undefined;
  readonly message: (() => string) | undefined;
}

/**
 * Compiles options for processors by their contexts; hits of all are counted together. Throws a UserError that says what is
 * wrong with one; `log` takes log messages and complaints.
 */
export function compileDecision(
  options: BreakpointOptions,
  contexts: readonly ExpressionContext[],
  log: (text: string) => void,
): Decide {
  const { condition, hitCondition } = options;
  const counts = hitCondition === undefined ? undefined : compileHitCondition(hitCondition);
  // Those of other processors are compiled when one comes; what is wrong with an option is said now.
  const tests = contexts.slice(0, 1).map((context) => compileTests(options, context));
  let hits = 0;
  return (cpu) => {
    let here: Tests;
    try {
      tests[cpu] ??= compileTests(options, contexts[cpu] as ExpressionContext);
      here = tests[cpu];
      const value = here.holds?.();
      if (value === 0 || value === 0n) return false;
    } catch (error) {
      if (!(error instanceof ExpressionError || error instanceof UserError)) throw error;
      log(`The condition "${condition}" of a breakpoint failed: ${error.message}`);
      return true;
    }
    hits++;
    if (counts && !counts(hits)) return false;
    if (!here.message) return true;
    log(here.message());
    return false;
  };
}

function compileTests({ condition, logMessage }: BreakpointOptions, context: ExpressionContext): Tests {
  return {
    holds: condition === undefined ? undefined : compileCondition(condition, context),
    message: logMessage === undefined ? undefined : compileMessage(logMessage, context),
  };
}

/** Compiles a condition, which holds where its value is not 0; a UserError says what cannot be parsed, and where. */
export function compileCondition(text: string, context: ExpressionContext): () => number | bigint {
  return compiling('condition', text, () => compileExpression(text, context).evaluate);
}

function compileMessage(text: string, context: ExpressionContext): () => string {
  return compiling('log message', text, () => compileLogMessage(text, context));
}

function compileHitCondition(text: string): HitCondition {
  const parsed = parseHitCondition(text);
  if (parsed) return parsed;
  throw new UserError(
    'bad-expression',
    localized('hit count "{0}": write a number, or one behind >, >=, <, <=, == or %', text),
  );
}

/** Enough of a text to know it by. */
function shortened(text: string): string {
  return text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`;
}

function compiling<Compiled>(what: string, text: string, compile: () => Compiled): Compiled {
  try {
    return compile();
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UserError(
      'bad-expression',
      localized('{0} "{1}", column {2}: {3}', what, shortened(text), error.position + 1, error.message),
    );
  }
}
