/**
 * Instructions that raise an interrupt or exception on purpose: INT n, INT3, INT1, INTO, BOUND (SDM vol. 2A).
 */
import { plus } from '../../state/address.ts';
import { CR0_PE } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import { OF } from '../../state/lazy-flags.ts';
import {
  BRANCH,
  type Cpu,
  EXIT,
  GuestFault,
  NEXT,
  type Outcome,
  type SystemOperation,
  VECTOR_BP,
  VECTOR_BR,
  VECTOR_DB,
  VECTOR_OF,
  VECTOR_UD,
} from '../cpu.ts';
import { enterHandler } from '../interrupt-entry.ts';
import { dataOffset, requireVirtual8086Privilege } from '../mode.ts';
import { redirectInterrupt } from '../virtual-8086.ts';

export const INT: SystemOperation = (cpu, instruction) => {
  const vector = instruction.immediate & 0xff;
  if (redirectInterrupt(cpu, vector)) return EXIT;
  requireVirtual8086Privilege(cpu);
  return raise(cpu, vector, 'software');
};

export const INT3: SystemOperation = (cpu) => raise(cpu, VECTOR_BP, 'software');

/** INT1 (F1h) is a debug exception of its own: the gate's privilege level is not checked and DR6 does not change. */
export const INT1: SystemOperation = (cpu) => raise(cpu, VECTOR_DB, 'exception');

export const INTO: SystemOperation = (cpu) =>
  (cpu.state.eflags & OF) === 0 ? NEXT : raise(cpu, VECTOR_OF, 'software');

function raise(cpu: Cpu, vector: number, kind: 'software' | 'exception'): Outcome {
  enterHandler(cpu, { vector, errorCode: undefined, kind });
  // In real mode nothing changes that the engine has to know of before the handler begins.
  return kind === 'software' && (cpu.state.read32(slot.CR0) & CR0_PE) === 0 ? BRANCH : EXIT;
}

export const BOUND: SystemOperation = (cpu, instruction) => {
  if (!instruction.isMemory) throw new GuestFault(VECTOR_UD);
  const { segment, operandSize, regSlot } = instruction;
  const size = operandSize === 16 ? 2 : 4;
  const at = instruction.offset();
  const index = signed(size === 2 ? cpu.state.read16(regSlot) : cpu.state.read32(regSlot), size);
  const lower = signed(cpu.memory.readSegment(segment, at, size), size);
  const upper = signed(cpu.memory.readSegment(segment, dataOffset(cpu.state, plus(at, size)), size), size);
  if (index < lower || index > upper) throw new GuestFault(VECTOR_BR);
  return NEXT;
};

function signed(value: number, size: 2 | 4): number {
  return size === 2 ? (value << 16) >> 16 : value | 0;
}
