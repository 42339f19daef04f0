/** What the guest has written down of each case. */
import { RESULT_END, type ResultField, resultFields } from './layout.ts';

/** The result of one case: registers, and the double words of the zone that have changed, by address. */
export interface SystemResult {
  readonly registers: Readonly<Record<ResultField, bigint>>;
  readonly memory: ReadonlyMap<number, number>;
}

/** The results in the order of the cases; fewer than `count` if the guest did not get so far. */
export function readSystemResults(memory: Uint8Array, count: number): SystemResult[] {
  const view = new DataView(memory.buffer, memory.byteOffset, memory.byteLength);
  const results: SystemResult[] = [];
  let at = 0;
  while (results.length < count && at + resultFields.length * 8 < memory.length) {
    const registers = {} as Record<ResultField, bigint>;
    for (const [n, field] of resultFields.entries()) registers[field] = view.getBigUint64(at + n * 8, true);
    if (registers.ending === 0n) break;
    at += resultFields.length * 8;
    const changes = new Map<number, number>();
    for (;;) {
      const address = view.getUint32(at, true);
      at += 4;
      if (address === RESULT_END) break;
      if (address === 0) return results;
      changes.set(address, view.getUint32(at, true));
      at += 4;
    }
    results.push({ registers, memory: changes });
  }
  return results;
}
