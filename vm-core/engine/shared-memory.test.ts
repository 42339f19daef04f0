/** What vCPUs see of each other in memory: page tables, code that another one writes, breakpoints and watchpoints of one. */
import { describe, expect, it } from 'vitest';
import { guest } from '../devices/rom-guest.ts';
import type { Breakpoint, Machine, Watchpoint } from '../machine/machine.ts';
import type { Vcpu } from '../machine/vcpu.ts';
import { CR0_PE, CR0_PG } from '../state/control-bits.ts';
import { CS, DS, slot, SS } from '../state/layout.ts';

const bytesOf = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const DIRECTORY = 0x10_0000;
const TABLE = 0x10_1000;
const PAGE = 0x5000;
const [FIRST, SECOND] = [0x20_000, 0x30_000];
const RESULT = 0x3000;

/** MOV EAX,[address]; MOV [address],EAX; MOV DWORD [address],value; INVLPG [address]; JMP to itself */
const load = (address: number) => [0xa1, ...bytesOf(address)];
const save = (address: number) => [0xa3, ...bytesOf(address)];
const put = (address: number, value: number) => [0xc7, 0x05, ...bytesOf(address), ...bytesOf(value)];
const invlpg = (address: number) => [0x0f, 0x01, 0x3d, ...bytesOf(address)];
const spin = [0xeb, 0xfe];

/** Two vCPUs in flat protected mode with paging, each at its program; linear addresses are physical but for PAGE. */
function pairOf(first: readonly number[], second: readonly number[]): { machine: Machine; cpus: readonly Vcpu[] } {
  const topology = { packages: 1, coresPerPackage: 2, threadsPerCore: 1 };
  const { machine } = guest([], [], { cpuModel: 'max', topology });
  const word = (address: number, value: number) => machine.memory.write(address, Uint8Array.from(bytesOf(value)));
  word(DIRECTORY, TABLE | 7);
  for (let page = 0; page < 0x200; page++) word(TABLE + page * 4, (page << 12) | 7);
  word(TABLE + (PAGE >> 12) * 4, FIRST | 7);
  word(FIRST, 0x1111_1111);
  word(SECOND, 0x2222_2222);
  [first, second].forEach((program, index) => {
    const start = 0x4_0000 + index * 0x1_0000;
    const { state } = machine.cpus[index] as Vcpu;
    machine.memory.write(start, Uint8Array.from([...program, ...spin]));
    state.write8(slot.WAITS_FOR_STARTUP, 0);
    for (const segment of [CS, SS, DS]) {
      const attributes = segment === CS ? 0xc9b : 0xc93;
      state.setSegment(segment, { selector: 8, base: 0, limit: 0xffff_ffff, attributes });
    }
    state.write64(slot.CR3, BigInt(DIRECTORY));
    state.write32(slot.CR0, (CR0_PE | CR0_PG) >>> 0);
    state.eip = start;
    for (const changed of [slot.CR3, slot.CR0, slot.EIP]) state.onDerivedChange(changed);
  });
  return { machine, cpus: machine.cpus };
}

const read32 = (machine: Machine, address: number) => machine.memory.readInteger(address, 4);

describe('translations', () => {
  it('are those of each vCPU: one keeps what another has given up', () => {
    const remap = [...put(TABLE + (PAGE >> 12) * 4, SECOND | 7), ...invlpg(PAGE), ...load(PAGE), ...save(RESULT)];
    const look = [...load(PAGE), ...save(RESULT + 4)];
    const { machine } = pairOf([...load(PAGE), ...remap], [...look, ...look, ...invlpg(PAGE), ...look]);
    machine.run({ instructionsMax: 1, onlyCpu: 0 });
    machine.run({ instructionsMax: 2, onlyCpu: 1 });
    machine.run({ instructionsMax: 4, onlyCpu: 0 });
    expect(read32(machine, RESULT)).toBe(0x2222_2222);
    machine.run({ instructionsMax: 2, onlyCpu: 1 });
    expect(read32(machine, RESULT + 4)).toBe(0x1111_1111);
    machine.run({ instructionsMax: 3, onlyCpu: 1 });
    expect(read32(machine, RESULT + 4)).toBe(0x2222_2222);
  });
});

describe('code', () => {
  it('that one vCPU writes is what another executes next', () => {
    // MOV EAX,n; MOV [RESULT],EAX; JMP back, at 60000h
    const routine = 0x6_0000;
    const body = [0xb8, ...bytesOf(1), ...save(RESULT), 0xeb, 0x100 - 12];
    const jump = [0xe9, ...bytesOf(routine - (0x5_0000 + 5))];
    const { machine } = pairOf([...put(routine + 1, 7), ...put(routine + 1, 9)], jump);
    machine.memory.write(routine, Uint8Array.from(body));
    machine.run({ instructionsMax: 100, onlyCpu: 1 });
    expect(read32(machine, RESULT)).toBe(1);
    for (const value of [7, 9]) {
      machine.run({ instructionsMax: 1, onlyCpu: 0 });
      machine.run({ instructionsMax: 3, onlyCpu: 1 });
      expect(read32(machine, RESULT)).toBe(value);
    }
  });

  it('of one page is noticed in the stores of all, before and after there is code', () => {
    // Both store to the page of the routine first, so that both may store to it without asking.
    const routine = 0x6_0800;
    const call = [0xe8, ...bytesOf(routine - (0x5_0000 + 10 + 5))];
    const writer = [...put(0x6_0000, 1), ...put(routine + 1, 5)];
    const { machine } = pairOf(writer, [...put(0x6_0004, 1), ...call]);
    machine.memory.write(routine, Uint8Array.from([0xb8, ...bytesOf(3), ...save(RESULT), ...spin]));
    const { state } = machine.cpus[1] as Vcpu;
    state.write32(slot.ESP, 0x7_0000);
    machine.run({ instructionsMax: 1, onlyCpu: 0 });
    machine.run({ instructionsMax: 4, onlyCpu: 1 });
    expect(read32(machine, RESULT)).toBe(3);
    state.eip = routine;
    machine.run({ instructionsMax: 1, onlyCpu: 0 });
    machine.run({ instructionsMax: 2, onlyCpu: 1 });
    expect(read32(machine, RESULT)).toBe(5);
  });
});

