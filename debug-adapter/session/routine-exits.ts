/**
 * The ways out of a routine, found by following its code: jumps and branches both ways, calls and interrupts as if they
 * returned. What cannot be followed (indirect and far jumps, more code than the bound) is a way out as well.
 */
import type { Guest } from './guest.ts';

/** An instruction at which the routine may be left. */
export interface RoutineExit {
  readonly address: number;
  readonly kind: 'return' | 'unknown';
}

/** How many instructions one search follows. */
const INSTRUCTIONS_MAX = 2048;

export function isReturn(exit: RoutineExit): boolean {
  return exit.kind === 'return';
}

/** Follows the code at `start`; `explored` holds the instructions that earlier searches followed, and grows. */
export function routineExits(guest: Guest, start: number, explored: Set<number>): readonly RoutineExit[] {
  const exits: RoutineExit[] = [];
  const pending = [start];
  let left = INSTRUCTIONS_MAX;
  for (let address = pending.pop(); address !== undefined; address = pending.pop()) {
    if (explored.has(address)) continue;
    const instruction = left-- > 0 ? guest.decode(address) : undefined;
    if (!instruction?.valid || instruction.kind === 'indirect-jump') {
      exits.push({ address, kind: 'unknown' });
      continue;
    }
    explored.add(address);
    const { kind, target, length } = instruction;
    if (kind === 'return') exits.push({ address, kind: 'return' });
    const offset = address - guest.codeBase;
    if (target !== undefined && kind !== 'call') pending.push(guest.codeAddress(target));
    if (kind !== 'return' && kind !== 'jump') pending.push(guest.codeAddress(offset + length));
  }
  return exits;
}
