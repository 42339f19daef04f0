/** What instructions with MMX registers have in common: they take the x87 registers (SDM vol. 1 §9.5). */
import type { UnitSemanticsFunction } from './instruction-row.ts';
import type { Semantics } from './semantics.ts';
import { requireNoError } from './x87.ts';
import { readX87, writeX87 } from './x87-fields.ts';

/** The three bits of the x87 status word that number the top of the stack. */
const TOP = 0x3800;

/** The beginning: an exception of the x87 that waits comes first. */
export function beginMmx(s: Semantics): void {
  requireNoError(s, readX87(s, 'FSW'));
}

/** Behind all that can fault: the top of the stack is register 0, and all registers are in use; with EMMS none is. */
export function takeX87Registers(s: Semantics, tags: 0 | 0xff = 0xff): void {
  writeX87(s, 'FSW', s.and(readX87(s, 'FSW'), ~TOP));
  writeX87(s, 'FTW', s.constant(tags));
}

/** An instruction with MMX registers. */
export function withMmx(run: UnitSemanticsFunction): UnitSemanticsFunction {
  return (s, ...operands) => {
    beginMmx(s);
    run(s, ...operands);
    takeX87Registers(s);
  };
}
