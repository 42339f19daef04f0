/** Which parts of the lines in view get an inline value. */
import { contextOf, type Inspectable, inspectables } from './inspectable.ts';

/** More values than this in one view would hide the code. */
const PARTS_MAX = 100;

/**
 * The parts of lines `first` to `last`, which is where the machine stands, that a value is written behind. A value is of
 * now, so each expression is shown once, on the line nearest to the stop; addresses of labels never change and are left
 * to the hover.
 */
export function nearestInspectables(
  lineAt: (index: number) => string,
  first: number,
  last: number,
): readonly { readonly line: number; readonly part: Inspectable }[] {
  const shown = new Set<string>();
  const parts: { readonly line: number; readonly part: Inspectable }[] = [];
  for (let line = last; line >= first && parts.length < PARTS_MAX; line -= 1) {
    for (const part of inspectables(lineAt(line), contextOf(lineAt, line))) {
      const key = part.expression.toLowerCase();
      if (part.kind === 'label' || shown.has(key)) continue;
      shown.add(key);
      parts.push({ line, part });
    }
  }
  return parts;
}
