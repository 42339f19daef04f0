/** The local APIC by the manual (SDM vol. 3A chapter 11): registers, priorities, messages, pins, errors. */
import { describe, expect, it } from 'vitest';
import { DELIVER_FIXED, DELIVER_INIT, DELIVER_NMI, EVERYBODY } from '../../devices/interrupt-bus.ts';
import { apicSlot, slot } from '../../state/layout.ts';
import { createApicBench } from './apic-bench.ts';

const ID = 0x20;
const TPR = 0x80;
const PPR = 0xa0;
const EOI = 0xb0;
const LDR = 0xd0;
const DFR = 0xe0;
const SVR = 0xf0;
const ISR = 0x100;
const TMR = 0x180;
const IRR = 0x200;
const ESR = 0x280;
const ICR = 0x300;
const ICR_HIGH = 0x310;
const LINT0 = 0x350;
const LINT1 = 0x360;
const ERROR = 0x370;
const ON = 0x1ff;
const SELF = 0x4_0000;

function enabled() {
  const bench = createApicBench();
  bench.write(SVR, ON);
  return bench;
}

const fixed = { mode: DELIVER_FIXED, isLevel: false, isLogical: false };

describe('the registers after RESET', () => {
  it('are those of the manual', () => {
    const { read, page } = createApicBench();
    expect(page()?.start).toBe(0xfee0_0000);
    expect([ID, TPR, PPR, LDR, DFR, SVR, ESR, ICR, ICR_HIGH].map(read)).toEqual([
      0, 0, 0, 0, 0xffff_ffff, 0xff, 0, 0, 0,
    ]);
    expect([0x320, 0x330, 0x340, LINT0, LINT1, ERROR].map(read)).toEqual(Array(6).fill(0x1_0000));
    expect([0x380, 0x390, 0x3e0].map(read)).toEqual([0, 0, 0]);
    for (let n = 0; n < 24; n++) expect(read(ISR + n * 16)).toBe(0);
  });

  it('tell how many entries a model has', () => {
    expect(createApicBench('pentium').read(0x30)).toBe(0x03_0010);
    expect(createApicBench('pentium3').read(0x30)).toBe(0x04_0011);
    expect(createApicBench('max').read(0x30)).toBe(0x05_0014);
    expect(createApicBench('486').page()).toBeUndefined();
  });

  it('cannot be unmasked while software has the local APIC off, and are masked when it goes off', () => {
    const { read, write } = createApicBench();
    write(LINT0, 0x700);
    expect(read(LINT0)).toBe(0x1_0700);
    write(SVR, ON);
    write(LINT0, 0x700);
    expect(read(LINT0)).toBe(0x700);
    write(SVR, 0xff);
    expect(read(LINT0)).toBe(0x1_0700);
  });

  it('are lost to writes of a part, and read as zeros between', () => {
    const { read, page, messages } = enabled();
    page()?.region.write(TPR, 1, 0x40);
    page()?.region.write(TPR + 4, 4, 0x40);
    expect([read(TPR), read(TPR + 4)]).toEqual([0, 0]);
    expect(page()?.region.read(SVR + 1, 1)).toBe(1);
    expect(messages.length).toBeGreaterThan(0);
  });
});

