/** Machines whose local APIC is hidden from the guest: LINT0 and LINT1 are INTR and NMI, and nothing tells of an APIC. */
import { describe, expect, it } from 'vitest';
import type { Device, DeviceContext, DeviceDescription } from '../../devices/device.ts';
import {
  countUp,
  endOfInterrupt,
  guest,
  HANDLER,
  haltForEver,
  handlerOf,
  out,
  programPics,
  SECOND,
  setVector,
  spinForEver,
} from '../../devices/rom-guest.ts';
import { createBuiltinBios } from '../../firmware/builtin/builtin-bios.ts';
import { ACPI_POINTER, MP_POINTER } from '../../firmware/builtin/table-bytes.ts';
import { chosenFacts, cpuModels, modelFacts } from '../../isa/cpu-model.ts';
import { CS, DS, slot } from '../../state/layout.ts';
import { cpuid } from '../cpuid.ts';
import { modelSpecificRegisters } from '../model-specific-registers.ts';

const hidden = { cpuModel: 'max', localApic: 'hidden' } as const;
const bytesOf = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

const NMI_PORT = 0x500;
const NMI_HANDLER = HANDLER + 0x40;
const description: DeviceDescription<Record<string, never>> = {
  ...{ name: 'nmi-switch', title: 'What is written is the level of NMI', specification: 'this test', version: 1 },
  registers: [],
};
const nmiSwitch = (context: DeviceContext): Device => {
  const write = (_offset: number, _size: number, value: number) => context.setLine('nmi', value !== 0);
  const level = { size: 1, width: 8, read: () => 0, write } as const;
  return { description, state: {}, ports: { level }, reset: () => {} };
};
const devices = [
  { name: 'switch', create: nmiSwitch, ports: { level: NMI_PORT }, lines: { nmi: 'machine.nmi' } },
] as const;

describe('a guest whose local APIC is hidden', () => {
  /** Counts ticks of the timer; behind it the handler of NMIs, which counts in the next word. */
  const counting = handlerOf(...countUp, ...endOfInterrupt);
  const handlers = [...counting, ...Array(0x40 - counting.length).fill(0x90), 0xff, 0x06, 0x02, 0x05, 0xcf];
  const pit = [...out(0x43, 0x34), ...out(0x40, 1193 & 0xff), ...out(0x40, 1193 >> 8)];
  const pulse = [...out(NMI_PORT, 1), ...out(NMI_PORT, 0)];
  const vectors = [...setVector(8, HANDLER), ...setVector(2, NMI_HANDLER)];

  it.each([
    ['halted', haltForEver],
    ['busy', spinForEver],
  ])('takes interrupts of the 8259s and NMIs, %s', (_, end) => {
    const main = [...vectors, ...programPics, ...pulse, ...pulse, ...pit, ...end];
    const { runUntil, words } = guest(main, handlers, { ...hidden, devices });
    runUntil(SECOND / 100);
    expect(words(2)).toEqual([11, 2]);
  });

  it('takes NMIs, which IF does not hold off, and no interrupts while IF is clear', () => {
    const main = [...vectors, ...programPics, ...pit, ...pulse, 0xeb, 0xfe];
    const { runUntil, words } = guest(main, handlers, { ...hidden, devices });
    runUntil(SECOND / 100);
    expect(words(2)).toEqual([0, 1]);
  });

  it('finds no register of it', () => {
    const msr = (number: number, opcode: number) => [0x66, 0xb9, ...bytesOf(number), 0x0f, opcode];
    const all = [0x1b, 0x6e0, 0x802, 0x830].flatMap((number) => [...msr(number, 0x32), ...msr(number, 0x30)]);
    // PUSH BP; MOV BP,SP; ADD WORD [BP+2],2; POP BP; INC WORD [500h]; IRET
    const skip = [0x55, 0x89, 0xe5, 0x83, 0x46, 0x02, 0x02, 0x5d, ...countUp, 0xcf];
    const faults = (changes: Parameters<typeof guest>[2]) => {
      const { runUntil, words } = guest([...setVector(13, HANDLER), ...all, 0xf4], skip, changes);
      runUntil(1000);
      return words(1)[0];
    };
    expect(faults(hidden)).toBe(8);
    expect(faults({ cpuModel: 'max', localApic: 'model' })).toBeLessThan(8);
  });

  it('finds nothing where its page would be', () => {
    const { machine } = guest([0xf4], [], hidden);
    const [{ state }] = machine.cpus;
    machine.run({ instructionsMax: 1 });
    const messages: string[] = [];
    machine.onLog = (message) => messages.push(message);
    // MOV EAX,[EBX] with a DS of 4 GiB
    machine.memory.write(0x600, Uint8Array.of(0x67, 0x66, 0x8b, 0x03));
    for (const segment of [CS, DS])
      state.setSegment(segment, { ...state.segment(segment), base: 0, limit: 0xffff_ffff });
    state.write32(slot.EBX, 0xfee0_0030);
    state.eip = 0x600;
    machine.run({ instructionsMax: 1 });
    expect(state.read32(slot.EAX)).toBe(0xffff_ffff);
    expect(messages).toEqual(['no memory and no device at physical address FEE00030h (first access: read)']);
    expect(machine.devices.has('io-apic')).toBe(false);
  });

  it('is alone', () => {
    const topology = { packages: 2, coresPerPackage: 1, threadsPerCore: 1 };
    expect(() => guest([0xf4], [], { ...hidden, topology })).toThrow(
      'cpus: with localApic "hidden" a processor is alone; leave it away, or give one processor',
    );
    expect(() => guest([0xf4], [], { ...hidden, cpuModel: '486', topology })).toThrow('cpus: a 486 has no local APIC');
  });
});

