/** A machine with a device of the embedder that answers later: input log, replay, breakpoints, resets (feature X6). */
import { describe, expect, it } from 'vitest';
import type { Device, DeviceDescription, Region } from '../devices/device.ts';
import { CS, DS, ES, slot } from '../state/layout.ts';
import { createMachine } from './create-machine.ts';
import type { InputRecord, Machine, MachineEvent, RunResult } from './machine.ts';

const START = 0x600;
const BUFFER = 0x800;
const PORT = 0x500;
const MMIO = 0xd0000;

const description: DeviceDescription<Record<string, never>> = {
  name: 'far-away',
  title: 'Device in another place',
  specification: 'this test',
  version: 1,
  registers: [],
};

/** What the host is asked, and how it answers. */
interface Host {
  ask(text: string): Promise<number>;
}

function machineWith(code: readonly number[], host: Host): Machine {
  const region: Region = {
    size: 0x1000,
    width: 8,
    read: () => 0x77,
    write: () => {},
    readLater: (offset, size) => host.ask(`read ${offset} ${size}`),
    writeLater: async (offset, size, value) => {
      await host.ask(`write ${offset} ${size} ${value}`);
    },
  };
  const device = (): Device => ({
    description,
    state: {},
    ports: { data: { ...region, size: 4 } },
    memory: { window: region },
    reset: () => {},
  });
  const machine = createMachine({
    ...{ machineType: 'isa-1', cpuModel: '486', memorySize: 0x100000, firmware: 'builtin', exitDevice: false },
    startTimeMs: 0,
    devices: [{ name: 'far', create: device, ports: { data: PORT }, memory: { window: MMIO } }],
  });
  machine.memory.write(START, Uint8Array.from(code));
  const { state } = machine.cpus[0];
  for (const index of [CS, DS, ES]) state.setSegment(index, { ...state.segment(index), selector: 0, base: 0 });
  state.eip = START;
  return machine;
}

/** Answers with numbers that nobody can foresee, and keeps what it was asked. */
function unforeseeableHost(seed: number): Host & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    async ask(text) {
      asked.push(text);
      return Math.imul(seed + asked.length, 0x9e3779b1) >>> 24;
    },
  };
}

/** A host that never answers. */
const silent: Host = { ask: () => new Promise(() => {}) };

/** mov dx,PORT; in al,dx; mov di,BUFFER; mov cx,4; rep insb; mov si,BUFFER; mov cx,3; rep outsb; hlt */
const PORTS_PROGRAM = [
  ...[0xba, PORT & 0xff, PORT >> 8, 0xec, 0xbf, 0, BUFFER >> 8, 0xb9, 4, 0, 0xf3, 0x6c],
  ...[0xbe, 0, BUFFER >> 8, 0xb9, 3, 0, 0xf3, 0x6e, 0xf4],
];
/** mov ax,D000h; mov es,ax; add byte es:[5],11h; mov al,es:[5]; hlt */
const MEMORY_PROGRAM = [0xb8, 0, 0xd0, 0x8e, 0xc0, 0x26, 0x80, 0x06, 5, 0, 0x11, 0x26, 0xa0, 5, 0, 0xf4];

async function runToEnd(
  machine: Machine,
  meanwhile: () => void = () => {},
): Promise<{ result: RunResult; waits: number }> {
  let waits = 0;
  for (;;) {
    const result = machine.run({ instructionsMax: 1000, resume: waits > 0, timeMax: machine.time + 1000 });
    if (result.reason !== 'waiting') return { result, waits };
    waits++;
    meanwhile();
    await result.ready;
  }
}

const stateOf = ({ cpus: [{ state }], memory, time, retired }: Machine): string =>
  [state.eflags, time, retired, ...memory.read(START, 0x400)]
    .concat([slot.EAX, slot.ECX, slot.ESI, slot.EDI, slot.EIP].map((at) => state.read32(at)))
    .join(' ');