describe('fixed interrupts', () => {
  it('are taken by priority, and one in service holds off its class', () => {
    const { read, write, unit } = enabled();
    for (const vector of [0x31, 0x52, 0x55]) write(ICR, SELF | vector);
    expect([read(IRR + 16), read(IRR + 32)]).toEqual([1 << 0x11, (1 << 0x12) | (1 << 0x15)]);
    expect(unit.apic.acknowledge()).toBe(0x55);
    expect([read(PPR), read(ISR + 32), read(IRR + 32)]).toEqual([0x50, 1 << 0x15, 1 << 0x12]);
    expect(unit.apic.interruptPending()).toBe(false);
    write(ICR, SELF | 0x61);
    expect(unit.apic.acknowledge()).toBe(0x61);
    expect(read(PPR)).toBe(0x60);
    write(EOI, 0);
    expect([read(PPR), unit.apic.interruptPending()]).toEqual([0x50, false]);
    write(EOI, 0);
    expect([unit.apic.acknowledge(), unit.apic.interruptPending()]).toEqual([0x52, false]);
    write(EOI, 0);
    expect(unit.apic.acknowledge()).toBe(0x31);
  });

  it('wait for the task priority, which is CR8 too', () => {
    const { read, write, unit, state } = enabled();
    write(TPR, 0x57);
    expect([state.read32(slot.CR8), read(PPR)]).toEqual([5, 0x57]);
    write(ICR, SELF | 0x5f);
    expect(unit.apic.interruptPending()).toBe(false);
    state.write32(slot.CR8, 4);
    state.onDerivedChange(slot.CR8);
    expect([read(TPR), unit.apic.interruptPending()]).toEqual([0x40, true]);
    write(TPR, 0xff);
    expect([state.read32(slot.CR8), unit.apic.interruptPending()]).toEqual([15, false]);
  });

  it('give the spurious vector where none is to be taken', () => {
    const { write, unit } = enabled();
    write(SVR, 0x1cf);
    expect(unit.apic.acknowledge()).toBe(0xcf);
  });

  it('do not come while software has it off', () => {
    const { write, unit, read } = createApicBench();
    write(ICR, SELF | 0x40);
    expect([unit.apic.interruptPending(), read(IRR + 32)]).toEqual([false, 0]);
  });

  it('tell I/O APICs of the end of levels, and only of those', () => {
    const { write, bus, unit, read } = enabled();
    const ends: number[] = [];
    bus.onEnd((vector) => ends.push(vector));
    bus.send({ ...fixed, vector: 0x41, destination: 0, isLevel: true });
    bus.send({ ...fixed, vector: 0x42, destination: 0 });
    expect(read(TMR + 32)).toBe(1 << 1);
    for (let n = 0; n < 2; n++) {
      unit.apic.acknowledge();
      write(EOI, 0);
    }
    expect(ends).toEqual([0x41]);
  });
});

describe('messages', () => {
  it('reach it by its number, and everybody', () => {
    const { write, bus, takeAll } = enabled();
    write(ID, 0x0300_0000);
    expect(bus.send({ ...fixed, destination: 0, vector: 0x40 })).toBe(false);
    expect(bus.send({ ...fixed, destination: 3, vector: 0x41 })).toBe(true);
    expect(bus.send({ ...fixed, destination: EVERYBODY, vector: 0x52 })).toBe(true);
    expect(takeAll()).toEqual([0x52, 0x41]);
  });

  it('reach it by logical destinations, flat and in clusters', () => {
    const { write, bus } = enabled();
    const reaches = (destination: number) => bus.send({ ...fixed, isLogical: true, destination, vector: 0x40 });
    write(LDR, 0x2400_0000);
    expect([0x04, 0x20, 0xdb, 0x24].map(reaches)).toEqual([true, true, false, true]);
    write(DFR, 0);
    expect(createApicBench().read(DFR)).toBe(0xffff_ffff);
    expect([0x04, 0x20, 0x24, 0x2b, 0xf4].map(reaches)).toEqual([false, false, true, false, true]);
  });

  it('of the command register go where it says', () => {
    const { write, takeAll, unit } = enabled();
    write(ICR, 0x30);
    write(ICR_HIGH, 0x0100_0000);
    write(ICR, 0x41);
    write(ICR_HIGH, 0xff00_0000);
    write(ICR, 0x52);
    write(ICR, 0x8_0063);
    write(ICR, 0xc_0074);
    expect(takeAll()).toEqual([0x63, 0x52, 0x30]);
    expect(unit.apic.number).toBe(0);
  });

  it('raise NMI and INIT', () => {
    const { bus, state, write } = enabled();
    bus.send({ ...fixed, mode: DELIVER_NMI, destination: 0, vector: 0 });
    expect([state.read8(slot.NMI_PENDING), state.read8(slot.INIT_PENDING)]).toEqual([1, 0]);
    // Level de-assert is for arbitration numbers.
    write(ICR, SELF | 0x8500);
    expect(state.read8(slot.INIT_PENDING)).toBe(0);
    bus.send({ ...fixed, mode: DELIVER_INIT, destination: 0, vector: 0 });
    expect(state.read8(slot.INIT_PENDING)).toBe(1);
  });
});

