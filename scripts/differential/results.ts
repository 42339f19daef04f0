/** What the harness has written down of each sequence, read from the guest's memory. */
import { RESULT_END, type ResultField, resultFields } from './harness.ts';
import { NO_VECTOR } from './layout.ts';

/** The result of one sequence. Memory holds the double words that it changed, by linear address. */
export interface Result {
  readonly registers: Readonly<Record<ResultField, number>>;
  readonly memory: ReadonlyMap<number, number>;
}

/** Registers of which a double word is written but only 16 bits mean something. */
const narrow: ReadonlySet<ResultField> = new Set(['ds', 'ss', 'es', 'fs', 'gs']);

/** The results in the order of the sequences; fewer than `count` if the guest did not get so far. */
export function readResults(memory: Uint8Array, count: number): Result[] {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const results: Result[] = [];
  let at = 0;
  const next = () => {
    const value = view.getUint32(at, true);
    at += 4;
    return value;
  };
  while (results.length < count) {
    const registers = {} as Record<ResultField, number>;
    for (const field of resultFields) registers[field] = narrow.has(field) ? next() & 0xffff : next();
    const changes = new Map<number, number>();
    for (;;) {
      if (at + 8 + resultFields.length * 4 > memory.length) return results;
      const address = next();
      if (address === RESULT_END) break;
      // Nothing changes at address 0: the guest has stopped in the middle.
      if (address === 0) return results;
      changes.set(address, next());
    }
    results.push({ registers, memory: changes });
  }
  return results;
}

/** How a sequence ended, as text. */
export function endingOf(vector: number): string {
  return vector === NO_VECTOR ? 'ran to its end' : `vector ${vector}`;
}
