/** Compares the results of one sequence, leaving out what is not defined. */
import { type ResultField, resultFields } from './harness.ts';
import { endingOf, type Result } from './results.ts';
import type { Sequence } from './sequence.ts';

/** B0–B3 of DR6 may tell of breakpoints that DR7 leaves off (SDM vol. 3B §18.2.3), and QEMU's do. */
const undefinedBits: Partial<Record<ResultField, number>> = { dr6: 0xf };

const hex = (value: number) => `${(value >>> 0).toString(16).toUpperCase()}h`;

/** One line for each value that differs; `names` are those of the two machines, `initial` gives what memory held. */
export function compareResults(
  sequence: Pick<Sequence, 'undefinedFlags' | 'undefinedMemory'>,
  first: Result,
  second: Result,
  names: readonly [string, string],
  initial: (address: number) => number,
): string[] {
  const lines: string[] = [];
  const differ = (what: string, a: string, b: string) => lines.push(`${what}: ${names[0]} ${a}, ${names[1]} ${b}`);
  for (const field of resultFields) {
    const [a, b] = [first.registers[field], second.registers[field]];
    const ignored = field === 'eflags' ? sequence.undefinedFlags : (undefinedBits[field] ?? 0);
    if (((a ^ b) & ~ignored) === 0) continue;
    if (field === 'vector') differ('ending', endingOf(a), endingOf(b));
    else differ(field, hex(a & ~ignored), hex(b & ~ignored));
  }
  for (const address of new Set([...first.memory.keys(), ...second.memory.keys()])) {
    const [a, b] = [first.memory.get(address), second.memory.get(address)];
    const ignored = sequence.undefinedMemory.get(address) ?? 0;
    const before = initial(address);
    if ((((a ?? before) ^ (b ?? before)) & ~ignored) === 0) continue;
    differ(`[${hex(address)}]`, a === undefined ? 'unchanged' : hex(a), b === undefined ? 'unchanged' : hex(b));
  }
  return lines;
}
