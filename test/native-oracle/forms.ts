/**
 * What the native oracle is asked: every row of the instruction tables in 16-, 32- and 64-bit code, at each operand size,
 * with registers and with memory. Rows that it is not asked stand on a list with the reason and the test that has them.
 */
import { type Form as AnyForm, formsOf } from '../../scripts/differential/forms.ts';
import { operandSizes } from '../../scripts/differential/placed-encoder.ts';
import { hasFeature } from '../../vm-core/isa/cpu-model.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { isMemoryOnly, isRegisterOnly, isRegisterOrMemory, type OperandSize } from '../../vm-core/isa/operand.ts';
import type { Form } from '../../scripts/differential/encoder.ts';

/** Rows, by name, that this machine's processor is not asked for. */
interface NotAsked {
  readonly names: readonly string[];
  readonly reason: string;
  /** The test that looks at them instead. */
  readonly test: string;
}

export const notAsked: readonly NotAsked[] = [
  {
    names: ['SYSCALL', 'SYSENTER'],
    reason: 'they call the kernel of this machine',
    test: 'vm-core/cpu/operations/fast-calls.test.ts',
  },
  {
    names: ['CPUID', 'RDTSC', 'RDTSCP', 'RDPID', 'RDRAND', 'RDSEED'],
    reason: 'their result is what this machine is, or comes from outside',
    test: 'vm-core/cpu/operations/model-specific.test.ts',
  },
  {
    names: ['SGDT', 'SIDT', 'SLDT', 'STR', 'SMSW'],
    reason: 'with UMIP the kernel answers for the processor, otherwise they tell where its tables are',
    test: 'vm-core/cpu/operations/table-registers.test.ts',
  },
  {
    names: ['RDPMC'],
    reason: 'the kernel decides whether programs may read the counters, and what they count',
    test: 'vm-core/cpu/performance/performance-counters.test.ts',
  },
  {
    names: ['RDPKRU', 'WRPKRU'],
    reason: 'the kernel decides whether there are protection keys, and what they hold',
    test: 'vm-core/cpu/operations/memory-protection.test.ts',
  },
  {
    names: ['XGETBV'],
    reason: 'the kernel decides which states there are',
    test: 'vm-core/engine/extended-state.test.ts',
  },
  {
    names: ['INT1'],
    reason: 'a hypervisor that intercepts it reports it before the instruction, not behind it',
    test: 'vm-core/cpu/operations/interrupts.test.ts',
  },
  {
    names: ['ESC'],
    reason: 'a processor with a floating-point unit has other instructions in its places',
    test: 'vm-core/engine/execution.test.ts',
  },
];

/**
 * Forms that makers of processors have each their own way: AMD has no far pointers with offsets of 64 bits, SYSRET
 * outside of 64-bit mode, too, and no VPEXTRD and VPINSRD with VEX.W1 there.
 */
export function isMakersOwn({ row, mode, size }: Form, vendor: string): boolean {
  if (vendor === 'GenuineIntel') return false;
  if (row.feature === 'VexW1As0') return true;
  return (size === 64 && row.operands.includes('Mp')) || (row.name === 'SYSRET' && mode !== 64);
}

/** Rows of which the oracle, at level 3, sees only how they are refused; what they do is for other tests. */
export const privilegedNames: ReadonlySet<string> = new Set([
  ...['CLI', 'STI', 'HLT', 'CLTS', 'INVD', 'WBINVD', 'INVLPG', 'INVPCID', 'LGDT', 'LIDT', 'LLDT', 'LTR', 'LMSW'],
  ...['IN_IMMEDIATE', 'IN_DX', 'OUT_IMMEDIATE', 'OUT_DX', 'INS', 'OUTS', 'RDMSR', 'WRMSR', 'SYSRET', 'SYSEXIT'],
  ...['MOV_FROM_CR', 'MOV_TO_CR', 'MOV_FROM_DR', 'MOV_TO_DR', 'MOV_FROM_TR', 'MOV_TO_TR'],
  ...['SWAPGS', 'MONITOR', 'MWAIT', 'CLAC', 'STAC', 'XSETBV', 'XSAVES', 'XRSTORS'],
]);

const namesNotAsked = new Set(notAsked.flatMap(({ names }) => names));

export const oracleModes = [16, 32, 64] as const;

/** All forms of a row in a mode; memory offsets (A0–A3) count as memory. */
export function formsOfRow(row: InstructionRow, mode: OperandSize): readonly Form[] {
  if (row.mode === (mode === 64 ? 'i64' : 'o64')) return [];
  const { operands } = row;
  const choice = operands.some(isRegisterOrMemory);
  const only = operands.some((code) => isMemoryOnly(code) || code === 'Ob' || code === 'Ov');
  const memory = choice ? [false, true] : [only && !operands.some(isRegisterOnly)];
  return operandSizes(row, mode).flatMap((size) => memory.map((isMemory) => ({ row, mode, size, memory: isMemory })));
}

/** The rows of the integer unit that are asked, in the tables' order. */
export const oracleRows: readonly InstructionRow[] = instructionRows.filter(
  ({ name, feature }) => !namesNotAsked.has(name) && hasFeature('max', feature),
);

/** The forms that are asked in one mode. */
export function oracleFormsOf(mode: OperandSize): readonly Form[] {
  return oracleRows.flatMap((row) => formsOfRow(row, mode));
}

/** A form as text: `64-bit 01 ADD/64/memory`. */
export function oracleFormName({ row, mode, size, memory }: Form): string {
  return `${mode}-bit ${row.opcode} ${row.name}/${size}/${memory ? 'memory' : 'register'}`;
}

/** The forms of 16- and 32-bit code as the other suites count them. */
export const oracleForms: readonly AnyForm[] = oracleRows.flatMap(formsOf);
