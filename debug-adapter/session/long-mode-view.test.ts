/** What a debugger sees in 64-bit mode: the registers of the mode, addresses in the upper half, 64-bit disassembly. */
import { describe, expect, it } from 'vitest';
import { createMachine, findRegister } from '../../vm-core/index.ts';
import { Guest } from './guest.ts';
import { isAtOrAbove } from './instruction-step.ts';
import { compileExpression } from '../expressions/compile.ts';
import { formatReference, parseReference, placeOf, readPlace, resolvePlaceName, writePlace } from './places.ts';
import { stackFrames } from './stack-frames.ts';
import { formatLane, type LaneView, lanePart, laneViews, parseLane, viewName } from './register-lanes.ts';
import { RegisterView, SCOPE_REFERENCE } from './register-view.ts';

const PROGRAM = 0x7c00;
const LONG_CODE = 0xa9b;

/** A machine that was put into 64-bit mode without page tables: addresses are physical. */
function longGuest(): Guest {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'x86-64-v3', memorySize: 1 << 20, firmware: 'builtin' },
    ...{ exitDevice: false, startTimeMs: 0 },
  });
  const { state } = machine.cpus[0];
  const write = (name: string, value: bigint) => {
    const register = findRegister(name);
    if (!register) throw new Error(name);
    state.writeRegister(register, value);
  };
  write('CR0', 1n);
  write('EFER', 0x500n);
  state.setSegment(1, { selector: 8, base: 0x1000, limit: 0xffff_ffff, attributes: LONG_CODE });
  write('RIP', BigInt(PROGRAM));
  write('RAX', 0xffff_8000_0000_1234n);
  write('R15', 15n);
  write('RSP', 0x7000n);
  write('FS.base', 0xffff_ffff_8000_0000n);
  machine.memory.write(PROGRAM, Uint8Array.from([0x48, 0x8b, 0x05, 0x02, 0, 0, 0, 0xeb, 0xf7]));
  machine.memory.write(0x7000, Uint8Array.from([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
  return new Guest(machine, { label: () => undefined, nearestLabel: () => undefined, labels: () => [] } as never);
}

describe('64-bit mode', () => {
  it('guesses callers by return addresses of eight bytes', () => {
    const guest = longGuest();
    guest.machine.memory.write(PROGRAM - 5, Uint8Array.from([0xe8, 0, 0, 0, 0]));
    const stack = new DataView(new ArrayBuffer(24));
    stack.setBigUint64(0, 0x1234_5678n, true);
    stack.setBigUint64(8, BigInt(PROGRAM), true);
    guest.machine.memory.write(0x7000, new Uint8Array(stack.buffer));
    expect(stackFrames(guest).frames).toMatchObject([
      { origin: 'processor', address: PROGRAM, codeSize: 64 },
      { origin: 'guessed', address: PROGRAM, stackOffset: 0x7010, codeSize: 64 },
    ]);
  });

  it('shows its own registers, whole', () => {
    const shown = new Map(
      new RegisterView(longGuest(), undefined)
        .children(SCOPE_REFERENCE)
        ?.map(({ variable }) => [variable.name, variable.value]),
    );
    expect([...shown.keys()].slice(0, 18)).toEqual([
      ...['RAX', 'RBX', 'RCX', 'RDX', 'RSI', 'RDI', 'RBP', 'RSP'],
      ...['R8', 'R9', 'R10', 'R11', 'R12', 'R13', 'R14', 'R15', 'RIP', 'RFLAGS'],
    ]);
    expect(shown.get('RAX')).toBe('0xffff800000001234');
    expect(shown.get('FS')).toContain('base 0xffffffff80000000');
    expect(shown.has('EAX')).toBe(false);
  });

  it('disassembles 64-bit code, whatever the base of CS', () => {
    const guest = longGuest();
    expect(guest.decode(PROGRAM)).toMatchObject({ text: 'mov rax, [rel 0x7c09]', length: 7 });
    expect(guest.decode(PROGRAM + 7)).toMatchObject({ text: 'jmp 0x7c00', target: PROGRAM });
  });

  it('reads words of 64 bits and keeps addresses of the upper half apart', () => {
    const guest = longGuest();
    expect(guest.stackSize).toBe(64);
    expect(guest.readInteger(guest.stackPointer, 8)).toBe(-2);
    expect(isAtOrAbove(guest, 0x7000)).toBe(true);
    expect(isAtOrAbove(guest, 0x1_0000_7000)).toBe(false);
    expect(isAtOrAbove(guest, -0x8000_0000)).toBe(true);
    const place = parseReference('0xffff800000001234');
    expect(place.address).toBe(-0x7fff_ffff_edcc);
    expect(formatReference(place)).toBe('0xffff800000001234');
  });
});

/** A machine with 5-level paging, whose memory appears as the direct map of a kernel for 57 bits does. */
function wideGuest(): Guest {
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: 1 << 20, firmware: 'builtin' },
    ...{ exitDevice: false, startTimeMs: 0 },
  });
  const { state } = machine.cpus[0];
  const entry = (table: number, index: number, value: number): void => {
    machine.memory.write(table + index * 8, Uint8Array.of(value & 0xff, (value >> 8) & 0xff, value >> 16));
  };
  // FF11000000000000h: index 273 of the first table, 0 in the others; a page of 2 MiB.
  entry(0x10000, 273, 0x11007);
  entry(0x11000, 0, 0x12007);
  entry(0x12000, 0, 0x13007);
  entry(0x13000, 0, 0x87);
  const write = (name: string, value: bigint) => {
    const register = findRegister(name);
    if (!register) throw new Error(name);
    state.writeRegister(register, value);
  };
  write('CR3', 0x10000n);
  write('CR4', 0x1020n);
  write('EFER', 0x500n);
  write('CR0', 0x8000_0001n);
  state.setSegment(1, { selector: 8, base: 0, limit: 0xffff_ffff, attributes: LONG_CODE });
  machine.memory.write(
    0x8000,
    Uint8Array.from({ length: 32 }, (_, index) => index + 1),
  );
  return new Guest(machine, { label: () => undefined, nearestLabel: () => undefined, labels: () => [] } as never);
}

