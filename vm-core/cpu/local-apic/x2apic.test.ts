/** x2APIC mode and the ways between the modes (SDM vol. 3A §11.12), by RDMSR and WRMSR of a real processor. */
import { describe, expect, it } from 'vitest';
import { createBareMachine } from '../../engine/bare-machine.ts';
import type { CpuModel } from '../../isa/cpu-model.ts';
import { apicSlot, slot } from '../../state/layout.ts';
import { GuestFault, VECTOR_GP } from '../cpu.ts';
import { cpuid } from '../cpuid.ts';
import { readMsr, writeMsr } from '../model-specific-registers.ts';

const BASE = 0x1b;
const OFF = 0xfee0_0100n;
const XAPIC = 0xfee0_0900n;
const X2APIC = 0xfee0_0d00n;

function bench(model: CpuModel = 'max') {
  const { processor } = createBareMachine(0x10000, undefined, model);
  const attempt = <T>(run: () => T): T | undefined => {
    try {
      return run();
    } catch (error) {
      if (error instanceof GuestFault && error.vector === VECTOR_GP) return undefined;
      throw error;
    }
  };
  return {
    processor,
    read: (number: number) => attempt(() => readMsr(processor, number)),
    write: (number: number, value: bigint) =>
      attempt(() => {
        writeMsr(processor, number, value);
        return true;
      }) ?? false,
  };
}

describe('the modes', () => {
  it('change only as the manual lets them', () => {
    const { write, read } = bench();
    const ways: [bigint, boolean][] = [
      [0xfee0_0500n, false],
      [X2APIC, true],
      [XAPIC, false],
      [0xfee0_0500n, false],
      [OFF, true],
      [X2APIC, false],
      [0xfee0_0500n, false],
      [XAPIC, true],
      [OFF, true],
      [XAPIC, true],
    ];
    for (const [value, taken] of ways) {
      const before = read(BASE);
      expect([value, write(BASE, value)]).toEqual([value, taken]);
      expect(read(BASE)).toBe(taken ? value : before);
    }
  });

  it('are two without x2APIC', () => {
    const { write } = bench('core2');
    expect([write(BASE, X2APIC), write(BASE, OFF), write(BASE, XAPIC)]).toEqual([false, true, true]);
  });

  it('lose the registers when it goes off, and CPUID tells', () => {
    const { write, processor } = bench();
    processor.state.write32(apicSlot.TPR, 0x30);
    processor.state.write32(apicSlot.SVR, 0x1ff);
    write(BASE, OFF);
    expect([processor.state.read32(apicSlot.TPR), processor.state.read32(apicSlot.SVR)]).toEqual([0, 0xff]);
    const features = (isApicOff: boolean) =>
      cpuid(processor.model, 1, 0, { control4: 0, ticksPerSecond: 1, isApicOff });
    expect([(features(true).EDX >>> 9) & 1, (features(false).EDX >>> 9) & 1]).toEqual([0, 1]);
  });

  it('have the page in xAPIC mode only, where the base says', () => {
    const { write, processor } = bench();
    expect(processor.linear.ownPage?.start).toBe(0xfee0_0000);
    write(BASE, 0x1_0000_0900n);
    expect(processor.linear.ownPage?.start).toBe(0x1_0000_0000);
    write(BASE, 0x1_0000_0d00n);
    expect(processor.linear.ownPage).toBeUndefined();
  });
});

describe('the registers of x2APIC mode', () => {
  it('are #GP in the others', () => {
    const { read, write } = bench();
    expect([read(0x802), write(0x808, 0n)]).toEqual([undefined, false]);
    write(BASE, OFF);
    expect([read(0x802), write(0x808, 0n)]).toEqual([undefined, false]);
  });

  it('can be read, but for those that are written only and those that are not there', () => {
    const { read, write, processor } = bench();
    processor.state.write32(apicSlot.ID, 0x2500_0000);
    write(BASE, X2APIC);
    const readable = Array.from({ length: 0x100 }, (_, n) => 0x800 + n).filter((number) => read(number) !== undefined);
    const expected = [
      ...[0x802, 0x803, 0x808, 0x809, 0x80a, 0x80d, 0x80f],
      ...Array.from({ length: 24 }, (_, n) => 0x810 + n),
      ...[0x828, 0x830, 0x832, 0x833, 0x834, 0x835, 0x836, 0x837, 0x838, 0x839, 0x83e],
    ];
    expect(readable).toEqual(expected);
    expect([read(0x802), read(0x80d)]).toEqual([0x25n, 0x2_0020n]);
  });

  it('refuse reserved bits, read-only registers, and others than zero where zero it must be', () => {
    const { write } = bench();
    write(BASE, X2APIC);
    const refused: [number, bigint][] = [
      ...([0x802, 0x803, 0x80a, 0x80d, 0x80e, 0x810, 0x831, 0x839, 0x8ff] as const).map((n): [number, bigint] => [
        n,
        0n,
      ]),
      ...[[0x808, 0x100n] as [number, bigint], [0x80b, 1n], [0x828, 1n], [0x80f, 0x400n], [0x832, 0x100n]],
      ...[[0x830, 0x1000n] as [number, bigint], [0x83e, 4n], [0x83f, 0x100n], [0x838, 1n << 32n]],
    ] as [number, bigint][];
    for (const [number, value] of refused) expect([number, write(number, value)]).toEqual([number, false]);
    for (const number of [0x808, 0x80b, 0x80f, 0x828, 0x832, 0x838, 0x83e]) {
      expect([number, write(number, 0n)]).toEqual([number, true]);
    }
  });

  it('send interrupts to itself, by number, by set, by all', () => {
    const { write, read, processor } = bench();
    write(BASE, X2APIC);
    write(0x80f, 0x1ffn);
    const commands: [number, bigint][] = [
      [0x83f, 0x31n],
      [0x830, 0x32n],
      [0x830, (1n << 32n) | 0x33n],
      [0x830, 0x1_0000_0834n],
      [0x830, 0xffff_ffff_0000_0035n],
      [0x830, 0x2_0000_0836n],
    ];
    for (const [number, value] of commands) expect(write(number, value)).toBe(true);
    expect(read(0x821)).toBe((1n << 0x11n) | (1n << 0x12n) | (1n << 0x14n) | (1n << 0x15n));
    expect(processor.interruptPending()).toBe(true);
    expect([processor.acknowledgeInterrupt(), write(0x80b, 0n), read(0x811)]).toEqual([0x35, true, 0n]);
  });

  it('have the task priority, which is CR8', () => {
    const { write, processor } = bench();
    write(BASE, X2APIC);
    write(0x808, 0x73n);
    expect(processor.state.read32(slot.CR8)).toBe(7);
  });

  it('take a deadline in TSC-deadline mode only', () => {
    const { write, read } = bench();
    write(BASE, X2APIC);
    write(0x80f, 0x1ffn);
    expect([write(0x6e0, 0x1000_0000n), read(0x6e0)]).toEqual([true, 0n]);
    write(0x832, 0x4_0040n);
    expect([write(0x6e0, 0x1000_0000n), read(0x6e0)]).toEqual([true, 0x1000_0000n]);
  });
});
