/** The machine as its embedder sees it: configuration errors, limits, determinism, hostile guests. */
import { describe, expect, it } from 'vitest';
import { registers } from '../state/register-table.ts';
import { createMachine } from './create-machine.ts';
import type { InputRecord, Machine, MachineConfig } from './machine.ts';
import { createOverlayStore, memorySource } from './overlay-block-store.ts';

const SECTOR = 512;

function bootSector(code: readonly number[]): Uint8Array {
  const sector = new Uint8Array(SECTOR);
  sector.set(code);
  sector.set([0x55, 0xaa], SECTOR - 2);
  return sector;
}

function config(image: Uint8Array, changes: Partial<MachineConfig> = {}): MachineConfig {
  return {
    machineType: 'isa-1',
    cpuModel: '386',
    memorySize: 1 << 20,
    firmware: 'builtin',
    floppy: createOverlayStore(memorySource('test image', image)),
    exitDevice: true,
    startTimeMs: 0,
    ...changes,
  };
}

/** Everything that a later run depends on, as text. */
function fingerprint(machine: Machine): string {
  const { state } = machine.cpus[0];
  const values = registers.map((register) => `${register.name}=${state.readRegister(register).toString(16)}`);
  const memory = machine.memory.read(0, machine.memory.ramSize);
  let sum = 0;
  for (const value of memory) sum = (Math.imul(sum, 31) + value) | 0;
  return [...values, `memory ${sum}`, `time ${machine.time}`, `retired ${machine.retired}`].join(' ');
}

describe('configuration', () => {
  it.each([0, 0x8000, 0x100001, 0x80010000])('refuses %d bytes of memory by name', (memorySize) => {
    expect(() => createMachine(config(bootSector([]), { memorySize }))).toThrow(/^memory: .*1M to 2048M/);
  });

  it('refuses firmware of an impossible size by name', () => {
    const firmware = new Uint8Array(1000);
    expect(() => createMachine(config(bootSector([]), { firmware }))).toThrow(/^firmware: .*1000 bytes/);
  });

  it('refuses a floppy larger than any, by name and with the sizes', () => {
    const image = new Uint8Array(2880 * 1024 + 512);
    expect(() => createMachine(config(image))).toThrow('floppy: test image has 2949632 bytes; a floppy has 160, 180');
  });

  it('says where nothing answers, once for a page and not for ever', () => {
    // lgdt [7C30h]; mov eax,cr0; inc ax; mov cr0,eax; mov bx,8; mov ds,bx: data segment of 4 GiB
    const gdt = [0x0f, 0x01, 0x16, 0x30, 0x7c, 0x0f, 0x20, 0xc0, 0x40, 0x0f, 0x22, 0xc0, 0xbb, 8, 0, 0x8e, 0xdb];
    // mov esi,100000h; l: mov al,[esi]; mov al,[esi+1]; add esi,1000h; jmp l
    const loop = [0x66, 0xbe, 0, 0, 0x10, 0, 0x67, 0x8a, 0x06, 0x67, 0x8a, 0x46, 1, 0x66, 0x81, 0xc6, 0, 0x10, 0, 0];
    const sector = bootSector([0xfa, ...gdt, ...loop, 0xeb, 0xf0]);
    sector.set([15, 0, 0x40, 0x7c, 0, 0], 0x30);
    sector.set([0xff, 0xff, 0, 0, 0, 0x92, 0xcf, 0], 0x48);
    const machine = createMachine(config(sector));
    const said: string[] = [];
    machine.onLog = (message) => said.push(message);
    machine.run({ instructionsMax: 100_000 });
    expect(said.slice(0, 2)).toEqual([
      'no memory and no device at physical address 100000h (first access: read)',
      'no memory and no device at physical address 101000h (first access: read)',
    ]);
    expect(said).toHaveLength(17);
    expect(said.at(-1)).toBe('no memory and no device at many more addresses, which are not named');
  });

  it('runs with 2 GiB of memory and reaches its last byte', () => {
    const machine = createMachine(config(bootSector([0xeb, 0xfe]), { memorySize: 0x80000000 }));
    expect(machine.memory.write(0x7fffffff, new Uint8Array([0x5a]))).toBe(1);
    expect([...machine.memory.read(0x7fffffff, 2)]).toEqual([0x5a]);
    expect(machine.run({ instructionsMax: 10000 }).reason).toBe('limit');
  });
});

