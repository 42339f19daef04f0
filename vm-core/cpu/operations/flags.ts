/**
 * HLT, CLI, STI, PUSHF and POPF (SDM vol. 2; vol. 1 §3.4.3).
 */

import { lowHalf } from '../../state/address.ts';
import { SHADOW_STI, slot } from '../../state/layout.ts';
import { AF, CF, DF, IF, IOPL, NT, OF, PF, RF, SF, TF, ZF } from '../../state/lazy-flags.ts';
import { type Cpu, EXIT, NEXT, type SystemOperation } from '../cpu.ts';
import {
  ioPrivilegeLevel,
  isVirtual8086,
  modelFlags,
  mustBeNoticed,
  privilegeLevel,
  requirePrivilege,
  requireVirtual8086Privilege,
} from '../mode.ts';
import { push, Stack, type StackSize } from '../stack.ts';
import { changeVirtualFlag, hasVirtualInterruptFlag, loadVirtualFlag, virtualFlags } from '../virtual-8086.ts';

/** PUSHFD stores RF and VM as zeros. */
const PUSHED_32 = 0x00fc_ffff;
/** Flags that every program may change by POPF. */
const ORDINARY = CF | PF | AF | ZF | SF | OF | DF | NT;

export const HLT: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  cpu.state.write8(slot.HALTED, 1);
  return EXIT;
};

/** A program that is less privileged than IOPL cannot change IF (in real mode CPL is 0), but perhaps a virtual one. */
function mayChangeInterruptFlag(cpu: Cpu): boolean {
  return privilegeLevel(cpu.state) <= ioPrivilegeLevel(cpu.state);
}

export const CLI: SystemOperation = (cpu) => {
  if (mayChangeInterruptFlag(cpu)) cpu.state.write32(slot.EFLAGS, cpu.state.read32(slot.EFLAGS) & ~IF);
  else changeVirtualFlag(cpu, false);
  return NEXT;
};

/** Interrupts stay off for one more instruction, so that STI; HLT and STI; RET lose none. */
export const STI: SystemOperation = (cpu) => {
  if (!mayChangeInterruptFlag(cpu)) {
    changeVirtualFlag(cpu, true);
    return NEXT;
  }
  const flags = cpu.state.read32(slot.EFLAGS);
  if ((flags & IF) !== 0) return NEXT;
  cpu.state.write32(slot.EFLAGS, flags | IF);
  cpu.state.write8(slot.INTERRUPT_SHADOW, SHADOW_STI);
  return EXIT;
};

export const PUSHF: SystemOperation = (cpu, instruction) => {
  const isVirtual = hasVirtualInterruptFlag(cpu) && instruction.operandSize === 16;
  if (!isVirtual) requireVirtual8086Privilege(cpu);
  const flags = isVirtual ? virtualFlags(cpu.state.eflags) : cpu.state.eflags;
  if (instruction.operandSize === 16) push(cpu, 2, flags & 0xffff);
  else push(cpu, instruction.operandSize === 32 ? 4 : 8, flags & PUSHED_32);
  return NEXT;
};

/** IOPL changes at level 0 only, IF only for who may use CLI; VM stays and RF is cleared. */
export const POPF: SystemOperation = (cpu, instruction) => {
  const isVirtual = hasVirtualInterruptFlag(cpu) && instruction.operandSize === 16;
  if (!isVirtual) requireVirtual8086Privilege(cpu);
  const { state } = cpu;
  const level = privilegeLevel(state);
  const stack = Stack.current(cpu);
  const size = (instruction.operandSize / 8) as StackSize;
  const image = lowHalf(stack.pop(size));
  const ioPrivilege = level === 0 && !isVirtual8086(state) ? IOPL : 0;
  const interruptFlag = level <= ioPrivilegeLevel(state) ? IF : 0;
  const writable = ORDINARY | TF | interruptFlag | ioPrivilege | (size === 2 ? 0 : modelFlags(cpu));
  const flags = isVirtual ? loadVirtualFlag(state.eflags, image) : state.eflags;
  const changed = ((flags & ~(writable | RF)) | (image & writable)) >>> 0;
  stack.commit();
  state.eflags = changed;
  return mustBeNoticed(cpu, flags, changed) ? EXIT : NEXT;
};
