/**
 * Interrupts of virtual-8086 programs without their monitor: the virtual interrupt flag and the redirection of INT n to
 * handlers of the program (SDM vol. 3A §20.3, §20.4). A flag of the same kind for protected mode is CR4.PVI.
 */
import { CR0_PE, CR4_PVI, CR4_VME } from '../state/control-bits.ts';
import { CS, slot } from '../state/layout.ts';
import { IF, IOPL, RF, TF, VIF, VIP } from '../state/lazy-flags.ts';
import { type Cpu, GuestFault, VECTOR_GP } from './cpu.ts';
import { ioPrivilegeLevel, isVirtual8086, privilegeLevel } from './mode.ts';
import { setVirtual8086Segment } from './segments.ts';
import { Stack } from './stack.ts';
import { isInterruptRedirected } from './task-state.ts';

/** In virtual-8086 mode with CR4.VME and IOPL below 3, VIF stands in for IF. */
export function hasVirtualInterruptFlag({ state }: Cpu): boolean {
  return isVirtual8086(state) && ioPrivilegeLevel(state) < 3 && (state.read32(slot.CR4) & CR4_VME) !== 0;
}

/** At level 3 of protected mode with CR4.PVI, CLI and STI change VIF where IOPL does not let them change IF. */
function hasProtectedVirtualFlag({ state }: Cpu): boolean {
  if (isVirtual8086(state) || (state.read32(slot.CR0) & CR0_PE) === 0) return false;
  return privilegeLevel(state) === 3 && ioPrivilegeLevel(state) < 3 && (state.read32(slot.CR4) & CR4_PVI) !== 0;
}

/** CLI and STI by a program that IOPL does not let change IF: changes VIF, or #GP(0). */
export function changeVirtualFlag(cpu: Cpu, on: boolean): void {
  const { state } = cpu;
  const flags = state.read32(slot.EFLAGS);
  const refused = on && (flags & VIP) !== 0;
  if (refused || !(hasVirtualInterruptFlag(cpu) || hasProtectedVirtualFlag(cpu))) throw new GuestFault(VECTOR_GP, 0);
  state.write32(slot.EFLAGS, on ? flags | VIF : flags & ~VIF);
}

/** The flags as such a program sees them: IF is VIF, and IOPL is 3. */
export function virtualFlags(flags: number): number {
  return (flags & ~IF) | IOPL | ((flags & VIF) === 0 ? 0 : IF);
}

/** The IF of an image goes to VIF; #GP(0) where the monitor has to see it: TF, or interrupts on while one is pending. */
export function loadVirtualFlag(flags: number, image: number): number {
  const refused = (image & TF) !== 0 || ((image & IF) !== 0 && (flags & VIP) !== 0);
  if (refused) throw new GuestFault(VECTOR_GP, 0);
  return (image & IF) === 0 ? flags & ~VIF : flags | VIF;
}

/**
 * INT n in virtual-8086 mode with CR4.VME: goes to the program's own handler if the redirection bitmap of the task says
 * so. False: it is the protected-mode handler's, or the monitor's.
 */
export function redirectInterrupt(cpu: Cpu, vector: number): boolean {
  const { state, memory } = cpu;
  if (!isVirtual8086(state) || (state.read32(slot.CR4) & CR4_VME) === 0) return false;
  if (!isInterruptRedirected(cpu, vector)) return false;
  const offset = memory.readLinear(vector * 4, 2);
  const selector = memory.readLinear(vector * 4 + 2, 2);
  const flags = state.eflags;
  const isVirtual = hasVirtualInterruptFlag(cpu);
  const stack = Stack.current(cpu);
  stack.push(2, isVirtual ? virtualFlags(flags) : flags);
  stack.push(2, state.segment(CS).selector);
  stack.push(2, state.eip);
  stack.commit();
  state.eflags = flags & ~(TF | RF | (isVirtual ? VIF : IF));
  setVirtual8086Segment(state, CS, selector);
  state.eip = offset;
  return true;
}
