/** Several vCPUs: start-up, interrupts between them, turns that do not depend on where a run was stopped. */
import { describe, expect, it } from 'vitest';
import { guest } from '../devices/rom-guest.ts';
import type { Machine } from '../machine/machine.ts';
import type { Engine } from './compiler/tiers.ts';
import { slot } from '../state/layout.ts';
import { offsetOf } from '../state/register-table.ts';

const bytesOf = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
const PROLOGUE = 13;
/** DS reaches all of memory: MOV CR0 with PE, MOV DS, and back. `at` is where this lies in segment F000h. */
const flatAt = (at: number) => [
  ...[0xeb, 22, 0x0f, 0x00, ...bytesOf(0xf0000 + at + 8), 0, 0, 0, 0, 0, 0, 0, 0],
  ...[0xff, 0xff, 0x00, 0x00, 0x00, 0x93, 0xcf, 0x00],
  ...[0x2e, 0x66, 0x0f, 0x01, 0x16, (at + 2) & 0xff, (at + 2) >> 8],
  ...[0x0f, 0x20, 0xc0, 0x0c, 0x01, 0x0f, 0x22, 0xc0, 0xbb, 0x08, 0x00, 0x8e, 0xdb, 0x24, 0xfe, 0x0f, 0x22, 0xc0],
];
/** MOV DWORD [address],value */
const store = (address: number, value: number) => [0x67, 0x66, 0xc7, 0x05, ...bytesOf(address), ...bytesOf(value)];
const apic = (offset: number, value: number) => store(0xfee0_0000 + offset, value);
const STARTUP_ALL_OTHERS = 0xc_46f8;
const INIT_ALL_OTHERS = 0xc_4500;
const HALT = [0xf4, 0xeb, 0xfd];
/** Start-up vector F8h: the handler's place in the ROM. */
const startOthers = [...apic(0xf0, 0x1ff), ...apic(0x300, INIT_ALL_OTHERS), ...apic(0x300, STARTUP_ALL_OTHERS)];

const LOCK = 0x600;
const COUNT = 0x604;
/**
 * XOR AX,AX; MOV DS,AX; MOV CX,rounds; each: MOV AL,1; XCHG AL,[LOCK]; TEST AL,AL; JNZ wait; INC DWORD [COUNT];
 * MOV BYTE [LOCK],0; LOOP each; LOCK INC BYTE [done]; HLT. wait: PAUSE (or NOP); JMP each
 */
function countUnderLock(rounds: number, spin: readonly number[]): readonly number[] {
  const take = [0xb0, 0x01, 0x86, 0x06, LOCK & 0xff, LOCK >> 8, 0x84, 0xc0];
  const work = [0x66, 0xff, 0x06, COUNT & 0xff, COUNT >> 8, 0xc6, 0x06, LOCK & 0xff, LOCK >> 8, 0x00];
  const done = [0xf0, 0xfe, 0x06, 0x08, 0x06, 0xf4, 0xeb, 0xfd];
  const loop = 0x100 - (take.length + 2 + work.length + 2);
  const body = [...take, 0x75, work.length + 2 + done.length, ...work, 0xe2, loop, ...done];
  const back = 0x100 - (body.length + spin.length + 2);
  return [0x31, 0xc0, 0x8e, 0xd8, 0xb9, rounds & 0xff, rounds >> 8, ...body, ...spin, 0xeb, back];
}
const PAUSE = [0xf3, 0x90];

function counting(count: number, spin: readonly number[] = PAUSE, rounds = 500, engine: Engine = 'interpreter') {
  const topology = { packages: count, coresPerPackage: 1, threadsPerCore: 1 };
  const main = [...flatAt(PROLOGUE), ...startOthers, ...HALT];
  return guest(main, countUnderLock(rounds, spin), { cpuModel: 'max', topology, engine });
}

/** All that a guest could see: registers of all vCPUs, low memory, time. */
function stateOf(machine: Machine): string {
  const registers = machine.cpus.map(({ state, retired }) =>
    [retired, state.eip, state.eflags, ...[0, 1, 2, 3, 4, 5, 6, 7].map((n) => state.read32(slot.EAX + 8 * n))].join(),
  );
  return [machine.time, machine.retired, ...registers, machine.memory.read(0, 0x1000).join()].join('\n');
}

describe('application processors', () => {
  it('wait for a start-up message, and count under a lock', () => {
    for (const count of [2, 5, 16]) {
      for (const spin of [PAUSE, [0x90]]) {
        const { machine, runUntil } = counting(count, spin);
        expect(machine.cpus.map(({ state }) => state.read8(slot.WAITS_FOR_STARTUP))).toEqual([
          0,
          ...Array.from({ length: count - 1 }, () => 1),
        ]);
        runUntil(4_000_000);
        const [total] = new Uint32Array(machine.memory.read(COUNT, 4).buffer);
        expect([total, machine.memory.read(0x608, 1)[0]]).toEqual([500 * (count - 1), count - 1]);
        expect(machine.cpus.map(({ state }) => state.read8(slot.HALTED))).toEqual(Array(count).fill(1));
      }
    }
  });
});

