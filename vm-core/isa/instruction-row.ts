/** What one row of the instruction tables says; the decoder and both stagings are derived from the rows. */
import type { CpuFeature } from './cpu-feature.ts';
import type { Operand, OperandBits, OperandCode, UnitOperand } from './operand.ts';
import type { Semantics } from './semantics.ts';
import type { RunKind } from './string-runs.ts';

/** Writes what the instruction does; gets the operands in the row's order. */
export type SemanticsFunction = (s: Semantics, ...operands: readonly Operand[]) => void;
/** The same for the instructions of the other units. */
export type UnitSemanticsFunction = (s: Semantics, ...operands: readonly UnitOperand[]) => void;

/**
 * Units besides the integer unit. CR0, CR4 and XCR0 decide whether the instructions of one may be executed (SDM vol. 3A
 * §2.5, §13.1); `free` ones always may.
 */
export type ExecutionUnit = 'x87' | 'MMX' | 'SSE' | 'AVX' | 'free';

/** What the iterations of a string instruction do, and their size where that is not the operand size. */
export interface StringElements {
  readonly kind: RunKind;
  readonly bits?: OperandBits;
}

export interface InstructionRow {
  /** Manual's notation: `00`, `0F A3`, `80 /0` (ModR/M extension), `40+r` (register in the opcode). */
  readonly opcode: string;
  /** The mnemonic, or the key of the system operation. */
  readonly name: string;
  readonly operands: readonly OperandCode[];
  /** Absent for system operations: the cpu layer's function of this name is called. */
  semantics?(s: Semantics, ...operands: readonly UnitOperand[]): void;
  /**
   * Of a system operation: the cases that generated code does. It ends the instruction in those; where it comes to its
   * own end, nothing has happened, and the operation is called.
   */
  inline?(s: Semantics, ...operands: readonly UnitOperand[]): void;
  /** `real`: the inline part does something in real mode only. */
  readonly inlineIn?: 'real';
  /** A number that a system operation gets as its second immediate (data size, register number). */
  readonly detail?: number;
  /** LOCK is allowed when the first operand is memory. */
  readonly lockable?: boolean;
  /** A string instruction: `rep` repeats on the count alone, `repe` also watches ZF. Its semantics is one iteration. */
  readonly repeat?: 'rep' | 'repe';
  /** Of a string instruction: what many iterations can do at once. */
  readonly elements?: StringElements;
  /** The instruction always ends its block: it branches, or what follows may mean something else. */
  readonly endsBlock?: boolean;
  /**
   * In 64-bit mode, by the manual's superscripts (SDM vol. 2D appendix A.2.5): `i64` invalid there, `o64` only there,
   * `d64` 64-bit operands unless 66h makes them 16-bit, `f64` always 64-bit operands, `n64` near branches: as f64, but
   * as d64 on processors of AMD (AMD64 manual vol. 1 §3.7.3).
   */
  readonly mode?: 'i64' | 'o64' | 'd64' | 'f64' | 'n64';
  /** The unit that executes it, for what is not the integer unit; its code is staged when the first of it that a feature brings is executed. */
  readonly unit?: ExecutionUnit;
  /** The feature that brings the instruction; absent: the 386 has it. */
  readonly feature?: CpuFeature;
}

export function row(
  opcode: string,
  name: string,
  operands: string,
  semantics: SemanticsFunction,
  options: Partial<InstructionRow> = {},
): InstructionRow {
  const codes = operands === '' ? [] : (operands.split(',') as OperandCode[]);
  return { opcode, name, operands: codes, semantics, ...options };
}

/** A row of another unit than the integer unit. */
export function unitRow(
  unit: ExecutionUnit,
  opcode: string,
  name: string,
  operands: string,
  semantics: UnitSemanticsFunction,
  options: Partial<InstructionRow> = {},
): InstructionRow {
  const codes = operands === '' ? [] : (operands.split(',') as OperandCode[]);
  return { opcode, name, operands: codes, semantics, unit, ...options };
}

/** A row whose work the cpu layer does. */
export function systemRow(
  opcode: string,
  name: string,
  operands = '',
  options: Partial<InstructionRow> = {},
): InstructionRow {
  const codes = operands === '' ? [] : (operands.split(',') as OperandCode[]);
  return { opcode, name, operands: codes, ...options };
}

/** Two hexadecimal digits. */
export function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