describe('the log of written pages', () => {
  it('hears of stores of all vCPUs', () => {
    const { machine } = pairOf([...put(0x6_0000, 1), ...put(0x6_0000, 2)], [...put(0x7_0000, 1), ...put(0x7_0000, 2)]);
    const step = () => [0, 1].map((onlyCpu) => machine.run({ instructionsMax: 1, onlyCpu }));
    step();
    machine.dirtyLog.begin();
    step();
    expect(machine.dirtyLog.dirtyPages(0x6_0000, 0x8_0000, 9)).toEqual([0x6_0000, 0x7_0000]);
  });
});

describe('MWAIT', () => {
  it('ends by a store of another vCPU to the line that MONITOR has named', () => {
    // XOR ECX,ECX; XOR EDX,EDX; MOV EAX,line; STI; MONITOR; MWAIT; MOV [RESULT],EAX
    const line = 0x6_0000;
    const monitor = [0x31, 0xc9, 0x31, 0xd2, 0xb8, ...bytesOf(line), 0xfb, 0x0f, 0x01, 0xc8];
    const sleeper = [...monitor, 0x0f, 0x01, 0xc9, ...save(RESULT)];
    const { machine, cpus } = pairOf([...put(line + 64, 1), ...put(line + 60, 1)], sleeper);
    const isAsleep = () => cpus[1]?.state.read8(slot.HALTED) === 1;
    machine.run({ instructionsMax: 6, onlyCpu: 1 });
    expect([isAsleep(), machine.run({ instructionsMax: 1, onlyCpu: 1 }).reason]).toEqual([true, 'halted']);
    // A store beside the line wakes nobody.
    machine.run({ instructionsMax: 1, onlyCpu: 0 });
    expect(machine.run({ instructionsMax: 1, onlyCpu: 1 }).reason).toBe('halted');
    machine.run({ instructionsMax: 1, onlyCpu: 0 });
    machine.run({ instructionsMax: 1, ofCpu: 1 });
    expect([isAsleep(), read32(machine, RESULT)]).toEqual([false, line]);
    // A store between the two makes MWAIT go on at once.
    (cpus[1] as Vcpu).state.eip = 0x5_0000;
    machine.run({ instructionsMax: 5, onlyCpu: 1 });
    machine.memory.write(line, Uint8Array.of(9));
    machine.run({ instructionsMax: 1, onlyCpu: 1 });
    expect(isAsleep()).toBe(false);
  });
});

describe('breakpoints and watchpoints', () => {
  it('of one vCPU leave the others alone', () => {
    const { machine } = pairOf([0x90, 0x90], [0x90]);
    const at = (address: number, cpu?: number): Breakpoint => ({
      ...{ address, space: 'linear', reached: () => true },
      ...(cpu === undefined ? {} : { cpu }),
    });
    const [other, own] = [at(0x4_0001, 1), at(0x4_0002, 0)];
    machine.addBreakpoint(other);
    machine.addBreakpoint(own);
    expect(machine.run({ instructionsMax: 50_000 })).toEqual({ reason: 'breakpoint', breakpoints: [own], cpu: 0 });
    // Another vCPU in between does not make it be told again.
    expect(machine.run({ instructionsMax: 5, onlyCpu: 1 })).toEqual({ reason: 'limit', cpu: 1 });
    machine.removeBreakpoint(own);
    machine.addBreakpoint(own);
    expect(machine.run({ instructionsMax: 1, resume: true })).toEqual({ reason: 'limit', cpu: 0 });
  });

  it('stop with the index of the vCPU that has met them', () => {
    const program = (value: number) => [...put(0x6_0000, value), 0xeb, 0x100 - 12];
    const { machine } = pairOf(program(1), program(2));
    const watch: Watchpoint = {
      address: 0x6_0000,
      length: 4,
      space: 'linear',
      access: 'write',
      reached: () => true,
      cpu: 1,
    };
    machine.addWatchpoint(watch);
    const result = machine.run({ instructionsMax: 100_000 });
    expect([result.reason, result.cpu, read32(machine, 0x6_0000)]).toEqual(['watchpoint', 1, 2]);
    machine.removeWatchpoint(watch);
    expect(machine.run({ instructionsMax: 100_000 }).reason).toBe('limit');
  });
});