describe('performance counters', () => {
  it('are of each vCPU for itself', () => {
    const { machine, runUntil } = counting(4);
    for (const { state } of machine.cpus) {
      state.write64(offsetOf('IA32_FIXED_CTR_CTRL'), 3n);
      state.write64(offsetOf('IA32_PERF_GLOBAL_CTRL'), 1n << 32n);
      state.onDerivedChange(offsetOf('IA32_PERF_GLOBAL_CTRL'));
    }
    runUntil(1_000_000);
    const counted = machine.cpus.map(({ state }) => Number(state.read64(offsetOf('IA32_FIXED_CTR0'))));
    expect(counted).toEqual(machine.cpus.map(({ retired }) => retired));
    expect(new Set(counted).size).toBeGreaterThan(1);
    expect(Math.min(...counted)).toBeGreaterThan(0);
  });
});

describe('turns', () => {
  it('do not depend on where runs are stopped', () => {
    const [whole, stepped] = [counting(4, [0x90], 9000), counting(4, [0x90], 9000)];
    expect(whole.machine.run({ instructionsMax: 60_000 })).toMatchObject({ reason: 'limit' });
    let seed = 1;
    while (stepped.machine.retired < 60_000) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      const left = 60_000 - stepped.machine.retired;
      const result = stepped.machine.run({ instructionsMax: Math.min(left, seed % 7 === 0 ? 900 : (seed >>> 8) % 4) });
      expect(result.reason).toBe('limit');
    }
    expect(stateOf(stepped.machine)).toBe(stateOf(whole.machine));
  });

  it('are the same in compiled code', () => {
    for (const spin of [PAUSE, [0x90]]) {
      const engines = ['interpreter', 'compiler', 'compiler-at-once'] as const;
      const machines = engines.map((engine) => counting(4, spin, 9000, engine).machine);
      for (const machine of machines) for (let n = 0; n < 9; n++) machine.run({ instructionsMax: 9_999 });
      const [first, ...others] = machines.map(stateOf);
      for (const other of others) expect(other).toBe(first);
    }
  });

  it('stay the same with breakpoints and listeners, in machines of any size', () => {
    for (let seed = 1; seed <= 6; seed++) {
      const count = 2 + ((seed * 5) % 7);
      const spin = seed % 2 === 0 ? PAUSE : [0x90];
      const [whole, watched] = [counting(count, spin, 3000), counting(count, spin, 3000)];
      let random = seed;
      const draw = (below: number): number => {
        random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
        return (random >>> 8) % below;
      };
      whole.machine.run({ instructionsMax: 40_000 });
      let hits = 0;
      watched.machine.addBreakpoint({ address: 0xf8000 + 7, space: 'linear', reached: () => hits++ % 3 === 0 });
      watched.machine.addWatchpoint({
        ...{ address: COUNT, length: 4, space: 'physical', access: 'write', reached: () => draw(50) === 0 },
      });
      watched.machine.onEvent = () => draw(20) === 0;
      watched.machine.recordsTrace = true;
      while (watched.machine.retired < 40_000) {
        const left = 40_000 - watched.machine.retired;
        watched.machine.run({ instructionsMax: Math.min(left, draw(3000)), resume: true });
      }
      expect([seed, stateOf(watched.machine) === stateOf(whole.machine), hits > 0]).toEqual([seed, true, true]);
    }
  });

  it('are counted for one vCPU, and left out for the others', () => {
    const { machine } = counting(3, [0x90], 9000);
    machine.run({ instructionsMax: 5000 });
    const before = machine.cpus.map(({ retired }) => retired);
    expect(machine.run({ instructionsMax: 7, onlyCpu: 2 })).toEqual({ reason: 'limit', cpu: 2 });
    expect(machine.cpus.map(({ retired }, n) => retired - (before[n] as number))).toEqual([0, 0, 7]);
    expect(machine.run({ instructionsMax: 3, ofCpu: 1 })).toEqual({ reason: 'limit', cpu: 1 });
    expect((machine.cpus[1]?.retired ?? 0) - (before[1] as number)).toBe(3);
    // Without an instruction its turn is waited for, and a run that has waited for long is about another one.
    const others = machine.run({ instructionsMax: 0, ofCpu: 0 });
    expect([others.reason, others.cpu === 0]).toEqual(['limit', machine.cpus[0]?.state.read8(slot.HALTED) === 0]);
    expect(machine.run({ instructionsMax: 0, ofCpu: 2 })).toEqual({ reason: 'limit', cpu: 2 });
  });
});
