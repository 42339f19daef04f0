/** What a command of the Debug Console is, and what commands have in common. Each is a row of commands.ts. */
import { localized } from '../../protocol/localized.ts';
import type { Debuggee } from '../debuggee.ts';
import { UserError } from '../user-error.ts';

export interface ConsoleCommand {
  readonly name: string;
  /** The arguments as help shows them; empty when there are none. */
  readonly usage: string;
  /** One sentence. */
  readonly help: string;
  /** Words that may follow, for completion; default: what expressions know. */
  readonly words?: (debuggee: Debuggee) => readonly string[];
  /** Gives what the console shows. Throws a UserError for what the user can do something about. */
  readonly run: (debuggee: Debuggee, words: readonly string[]) => string;
}

/** Splits what follows a command into words; brackets and quotes keep spaces together. */
export function splitWords(text: string): readonly string[] {
  return text.match(/(?:"[^"]*"|\[[^\]]*\]|\([^)]*\)|[^\s"[(])+/g) ?? [];
}

/** A count that the user gave; throws a UserError that names it. */
export function countOf(word: string | undefined, otherwise: number, countMax: number): number {
  if (word === undefined) return otherwise;
  const count = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN;
  if (count >= 1 && count <= countMax) return count;
  throw new UserError('bad-argument', localized('{0}: give a count from 1 to {1}', word, countMax));
}

/** `1F0` with as many digits at least. */
export function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).toUpperCase().padStart(digits, '0');
}
