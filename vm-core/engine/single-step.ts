/** Which single-step traps there are not (SDM vol. 3B §17.3.1.4). */
import { SHADOW_MOV_SS, slot } from '../state/layout.ts';
import { TF } from '../state/lazy-flags.ts';
import type { Processor } from './processor.ts';

/** No trap follows one of these that has cleared TF: an entered handler, SYSCALL's mask, what SYSRET loads. */
const DECIDED_AFTERWARDS: ReadonlySet<string> = new Set(['INT', 'INT1', 'INT3', 'INTO', 'SYSCALL', 'SYSRET']);

/** True if no single-step trap follows the instruction that was just executed. */
export function passesOverTrap(processor: Processor): boolean {
  const { state } = processor;
  const name = processor.lastBlockRowName();
  if (!processor.branches.endsStep) return true;
  if ((state.read8(slot.INTERRUPT_SHADOW) & SHADOW_MOV_SS) !== 0) return true;
  return (state.read32(slot.EFLAGS) & TF) === 0 && DECIDED_AFTERWARDS.has(name);
}
