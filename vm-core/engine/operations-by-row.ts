/** The system operations of instructions whose semantics are TypeScript, by the number of the row. */
import type { SystemOperation } from '../cpu/cpu.ts';
import { systemOperations } from '../cpu/system-operations.ts';
import { instructionRows } from '../isa/instruction-table.ts';

/** Undefined for rows with semantics of their own. */
export const operationsByRow: readonly (SystemOperation | undefined)[] = instructionRows.map((row) =>
  row.semantics ? undefined : systemOperations[row.name],
);