describe('addresses beyond 2^53', () => {
  const DIRECT = '0xff11000000008001';

  it('are read and written to the byte', () => {
    const guest = wideGuest();
    expect(guest.vcpu.paging.rules.levels).toBe(5);
    expect([...readPlace(guest, placeOf(guest, DIRECT), 4)]).toEqual([2, 3, 4, 5]);
    expect([...readPlace(guest, placeOf(guest, DIRECT, 2), 2)]).toEqual([4, 5]);
    expect(formatReference(placeOf(guest, DIRECT, 2), 64)).toBe('0xff11000000008003');
    const value = (text: string) => compileExpression(text, guest.expressions).evaluate();
    expect(value(`byte[${DIRECT}]`)).toBe(2);
    expect(value(`qword[${DIRECT} + 2]`)).toBe(0x0b0a_0908_0706_0504n);
    expect(value(`physical(${DIRECT})`)).toBe(0x8001n);
    expect(writePlace(guest, placeOf(guest, DIRECT), Uint8Array.of(0xaa))).toBe(1);
    expect([...guest.machine.memory.read(0x8000, 3)]).toEqual([1, 0xaa, 3]);
    expect(readPlace(guest, placeOf(guest, '0xfeffffffffffffff'), 1)).toHaveLength(0);
  });

  it('cannot be stopped at, and say so', () => {
    const guest = wideGuest();
    expect(() => resolvePlaceName(guest, DIRECT)).toThrow('lies beyond 2^53');
  });
});

describe('registers of the other units', () => {
  it('are numbers with their tags, and vectors in lanes of each size', () => {
    const guest = longGuest();
    const { state } = guest.machine.cpus[0];
    const write = (name: string, value: bigint) => {
      const register = findRegister(name);
      if (!register) throw new Error(name);
      state.writeRegister(register, value);
    };
    write('FSW', 6n << 11n);
    write('FTW', 0xc1n);
    write('FPR6', (0xc000n << 64n) | 0xc000_0000_0000_0000n);
    write('FPR7', (0x7fffn << 64n) | (1n << 63n));
    const view = () => new RegisterView(guest, undefined);
    const set = view()
      .children(SCOPE_REFERENCE)
      ?.find(({ variable }) => variable.name === 'Floating point (x87)')?.variable.variablesReference as number;
    const stack = view().children(set)?.slice(0, 8) ?? [];
    expect(stack.slice(0, 4).map(({ variable: { name, value } }) => `${name} ${value}`)).toEqual([
      ...['ST0 -3 · valid, FPR6', 'ST1 Infinity · special, FPR7', 'ST2 0 · zero, FPR0', 'ST3 0 · empty, FPR1'],
    ]);
    expect(stack[0]?.parse?.('0.5')).toBe((0x3ffen << 64n) | (1n << 63n));
    expect(stack[0]?.parse?.('eax')).toBeUndefined();
  });
});

it('lanes of a vector are parts of it', () => {
  const register = findRegister('YMM3') as Parameters<typeof laneViews>[0];
  const views = laneViews(register).map((lanes) => viewName(register, lanes));
  expect(views).toEqual(['v8_float', 'v4_double', 'v32_int8', 'v16_int16', 'v8_int32', 'v4_int64']);
  const [single, , , words] = laneViews(register) as [LaneView, LaneView, LaneView, LaneView];
  expect(lanePart(register, words, 5)).toMatchObject({ name: '[5]', low: 80, width: 16 });
  expect([formatLane(0x3fc0_0000n, single, 'x'), formatLane(0xffffn, words, 'd')]).toEqual([
    ...['1.5', '-1 (65535 unsigned)'],
  ]);
  expect([parseLane('-2', single), parseLane('-2', words)]).toEqual([0xc000_0000n, undefined]);
});
