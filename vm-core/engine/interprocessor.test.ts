/** Messages between local APICs: fixed interrupts, NMIs, INIT and start-up, in xAPIC and x2APIC mode. */
import { describe, expect, it } from 'vitest';
import { type Guest, guest, HANDLER, setVector } from '../devices/rom-guest.ts';
import { slot } from '../state/layout.ts';

const bytesOf = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const PROLOGUE = 13;
/**
 * DS reaches all of memory: MOV CR0 with PE, MOV DS, and back. `at` is where this lies behind F0000h, CS
 * `base` bytes behind it.
 */
const flatAt = (at: number, base = 0) => [
  ...[0xeb, 22, 0x0f, 0x00, ...bytesOf(0xf0000 + at + 8), 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0xff, 0xff, 0x00, 0x00, 0x00, 0x93, 0xcf, 0x00],
  ...[0x2e, 0x66, 0x0f, 0x01, 0x16, (at - base + 2) & 0xff, (at - base + 2) >> 8],
  ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xbb, 0x08, 0x00, 0x8e, 0xdb, 0x24, 0xfe, 0x0f, 0x22, 0xc0],
];
/** MOV DWORD [address],value */
const store = (address: number, value: number) => [0x67, 0x66, 0xc7, 0x05, ...bytesOf(address), ...bytesOf(value)];
const wrmsr = (number: number, low: number, high = 0) => [
  ...[0x66, 0xb9, ...bytesOf(number), 0x66, 0xba, ...bytesOf(high), 0x66, 0xb8, ...bytesOf(low), 0x0f, 0x30],
];
const HALT = [0xf4, 0xeb, 0xfd];
const STI_HALT = [0xfb, ...HALT];
/** Where the others start, by start-up vector F9h, and what they do for an interrupt. */
const OTHERS = 0x9000;
const COUNTS = 0x700;

interface Commands {
  /** Makes the local APIC take messages. */
  readonly enable: readonly number[];
  send(low: number, number?: number): readonly number[];
  readonly end: readonly number[];
  readonly setPriority: (value: number) => readonly number[];
}

const modes: Readonly<Record<'xAPIC' | 'x2APIC', Commands>> = {
  xAPIC: {
    enable: store(0xfee0_00f0, 0x1ff),
    send: (low, number = 0) => [...store(0xfee0_0310, (number << 24) >>> 0), ...store(0xfee0_0300, low)],
    end: store(0xfee0_00b0, 0),
    setPriority: (value) => store(0xfee0_0080, value),
  },
  x2APIC: {
    enable: [...wrmsr(0x1b, 0xfee0_0c00), ...wrmsr(0x80f, 0x1ff)],
    send: (low, number = 0) => wrmsr(0x830, low, number),
    end: wrmsr(0x80b, 0),
    setPriority: (value) => wrmsr(0x808, value),
  },
};
/** The first vCPU must keep its flag in IA32_APIC_BASE. */
const enableFirst = (mode: 'xAPIC' | 'x2APIC') =>
  mode === 'xAPIC' ? modes.xAPIC.enable : [...wrmsr(0x1b, 0xfee0_0d00), ...wrmsr(0x80f, 0x1ff)];

/**
 * Handler at F000:8000 of vCPUs in real mode with DS reaching everything: CPUID leaf 1 tells the number; INC BYTE
 * [COUNTS + number]; end of interrupt.
 */
const handler = (end: readonly number[]) => [
  ...[0x66, 0x60, 0x66, 0xb8, 1, 0, 0, 0, 0x0f, 0xa2, 0x66, 0xc1, 0xeb, 24],
  ...[0x67, 0xfe, 0x83, ...bytesOf(COUNTS), ...end, 0x66, 0x61, 0xcf],
];

function machineOf(count: number, mode: 'xAPIC' | 'x2APIC', main: readonly number[], others: readonly number[]): Guest {
  const { send, end } = modes[mode];
  const topology = { packages: count, coresPerPackage: 1, threadsPerCore: 1 };
  const start = [...send(0xc_4500), ...send(0xc_46f9)];
  const stack = [0x31, 0xc0, 0x8e, 0xd0, 0xbc, 0x00, 0x60];
  const interrupt = handler(end);
  const gap = Array<number>(OTHERS - HANDLER - interrupt.length).fill(0x90);
  const rest = [...stack, ...flatAt(OTHERS + stack.length, OTHERS), ...others];
  return guest(
    [
      ...flatAt(PROLOGUE),
      ...setVector(0x31, HANDLER),
      ...setVector(2, HANDLER),
      ...enableFirst(mode),
      ...start,
      ...main,
    ],
    [...interrupt, ...gap, ...rest],
    { cpuModel: 'max', topology },
  );
}

