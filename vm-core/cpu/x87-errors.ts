/**
 * Floating-point errors that wait (SDM vol. 1 §8.7): the next instruction that looks for them raises #MF, or with CR0.NE
 * clear tells the machine by FERR#, and waits for the interrupt that comes of it or for IGNNE#.
 */
import { CR0_NE } from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';
import { type GuestFault, VECTOR_MF } from './cpu.ts';

const ERROR_SUMMARY = 0x80;

/** True for the fault that the machine is told of instead. */
export function isToldByLine(state: CpuState, { vector }: GuestFault): boolean {
  return vector === VECTOR_MF && (state.read32(slot.CR0) & CR0_NE) === 0;
}

/** IGNNE#: the error that waits no longer stops instructions; FNCLEX and its like end that. */
export function ignoreFloatErrors(state: CpuState): void {
  const waits = (state.read16(slot.FSW) & ERROR_SUMMARY) !== 0;
  state.write32(internal.FLOAT_ERRORS_IGNORED, waits ? 1 : 0);
}
