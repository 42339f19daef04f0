/**
 * Operating mode and privilege as system code asks for them (SDM vol. 3A §2.2, §5.5).
 */

import { type Address, plus } from '../state/address.ts';
import { CR0_AM, CR0_PE, CR4_UMIP, EFER_LMA } from '../state/control-bits.ts';
import { ATTRIBUTE_LONG, type CpuState } from '../state/cpu-state.ts';
import { CS, internal, SEGMENT_ATTRIBUTES, SEGMENT_BASE, segmentSlots, slot } from '../state/layout.ts';
import { AC, ID, IF, IOPL, RF, TF, VIF, VIP, VM } from '../state/lazy-flags.ts';
import { BRANCH, type Cpu, EXIT, GuestFault, type Outcome, VECTOR_GP, VECTOR_UD } from './cpu.ts';

/** True in protected mode proper: CR0.PE set and EFLAGS.VM clear. Selectors name descriptors then. */
export function usesDescriptors(state: CpuState): boolean {
  return (state.read32(slot.CR0) & CR0_PE) !== 0 && (state.read32(slot.EFLAGS) & VM) === 0;
}

/** True in virtual-8086 mode. */
export function isVirtual8086(state: CpuState): boolean {
  return (state.read32(slot.EFLAGS) & VM) !== 0;
}

const CS_ATTRIBUTES = (segmentSlots[CS] as number) + SEGMENT_ATTRIBUTES;

/** True in long mode: in 64-bit mode and in compatibility mode. */
export function isLongMode(state: CpuState): boolean {
  return (state.read32(slot.EFER) & EFER_LMA) !== 0;
}

/** True in 64-bit mode. */
export function is64BitMode(state: CpuState): boolean {
  return isLongMode(state) && (state.read16(CS_ATTRIBUTES) & ATTRIBUTE_LONG) !== 0;
}

/** The linear address that a sum stands for: without long mode it wraps at 4 GiB. */
export function linearAddressOf(state: CpuState, sum: Address): Address {
  return isLongMode(state) ? sum : Number(sum) >>> 0;
}

/** The linear address of an offset in the code segment. */
export function codeAddressOf(state: CpuState, offset: Address): Address {
  if (is64BitMode(state)) return offset;
  return (state.read32((segmentSlots[CS] as number) + SEGMENT_BASE) + Number(offset)) >>> 0;
}

/** An offset in a data segment: it wraps at 4 GiB outside of 64-bit mode. */
export function dataOffset(state: CpuState, offset: Address): Address {
  return is64BitMode(state) ? offset : Number(offset) >>> 0;
}

const HALF_OF_32_BITS = 2 ** 31;
/** Addresses below, and from its negative on, are canonical with four levels of page tables as with five. */
const ALWAYS_CANONICAL = 2 ** 47;

/** The first address of the canonical hole; on its other side addresses are from its negative on. */
export function canonicalEnd(state: CpuState): number {
  return HALF_OF_32_BITS * (1 << (32 - state.read32(internal.CANONICAL_SHIFT)));
}

/** Whether `size` bytes at a signed address of 64 bits lie where addresses are canonical. */
export function isCanonical(state: CpuState, linearAddress: Address, size = 1): boolean {
  const last = plus(linearAddress, size - 1);
  // Both are looked at: the last byte's address may have wrapped around the end of 64 bits.
  const isLow = linearAddress < ALWAYS_CANONICAL && last < ALWAYS_CANONICAL;
  if (isLow && linearAddress >= -ALWAYS_CANONICAL) return true;
  const end = canonicalEnd(state);
  return linearAddress >= -end && last < end && (linearAddress < 0 || last >= 0);
}

/** The current privilege level; 0 in real mode, 3 in virtual-8086 mode. */
export function privilegeLevel(state: CpuState): number {
  return state.read8(slot.CPL);
}

/** Sets the current privilege level; the engine's view of the mode depends on it. */
export function setPrivilegeLevel(state: CpuState, level: number): void {
  if (state.read8(slot.CPL) === level) return;
  state.write8(slot.CPL, level);
  state.onDerivedChange(slot.CPL);
}

/** EFLAGS.IOPL as a number from 0 to 3. */
export function ioPrivilegeLevel(state: CpuState): number {
  return (state.read32(slot.EFLAGS) & IOPL) >>> 12;
}

/** Bits of EFLAGS that the model adds to those of the 386 and every program may change with 32-bit operands. */
export function modelFlags({ model }: Cpu): number {
  return (model.features.has('486') ? AC : 0) | (model.features.has('CPUID') ? ID : 0);
}

/** VIF and VIP where the processor has them: IRET at level 0 loads them. */
export function virtualInterruptFlags({ model }: Cpu): number {
  return model.features.has('VME') ? VIF | VIP : 0;
}

/** Flags that mean something between instructions, and the one on which accesses of memory depend. */
const NOTICED = TF | IF | RF | VM | AC;

/** True when the engine has to leave after EFLAGS was loaded: to trap, to resume, to take an interrupt that waits. */
export function mustBeNoticed(cpu: Cpu, before: number, after: number): boolean {
  const noticed = (before ^ after) & NOTICED;
  if (noticed !== IF) return noticed !== 0;
  return (after & IF) !== 0 && cpu.interruptPending();
}

/**
 * What a transfer to another level, or one that loads EFLAGS, ends with. The engine need not look up where the code has as
 * many bits as before and the flags ask for nothing; `before` are the flags before it, and `was64Bit` the mode.
 */
export function transferOutcome(cpu: Cpu, before: number, was64Bit: boolean): Outcome {
  const { state } = cpu;
  const after = state.read32(slot.EFLAGS);
  const checksAlignment = (state.read32(slot.CR0) & CR0_AM) !== 0 && ((before | after) & AC) !== 0;
  const mustLook = checksAlignment || was64Bit !== is64BitMode(state) || mustBeNoticed(cpu, before, after);
  return mustLook ? EXIT : BRANCH;
}

/** Privileged instructions: #GP(0) anywhere but at level 0. */
export function requirePrivilege(cpu: Cpu): void {
  if (privilegeLevel(cpu.state) !== 0) throw new GuestFault(VECTOR_GP, 0);
}

/** What tells a program of the system: with CR4.UMIP for level 0 only, #GP(0) elsewhere. */
export function requireInformation(cpu: Cpu): void {
  if ((cpu.state.read32(slot.CR4) & CR4_UMIP) !== 0) requirePrivilege(cpu);
}

/** Instructions on descriptors: #UD where selectors name none. */
export function requireDescriptors(cpu: Cpu): void {
  if (!usesDescriptors(cpu.state)) throw new GuestFault(VECTOR_UD);
}

/** PUSHF, POPF, INT n and IRET in virtual-8086 mode belong to the monitor unless IOPL is 3: #GP(0). */
export function requireVirtual8086Privilege(cpu: Cpu): void {
  if (isVirtual8086(cpu.state) && ioPrivilegeLevel(cpu.state) < 3) throw new GuestFault(VECTOR_GP, 0);
}
