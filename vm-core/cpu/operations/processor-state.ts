/** Waiting for a store, and the flag that allows access to user pages: MONITOR, MWAIT, CLAC, STAC (SDM vol. 2). */
import { slot } from '../../state/layout.ts';
import { AC, IF } from '../../state/lazy-flags.ts';
import { type Cpu, EXIT, GuestFault, NEXT, type Outcome, type SystemOperation, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { is64BitMode, privilegeLevel } from '../mode.ts';
import { readAddressRegister } from '../operands.ts';

/** Instructions that other levels do not even have. */
function requireLevel0(cpu: Cpu): void {
  if (privilegeLevel(cpu.state) !== 0) throw new GuestFault(VECTOR_UD);
}

/** RCX in 64-bit mode, ECX elsewhere: #GP(0) where it asks for extensions other than those. */
function requireExtensions({ state }: Cpu, extensions: number): void {
  const high = is64BitMode(state) ? state.read32(slot.ECX + 4) : 0;
  if (high !== 0 || (state.read32(slot.ECX) & ~extensions) !== 0) throw new GuestFault(VECTOR_GP, 0);
}

/** The address is checked as that of a load of a byte. Where nobody else can store to it, MWAIT ends by an interrupt. */
export const MONITOR: SystemOperation = (cpu, instruction) => {
  requireLevel0(cpu);
  requireExtensions(cpu, 0);
  const offset = readAddressRegister(cpu.state, slot.EAX, instruction.addressSize);
  cpu.memory.readSegment(instruction.segment, offset, 1);
  cpu.monitored?.arm(instruction.segment, offset);
  return NEXT;
};

/** The only extension of MWAIT. */
const INTERRUPTS_END_IT = 1;

/** Waits as HLT does, or for a store; with interrupts off it comes back at once, as it always may. */
export const MWAIT: SystemOperation = (cpu) => {
  requireLevel0(cpu);
  const { state } = cpu;
  requireExtensions(cpu, INTERRUPTS_END_IT);
  if ((state.read32(slot.EFLAGS) & IF) === 0 || cpu.monitored?.wait() === false) return NEXT;
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
