/** Compares what two machines made of a case: every register and every double word of the zone that one of them changed. */
import type { SystemCase } from './case.ts';
import { type ResultField, resultFields } from './layout.ts';
import type { SystemResult } from './results.ts';

/** A register or a double word that differs. */
export interface Mismatch {
  readonly register?: ResultField;
  /** Of memory: its address. */
  readonly address?: number;
  readonly qemu: bigint;
  readonly ours: bigint;
}

/** A case with both results. */
export interface Comparison {
  readonly test: SystemCase;
  readonly qemu: SystemResult;
  readonly ours: SystemResult;
  /** What a double word of the zone held before the case. */
  readonly before: (address: number) => number;
}

/** Everything that differs; nothing is left out. */
export function mismatchesOf({ qemu, ours, before }: Comparison): Mismatch[] {
  const found: Mismatch[] = [];
  for (const register of resultFields) {
    const [theirs, own] = [qemu.registers[register], ours.registers[register]];
    if (theirs !== own) found.push({ register, qemu: theirs, ours: own });
  }
  for (const address of new Set([...qemu.memory.keys(), ...ours.memory.keys()])) {
    const [theirs, own] = [qemu, ours].map(({ memory }) => BigInt(memory.get(address) ?? before(address)));
    if (theirs !== own) found.push({ address, qemu: theirs as bigint, ours: own as bigint });
  }
  return found;
}

/** A difference as a line of text. */
export function describeMismatch({ register, address, qemu, ours }: Mismatch): string {
  const what = register ?? `[${address?.toString(16).toUpperCase()}h]`;
  return `${what}: QEMU ${qemu.toString(16).toUpperCase()}h, ours ${ours.toString(16).toUpperCase()}h`;
}
