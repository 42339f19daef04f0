/** A choice between many pieces of code in WebAssembly: a `br_table` in as many blocks as there are pieces. */
import type { FunctionBuilder, Label, Value } from './function-builder.ts';

/** So many pieces meet, and then all of them: V8 takes time with the square of the number of ways that meet at one place. */
const TOGETHER = 32;

/** Blocks of the function that is written. */
interface Blocks {
  /** Gives the depth of the block that is begun. */
  begin(): number;
  end(): void;
}

/** Runs the piece that `selector` numbers, or the last one; a piece may branch to its label to end, or falls off its end. */
export function writeSwitch(
  f: FunctionBuilder,
  blocks: Blocks,
  selector: Value,
  pieces: readonly ((end: Label) => void)[],
): void {
  f.block((end) => {
    const labels: Label[] = [];
    const meetings: Label[] = [];
    const isFirst = (n: number) => n > 0 && n % TOGETHER === 0;
    // One block for each piece, the innermost for piece 0, and one around those that meet.
    for (let n = pieces.length - 1; n >= 0; n--) {
      labels.unshift({ depth: blocks.begin() });
      if (isFirst(n)) meetings.unshift({ depth: blocks.begin() });
    }
    f.branchTable(selector, labels);
    pieces.forEach((piece, n) => {
      if (isFirst(n)) {
        blocks.end();
        f.branch(end);
      }
      blocks.end();
      const meeting = meetings[Math.floor(n / TOGETHER)] ?? end;
      f.scope(() => piece(meeting));
      f.branch(meeting);
    });
  });
}
