/** Waiting for a store, and the flag that allows access to user pages: MONITOR, MWAIT, CLAC, STAC (SDM vol. 2). */
import { slot } from '../../state/layout.ts';
import { AC, IF } from '../../state/lazy-flags.ts';
import { type Cpu, EXIT, GuestFault, NEXT, type Outcome, type SystemOperation, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { privilegeLevel } from '../mode.ts';

/** Instructions that other levels do not even have. */
function requireLevel0(cpu: Cpu): void {
  if (privilegeLevel(cpu.state) !== 0) throw new GuestFault(VECTOR_UD);
}

/** Arms nothing: MWAIT below ends by an interrupt. The address is checked as that of a load of a byte. */
export const MONITOR: SystemOperation = (cpu, instruction) => {
  requireLevel0(cpu);
  const { state } = cpu;
  if (state.read32(slot.ECX) !== 0) throw new GuestFault(VECTOR_GP, 0);
  const offset = instruction.addressSize === 16 ? state.read16(slot.EAX) : state.read32(slot.EAX);
  cpu.memory.readSegment(instruction.segment, offset, 1);
  return NEXT;
};

/** Waits as HLT does; with interrupts off it comes back at once, as it always may. */
export const MWAIT: SystemOperation = (cpu) => {
  requireLevel0(cpu);
  const { state } = cpu;
  if (state.read32(slot.ECX) > 1) throw new GuestFault(VECTOR_GP, 0);
  if ((state.read32(slot.EFLAGS) & IF) === 0) return NEXT;
  state.write8(slot.HALTED, 1);
  return EXIT;
};

function setAccessFlag(cpu: Cpu, flag: number): Outcome {
  requireLevel0(cpu);
  cpu.state.write32(slot.EFLAGS, (cpu.state.read32(slot.EFLAGS) & ~AC) | flag);
  cpu.state.onDerivedChange(slot.EFLAGS);
  return EXIT;
}

export const CLAC: SystemOperation = (cpu) => setAccessFlag(cpu, 0);

export const STAC: SystemOperation = (cpu) => setAccessFlag(cpu, AC);
