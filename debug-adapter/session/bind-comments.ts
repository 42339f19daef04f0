/** Puts the breakpoints of source comments into force, and tells the user which there are and what is wrong with others. */
import type { BreakpointTable } from './breakpoint-table.ts';
import type { SessionOutput } from './session-output.ts';
import { requestOf, type SourceComment } from './source-comments.ts';
import { sourceOf } from './source-lines.ts';

const SET = 'comments';

/** Replaces the breakpoints of comments; the table must be bound to the guest whose sources they are of. */
export function bindComments(
  table: BreakpointTable,
  comments: readonly SourceComment[],
  output: SessionOutput,
  clientLine: (line: number) => number,
): void {
  const described = table.replace(
    SET,
    comments.map((comment) => requestOf(comment, clientLine)),
  );
  const inForce: SourceComment[] = [];
  for (const [index, comment] of comments.entries()) {
    const breakpoint = described[index];
    if (breakpoint?.verified) {
      inForce.push(comment);
      continue;
    }
    const { file, line, kind } = comment;
    const at = { verified: false, source: sourceOf(file), line: clientLine(line) };
    output.write('stderr', `${file}:${line}: ${kind}: ${breakpoint?.message ?? 'not possible'}\n`, at);
  }
  if (inForce.length > 0) output.write('console', `From comments of the source: ${countKinds(inForce)}.\n`);
}

/** Takes them out of force, before another guest with other sources comes. */
export function dropComments(table: BreakpointTable): void {
  table.replace(SET, []);
}

/** `2 ASSERT, 1 LOG`. */
function countKinds(comments: readonly SourceComment[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of comments) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
}
