import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createOverlayStore, memorySource } from '../../machine/overlay-block-store.ts';
import { DS, ES, SS, slot } from '../../state/layout.ts';
import { bootableDisc } from '../bootable-disc.ts';
import { type BiosBench, createBiosBench } from './bios-bench.ts';
import { BIOS_DATA, ebda } from './bios-data.ts';
import { createBuiltinBios } from './builtin-bios.ts';
import { defaultVectors, ROM_BASE, type RomLabels, serviceInterrupts } from './rom.ts';
import { serviceKey } from './service.ts';
import { services } from './services.ts';

describe('the table of services', () => {
  it('has every row once, and only for interrupts that have an entry', () => {
    const keys = services.map(serviceKey);
    expect(new Set(keys).size).toBe(keys.length);
    const entries: readonly number[] = serviceInterrupts;
    expect(services.filter((row) => !entries.includes(row.interrupt))).toEqual([]);
    expect(entries.filter((entry) => !services.some((row) => row.interrupt === entry))).toEqual([]);
  });

  it('answers unknown functions by custom and tells once', () => {
    const bench = createBiosBench();
    const call = (interrupt: number, ax: number) => {
      bench.caller.ax = ax;
      return [bench.call(interrupt).carry, bench.caller.ah];
    };
    expect(call(0x10, 0x4f15)).toEqual([false, 0x4f]);
    expect(call(0x13, 0x4c00)).toEqual([true, 0x01]);
    expect(call(0x15, 0x5400)).toEqual([true, 0x86]);
    expect(call(0x15, 0x5400)).toEqual([true, 0x86]);
    expect(call(0x16, 0x0800)).toEqual([false, 0x08]);
    expect(call(0x1a, 0xb101)).toEqual([true, 0xb1]);
    expect(bench.messages).toEqual([
      'BIOS: INT 10h, AX=4F15h is not provided',
      'BIOS: INT 13h, AX=4C00h is not provided',
      'BIOS: INT 15h, AX=5400h is not provided',
      'BIOS: INT 16h, AX=0800h is not provided',
      'BIOS: INT 1Ah, AX=B101h is not provided',
    ]);
  });
});

describe('the ROM', () => {
  const { rom, hooks } = createBuiltinBios();
  const at = (offset: number, length: number): number[] => [...rom.subarray(offset, offset + length)];

  it('starts with a far jump to F000:E05B and ends with date and model', () => {
    expect(rom.length).toBe(0x10000);
    expect(at(0xfff0, 5)).toEqual([0xea, 0x5b, 0xe0, 0x00, 0xf0]);
    expect(String.fromCharCode(...at(0xfff5, 8))).toMatch(/^\d\d\/\d\d\/\d\d$/);
    expect(rom[0xfffe]).toBe(0xfc);
  });

  it('has its entries where the AT has them', () => {
    for (const offset of [0xf065, 0xf841, 0xf84d, 0xf859, 0xec59, 0xe739, 0xe82e, 0xefd2, 0xfe6e, 0xfea5, 0xff54]) {
      expect(hooks.has(ROM_BASE + offset)).toBe(true);
      expect(rom[offset]).toBe(0x90);
    }
    expect(rom[0xff53]).toBe(0xcf);
    expect(rom[0xe3fe]).toBe(0xe9);
    expect(at(0xefc7, 4)).toEqual([0xdf, 0x02, 0x25, 0x02]);
    expect(at(0xfa6e + 0x41 * 8, 8)).not.toEqual(new Array(8).fill(0));
  });

  it('has a hook only on one-byte instructions that change nothing', () => {
    for (const address of hooks.keys()) expect(rom[address - ROM_BASE]).toBe(0x90);
  });
});

describe('default handlers', () => {
  const hookOf = (bench: BiosBench, vector: number): number => bench.labels.defaultHandlers.get(vector) as number;

  it('return from exceptions and name them', () => {
    const bench = createBiosBench();
    bench.context.memory.write(0x6ffa, 4, 0x07c01234);
    expect(bench.runHook(hookOf(bench, 0))).toBe(hookOf(bench, 0));
    expect(bench.runHook(hookOf(bench, 13))).toBe(hookOf(bench, 13));
    expect(bench.messages).toEqual([
      'BIOS: divide error (#DE) at 07C0:1234 has no handler',
      'BIOS: general protection (#GP) at 07C0:1234 has no handler',
    ]);
  });

  it('acknowledge interrupts at the controllers that have them in service', () => {
    const bench = createBiosBench();
    const raise = (controller: 'pic-master' | 'pic-slave', level: number): void => {
      const state = bench.bus.devices.get(controller)?.state as { isr: number };
      state.isr = 1 << level;
    };
    raise('pic-master', 3);
    expect(bench.runHook(hookOf(bench, 0x0b))).toBe(bench.labels.endMaster);
    raise('pic-slave', 6);
    expect(bench.runHook(hookOf(bench, 0x76))).toBe(bench.labels.endBoth);
    expect(bench.ram[0x48e]).toBe(0xff);
    raise('pic-slave', 0);
    expect(bench.runHook(hookOf(bench, 0x77))).toBe(bench.labels.endMaster);
    expect(bench.messages).toEqual([]);
  });
});

