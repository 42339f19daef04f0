/** A machine with several vCPUs and the world outside: devices that answer later, the input log, RESET. */
import { describe, expect, it } from 'vitest';
import type { Device, DeviceDescription, Region } from '../devices/device.ts';
import { CS, DS, ES, slot } from '../state/layout.ts';
import { createMachine } from './create-machine.ts';
import type { Machine, RunResult } from './machine.ts';
import type { Vcpu } from './vcpu.ts';

const [FIRST, SECOND] = [0x600, 0x700];
const COUNT = 0x900;
const PORT = 0x500;

const description: DeviceDescription<Record<string, never>> = {
  name: 'far-away',
  title: 'Device in another place',
  specification: 'this test',
  version: 1,
  registers: [],
};

/** MOV DX,PORT; INSB to 800h eight times, with a count in BX of what comes in between; HLT */
const reader = [0xba, PORT & 0xff, PORT >> 8, 0xbf, 0, 8, 0xb9, 8, 0, 0x43, 0x6c, 0xe2, 0xfc, 0xf4];
/** INC DWORD [COUNT]; JMP back */
const counter = [0x66, 0xff, 0x06, COUNT & 0xff, COUNT >> 8, 0xeb, 0xf9];

function machineWith(answer: () => Promise<number>): Machine {
  const region: Region = { size: 4, width: 8, read: () => 0, write: () => {}, readLater: answer };
  const device = (): Device => ({ description, state: {}, ports: { data: region }, reset: () => {} });
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: 'max', memorySize: 0x100000, firmware: 'builtin', exitDevice: false },
    ...{ startTimeMs: 0, topology: { packages: 2, coresPerPackage: 1, threadsPerCore: 1 } },
    devices: [{ name: 'far', create: device, ports: { data: PORT } }],
  });
  [reader, counter].forEach((code, index) => {
    const { state } = machine.cpus[index] as Vcpu;
    const start = [FIRST, SECOND][index] as number;
    machine.memory.write(start, Uint8Array.from(code));
    state.write8(slot.WAITS_FOR_STARTUP, 0);
    for (const segment of [CS, DS, ES]) state.setSegment(segment, { ...state.segment(segment), selector: 0, base: 0 });
    state.eip = start;
  });
  return machine;
}

const stateOf = (machine: Machine) => [
  ...[machine.time, machine.memory.read(0x600, 0x400).join()],
  ...machine.cpus.map(({ state, retired }) => `${retired} ${state.eip} ${state.read32(slot.EBX)}`),
];

async function finish(machine: Machine, instructions: number, slice: number): Promise<RunResult[]> {
  const waits: RunResult[] = [];
  while (machine.retired < instructions) {
    const result = machine.run({ instructionsMax: Math.min(slice, instructions - machine.retired) });
    if (result.reason !== 'waiting') continue;
    waits.push(result);
    await result.ready;
  }
  return waits;
}

describe('an instruction that a device has stopped', () => {
  it('stops the whole machine until the answer is there', async () => {
    const answers: ((value: number) => void)[] = [];
    const machine = machineWith(() => new Promise((resolve) => answers.push(resolve)));
    const stopped = machine.run({ instructionsMax: 1000 });
    expect(stopped).toMatchObject({ reason: 'waiting', cpu: 0 });
    const before = stateOf(machine);
    for (const limit of [{}, { onlyCpu: 1 }, { ofCpu: 1 }])
      expect(machine.run({ instructionsMax: 1000, ...limit })).toMatchObject({ reason: 'waiting', cpu: 0 });
    expect(stateOf(machine)).toEqual(before);
    answers[0]?.(0x41);
    await (stopped as { ready: Promise<void> }).ready;
    expect(machine.run({ instructionsMax: 5, onlyCpu: 1 })).toMatchObject({ reason: 'limit', cpu: 1 });
    expect(machine.memory.read(0x800, 1)[0]).toBe(0x41);
  });

  it('gives the same run when the answers are replayed, in pieces of any size', async () => {
    let seed = 7;
    const machine = machineWith(async () => {
      seed = Math.imul(seed, 0x9e37_79b1);
      return seed >>> 24;
    });
    expect(await finish(machine, 30_000, 30_000)).toHaveLength(8);
    for (const slice of [30_000, 777, 3]) {
      const again = machineWith(() => new Promise(() => {}));
      again.replay(machine.inputLog);
      expect(await finish(again, 30_000, slice)).toHaveLength(0);
      expect(stateOf(again)).toEqual(stateOf(machine));
    }
  });
});

describe('RESET', () => {
  it('leaves the first vCPU running and the others waiting', () => {
    const machine = machineWith(async () => 0);
    machine.run({ instructionsMax: 2 });
    machine.reset();
    expect(machine.cpus.map(({ state }) => [state.read8(slot.WAITS_FOR_STARTUP), state.eip])).toEqual([
      ...[
        [0, 0xfff0],
        [1, 0xfff0],
      ],
    ]);
    expect(machine.run({ instructionsMax: 10, onlyCpu: 1 })).toEqual({
      reason: 'halted',
      nextEvent: undefined,
      cpu: 1,
    });
  });
});
