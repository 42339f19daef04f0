/** The multiprocessor tables as an operating system reads them (MultiProcessor Specification 1.4 chapter 4). */
import { describe, expect, it } from 'vitest';
import { createMachine } from '../../machine/create-machine.ts';
import type { CpuModel } from '../../isa/cpu-model.ts';
import { apicSlot } from '../../state/layout.ts';
import { createBuiltinBios } from './builtin-bios.ts';
import { MP_POINTER, ROM_BASE } from './rom.ts';

const MIB = 1024 * 1024;

const romOf = (cpuModel: CpuModel) => createBuiltinBios({ machine: { memorySize: MIB, cpuModel } }).rom;
const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
const textOf = (bytes: Uint8Array) => String.fromCharCode(...bytes);

function read(cpuModel: CpuModel) {
  const rom = romOf(cpuModel);
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