/** Everything a hostile guest may have set before it calls. */
interface Hostility {
  readonly interrupt: number;
  readonly ax: number;
  readonly registers: readonly number[];
  readonly segments: readonly number[];
  readonly biosData: Uint8Array;
  readonly spoilsBiosData: boolean;
}

const registerSlots = [slot.EBX, slot.ECX, slot.EDX, slot.ESI, slot.EDI, slot.EBP, slot.ESP];
const edges = [0, 1, 2, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0xffff_fff0, 0xffff_ffff];
const word32 = fc.oneof(fc.constantFrom(...edges), fc.nat(0xffff), fc.nat(0xffff_ffff));
const knownCalls = services.map(({ interrupt, function: selector }) => ({
  interrupt,
  ax: selector === 'any' ? 0 : 'ax' in selector ? selector.ax : selector.ah << 8,
  exact: selector !== 'any' && 'ax' in selector,
}));

const hostility: fc.Arbitrary<Hostility> = fc
  .record({
    known: fc.constantFrom(...knownCalls),
    al: fc.nat(0xff),
    registers: fc.array(word32, { minLength: registerSlots.length, maxLength: registerSlots.length }),
    segments: fc.array(fc.oneof(fc.constantFrom(0, 0x9000_0, 0xa000_0, 0xb800_0, 0xf_fff0, 0xffff_0000), word32), {
      minLength: 3,
      maxLength: 3,
    }),
    biosData: fc.uint8Array({ minLength: 0x100, maxLength: 0x100 }),
    spoilsBiosData: fc.boolean(),
  })
  .map(({ known, al, ...rest }) => ({
    ...rest,
    interrupt: known.interrupt,
    ax: known.exact ? known.ax : known.ax | al,
  }));

function attack(bench: BiosBench, { interrupt, ax, registers, segments, biosData, spoilsBiosData }: Hostility): void {
  const { state } = bench.context;
  if (spoilsBiosData) {
    bench.ram.set(biosData, BIOS_DATA);
    bench.ram.set(biosData, ebda.SIZE);
  }
  bench.caller.eax = ax;
  registerSlots.forEach((offset, index) => {
    state.write32(offset, registers[index] as number);
  });
  [DS, ES, SS].forEach((segment, index) => {
    state.setSegment(segment, { selector: 0x1234, base: segments[index] as number, limit: 0xffff, attributes: 0x93 });
  });
  const entry = bench.labels.services[interrupt as keyof RomLabels['services']];
  bench.runHook(entry.offset);
}

describe('a hostile guest', () => {
  it('never makes a service throw', () => {
    const disk = createOverlayStore(memorySource('disk.img', new Uint8Array(3000 * 512)));
    const floppy = createOverlayStore(memorySource('floppy.img', new Uint8Array(700)));
    const cdrom = createOverlayStore(memorySource('cd.iso', bootableDisc(new Uint8Array(9000), { media: 2 })));
    let bench = createBiosBench({ disk, floppy, cdrom });
    let calls = 0;
    fc.assert(
      fc.property(hostility, (hostile) => {
        if (calls++ % 50 === 0) bench = createBiosBench({ disk, floppy, cdrom });
        attack(bench, hostile);
      }),
      { numRuns: 600 },
    );
  });

  it('never makes an interrupt handler throw', () => {
    const bench = createBiosBench();
    const { labels } = bench;
    const hooks = [
      labels.timer,
      labels.clock,
      labels.keyboardHook,
      labels.keyboardPauseHook,
      labels.stringStartHook,
      labels.stringPieceHook,
      labels.serialPollHook,
      labels.serialTimeoutHook,
      labels.waitHook,
      labels.sharedDefault,
      labels.printScreen,
      labels.printScreenHook,
      labels.printScreenError,
      labels.printerPollHook,
      labels.printerHook,
      labels.mouseStartHook,
      labels.mouseByteHook,
      labels.mouseEndHook,
      labels.mouseInterruptHook,
      labels.bootFailed,
      labels.bootHook,
      ...defaultVectors.map((vector) => labels.defaultHandlers.get(vector) as number),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...hooks),
        fc.uint8Array({ minLength: 512, maxLength: 512 }),
        word32,
        (hook, data, ax) => {
          bench.ram.set(data.subarray(0, 256), BIOS_DATA);
          bench.ram.set(data.subarray(256), ebda.SIZE);
          bench.caller.eax = ax;
          bench.runHook(hook);
        },
      ),
      { numRuns: 300 },
    );
  });
});