describe('a machine with a device that answers later', () => {
  it('asks for each access once, and says for what it waits', async () => {
    const host = unforeseeableHost(1);
    const machine = machineWith(PORTS_PROGRAM, host);
    expect(machine.run({ instructionsMax: 1000 })).toMatchObject({
      reason: 'waiting',
      access: { device: 'far', kind: 'read', space: 'port', address: PORT, size: 1 },
    });
    const { result, waits } = await runToEnd(machine);
    expect(result.reason).toBe('halted');
    expect(waits).toBe(8);
    const written = [...machine.memory.read(BUFFER, 3)].map((value) => `write 0 1 ${value}`);
    expect(host.asked).toEqual([...new Array(5).fill('read 0 1'), ...written]);
  });

  it.each([
    ['ports', PORTS_PROGRAM],
    ['memory', MEMORY_PROGRAM],
  ])('replays the answers without the host: %s', async (_, program) => {
    const machine = machineWith(program, unforeseeableHost(7));
    await runToEnd(machine);
    const log = machine.inputLog;
    expect(log.every(({ device, channel }) => device === 'far' && channel === 'answer')).toBe(true);
    const again = machineWith(program, silent);
    again.replay(log);
    expect((await runToEnd(again)).waits).toBe(0);
    expect(stateOf(again)).toBe(stateOf(machine));
    expect(again.inputLog).toEqual(log);
    const other = machineWith(program, unforeseeableHost(8));
    await runToEnd(other);
    expect(stateOf(other)).not.toBe(stateOf(machine));
  });

  it('records each answer with its time', async () => {
    const machine = machineWith(MEMORY_PROGRAM, unforeseeableHost(3));
    await runToEnd(machine);
    expect(machine.inputLog.map(({ time, bytes }) => [time, bytes.length])).toEqual([
      [2, 1],
      [2, 0],
      [3, 1],
    ]);
  });

  it('lets other input wait behind the instruction, in a replay too', async () => {
    const machine = machineWith(MEMORY_PROGRAM, unforeseeableHost(3));
    let keys = 0;
    await runToEnd(machine, () => {
      keys++;
      machine.input('keyboard', 'keys', Uint8Array.of(0x1e));
    });
    expect(keys).toBe(3);
    const times = machine.inputLog.map(({ time, channel }) => `${time} ${channel}`);
    expect(times).toEqual(['2 answer', '2 answer', '3 keys', '3 keys', '3 answer', '4 keys']);
    const again = machineWith(MEMORY_PROGRAM, silent);
    again.replay(machine.inputLog);
    await runToEnd(again);
    expect(again.inputLog).toEqual(machine.inputLog);
    expect(stateOf(again)).toBe(stateOf(machine));
  });

  it('says when a replayed log does not fit', async () => {
    const machine = machineWith(MEMORY_PROGRAM, silent);
    const answer = (time: number, ...bytes: number[]): InputRecord => ({
      ...{ time, device: 'far', channel: 'answer' },
      bytes: Uint8Array.from(bytes),
    });
    machine.replay([answer(1, 5)]);
    await expect(runToEnd(machine)).rejects.toThrow('an answer that "far" was not asked for');
    const other = machineWith(MEMORY_PROGRAM, silent);
    other.replay([answer(2, 5, 6)]);
    await expect(runToEnd(other)).rejects.toThrow('an answer of another size for "far"');
  });

  it('gives all ones where the host fails, and says so', async () => {
    const failing: Host = { ask: () => Promise.reject(new Error('the line is dead')) };
    const machine = machineWith(MEMORY_PROGRAM, failing);
    const messages: string[] = [];
    machine.onLog = (message) => messages.push(message);
    expect((await runToEnd(machine)).result.reason).toBe('halted');
    expect(machine.cpus[0].state.read8(slot.EAX)).toBe(0xff);
    expect(messages[0]).toBe(
      'the host failed to answer a read of 1 byte at physical address D0005h of "far": Error: the line is dead',
    );
  });

  it('meets breakpoints and watchpoints once, and tells events once', async () => {
    const machine = machineWith([...PORTS_PROGRAM.slice(0, -1), ...MEMORY_PROGRAM], unforeseeableHost(5));
    const met: string[] = [];
    const events: MachineEvent[] = [];
    const see = (address: number) =>
      machine.addBreakpoint({
        ...{ address, space: 'linear' },
        reached: () => {
          met.push(`breakpoint ${address.toString(16)}`);
          return false;
        },
      });
    see(START + 3);
    see(START + 10);
    see(START + PORTS_PROGRAM.length - 1 + 5);
    const { length } = PORTS_PROGRAM;
    machine.addWatchpoint({
      ...{ address: MMIO + 5, length: 1, space: 'physical', access: 'write' },
      reached: () => {
        met.push('watchpoint');
        return false;
      },
    });
    machine.onEvent = (event) => {
      events.push(event);
      return event.kind === 'port' && event.isWrite;
    };
    const stops: number[] = [];
    let { result } = await runToEnd(machine);
    while (result.reason === 'event') {
      stops.push(machine.cpus[0].state.eip - START);
      ({ result } = await runToEnd(machine));
    }
    expect(result.reason).toBe('halted');
    expect(met).toEqual([
      'breakpoint 603',
      'breakpoint 60a',
      `breakpoint ${(START + length + 4).toString(16)}`,
      'watchpoint',
    ]);
    expect(events.filter(({ kind }) => kind === 'port')).toHaveLength(8);
    // Behind the instruction, not in its middle.
    expect(stops).toEqual([length - 1]);
  });

  it('steps one instruction, however often it waits', async () => {
    const machine = machineWith(MEMORY_PROGRAM, unforeseeableHost(5));
    const places: number[] = [];
    for (let step = 0; step < 5; step++) {
      let result = machine.run({ instructionsMax: 1 });
      while (result.reason === 'waiting') {
        expect(machine.run({ instructionsMax: 0 }).reason).toBe('waiting');
        await result.ready;
        expect(machine.run({ instructionsMax: 0 })).toEqual({ reason: 'limit', cpu: 0 });
        result = machine.run({ instructionsMax: 1 });
      }
      places.push(machine.cpus[0].state.eip - START);
    }
    expect(places).toEqual([3, 5, 11, 15, 16]);
    expect(machine.retired).toBe(5);
  });

  it('forgets the wait at a reset, and where the debugger has moved the processor', async () => {
    const host = unforeseeableHost(5);
    const machine = machineWith(MEMORY_PROGRAM, host);
    const waiting = machine.run({ instructionsMax: 10 });
    machine.cpus[0].state.eip = START + 15;
    expect(waiting.reason).toBe('waiting');
    // HLT, and no answer.
    expect(machine.run({ instructionsMax: 10, timeMax: 100 }).reason).toBe('halted');
    expect(machine.inputLog).toEqual([]);

    const second = machineWith(MEMORY_PROGRAM, silent);
    expect(second.run({ instructionsMax: 10 }).reason).toBe('waiting');
    second.reset();
    expect(second.run({ instructionsMax: 10 })).toEqual({ reason: 'limit', cpu: 0 });
    expect(second.cpus[0].linearEip).toBeGreaterThan(0xf0000);
  });

  it('does not let a bus master wait', async () => {
    const machine = machineWith(MEMORY_PROGRAM, silent);
    // Channel 2 of the DMA controller would see the device's `read`; the debugger sees nothing.
    expect(machine.memory.read(MMIO, 4)).toHaveLength(0);
    expect(machine.run({ instructionsMax: 2 })).toEqual({ reason: 'limit', cpu: 0 });
  });

  it('refuses a device for which there is no room', () => {
    const row = (name: string, at: number) => ({
      ...{ name, ports: {}, memory: { window: at } },
      create: (): Device => ({
        ...{ description, state: {}, ports: {}, reset: () => {} },
        memory: { window: { size: 0x1000, width: 8, read: () => 0, write: () => {} } },
      }),
    });
    const config = { machineType: 'isa-1', cpuModel: '486', memorySize: 0x200000, firmware: 'builtin' } as const;
    const make = (...at: number[]) =>
      createMachine({
        ...config,
        exitDevice: false,
        startTimeMs: 0,
        devices: at.map((place, n) => row(`d${n}`, place)),
      });
    expect(() => make(0x180000)).toThrow('d0: there is no room for its memory at 180000h (RAM)');
    expect(() => make(0xa0000)).toThrow('d0: there is no room for its memory at a0000h (vga)');
    expect(() => make(0xe0000000, 0xe0000000)).toThrow('d0: there is no room');
    expect(() => make(0xd0000, 0xd1000)).not.toThrow();
  });
});
