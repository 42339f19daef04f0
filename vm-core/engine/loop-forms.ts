/**
 * Which forms of instructions are part of the interpreter's loop, where dispatch is a jump, and which are functions that
 * it calls. Measured in one run on the same machine: 1.4 to 1.8 times the speed of calling all of them. The loop must
 * stay small enough to be compiled in a fraction of a second, so only what most code consists of is in it.
 */
import type { InstructionRow } from '../isa/instruction-row.ts';

const NAMES =
  /^(MOV|MOVZX|LEA|ADD|SUB|CMP|AND|OR|XOR|TEST|NOT|INC|DEC|SHL|SHR|PUSH|POP|CALL|RET|JMP|J[A-Z]+|LOOP|NOP|LODSB|STOSB)$/;

const INSIDE = /^(MOV|MOVZX|ADD|SUB|CMP|AND|OR|XOR|TEST|NOT|INC|DEC|SHL|SHR|NOP)$/;

const OPERANDS: ReadonlySet<string> = new Set([
  '',
  'Zv',
  'Ev',
  'Jb',
  'Jz',
  'Ev,Gv',
  'Gv,Ev',
  'Ev,sIb',
  'Ev,1',
  'Ev,Ib',
  'eAX,Iz',
  'Zv,Iz',
  'eAX,Ov',
  'Ov,eAX',
  'Gv,M',
  'Gv,Eb',
  'Eb,Gb',
  'Gb,Eb',
  'Eb,Ib',
  'AL,Ib',
  'Zb,Ib',
]);

/** A row whose forms without REP and without an index register are part of the loop. */
export function belongsInLoop(row: InstructionRow): boolean {
  return row.semantics !== undefined && NAMES.test(row.name) && OPERANDS.has(row.operands.join());
}

/** A row of the loop whose forms without an operand in memory change registers and flags and cannot fault. */
export function staysInside(row: InstructionRow): boolean {
  return INSIDE.test(row.name);
}
