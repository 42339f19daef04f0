/**
 * Which processors and interrupt controllers there are, as 64-bit systems look for it (ACPI specification 6.5 §5.2.5, §5.2.7,
 * §5.2.12): root pointer, root table, and the multiple APIC description table, which is all: the machine has no ACPI hardware
 * that more tables could describe. Machines with one processor, which need none of it, have none.
 */
import { apicNumberOf, cpuCount, ONE_CPU } from '../../cpu/topology.ts';
import { chosenFacts } from '../../isa/cpu-model.ts';
import type { MachineConfig } from '../../machine/machine.ts';
import { type DescribedMachine, IO_APIC, ioApicNumber, LOCAL_APIC, TIMER_INPUT } from './mp-tables.ts';
import { bytes, checksum, text } from './table-bytes.ts';

/** Of the root pointer, filled up to where the next table may begin. */
const POINTER_SIZE = 32;
const HEADER_SIZE = 36;
const ROOT_SIZE: number = HEADER_SIZE + 4;
const CHECKSUM_AT = 9;

/** Types of entries of the multiple APIC description table. */
const LOCAL_APIC_ENTRY = 0;
const IO_APIC_ENTRY = 1;
const SOURCE_OVERRIDE = 2;
const LOCAL_NMI = 4;

const ENABLED = 1;
/** There are two 8259s, too. */
const HAS_8259S = 1;
const EVERY_PROCESSOR = 0xff;
const LINT1 = 1;

function table(signature: string, content: readonly number[]): readonly number[] {
  const build = (sum: number): number[] => [
    ...[...text(signature, 4), ...bytes(HEADER_SIZE + content.length, 4), 1, sum],
    ...[...text('X86VM', 6), ...text('ISA PC', 8), ...bytes(1, 4), ...text('X86V', 4), ...bytes(1, 4)],
    ...content,
  ];
  const draft = build(0);
  return draft.with(CHECKSUM_AT, checksum(draft));
}

function multipleApics({ topology = ONE_CPU }: Pick<MachineConfig, 'topology'>): readonly number[] {
  const processors = Array.from({ length: cpuCount(topology) }, (_, index) => [
    ...[LOCAL_APIC_ENTRY, 8, index, apicNumberOf(topology, index), ...bytes(ENABLED, 4)],
  ]);
  return table('APIC', [
    ...[...bytes(LOCAL_APIC, 4), ...bytes(HAS_8259S, 4), ...processors.flat()],
    ...[IO_APIC_ENTRY, 12, ioApicNumber(topology), 0, ...bytes(IO_APIC, 4), ...bytes(0, 4)],
    ...[SOURCE_OVERRIDE, 10, 0, 0, ...bytes(TIMER_INPUT, 4), ...bytes(0, 2)],
    ...[LOCAL_NMI, 6, EVERY_PROCESSOR, ...bytes(0, 2), LINT1],
  ]);
}

/** The root pointer, and behind it the tables, for a place on a boundary of 16. */
export function acpiTables(machine: DescribedMachine, address: number): readonly number[] {
  const { topology = ONE_CPU } = machine;
  if (cpuCount(topology) === 1 || !chosenFacts(machine).features.has('APIC')) return [];
  const root = address + POINTER_SIZE;
  const pointer = (sum: number): number[] => [...text('RSD PTR ', 8), sum, ...text('X86VM', 6), 0, ...bytes(root, 4)];
  const whole = pointer(checksum(pointer(0)));
  return [
    ...[...whole, ...Array<number>(POINTER_SIZE - whole.length).fill(0)],
    ...[...table('RSDT', bytes(root + ROOT_SIZE, 4)), ...multipleApics(machine)],
  ];
}