const countsOf = ({ machine }: Guest) => [...machine.memory.read(COUNTS, machine.cpus.length)];
/** LOOP to itself, for the others to come to their HLT: 4,000 turns of CX. */
const wait = [0xb9, 0xa0, 0x0f, 0xe2, 0xfe];
/** PAUSE passes the turn on, so that the others come to their HLT: MOV CX,200; PAUSE; LOOP back */
const pass = [0xb9, 0xc8, 0x00, 0xf3, 0x90, 0xe2, 0xfc];

describe.each(['xAPIC', 'x2APIC'] as const)('in %s mode', (mode) => {
  const { send, enable, setPriority } = modes[mode];
  const sleeping = [...enable, ...STI_HALT];

  it('fixed interrupts reach one, all, and all others', () => {
    const commands = [...send(0x4031, 2), ...pass, ...send(0x8_4031), ...pass, ...send(0xc_4031), ...pass];
    const several = machineOf(3, mode, [0xfb, ...pass, ...commands, ...HALT], sleeping);
    several.runUntil(1_000_000);
    expect(countsOf(several)).toEqual([1, 2, 3]);
  });

  it('lowest priority finds the one with the least to do, which has to be enabled', () => {
    const raise = setPriority(0x20);
    const commands = [...send(mode === 'x2APIC' ? 0x4931 : 0x4131, mode === 'x2APIC' ? 7 : 0xff), ...pass];
    const several = machineOf(3, mode, [...raise, 0xfb, ...pass, ...commands, ...HALT], sleeping);
    several.runUntil(1_000_000);
    expect(countsOf(several)).toEqual([0, 1, 0]);
    const deaf = machineOf(3, mode, [...raise, 0xfb, ...pass, ...commands, ...HALT], STI_HALT);
    deaf.runUntil(1_000_000);
    expect(countsOf(deaf)[1]).toBe(0);
  });

  it('NMIs come through while interrupts are off', () => {
    const several = machineOf(2, mode, [...pass, ...send(0x4400, 1), ...pass, ...HALT], [...enable, 0xfa, ...HALT]);
    several.runUntil(1_000_000);
    expect(countsOf(several)).toEqual([0, 1]);
  });

  it('start-up is ignored by those that run; INIT makes them wait for it again', () => {
    // INC BYTE [710h]
    const counted = [0x67, 0xfe, 0x05, ...bytesOf(0x710), ...sleeping];
    const again = [...pass, ...send(0x46f9, 1), ...pass];
    const ignored = machineOf(2, mode, [...again, ...HALT], counted);
    ignored.runUntil(1_000_000);
    expect(ignored.machine.memory.read(0x710, 1)[0]).toBe(1);
    const stopped = machineOf(2, mode, [...again, ...send(0x4500, 1), ...pass, ...HALT], counted);
    stopped.runUntil(1_000_000);
    expect(stopped.machine.cpus[1]?.state.read8(slot.WAITS_FOR_STARTUP)).toBe(1);
    const restarted = machineOf(2, mode, [...again, ...send(0x4500, 1), ...send(0x46f9, 1), ...pass, ...HALT], counted);
    restarted.runUntil(1_000_000);
    expect(restarted.machine.memory.read(0x710, 1)[0]).toBe(2);
    expect(restarted.machine.cpus[1]?.state.read8(slot.WAITS_FOR_STARTUP)).toBe(0);
  });
});

describe('the first vCPU', () => {
  it('begins at the reset vector after an INIT, and ignores start-up', () => {
    const { send } = modes.xAPIC;
    // INC BYTE [710h]; CMP BYTE [710h],2; JE to the end
    const first = [...flatAt(PROLOGUE), 0x67, 0xfe, 0x05, ...bytesOf(0x710)];
    const main = [...first, 0x67, 0x80, 0x3d, ...bytesOf(0x710), 2, 0x74, 0x40, ...modes.xAPIC.enable];
    const rest = [...main, ...send(0x46f9), ...send(0x4500)];
    const one = guest([...rest, ...Array<number>(0x60).fill(0x90), ...HALT], [], {
      ...{ cpuModel: 'max', topology: { packages: 2, coresPerPackage: 1, threadsPerCore: 1 } },
    });
    one.runUntil(100_000);
    expect(one.machine.memory.read(0x710, 1)[0]).toBe(2);
    expect(one.machine.cpus.map(({ state }) => state.read8(slot.WAITS_FOR_STARTUP))).toEqual([0, 1]);
  });
});

describe('a triple fault of another vCPU', () => {
  it('is told with its index, and RESET makes it wait again', () => {
    // LIDT of zeros (CS:[at]), INT3
    const faulting = [0x2e, 0x0f, 0x01, 0x1e, 0x00, 0xf0, 0xcc];
    const several = machineOf(2, 'xAPIC', [...wait, ...HALT], faulting);
    expect(several.runUntil(1_000_000)).toMatchObject({ reason: 'triple-fault', cpu: 1 });
    several.machine.reset();
    expect(several.machine.cpus.map(({ state }) => state.read8(slot.WAITS_FOR_STARTUP))).toEqual([0, 1]);
    expect(several.machine.cpus[1]?.linearEip).toBe(0xffff_fff0);
  });
});
