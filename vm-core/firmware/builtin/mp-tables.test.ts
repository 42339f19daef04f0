/** The multiprocessor tables as an operating system reads them (MultiProcessor Specification 1.4 chapter 4). */
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../machine/create-machine.ts';
import { ONE_CPU, type Topology } from '../../cpu/topology.ts';
import type { CpuModel } from '../../isa/cpu-model.ts';
import { apicSlot } from '../../state/layout.ts';
import { createBuiltinBios } from './builtin-bios.ts';
import { ROM_BASE } from './rom.ts';
import { ACPI_POINTER, MP_POINTER } from './table-bytes.ts';

const MIB = 1024 * 1024;

const romOf = (cpuModel: CpuModel, topology: Topology = ONE_CPU) =>
  createBuiltinBios({ machine: { memorySize: MIB, cpuModel, topology } }).rom;
const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

function read(cpuModel: CpuModel, topology: Topology = ONE_CPU) {
  const rom = romOf(cpuModel, topology);
  const pointer = rom.subarray(MP_POINTER, MP_POINTER + 16);
  const at = new DataView(rom.buffer).getUint32(MP_POINTER + 4, true) - ROM_BASE;
  const view = new DataView(rom.buffer, at);
  const table = rom.subarray(at, at + view.getUint16(4, true));
  const entries: Uint8Array[] = [];
  for (let offset = 44; offset < table.length; ) {
    const size = table[offset] === 0 ? 20 : 8;
    entries.push(table.subarray(offset, offset + size));
    offset += size;
  }
  return { pointer, table, view, entries };
}

describe('the multiprocessor tables', () => {
  it('are found by their pointer, and sum up to zero', () => {
    const { pointer, table, view, entries } = read('pentium3');
    expect([textOf(pointer.subarray(0, 4)), pointer[8], pointer[9], sumOf(pointer)]).toEqual(['_MP_', 1, 4, 0]);
    expect((ROM_BASE + MP_POINTER) % 16).toBe(0);
    expect([textOf(table.subarray(0, 4)), table[6], sumOf(table)]).toEqual(['PCMP', 4, 0]);
    expect([view.getUint16(34, true), view.getUint32(36, true)]).toEqual([entries.length, 0xfee0_0000]);
  });

  it('tell of the processor, the bus, the I/O APIC and its inputs', () => {
    const { entries } = read('pentium3');
    const [processor, bus, ioApic, ...interrupts] = entries as [Uint8Array, Uint8Array, Uint8Array, ...Uint8Array[]];
    expect([...processor.subarray(0, 8)]).toEqual([0, 0, 0x11, 3, 0x83, 0x06, 0, 0]);
    expect((processor[9] as number) & 2).toBe(2);
    expect([bus[0], bus[1], textOf(bus.subarray(2))]).toEqual([1, 0, 'ISA   ']);
    expect([...ioApic]).toEqual([2, 1, 0x11, 1, 0, 0, 0xc0, 0xfe]);
    expect([...(interrupts[0] as Uint8Array)]).toEqual([3, 0, 0, 0, 0, 0, 1, 2]);
    const inputs = interrupts.filter(([type]) => type === 3).map((entry) => `${entry[5]} ${entry[7]}`);
    expect(inputs).toEqual(['0 2', '1 1', ...Array.from({ length: 13 }, (_, n) => `${n + 3} ${n + 3}`)]);
    expect(interrupts.slice(-2).map((entry) => [...entry])).toEqual([
      [4, 3, 0, 0, 0, 0, 0xff, 0],
      [4, 1, 0, 0, 0, 0, 0xff, 1],
    ]);
  });

  it('tell of all processors, the first one begins', () => {
    const { entries, table } = read('core2', { packages: 2, coresPerPackage: 3, threadsPerCore: 1 });
    const processors = entries.filter(([type]) => type === 0).map(([, number, , flags]) => `${number} ${flags}`);
    expect(processors).toEqual(['0 3', '1 1', '2 1', '4 1', '5 1', '6 1']);
    expect(entries.find(([type]) => type === 2)?.[1]).toBe(7);
    expect(sumOf(table)).toBe(0);
    const most = read('max', { packages: 16, coresPerPackage: 1, threadsPerCore: 1 });
    expect(most.entries.filter(([type]) => type === 0)).toHaveLength(16);
    expect([most.entries.find(([type]) => type === 2)?.[1], sumOf(most.table)]).toEqual([15, 0]);
  });

  it('stand beside the APIC table of ACPI where there are several', () => {
    const rom = romOf('max', { packages: 1, coresPerPackage: 2, threadsPerCore: 2 });
    const view = new DataView(rom.buffer);
    const pointer = rom.subarray(ACPI_POINTER, ACPI_POINTER + 20);
    expect([textOf(pointer.subarray(0, 8)), sumOf(pointer), (ROM_BASE + ACPI_POINTER) % 16]).toEqual([
      'RSD PTR ',
      0,
      0,
    ]);
    const tableAt = (address: number) =>
      rom.subarray(address - ROM_BASE, address - ROM_BASE + view.getUint32(address - ROM_BASE + 4, true));
    const root = tableAt(view.getUint32(ACPI_POINTER + 16, true));
    expect([textOf(root.subarray(0, 4)), root.length, sumOf(root)]).toEqual(['RSDT', 40, 0]);
    const apics = tableAt(new DataView(root.buffer, root.byteOffset).getUint32(36, true));
    expect([textOf(apics.subarray(0, 4)), sumOf(apics)]).toEqual(['APIC', 0]);
    const entries: string[] = [];
    for (let at = 44; at < apics.length; at += apics[at + 1] as number)
      entries.push([...apics.subarray(at, at + (apics[at + 1] as number))].join(' '));
    expect(entries).toEqual([
      ...[0, 1, 2, 3].map((n) => `0 8 ${n} ${n} 1 0 0 0`),
      ...['1 12 4 0 0 0 192 254 0 0 0 0', '2 10 0 0 2 0 0 0 0 0', '4 6 255 0 0 1'],
    ]);
    expect(romOf('max')[ACPI_POINTER]).not.toBe('R'.charCodeAt(0));
  });

  it('are not there without a local APIC', () => {
    for (const model of ['386', '486'] as const) expect(romOf(model)[MP_POINTER]).not.toBe('_'.charCodeAt(0));
  });

  it('hold for the machine after its start: a virtual wire', () => {
    const machine = createMachine({
      ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: MIB, firmware: 'builtin' },
      ...{ exitDevice: false, startTimeMs: 0 },
    });
    machine.run({ instructionsMax: 100_000, timeMax: 1_000_000 });
    const { state } = machine.cpus[0];
    const read32 = (offset: number) => state.read32(offset);
    expect([apicSlot.SVR, apicSlot.LVT_LINT0, apicSlot.LVT_LINT1].map(read32)).toEqual([0x1ff, 0x8700, 0x8400]);
    expect(machine.devices.get('io-apic')?.state['id']).toBe(0x0100_0000);
  });
});
