/** Guests in ROM that program the local APIC and the I/O APIC; their interrupts come at the ticks at which they are due. */
import { describe, expect, it } from 'vitest';
import {
  countUp,
  guest,
  HANDLER,
  handlerOf,
  haltForEver,
  out,
  programPics,
  SECOND,
  setVector,
  spinForEver,
} from '../../devices/rom-guest.ts';
import { slot } from '../../state/layout.ts';

const PROLOGUE = 13;
const bytesOf = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

/** DS reaches all of memory: MOV CR0 with PE, MOV DS, and back. */
const flat = [
  ...[0xeb, 22, 0x0f, 0x00, ...bytesOf(0xf0000 + PROLOGUE + 8), 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0xff, 0xff, 0x00, 0x00, 0x00, 0x93, 0xcf, 0x00],
  ...[0x2e, 0x66, 0x0f, 0x01, 0x16, PROLOGUE + 2, 0x00],
  ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xbb, 0x08, 0x00, 0x8e, 0xdb, 0x24, 0xfe, 0x0f, 0x22, 0xc0],
];
/** MOV DWORD [address],value */
const store = (address: number, value: number) => [0x67, 0x66, 0xc7, 0x05, ...bytesOf(address), ...bytesOf(value)];
const apic = (offset: number, value: number) => store(0xfee0_0000 + offset, value);
const ioApic = (index: number, value: number) => [...store(0xfec0_0000, index), ...store(0xfec0_0010, value)];
const enable = apic(0xf0, 0x1ff);
const endOfInterrupt = apic(0xb0, 0);
const counter = handlerOf(...countUp, ...endOfInterrupt);
const wrmsr = (number: number, high: number, low: number) => [
  ...[0x66, 0xb9, ...bytesOf(number), 0x66, 0xba, ...bytesOf(high), 0x66, 0xb8, ...bytesOf(low), 0x0f, 0x30],
];
/** 1,000 ticks of the timer each second: 1193 is 1.0 ms. */
const pit = [...out(0x43, 0x34), ...out(0x40, 1193 & 0xff), ...out(0x40, 1193 >> 8)];
const model = { cpuModel: 'pentium3' } as const;

describe('guests that program the local APIC', () => {
  it('count with its timer, once and periodically, halted and busy', () => {
    for (const end of [haltForEver, spinForEver]) {
      const setUp = [...flat, ...setVector(0x31, HANDLER), ...enable, ...apic(0x3e0, 0xb)];
      const once = guest([...setUp, ...apic(0x320, 0x31), ...apic(0x380, 1000), ...end], counter, model);
      once.runUntil(SECOND / 1000);
      expect(once.words(1)).toEqual([1]);
      const often = guest([...setUp, ...apic(0x320, 0x2_0031), ...apic(0x380, 2000), ...end], counter, model);
      often.runUntil(SECOND / 1000 - 1000);
      expect(often.words(1)).toEqual([99]);
    }
  });

  it('send interrupts to themselves', () => {
    const sends = [...apic(0x300, 0x4_0031), 0xfb, 0x90, 0x90, ...apic(0x300, 0x31), ...apic(0x300, 0x8_0031)];
    const { runUntil, words } = guest(
      [...flat, ...setVector(0x31, HANDLER), ...enable, ...sends, 0xeb, 0xfe],
      counter,
      model,
    );
    runUntil(2000);
    expect(words(1)).toEqual([3]);
  });

  it('send NMIs to themselves, which IF does not hold off', () => {
    const handler = handlerOf(...countUp);
    const { runUntil, words } = guest(
      [...flat, ...setVector(2, HANDLER), ...enable, ...apic(0x300, 0x400), 0xeb, 0xfe],
      handler,
      model,
    );
    runUntil(2000);
    expect(words(1)).toEqual([1]);
  });

  it('send INITs to themselves, and begin again', () => {
    // The counter lies beyond what the prologue writes; a start-up message is for processors that wait for one.
    const main = [...flat, ...countUp, ...enable, ...apic(0x300, 0x61f), ...apic(0x300, 0x4500), 0xeb, 0xfe];
    const { machine, runUntil, words } = guest(main, [], model);
    runUntil(500);
    expect((words(1)[0] as number) > 3).toBe(true);
    expect(machine.cpus[0].state.read8(slot.INIT_PENDING)).toBe(0);
  });

  it('move its page over RAM, which is there again when they turn it off', () => {
    const main = [
      ...[...store(0x2_0000 + 0x30, 0x1234_5678), ...wrmsr(0x1b, 0, 0x2_0900)],
      // MOV EAX,[20030h]; MOV [500h],EAX
      ...[0x67, 0x66, 0xa1, ...bytesOf(0x2_0030), 0x66, 0xa3, 0x00, 0x05],
      ...wrmsr(0x1b, 0, 0x2_0100),
      ...[0x67, 0x66, 0xa1, ...bytesOf(0x2_0030), 0x66, 0xa3, 0x04, 0x05, 0xeb, 0xfe],
    ];
    const { runUntil, words } = guest([...flat, ...main], [], model);
    runUntil(500);
    expect(words(4)).toEqual([0x11, 0x4, 0x5678, 0x1234]);
  });
});

describe('guests with the interrupt controllers of the PC', () => {
  const timer = (...more: number[]) => [
    ...flat,
    ...setVector(8, HANDLER),
    ...programPics,
    ...more,
    ...pit,
    ...haltForEver,
  ];
  const endAtPic = handlerOf(...countUp, ...out(0x20, 0x20));

  it('get their interrupts while the local APIC is off, not enabled, or a virtual wire', () => {
    const without = guest(timer(), endAtPic, { cpuModel: '486' });
    without.runUntil(SECOND / 100);
    expect(without.words(1)).toEqual([11]);
    const ways = [[], wrmsr(0x1b, 0, 0xfee0_0100), [...enable, ...apic(0x350, 0x8700)]];
    for (const way of ways) {
      const { runUntil, words } = guest(timer(...way), endAtPic, model);
      runUntil(SECOND / 100);
      expect(words(1)).toEqual([11]);
    }
  });

  it('get none through a LINT0 that is masked', () => {
    const { runUntil, words } = guest(timer(...enable), endAtPic, model);
    runUntil(SECOND / 100);
    expect(words(1)).toEqual([0]);
  });

  it('get them through the I/O APIC instead, where the timer is at input 2', () => {
    const masked = [...out(0x21, 0xff), ...out(0xa1, 0xff)];
    const route = [...setVector(0x31, HANDLER), ...enable, ...ioApic(0x15, 0), ...ioApic(0x14, 0x31)];
    const { machine, runUntil, words } = guest([...flat, ...masked, ...route, ...pit, ...haltForEver], counter, model);
    runUntil(SECOND / 100);
    expect(words(1)).toEqual([11]);
    expect(machine.devices.get('io-apic')?.description.name).toBe('io-apic');
  });

  it('have no I/O APIC without a local one', () => {
    expect(guest([]).machine.devices.has('io-apic')).toBe(false);
  });
});
