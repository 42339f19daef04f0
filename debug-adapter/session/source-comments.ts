/**
 * Breakpoints that live in the source: `; ASSERT expression` stops where it does not hold, `; LOG text {expression}` writes
 * to the Debug Console, both before the code of the line (or the next line that has code); `; WATCH place,bytes,rw` stops
 * at accesses. They hold from the first instruction on, in every session that has the source.
 */
import { localized } from '../protocol/localized.ts';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { compileExpression } from '../expressions/compile.ts';
import { ExpressionError } from '../expressions/tokens.ts';
import type { Host } from '../host.ts';
import type { Guest } from './guest.ts';
import { readText } from './host-files.ts';
import type { Watched } from './machine-stops.ts';
import { requireAddresses, sourceOf } from './source-lines.ts';
import type { BreakpointLocation, BreakpointRequest } from './user-breakpoint.ts';
import { UserError } from './user-error.ts';
import { formatDataId, placeOfExpression, watchedOf } from './watch-places.ts';

/** A comment as it stands in a file. Lines count from 1. */
export interface SourceComment {
  readonly kind: 'ASSERT' | 'LOG' | 'WATCH';
  readonly text: string;
  readonly file: string;
  readonly line: number;
}

const COMMENT = /;\s*(ASSERT|LOG|WATCH)\s+(\S.*?)\s*$/;
/** `place`, `place,bytes`, `place,bytes,rw`; a comma in brackets belongs to the place. */
const WATCH = /^(.+?)(?:\s*,\s*(\w+))?(?:\s*,\s*(r|w|rw))?$/i;
const ACCESS: Readonly<Record<string, Watched['access']>> = { r: 'read', w: 'write', rw: 'read-write' };

/** The comments in all sources of a guest. Files that cannot be read have none, unless a listing has kept them. */
export async function readSourceComments(host: Host, guest: Guest): Promise<readonly SourceComment[]> {
  const comments: SourceComment[] = [];
  for (const file of guest.symbols.files()) {
    const kept = guest.keptSources.get(file)?.text;
    comments.push(...findComments(file, kept ?? (await textOf(host, file))));
  }
  return comments;
}

async function textOf(host: Host, file: string): Promise<string> {
  try {
    return await readText(host, 'source', file);
  } catch (error) {
    // Whoever debugs without the source loses nothing but its comments.
    if (error instanceof UserError) return '';
    throw error;
  }
}

/** The comments of one text. */
export function findComments(file: string, text: string): readonly SourceComment[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const match = COMMENT.exec(line);
    return match ? [{ kind: match[1] as SourceComment['kind'], text: match[2] as string, file, line: index + 1 }] : [];
  });
}

/** The breakpoint that a comment stands for; `clientLine` counts lines as the client does. */
export function requestOf(comment: SourceComment, clientLine: (line: number) => number): BreakpointRequest {
  const { kind, text, file, line } = comment;
  const plain = { key: `${file}:${line}`, condition: undefined, hitCondition: undefined, logMessage: undefined };
  const atLine = (guest: Guest): BreakpointLocation => locateLine(guest, comment, clientLine);
  if (kind === 'WATCH') return { ...plain, kind: 'data', locate: (guest) => locateWatch(guest, comment, clientLine) };
  if (kind === 'LOG') return { ...plain, kind: 'source', logMessage: text, locate: atLine };
  return {
    ...plain,
    kind: 'source',
    condition: `!(${text})`,
    stopText: `the assertion ${text} does not hold`,
    locate: (guest) => {
      checkExpression(guest, text);
      return atLine(guest);
    },
  };
}

/** The condition is the negation; what is wrong with the text is said of the text. */
function checkExpression(guest: Guest, text: string): void {
  try {
    compileExpression(text, guest.expressions);
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error;
    throw new UserError('bad-expression', localized('"{0}", column {1}: {2}', text, error.position + 1, error.message));
  }
}

function placeOf(comment: SourceComment, clientLine: (line: number) => number, line = comment.line) {
  return { source: sourceOf(comment.file), line: clientLine(line) } satisfies Partial<DebugProtocol.Breakpoint>;
}

function locateLine(guest: Guest, comment: SourceComment, clientLine: (line: number) => number): BreakpointLocation {
  const found = requireAddresses(guest, comment.file, comment.line);
  const places = found.addresses.map((address) => ({ space: 'linear' as const, address }));
  return { places, ...placeOf(comment, clientLine, found.line) };
}

function locateWatch(guest: Guest, comment: SourceComment, clientLine: (line: number) => number): BreakpointLocation {
  const [, place = '', bytes, access = 'w'] = WATCH.exec(comment.text) ?? [];
  const length = bytes === undefined ? undefined : Number(bytes);
  const found = placeOfExpression(guest, place, length, 'linear');
  if (!found)
    throw new UserError('bad-address', localized('{0} is no memory; write a label, word[…] or linear(…)', place));
  const watched = watchedOf(guest, formatDataId(found), ACCESS[access.toLowerCase()] ?? 'write');
  return { places: [], watched, ...placeOf(comment, clientLine) };
}
