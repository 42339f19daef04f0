/** Instructions of 64-bit mode: SWAPGS, and the bases of FS and GS (SDM vol. 2B). */
import { CR4_FSGSBASE } from '../../state/control-bits.ts';
import { FS, GS, SEGMENT_BASE, segmentSlots, slot } from '../../state/layout.ts';
import {
  type Cpu,
  GuestFault,
  type Instruction,
  NEXT,
  type Outcome,
  type SystemOperation,
  VECTOR_GP,
  VECTOR_UD,
} from '../cpu.ts';
import { isCanonical, requirePrivilege } from '../mode.ts';
import { writeDoubleWord } from '../register-writes.ts';

const [FS_BASE, GS_BASE] = [FS, GS].map((index) => (segmentSlots[index] as number) + SEGMENT_BASE) as [number, number];
export const SWAPGS: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  const { state } = cpu;
  const base = state.read64(GS_BASE);
  state.write64(GS_BASE, state.read64(slot.KERNEL_GS_BASE));
  state.write64(slot.KERNEL_GS_BASE, base);
  state.onDerivedChange(GS_BASE);
  return NEXT;
};

function requireBaseAccess({ state }: Cpu): void {
  if ((state.read32(slot.CR4) & CR4_FSGSBASE) === 0) throw new GuestFault(VECTOR_UD);
}

function readBase(cpu: Cpu, { rmSlot, operandSize }: Instruction, from: number): Outcome {
  requireBaseAccess(cpu);
  const { state } = cpu;
  if (operandSize === 64) state.write64(rmSlot, state.read64(from));
  else writeDoubleWord(state, rmSlot, state.read32(from));
  return NEXT;
}

function writeBase(cpu: Cpu, { rmSlot, operandSize }: Instruction, to: number): Outcome {
  requireBaseAccess(cpu);
  const { state } = cpu;
  const base = operandSize === 64 ? state.readExact(rmSlot) : state.read32(rmSlot);
  if (!isCanonical(state, base)) throw new GuestFault(VECTOR_GP, 0);
  state.writeAddress(to, base);
  state.onDerivedChange(to);
  return NEXT;
}

export const RDFSBASE: SystemOperation = (cpu, instruction) => readBase(cpu, instruction, FS_BASE);
export const RDGSBASE: SystemOperation = (cpu, instruction) => readBase(cpu, instruction, GS_BASE);
export const WRFSBASE: SystemOperation = (cpu, instruction) => writeBase(cpu, instruction, FS_BASE);
export const WRGSBASE: SystemOperation = (cpu, instruction) => writeBase(cpu, instruction, GS_BASE);
