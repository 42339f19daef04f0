/** CPUID (SDM vol. 2A). */
import { slot } from '../../state/layout.ts';
import { NEXT, type SystemOperation } from '../cpu.ts';
import { cpuid } from '../cpuid.ts';

export const CPUID: SystemOperation = ({ state, model, ticksPerSecond }) => {
  const control4 = state.read32(slot.CR4);
  const answer = cpuid(model, state.read32(slot.EAX), state.read32(slot.ECX), { control4, ticksPerSecond });
  state.write32(slot.EAX, answer.EAX);
  state.write32(slot.EBX, answer.EBX);
  state.write32(slot.ECX, answer.ECX);
  state.write32(slot.EDX, answer.EDX);
  return NEXT;
};
