/**
 * What the native oracle is asked: every row of the instruction tables that a user program can run on registers and a
 * memory operand, and the flags that the manual leaves undefined after it (SDM vol. 2, "Flags Affected").
 */
import { type Form, formsOf } from '../../scripts/differential/forms.ts';
import type { InstructionRow } from '../../vm-core/isa/instruction-row.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { isMemoryOnly, isRegisterOrMemory } from '../../vm-core/isa/operand.ts';
import { AF, CF, OF, PF, SF, ZF } from '../../vm-core/state/lazy-flags.ts';

/** Encodings that mean something else, or nothing, in the 64-bit mode in which the oracle runs. */
const NOT_IN_64_BIT_MODE = /^(4[0-9A-F]|06|07|0E|16|17|1E|1F|27|2F|37|3F|60|61|62|82|9A|C4|C5|CE|D4|D5|D6|EA)/;

/** Rows that move control, the stack or pointers, or whose operand is an absolute address: other tests have them. */
const NOT_ON_REGISTERS = new Set([
  'CALL',
  'JMP',
  'RET',
  'LOOP',
  'LOOPE',
  'LOOPNE',
  'JCXZ',
  'PUSH',
  'POP',
  'PUSHA',
  'POPA',
  'LEAVE',
  'ESC',
  'WAIT',
  'MOVSB',
  'MOVS',
  'CMPSB',
  'CMPS',
  'STOSB',
  'STOS',
  'LODSB',
  'LODS',
  'SCASB',
  'SCAS',
  'XLAT',
  'CLD',
  'STD',
  'LEA',
  ...['UD0', 'UD1', 'UD2', 'CLFLUSH', 'CLFLUSHOPT', 'CLWB'],
]);

/** Rows that are covered, in the tables' order. */
export const oracleRows: readonly InstructionRow[] = instructionRows.filter(
  (row) =>
    row.semantics !== undefined &&
    row.mode !== 'o64' &&
    !NOT_IN_64_BIT_MODE.test(row.opcode) &&
    !NOT_ON_REGISTERS.has(row.name) &&
    !/^J[A-Z]+$/.test(row.name) &&
    !row.operands.some((code) => ['Ob', 'Ov', 'Sw'].includes(code)),
);

/** Whether a row is also asked with a memory operand; bit strings in memory are not, they reach beyond it. */
export function isAskedInMemory({ name, operands }: InstructionRow): boolean {
  const canBeMemory = operands.some((code) => isRegisterOrMemory(code) || isMemoryOnly(code));
  return canBeMemory && !(/^BT/.test(name) && operands.includes('Gv'));
}

/** The forms that the oracle is asked, each at both operand sizes. */
export const oracleForms: readonly Form[] = oracleRows
  .flatMap(formsOf)
  .filter(({ row, operand }) => operand !== 'memory' || isAskedInMemory(row));

const LOGIC = AF;
const MULTIPLY = SF | ZF | AF | PF;
const ALL = CF | PF | AF | ZF | SF | OF;

/** `count` is the shift count modulo 32, where the row has one; `bits` the operand's size. */
export function undefinedFlags(name: string, count: number, bits: number): number {
  switch (name) {
    case 'AND':
    case 'OR':
    case 'XOR':
    case 'TEST':
      return LOGIC;
    case 'MUL':
    case 'IMUL':
      return MULTIPLY;
    case 'DIV':
    case 'IDIV':
      return ALL;
    case 'BT':
    case 'BTS':
    case 'BTR':
    case 'BTC':
      return OF | SF | AF | PF;
    case 'BSF':
    case 'BSR':
      return CF | OF | SF | AF | PF;
    case 'ROL':
    case 'ROR':
    case 'RCL':
    case 'RCR':
      return count === 1 || count === 0 ? 0 : OF;
    case 'SHL':
    case 'SHR':
    case 'SAR':
      if (count === 0) return 0;
      return AF | (count === 1 ? 0 : OF) | (count >= bits && name !== 'SAR' ? CF : 0);
    case 'ANDN':
    case 'BLSR':
    case 'BLSMSK':
    case 'BLSI':
    case 'BZHI':
      return AF | PF;
    case 'BEXTR':
      return SF | AF | PF;
    case 'TZCNT':
    case 'LZCNT':
      return OF | SF | AF | PF;
    case 'SHLD':
    case 'SHRD':
      if (count === 0) return 0;
      return AF | (count === 1 ? 0 : OF);
    default:
      return 0;
  }
}
