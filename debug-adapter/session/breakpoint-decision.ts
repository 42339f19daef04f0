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

/** Compiles options. Throws a UserError that says what is wrong with one; `log` takes log messages and complaints. */
export function compileDecision(
  { condition, hitCondition, logMessage }: BreakpointOptions,
  context: ExpressionContext,
  log: (text: string) => void,
): () => boolean {
  const holds = condition === undefined ? undefined : compileCondition(condition, context);
  const counts = hitCondition === undefined ? undefined : compileHitCondition(hitCondition);
  const message = logMessage === undefined ? undefined : compileMessage(logMessage, context);
  let hits = 0;
  return () => {
    try {
      if (holds) {
        const value = holds();
        if (value === 0 || value === 0n) return false;
      }
    } catch (error) {
      if (!(error instanceof ExpressionError)) throw error;
      log(`The condition "${condition}" of a breakpoint failed: ${error.message}`);
      return true;
    }
    hits++;
    if (counts && !counts(hits)) return false;
    if (!message) return true;
    log(message());
    return false;
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
