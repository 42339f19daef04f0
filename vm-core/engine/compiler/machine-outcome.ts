/** For tests of the compiler: what a guest could see of a machine. */
import type { Machine } from '../../machine/machine.ts';
import { readState } from '../../state/state-access.ts';

/** Bytes of RAM that are compared. */
const RAM_END = 0xa0000;
const PIECE = 0x2000;

/** Registers and counts of all vCPUs, and time. */
export function processorOutcome({ cpus, time }: Machine): object {
  const registers = cpus.map(({ state, retired }) => {
    const values = readState(state).map(({ tag, value }) => `${tag} ${value.toString(16)}`);
    return [retired, state.eflags, ...values];
  });
  return { time, registers };
}

/** The memory below 640 KiB, as text, which is compared at once. */
export function memoryOutcome({ memory }: Machine): string {
  const pieces = Array.from({ length: RAM_END / PIECE }, (_, n) =>
    String.fromCharCode(...memory.read(n * PIECE, PIECE)),
  );
  return pieces.join('');
}
