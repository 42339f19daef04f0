/** Which bits of EFLAGS an IRET of protected mode takes from the stack (SDM vol. 2A IRET). */
import { DF, IF, IOPL, NT, OF, RF, TF } from '../state/lazy-flags.ts';
import type { Cpu } from './cpu.ts';
import { ioPrivilegeLevel, modelFlags, privilegeLevel, virtualInterruptFlags } from './mode.ts';

/** What every program may change: the arithmetic flags, the direction and the nested-task flag. */
export const ARITHMETIC_AND_NT: number = 0xd5 | OF | DF | NT;

/** The bits that are loaded, at the current level, by operands of so many bytes. */
export function returnedFlags(cpu: Cpu, size: 2 | 4 | 8): number {
  const level = privilegeLevel(cpu.state);
  return (
    ARITHMETIC_AND_NT |
    TF |
    (level <= ioPrivilegeLevel(cpu.state) ? IF : 0) |
    (level === 0 ? IOPL | (size === 2 ? 0 : virtualInterruptFlags(cpu)) : 0) |
    (size === 2 ? 0 : RF | modelFlags(cpu))
  );
}

/** The flags with the writable bits of an image, unsigned. */
export function mergeFlags(flags: number, image: number, writable: number): number {
  return ((flags & ~writable) | (image & writable)) >>> 0;
}
