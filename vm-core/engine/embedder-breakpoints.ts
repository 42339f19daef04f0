/** Instruction breakpoints of the embedder, found by linear or physical address (DESIGN §6). */
import { type Address, lowHalf } from '../state/address.ts';
import type { Breakpoint, BreakpointFilter } from '../machine/machine.ts';

export class EmbedderBreakpoints {
  /** By the keys of their addresses. The lists are never changed, so that a breakpoint may remove itself. */
  readonly #there: Readonly<Record<Breakpoint['space'], Map<number, readonly Breakpoint[]>>> = {
    linear: new Map(),
    physical: new Map(),
  };

  /** False if it was there already. */
  add(breakpoint: Breakpoint): boolean {
    const there = this.#there[breakpoint.space];
    const key = keyOf(breakpoint.address);
    const before = there.get(key) ?? NONE;
    if (before.includes(breakpoint)) return false;
    there.set(key, [...before, breakpoint]);
    return true;
  }

  remove(breakpoint: Breakpoint): void {
    const there = this.#there[breakpoint.space];
    const key = keyOf(breakpoint.address);
    const left = (there.get(key) ?? NONE).filter((other) => other !== breakpoint);
    if (left.length > 0) there.set(key, left);
    else there.delete(key);
  }

  /** Whether there may be one at an address. */
  has(linear: Address, physical: number): boolean {
    const there = this.#there;
    if (there.linear.size === 0 && there.physical.size === 0) return false;
    return there.linear.has(keyOf(linear)) || there.physical.has(keyOf(physical));
  }

  /** The filter of a breakpoint that is alone at a place. */
  filterAt(linear: Address, physical: number): BreakpointFilter | undefined {
    const inLinear = this.#there.linear.get(keyOf(linear)) ?? NONE;
    const inPhysical = this.#there.physical.get(keyOf(physical)) ?? NONE;
    const [first, second] = [...inLinear, ...inPhysical];
    return second === undefined ? first?.filter : undefined;
  }

  /** Lets the breakpoints that a vCPU has met at a place take effect; gives those that stop. */
  met(linear: Address, physical: number, cpu: number): readonly Breakpoint[] {
    const inLinear = stopping(linear, cpu, this.#there.linear.get(keyOf(linear)));
    if (this.#there.physical.size === 0) return inLinear;
    const inPhysical = stopping(physical, cpu, this.#there.physical.get(keyOf(physical)));
    return inPhysical.length === 0 ? inLinear : [...inLinear, ...inPhysical];
  }
}

const NONE: readonly Breakpoint[] = [];

/** Lets breakpoints at an address take effect; gives those that stop. */
function stopping(address: Address, cpu: number, there: readonly Breakpoint[] = NONE): readonly Breakpoint[] {
  let met = NONE;
  for (const breakpoint of there) {
    const isIt = breakpoint.address === address && (breakpoint.cpu === undefined || breakpoint.cpu === cpu);
    if (isIt && breakpoint.reached(cpu)) met = [...met, breakpoint];
  }
  return met;
}

/**
 * The low half of an address as a signed integer: a small integer for JavaScript, as the upper half of the unsigned ones
 * is not.
 */
function keyOf(address: Address): number {
  return lowHalf(address);
}
