/**
 * What interrupt controllers there are, for operating systems that use them (MultiProcessor Specification 1.4 chapter 4):
 * the floating pointer and the configuration table in the ROM, and the state in which the BIOS leaves the controllers
 * (§3.6.2.2, virtual wire mode).
 */
import { cpuid } from '../../cpu/cpuid.ts';
import { versionOf } from '../../cpu/local-apic/apic-base.ts';
import { apicNumberOf, cpuCount, ONE_CPU, type Topology } from '../../cpu/topology.ts';
import { chosenFacts } from '../../isa/cpu-model.ts';
import type { MachineConfig } from '../../machine/machine.ts';
import { SVR_ENABLED } from '../../state/apic-table.ts';
import { apicSlot } from '../../state/layout.ts';
import type { FirmwareContext } from '../firmware.ts';
import { bytes, checksum, text } from './table-bytes.ts';

/** Physical addresses. */
export const LOCAL_APIC = 0xfee0_0000;
export const IO_APIC = 0xfec0_0000;
const IO_APIC_VERSION = 0x11;
/** The number of the I/O APIC has four bits. */
const IO_APIC_ID_MAX = 15;
const REVISION = 4;
const HEADER_SIZE = 44;
const PROCESSOR_SIZE = 20;

/** Types of entries, in the order in which the table has them. */
const PROCESSOR = 0;
const BUS = 1;
const IO_APIC_ENTRY = 2;
const IO_INTERRUPT = 3;
const LOCAL_INTERRUPT = 4;

const ISA = 0;
const ENABLED = 1;
const BOOTSTRAP = 2;
/** Types of interrupts: with a vector, NMI, from an 8259A. */
const WITH_VECTOR = 0;
const NON_MASKABLE = 1;
const EXTERNAL = 3;
/** For the entry of an interrupt of all local APICs. */
const ALL = 0xff;
/** Without the cascade. */
const ISA_INTERRUPTS = [0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
/** The input of the I/O APIC that has the timer. */
export const TIMER_INPUT = 2;

const interrupt = (type: number, kind: number, irq: number, to: number, input: number): number[] => [
  ...[type, kind, 0, 0, ISA, irq, to, input],
];

/** What the tables tell of. */
export type DescribedMachine = Pick<MachineConfig, 'cpuModel' | 'localApic' | 'topology'>;

/** The number of the I/O APIC: behind those of the processors, as far as there is room. */
export function ioApicNumber(topology: Topology = ONE_CPU): number {
  return Math.min(apicNumberOf(topology, cpuCount(topology) - 1) + 1, IO_APIC_ID_MAX);
}

function entries(machine: DescribedMachine): readonly number[][] {
  const facts = chosenFacts(machine);
  const { topology = ONE_CPU } = machine;
  const { EDX } = cpuid(facts, 1, 0, { control4: 0, ticksPerSecond: 0, topology });
  const ioApic = ioApicNumber(topology);
  const processor = (index: number): number[] => [
    ...[PROCESSOR, apicNumberOf(topology, index), versionOf(facts) & 0xff, ENABLED | (index === 0 ? BOOTSTRAP : 0)],
    ...[...bytes(facts.signature, 4), ...bytes(EDX, 4), ...bytes(0, PROCESSOR_SIZE - 12)],
  ];
  return [
    ...Array.from({ length: cpuCount(topology) }, (_, index) => processor(index)),
    [BUS, ISA, ...text('ISA', 6)],
    [IO_APIC_ENTRY, ioApic, IO_APIC_VERSION, ENABLED, ...bytes(IO_APIC, 4)],
    ...ISA_INTERRUPTS.map((irq) => interrupt(IO_INTERRUPT, WITH_VECTOR, irq, ioApic, irq === 0 ? TIMER_INPUT : irq)),
    interrupt(LOCAL_INTERRUPT, EXTERNAL, 0, ALL, 0),
    interrupt(LOCAL_INTERRUPT, NON_MASKABLE, 0, ALL, 1),
  ];
}

/** The floating pointer, and behind it the table, for a place on a boundary of 16; nothing without a local APIC. */
export function mpTables(machine: DescribedMachine, address: number): readonly number[] {
  if (!chosenFacts(machine).features.has('APIC')) return [];
  const all = entries(machine);
  const length = HEADER_SIZE + all.flat().length;
  const header = (sum: number): number[] => [
    ...[...text('PCMP', 4), ...bytes(length, 2), REVISION, sum],
    ...[...text('X86VMDBG', 8), ...text('ISA PC', 12), ...bytes(0, 6)],
    ...[...bytes(all.length, 2), ...bytes(LOCAL_APIC, 4), ...bytes(0, 4)],
  ];
  const table = (sum: number): number[] => [...header(sum), ...all.flat()];
  const pointer = (sum: number): number[] => [
    ...[...text('_MP_', 4), ...bytes(address + 16, 4), 1, REVISION, sum, ...bytes(0, 5)],
  ];
  return [...pointer(checksum(pointer(0))), ...table(checksum(table(0)))];
}

/** LINT0 brings what the 8259As say, LINT1 brings NMIs, both as levels; the other entries stay masked. */
const LINT0_EXTERNAL = 0x8700;
const LINT1_NMI = 0x8400;

/** Puts the controllers into virtual wire mode. */
export function startVirtualWire({ state, memory, topology }: FirmwareContext): void {
  if (state.read32(apicSlot.VERSION) === 0) return;
  state.write32(apicSlot.SVR, SVR_ENABLED | 0xff);
  state.write32(apicSlot.LVT_LINT0, LINT0_EXTERNAL);
  state.write32(apicSlot.LVT_LINT1, LINT1_NMI);
  state.onDerivedChange(apicSlot.SVR);
  memory.write(IO_APIC, 4, 0);
  memory.write(IO_APIC + 0x10, 4, (ioApicNumber(topology) << 24) >>> 0);
}
