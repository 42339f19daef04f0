/**
 * The register table as the tree that the sidebar shows: sets, in them registers with what belongs to them (EAX with AX,
 * AH and AL; CS with its base, limit and rights; EFLAGS and CR0 with their fields).
 */
import { type Register, type RegisterSet, registers } from '../../vm-core/index.ts';

/** Rows of the table with the same name up to the dot. `head` is the row without a dot; GDTR and IDTR have none. */
export interface RegisterFamily {
  readonly name: string;
  readonly set: RegisterSet;
  readonly head: Register | undefined;
  readonly members: readonly Register[];
  /** Number of the first row: stable, unique among families. */
  readonly number: number;
}

const families: ReadonlyMap<string, RegisterFamily> = makeFamilies();

function makeFamilies(): ReadonlyMap<string, RegisterFamily> {
  const made = new Map<string, RegisterFamily>();
  for (const register of registers) {
    const name = register.name.split('.')[0] as string;
    const family = made.get(name) ?? { name, set: register.set, head: undefined, members: [], number: register.number };
    const isHead = register.name === name;
    made.set(name, {
      ...family,
      head: isHead ? register : family.head,
      members: isHead ? family.members : [...family.members, register],
    });
  }
  return made;
}

/** The families of a set in the order of the table. */
export function familiesOf(set: RegisterSet): readonly RegisterFamily[] {
  return [...families.values()].filter((family) => family.set === set);
}

export function familyByNumber(number: number): RegisterFamily | undefined {
  return [...families.values()].find((family) => family.number === number);
}

/** How the sets are headed. */
export const setTitles: Readonly<Record<RegisterSet, string>> = {
  general: 'General',
  pointer: 'Instruction pointer and flags',
  segment: 'Segments',
  table: 'Descriptor tables',
  control: 'Control',
  debug: 'Debug',
  event: 'Events and privilege',
};
