/**
 * The register table as the tree that the sidebar shows: the registers that every stop is about, then sets of the others,
 * each register with what belongs to it (EAX with AX, AH and AL; CS with its base, limit and rights; EFLAGS with its fields).
 */
import {
  type CpuModelFacts,
  hasRegister,
  type Register,
  type RegisterSet,
  registerSets,
  registers,
} from '../../vm-core/index.ts';
import { marked } from '../protocol/localized.ts';

/** Rows of the table with the same name up to the dot. `head` is the row without a dot; GDTR and IDTR have none. */
export interface RegisterFamily {
  readonly name: string;
  readonly set: RegisterSet;
  readonly head: Register | undefined;
  readonly members: readonly Register[];
  /** Number of the first row: stable, unique among families. */
  readonly number: number;
}

const halves: ReadonlySet<string | undefined> = new Set(registers.map(({ wholeOf }) => wholeOf));

/** What 64-bit mode has, and what the other modes have. */
const familiesOf64Bit = makeFamilies(({ name }) => !halves.has(name));
const familiesOf32Bit = makeFamilies(({ isLong }) => !isLong);

function makeFamilies(isShown: (register: Register) => boolean): ReadonlyMap<string, RegisterFamily> {
  const made = new Map<string, RegisterFamily>();
  for (const register of registers) {
    if (!isShown(register)) continue;
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
function familiesOf(set: RegisterSet, is64Bit: boolean): readonly RegisterFamily[] {
  const families = is64Bit ? familiesOf64Bit : familiesOf32Bit;
  return [...families.values()].filter((family) => family.set === set);
}

/** Those that a processor model has. */
export function familiesOfModel(set: RegisterSet, model: CpuModelFacts, is64Bit: boolean): readonly RegisterFamily[] {
  return familiesOf(set, is64Bit).filter(({ head }) => head === undefined || hasRegister(model, head));
}

/** Sets whose registers stand in the scope itself, so that they are read at every stop without opening anything. */
const PLAIN_SETS = ['general', 'pointer', 'segment'] as const satisfies readonly RegisterSet[];
/** A set whose registers stand in a group of their own. */
export type GroupedSet = Exclude<RegisterSet, (typeof PLAIN_SETS)[number]>;
/** Their order, which is what people write first and not the processor's numbers; others follow. */
const PLAIN_ORDER = [
  ...['EAX', 'EBX', 'ECX', 'EDX', 'ESI', 'EDI', 'EBP', 'ESP'],
  ...['RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RBP', 'RSP', 'R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15'],
  ...['EIP', 'EFLAGS', 'RIP', 'RFLAGS', 'CS', 'DS', 'ES', 'SS', 'FS', 'GS'],
];

/** The registers that stand in the scope itself, in their order. */
export function plainFamilies(is64Bit: boolean): readonly RegisterFamily[] {
  return PLAIN_SETS.flatMap((set) => familiesOf(set, is64Bit)).sort((left, right) => placeOf(left) - placeOf(right));
}

/** The sets that are groups of their own. */
export const groupedSets: readonly GroupedSet[] = registerSets.filter(
  (set): set is GroupedSet => !(PLAIN_SETS as readonly RegisterSet[]).includes(set),
);

function placeOf({ name }: RegisterFamily): number {
  const place = PLAIN_ORDER.indexOf(name);
  return place < 0 ? PLAIN_ORDER.length : place;
}

export function familyByNumber(number: number): RegisterFamily | undefined {
  const all = [...familiesOf32Bit.values(), ...familiesOf64Bit.values()];
  return all.find((family) => family.number === number);
}

/** How the sets are headed. */
export const setTitles: Readonly<Record<GroupedSet, string>> = {
  table: marked('Descriptor tables'),
  control: marked('Control'),
  debug: marked('Debug'),
  event: marked('Events and privilege'),
  x87: marked('Floating point (x87)'),
  mmx: marked('MMX'),
  vector: marked('Vectors (SSE, AVX)'),
  'system-call': marked('System calls'),
  msr: marked('Model-specific'),
  mtrr: marked('Memory types (MTRR, PAT)'),
  'machine-check': marked('Machine check'),
  performance: marked('Performance counters'),
  branches: marked('Branch records'),
  apic: marked('Local APIC'),
};
