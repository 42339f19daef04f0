/**
 * Instructions of 64-bit mode: SYSCALL, SYSRET, SWAPGS, and the bases of FS and GS (SDM vol. 2B, vol. 3A §5.8.8). Their
 * segments are flat and come from no table.
 */
import { CR4_FSGSBASE, EFER_SCE } from '../../state/control-bits.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { CS, FS, GS, SEGMENT_BASE, segmentSlots, slot, SS } from '../../state/layout.ts';
import { RF } from '../../state/lazy-flags.ts';
import {
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  NEXT,
  type Outcome,
  type SystemOperation,
  VECTOR_GP,
  VECTOR_UD,
} from '../cpu.ts';
import { isCanonical, requirePrivilege, setPrivilegeLevel } from '../mode.ts';
import { writeDoubleWord } from '../register-writes.ts';

/** Present, accessed, with a limit in pages: 64-bit code, 32-bit code, data. */
const LONG_CODE = 0xa9b;
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;

/** Flags that SYSRET takes from R11: all but RF and VM. */
const RETURNED_FLAGS = 0x3c_7fd7;

const flat = { base: 0, limit: 0xffff_ffff };
const [FS_BASE, GS_BASE] = [FS, GS].map((index) => (segmentSlots[index] as number) + SEGMENT_BASE) as [number, number];
const R11 = slot.R11;

function requireSystemCalls({ state }: Cpu): void {
  if ((state.read32(slot.EFER) & EFER_SCE) === 0) throw new GuestFault(VECTOR_UD);
}

function setFlat(state: CpuState, index: typeof CS | typeof SS, selector: number, attributes: number): void {
  const level = selector & 3;
  state.setSegment(index, { ...flat, selector: selector & 0xffff, attributes: attributes | (level << 5) });
}

/** RIP to RCX, RFLAGS to R11; STAR has the selectors, LSTAR the way. */
export const SYSCALL: SystemOperation = (cpu) => {
  requireSystemCalls(cpu);
  const { state } = cpu;
  const selector = state.read32(slot.STAR + 4) & 0xfffc;
  const flags = state.eflags;
  state.writeAddress(slot.ECX, state.eip);
  state.write64(R11, BigInt(flags));
  state.eip = state.readAddress(slot.LSTAR);
  state.eflags = (flags & ~state.read32(slot.FMASK) & ~RF) >>> 0;
  setPrivilegeLevel(state, 0);
  setFlat(state, CS, selector, LONG_CODE);
  setFlat(state, SS, selector + 8, FLAT_DATA);
  return EXIT;
};

/** To 64-bit code with REX.W, to 32-bit code without. */
export const SYSRET: SystemOperation = (cpu, instruction) => {
  requireSystemCalls(cpu);
  requirePrivilege(cpu);
  const { state } = cpu;
  const isWide = instruction.operandSize === 64;
  const target = isWide ? state.readAddress(slot.ECX) : state.read32(slot.ECX);
  if (!isCanonical(state, target)) throw new GuestFault(VECTOR_GP, 0);
  const selector = state.read32(slot.STAR + 4) >>> 16;
  state.eflags = state.read32(R11) & RETURNED_FLAGS;
  setPrivilegeLevel(state, 3);
  setFlat(state, CS, (selector + (isWide ? 16 : 0)) | 3, isWide ? LONG_CODE : FLAT_CODE);
  setFlat(state, SS, (selector + 8) | 3, FLAT_DATA);
  state.eip = target;
  return EXIT;
};

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
  const base = operandSize === 64 ? state.readAddress(rmSlot) : state.read32(rmSlot);
  if (!isCanonical(state, base)) throw new GuestFault(VECTOR_GP, 0);
  state.writeAddress(to, base);
  state.onDerivedChange(to);
  return NEXT;
}

export const RDFSBASE: SystemOperation = (cpu, instruction) => readBase(cpu, instruction, FS_BASE);
export const RDGSBASE: SystemOperation = (cpu, instruction) => readBase(cpu, instruction, GS_BASE);
export const WRFSBASE: SystemOperation = (cpu, instruction) => writeBase(cpu, instruction, FS_BASE);
export const WRGSBASE: SystemOperation = (cpu, instruction) => writeBase(cpu, instruction, GS_BASE);