describe('hiding the local APIC', () => {
  const surroundings = { control4: 0, ticksPerSecond: 1 };
  const APIC_BITS = [
    [1, 'ECX', (1 << 21) | (1 << 24)],
    [1, 'EDX', 1 << 9],
    [0x8000_0001, 'EDX', 1 << 9],
  ] as const;

  it.each(cpuModels)('takes its bits from CPUID and its registers from MSRs of %s, and nothing else', (cpuModel) => {
    const [with_, without] = [modelFacts(cpuModel), chosenFacts({ cpuModel, localApic: 'hidden' })];
    for (const leaf of [0, 1, 6, 7, 0xa, 0x8000_0001]) {
      const expected = cpuid(with_, leaf, 0, surroundings);
      for (const [at, register, bits] of APIC_BITS)
        if (at === leaf) expected[register] = (expected[register] & ~bits) >>> 0;
      // Beyond the highest leaf the answer is that of the highest one.
      if (leaf <= with_.leafMax || (leaf >= 0x8000_0000 && leaf <= with_.extendedLeafMax))
        expect(cpuid(without, leaf, 0, surroundings)).toEqual(expected);
    }
    const gone = [...modelSpecificRegisters(with_).values()].filter(
      ({ number }) => !modelSpecificRegisters(without).has(number),
    );
    expect(
      gone.map(({ number }) => number).every((number) => number === 0x1b || number === 0x6e0 || number >> 8 === 8),
    ).toBe(true);
    expect(gone.length > 0).toBe(modelFacts(cpuModel).features.has('APIC'));
  });

  it('leaves no tables of the firmware that tell of it', () => {
    const tablesOf = (localApic: 'model' | 'hidden') => {
      const { rom } = createBuiltinBios({ machine: { memorySize: 1 << 20, cpuModel: 'max', localApic } });
      return [MP_POINTER, ACPI_POINTER].map((at) => String.fromCharCode(...rom.subarray(at, at + 4)));
    };
    expect(tablesOf('model')[0]).toBe('_MP_');
    expect(tablesOf('hidden').every((name) => name !== '_MP_' && name !== 'RSD ')).toBe(true);
  });
});
