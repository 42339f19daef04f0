/**
 * The state as tag/value pairs: all of it or any subset in one call. A tag is a register's name in the table, so a
 * register can grow, or a new one appear, without a new call.
 */
import type { CpuState } from './cpu-state.ts';
import { findRegister, type Register, registers } from './register-table.ts';

/** One register and its value, unsigned. */
export interface RegisterValue {
  readonly tag: string;
  readonly value: bigint;
}

/**
 * The values of the named registers, in that order; without `tags` of all registers, in the table's order, those that
 * are halves of others left out.
 */
export function readState(state: CpuState, tags?: Iterable<string>): readonly RegisterValue[] {
  const chosen = tags ? Array.from(tags, registerOf) : wholeRegisters;
  return chosen.map((register) => ({ tag: register.name, value: state.readRegister(register) }));
}

/**
 * Writes the given registers and leaves the others alone. Nothing is written if a tag is unknown, if a register is
 * read-only, or if a value does not fit: the Error names it.
 */
export function writeState(state: CpuState, values: Iterable<RegisterValue>): void {
  const writes = Array.from(values, ({ tag, value }) => ({ register: writableRegister(tag, value), value }));
  for (const { register, value } of writes) state.writeRegister(register, value);
}

/** The registers whose values differ, as pairs of the second state. Both must come from `readState`. */
export function changedState(
  before: readonly RegisterValue[],
  after: readonly RegisterValue[],
): readonly RegisterValue[] {
  const old = new Map(before.map(({ tag, value }) => [tag, value]));
  return after.filter(({ tag, value }) => old.get(tag) !== value);
}

const halves: ReadonlySet<string | undefined> = new Set(registers.map(({ wholeOf }) => wholeOf));
const wholeRegisters: readonly Register[] = registers.filter(({ name }) => !halves.has(name));

function registerOf(tag: string): Register {
  const register = findRegister(tag);
  if (!register) throw new Error(`no register is named "${tag}"`);
  return register;
}

function writableRegister(tag: string, value: bigint): Register {
  const register = registerOf(tag);
  if (register.attributes === 'read-only') throw new Error(`${tag} is read-only`);
  const bits = (register.longSize ?? register.size) * 8;
  if (value < 0n || value >= 1n << BigInt(bits)) {
    throw new Error(`${value} does not fit into the ${bits} bits of ${tag}`);
  }
  return register;
}