describe('the pins', () => {
  it('pass it by until it is enabled', () => {
    const { external, unit, state } = createApicBench();
    external.push(0x20);
    expect([unit.apic.interruptPending(), unit.apic.acknowledge()]).toEqual([true, 0x20]);
    unit.apic.setPin(1, true);
    expect(state.read8(slot.NMI_PENDING)).toBe(1);
  });

  it('bring external interrupts through LINT0, whatever the priority', () => {
    const { write, external, unit, takeAll } = enabled();
    external.push(0x20);
    expect(unit.apic.interruptPending()).toBe(false);
    write(LINT0, 0x8700);
    write(TPR, 0xff);
    expect([unit.apic.interruptPending(), unit.apic.acknowledge()]).toEqual([true, 0x20]);
    write(TPR, 0);
    external.push(0x21);
    write(ICR, SELF | 0x30);
    unit.apic.acknowledge();
    expect(takeAll()).toEqual([0x21]);
    write(LINT0, 0x1_8700);
    external.push(0x22);
    expect(unit.apic.interruptPending()).toBe(false);
  });

  it('bring fixed interrupts by edges and levels', () => {
    const { write, unit, read, takeAll } = enabled();
    write(LINT0, 0x60);
    unit.apic.setPin(0, true);
    expect([takeAll(), takeAll()]).toEqual([[0x60], []]);
    unit.apic.setPin(0, false);
    write(LINT0, 0x8061);
    unit.apic.setPin(0, true);
    expect(read(LINT0)).toBe(0xc061);
    expect(unit.apic.acknowledge()).toBe(0x61);
    write(EOI, 0);
    expect([read(LINT0), unit.apic.interruptPending()]).toEqual([0xc061, true]);
    unit.apic.setPin(0, false);
    expect([takeAll(), read(LINT0)]).toEqual([[0x61], 0x8061]);
  });

  it('bring NMI through LINT1', () => {
    const { write, unit, state } = enabled();
    unit.apic.setPin(1, true);
    expect(state.read8(slot.NMI_PENDING)).toBe(0);
    unit.apic.setPin(1, false);
    write(LINT1, 0x400);
    unit.apic.setPin(1, true);
    expect(state.read8(slot.NMI_PENDING)).toBe(1);
  });
});

describe('errors', () => {
  it('show after a write of the status register, and raise their interrupt once', () => {
    const { read, write, takeAll, bus } = enabled();
    write(ERROR, 0xfe);
    write(ICR, SELF | 0x0f);
    bus.send({ ...fixed, destination: 0, vector: 3 });
    read(0x40);
    expect(read(ESR)).toBe(0);
    expect(takeAll()).toEqual([0xfe]);
    write(ESR, 0);
    expect(read(ESR)).toBe(0xe0);
    write(ESR, 0);
    expect(read(ESR)).toBe(0);
  });

  it('of an error vector that is illegal itself end', () => {
    const { read, write, takeAll } = enabled();
    write(ERROR, 0x05);
    write(ICR, SELF | 0x0f);
    write(ESR, 0);
    expect([read(ESR), takeAll()]).toEqual([0x60, []]);
  });
});

describe('what a debugger writes', () => {
  it('takes effect', () => {
    const { state, unit, read } = enabled();
    state.write32(apicSlot.IRR0 + 16, 1);
    state.onDerivedChange(apicSlot.IRR0 + 16);
    expect(unit.apic.interruptPending()).toBe(true);
    state.write32(apicSlot.TPR, 0x90);
    state.onDerivedChange(apicSlot.TPR);
    expect([unit.apic.interruptPending(), read(PPR), state.read32(slot.CR8)]).toEqual([false, 0x90, 9]);
  });
});