describe('reset', () => {
  it('starts the processor at the reset vector and keeps RAM', () => {
    const machine = createMachine(config(bootSector([0xeb, 0xfe])));
    expect(machine.cpus[0].linearEip).toBe(0xfffffff0);
    machine.run({ instructionsMax: 10000 });
    machine.memory.write(0x50000, new Uint8Array([1, 2, 3]));
    machine.reset();
    expect(machine.cpus[0].linearEip).toBe(0xfffffff0);
    expect([...machine.memory.read(0x50000, 3)]).toEqual([1, 2, 3]);
    machine.run({ instructionsMax: 10000 });
    expect(machine.cpus[0].linearEip).toBe(0x7c00);
  });
});

describe('branches', () => {
  it('are recorded while that is asked for, and a run can end at the next', () => {
    const machine = createMachine(config(bootSector([0x90, 0xeb, 0xfd])));
    const [cpu] = machine.cpus;
    machine.run({ instructionsMax: 10_000 });
    expect(cpu.branches()).toEqual([]);
    const branch = { from: 0x7c01, to: 0x7c00, kind: 'jump', vector: undefined };
    const limit = { instructionsMax: 10, untilBranch: true };
    while (cpu.linearEip !== 0x7c00) machine.run({ instructionsMax: 1 });
    const { retired } = machine;
    expect(machine.run(limit)).toMatchObject({ reason: 'branch', branch });
    expect(machine.retired - retired).toBe(2);
    machine.recordsBranches = true;
    for (let count = 0; count < 3; count++) machine.run(limit);
    expect([cpu.branches(), cpu.branches(1)]).toEqual([[branch, branch, branch], [branch]]);
    expect(machine.retired - retired).toBe(8);
  });
});

describe('determinism', () => {
  /** Counts in a loop, halts for each tick and key, and mixes both into memory. */
  const guest = [
    0x31, 0xc0, 0x8e, 0xd8, 0xb4, 0x01, 0xcd, 0x16, 0x74, 0x08, 0xb4, 0x00, 0xcd, 0x16, 0x01, 0x06, 0x00, 0x90, 0xff,
    0x06, 0x02, 0x90, 0xf4, 0xeb, 0xeb,
  ];

  function runWith(feed: (machine: Machine, slice: number) => void): Machine {
    const machine = createMachine(config(bootSector(guest)));
    for (let slice = 0; slice < 40; slice++) {
      feed(machine, slice);
      machine.run({ instructionsMax: 5000, timeMax: machine.time + 5_000_000 });
    }
    return machine;
  }

  it('gives the same machine for the same input log, whatever the slices', () => {
    const keys = [0x1e, 0x9e, 0x30, 0xb0];
    const first = runWith((machine, slice) => {
      if (slice % 7 === 3) machine.input('keyboard', 'keys', new Uint8Array([keys[slice % keys.length] as number]));
    });
    expect(first.inputLog.length).toBeGreaterThan(3);
    const second = createMachine(config(bootSector(guest)));
    second.replay(first.inputLog as readonly InputRecord[]);
    while (second.time < first.time) {
      const left = first.retired - second.retired;
      const result = second.run({ instructionsMax: Math.max(Math.min(left, 777), 0), timeMax: first.time });
      if (result.reason !== 'limit') break;
      if (left === 0) break;
    }
    expect(second.inputLog.length).toBe(first.inputLog.length);
    expect(second.retired).toBe(first.retired);
    expect(second.memory.read(0x9000, 4)).toEqual(first.memory.read(0x9000, 4));
    const strip = (text: string) => text.replace(/ time \d+/, '');
    expect(strip(fingerprint(second))).toBe(strip(fingerprint(first)));
  });
});

/** A small generator, so that a failure can be repeated from its seed (xorshift32). */
function random(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

describe('hostile guests', () => {
  const seeds = Number(process.env['FUZZ_ROUNDS'] ?? 30);
  it(`neither throw nor hang: random code with random registers, seeds 1 to ${seeds}`, { timeout: 120_000 }, () => {
    for (let seed = 1; seed <= seeds; seed++) {
      const next = random(seed * 7919);
      const code = Array.from({ length: 500 }, () => next() & 0xff);
      const machine = createMachine(config(bootSector(code)));
      const { state } = machine.cpus[0];
      machine.run({ instructionsMax: 3000 });
      for (const register of registers.filter(({ set }) => set === 'general'))
        state.writeRegister(register, BigInt(next()));
      try {
        for (let slice = 0; slice < 10; slice++) {
          const result = machine.run({ instructionsMax: 2000, timeMax: machine.time + 1e7 });
          if (result.reason === 'request' || result.reason === 'triple-fault') machine.reset();
          else if (result.reason !== 'limit' && result.reason !== 'halted') break;
        }
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
