/**
 * SYSCALL and SYSRET (SDM vol. 2B, vol. 3A §5.8.8; AMD64 manual vol. 3 chapter 4, where they are there outside of 64-bit
 * mode too). Their segments are flat and come from no table.
 */
import { CR0_PE, EFER_SCE } from '../../state/control-bits.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { CS, SEGMENT_ATTRIBUTES, SEGMENT_BASE, SEGMENT_LIMIT, SS, segmentSlots, slot } from '../../state/layout.ts';
import { IF, RF, TF, VM } from '../../state/lazy-flags.ts';
import {
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  type Outcome,
  type SystemOperation,
  VECTOR_GP,
  VECTOR_UD,
} from '../cpu.ts';
import { DR6_BS } from '../debug-registers.ts';
import { is64BitMode, isCanonical, isLongMode, requirePrivilege, setPrivilegeLevel, transferOutcome } from '../mode.ts';
import { loadSegmentCache } from '../segment-cache.ts';
import { writeDoubleWord } from '../register-writes.ts';

/** Present, accessed, with a limit in pages: 64-bit code, 32-bit code, data. */
const LONG_CODE = 0xa9b;
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;

/** Flags that SYSRET takes from R11: all but RF and VM. */
const RETURNED_FLAGS = 0x3c_7fd7;

const R11 = slot.R11;

const isAmd = ({ model }: Cpu): boolean => model.vendor === 'AuthenticAMD';

/** #UD unless EFER.SCE is set; Intel has the instructions in 64-bit mode only. */
function requireSystemCalls(cpu: Cpu): void {
  const isThere = (cpu.state.read32(slot.EFER) & EFER_SCE) !== 0 && (isAmd(cpu) || is64BitMode(cpu.state));
  if (!isThere) throw new GuestFault(VECTOR_UD);
}

function setFlat(state: CpuState, index: typeof CS | typeof SS, selector: number, attributes: number): void {
  const level = selector & 3;
  loadSegmentCache(state, index, selector & 0xffff, 0, 0xffff_ffff, attributes | (level << 5));
}

function copy64(state: CpuState, to: number, from: number): void {
  state.write32(to, state.read32(from));
  state.write32(to + 4, state.read32(from + 4));
}

/** In long mode RIP to RCX, RFLAGS to R11; LSTAR has the way, CSTAR for compatibility mode. STAR has the selectors. */
export const SYSCALL: SystemOperation = (cpu) => {
  requireSystemCalls(cpu);
  const { state } = cpu;
  const before = state.read32(slot.EFLAGS);
  const was64Bit = is64BitMode(state);
  const selector = state.read32(slot.STAR + 4) & 0xfffc;
  const flags = state.eflags;
  const isLong = isLongMode(state);
  if (isLong) {
    copy64(state, slot.ECX, slot.EIP);
    state.write32(R11, isAmd(cpu) ? flags & ~RF : flags);
    state.write32(R11 + 4, 0);
    copy64(state, slot.EIP, was64Bit ? slot.LSTAR : slot.CSTAR);
    state.eflags = (flags & ~state.read32(slot.FMASK) & ~RF) >>> 0;
  } else {
    writeDoubleWord(state, slot.ECX, state.eip);
    state.eip = state.read32(slot.STAR);
    state.eflags = flags & ~(VM | IF | RF);
    state.onDerivedChange(slot.EFLAGS);
  }
  setPrivilegeLevel(state, 0);
  setFlat(state, CS, selector, isLong ? LONG_CODE : FLAT_CODE);
  setFlat(state, SS, selector + 8, FLAT_DATA);
  return transferOutcome(cpu, before, was64Bit);
};

/** To 64-bit code with REX.W, to 32-bit code without. */
export const SYSRET: SystemOperation = (cpu, instruction) => {
  requireSystemCalls(cpu);
  const outcome = isAmd(cpu) ? returnOnAmd(cpu, instruction) : returnOnIntel(cpu, instruction);
  // Unlike IRET and POPF it is followed by the single step that it asks for, before the next instruction.
  if ((cpu.state.eflags & TF) === 0) return outcome;
  cpu.trap(DR6_BS);
  return EXIT;
};

function returnOnIntel(cpu: Cpu, { operandSize }: Instruction): Outcome {
  requirePrivilege(cpu);
  const { state } = cpu;
  const isWide = operandSize === 64;
  if (isWide && !isCanonical(state, state.readExact(slot.ECX))) throw new GuestFault(VECTOR_GP, 0);
  const before = state.read32(slot.EFLAGS);
  state.eflags = state.read32(R11) & RETURNED_FLAGS;
  const selector = enterUserCode(state, isWide);
  setFlat(state, SS, (selector + 8) | 3, FLAT_DATA);
  return transferOutcome(cpu, before, true);
}

/** RIP is not checked: code at an address that is not canonical faults at level 3. What SS caches stays as it is. */
function returnOnAmd(cpu: Cpu, { operandSize }: Instruction): Outcome {
  const { state } = cpu;
  if ((state.read32(slot.CR0) & CR0_PE) === 0) throw new GuestFault(VECTOR_GP, 0);
  requirePrivilege(cpu);
  if (is64BitMode(state)) state.eflags = state.read32(R11) & RETURNED_FLAGS;
  else state.eflags = state.eflags | IF;
  const selector = enterUserCode(state, operandSize === 64);
  const stack = segmentSlots[SS] as number;
  state.setSegment(SS, {
    selector: ((selector + 8) | 3) & 0xffff,
    base: state.readExact(stack + SEGMENT_BASE),
    limit: state.read32(stack + SEGMENT_LIMIT),
    attributes: state.read16(stack + SEGMENT_ATTRIBUTES),
  });
  return EXIT;
}

/** CS and RIP of level 3; gives the selector that STAR has for returns. */
function enterUserCode(state: CpuState, isWide: boolean): number {
  const selector = state.read32(slot.STAR + 4) >>> 16;
  copy64(state, slot.EIP, slot.ECX);
  if (!isWide) state.write32(slot.EIP + 4, 0);
  setPrivilegeLevel(state, 3);
  setFlat(state, CS, (selector + (isWide ? 16 : 0)) | 3, isWide ? LONG_CODE : FLAT_CODE);
  return selector;
}
