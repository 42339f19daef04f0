/** What kind of branch the rows of instructions take. A table. */
import type { InstructionRow } from '../isa/instruction-row.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import type { BranchKind } from '../machine/branch-record.ts';

/** Kinds by the name of the row: system operations that transfer control wherever they do not just go on. */
const named: Readonly<Record<string, BranchKind>> = {
  CALL_FAR_IMMEDIATE: 'far',
  CALL_FAR_MEMORY: 'far',
  JMP_FAR_IMMEDIATE: 'far',
  JMP_FAR_MEMORY: 'far',
  RET_FAR: 'far',
  RET_FAR_POP: 'far',
  INT: 'software-interrupt',
  INT1: 'software-interrupt',
  INT3: 'software-interrupt',
  INTO: 'software-interrupt',
  IRET: 'interrupt-return',
  SYSCALL: 'system-call',
  SYSENTER: 'system-call',
  SYSRET: 'system-return',
  SYSEXIT: 'system-return',
};

function kindOf({ name, operands }: InstructionRow): BranchKind {
  const isIndirect = operands.includes('Ev');
  if (name === 'JMP') return isIndirect ? 'indirect-jump' : 'jump';
  if (name === 'CALL') return isIndirect ? 'indirect-call' : 'call';
  if (name === 'RET') return 'return';
  if (/^(J(?!MP)|LOOP)/.test(name)) return 'conditional';
  return named[name] ?? 'far';
}

/** By the indices of rows; of rows that never branch it means nothing. */
export const branchKinds: readonly BranchKind[] = instructionRows.map(kindOf);

/** By the indices of rows: an operation that leaves the block has branched, even to what follows it. */
export const transfersControl: readonly boolean[] = instructionRows.map(({ name }) => named[name] !== undefined);

/** Vectors of the instructions that have theirs in themselves. */
export const fixedVectors: ReadonlyMap<number, number> = new Map(
  instructionRows.flatMap(({ name }, index) => {
    const vector = { INT1: 1, INT3: 3, INTO: 4 }[name];
    return vector === undefined ? [] : [[index, vector] as const];
  }),
);
