/** The run loop with a machine that answers what the test says. */
import { describe, expect, it } from 'vitest';
import type { Machine, RunLimit, RunOutcome } from '../../vm-core/index.ts';
import { RunLoop, type RunLoopOptions } from './run-loop.ts';
import { TextWatch } from './text-watch.ts';

const EFLAGS_IF = 0x200;

interface FakeGuest {
  readonly machine: Machine;
  /** What entered, as hexadecimal digits. */
  readonly keys: string[];
  readonly resets: () => number;
  text: string[];
}

/** A machine without a processor: its time goes on with every run. */
function fakeGuest(eflags: number = EFLAGS_IF): FakeGuest {
  let resets = 0;
  let generation = 0;
  const guest: FakeGuest = { machine: undefined as unknown as Machine, keys: [], resets: () => resets, text: [] };
  const machine = {
    retired: 0,
    time: 0,
    ticksPerSecond: 1000,
    cpus: [{ linearEip: 0x7c00, state: { eflags } }],
    display: {
      get generation(): number {
        return ++generation;
      },
      text: () => guest.text,
    },
    input: (_device: string, _channel: string, bytes: Uint8Array) =>
      guest.keys.push(Buffer.from(bytes).toString('hex')),
    reset: () => {
      resets += 1;
    },
  };
  return Object.assign(guest, { machine: machine as unknown as Machine });
}

interface Run {
  readonly end: Awaited<ReturnType<RunLoop['run']>>;
  readonly limits: readonly RunLimit[];
  readonly pauses: readonly number[];
}

async function run(
  guest: FakeGuest,
  results: readonly (RunOutcome | (() => RunOutcome))[],
  options: Partial<RunLoopOptions> = {},
): Promise<Run> {
  const limits: RunLimit[] = [];
  const pauses: number[] = [];
  const queue = [...results];
  let clock = 0;
  const loop = new RunLoop(guest.machine, {
    until: undefined,
    keysAfter: undefined,
    keys: [],
    instructionsMax: Number.POSITIVE_INFINITY,
    secondsMax: Number.POSITIVE_INFINITY,
    onTripleFault: 'stop',
    noReboot: false,
    input: () => 'closed',
    run: (limit) => {
      limits.push(limit);
      const next = queue.shift() ?? { reason: 'request', request: { kind: 'power-off' } };
      return typeof next === 'function' ? next() : next;
    },
    now: () => (clock += 100),
    pause: async (delayMs) => void pauses.push(delayMs),
    ...options,
  });
  return { end: await loop.run(), limits, pauses };
}

const halted = (nextEvent?: number): RunOutcome => ({ reason: 'halted', nextEvent });

describe('ends of a run', () => {
  it('takes them from the machine', async () => {
    expect((await run(fakeGuest(), [])).end).toEqual({ stopReason: 'power-off', exitStatus: 0 });
    const exit: RunOutcome = { reason: 'request', request: { kind: 'exit', value: 0x10 } };
    expect((await run(fakeGuest(), [exit])).end).toEqual({ stopReason: 'exit-device', exitStatus: 0x21 });
    const unsupported: RunOutcome = { reason: 'unsupported', what: 'a task gate' };
    expect((await run(fakeGuest(), [unsupported])).end).toEqual({
      stopReason: 'unsupported',
      exitStatus: 1,
      message: 'at linear address 00007C00h: a task gate is not supported yet',
    });
  });

  it('describes a triple fault', async () => {
    const event = { vector: 13, errorCode: 8, kind: 'exception', cs: 8, eip: 0x1234, linearAddress: 0x1234 } as const;
    const chain = [event, { ...event, vector: 8, errorCode: undefined }];
    expect((await run(fakeGuest(), [{ reason: 'triple-fault', chain }])).end).toEqual({
      stopReason: 'triple-fault',
      exitStatus: 3,
      message: 'triple fault: vector 13 (error code 0008h) at 0008h:00001234h, then vector 8 at 0008h:00001234h',
    });
  });

  it('resets, unless it is told not to', async () => {
    const reset: RunOutcome = { reason: 'request', request: { kind: 'reset' } };
    const guest = fakeGuest();
    expect((await run(guest, [reset])).end.stopReason).toBe('power-off');
    expect(guest.resets()).toBe(1);
    expect((await run(fakeGuest(), [reset], { noReboot: true })).end).toEqual({ stopReason: 'reset', exitStatus: 0 });
    const fault: RunOutcome = { reason: 'triple-fault', chain: [] };
    const again = await run(guest, [fault], { onTripleFault: 'reset' });
    expect(again.end.stopReason).toBe('power-off');
    expect(guest.resets()).toBe(2);
    const noReboot = await run(guest, [fault], { onTripleFault: 'reset', noReboot: true });
    expect(noReboot.end).toEqual({ stopReason: 'reset', exitStatus: 0 });
  });

  it('keeps to its limits', async () => {
    const guest = fakeGuest();
    const count = (): RunOutcome => {
      Object.assign(guest.machine, { retired: guest.machine.retired + 150 });
      return { reason: 'limit' };
    };
    const instructions = await run(guest, [count, count, count], { instructionsMax: 300 });
    expect(instructions.end).toMatchObject({ stopReason: 'max-instructions', exitStatus: 124 });
    expect(instructions.limits.map(({ instructionsMax }) => instructionsMax)).toEqual([300, 150]);
    const seconds = await run(fakeGuest(), Array(50).fill({ reason: 'limit' }), { secondsMax: 1 });
    expect(seconds.end).toMatchObject({ stopReason: 'max-seconds', exitStatus: 124 });
  });

  it('waits for the host', async () => {
    let ready = false;
    const settle = async (): Promise<void> => {
      await Promise.resolve();
      ready = true;
    };
    const waiting: RunOutcome = { reason: 'waiting', ready: settle() };
    const afterwards = (): RunOutcome => {
      expect(ready).toBe(true);
      return { reason: 'limit' };
    };
    await run(fakeGuest(), [waiting, afterwards]);
    const failing: RunOutcome = { reason: 'waiting', ready: Promise.reject(new Error('disk.img: gone')) };
    await expect(run(fakeGuest(), [failing])).rejects.toThrow('disk.img: gone');
  });
});

describe('a text to wait for', () => {
  it('ends the run when it is on the screen, also while the guest sleeps', async () => {
    const guest = fakeGuest();
    const show = (): RunOutcome => {
      guest.text = ['all done'];
      return halted(5);
    };
    const { end, limits } = await run(guest, [{ reason: 'limit' }, show], { until: new TextWatch('done') });
    expect(end).toEqual({ stopReason: 'until', exitStatus: 0 });
    expect(limits).toHaveLength(2);
  });

  it('looks every 20 ms of guest time', async () => {
    const { limits } = await run(fakeGuest(), [halted(1000), halted(1000), halted(1000)]);
    expect(limits.map(({ timeMax }) => timeMax)).toEqual([20, 40, 60, 80]);
  });
});

describe('keys', () => {
  const keys = [Uint8Array.of(1), Uint8Array.of(2)];

  it('are pressed one after the other at a pace that a keyboard takes', async () => {
    const guest = fakeGuest();
    const busy = (time: number) => (): RunOutcome => {
      Object.assign(guest.machine, { time });
      return { reason: 'limit' };
    };
    const seen: number[] = [];
    const note = (): RunOutcome => {
      seen.push(guest.keys.length);
      return { reason: 'limit' };
    };
    await run(guest, [note, busy(5), note, busy(25), note], { keys });
    expect(seen).toEqual([1, 1, 2]);
    expect(guest.keys).toEqual(['01', '02']);
  });

  it('are pressed while the guest sleeps for them', async () => {
    const guest = fakeGuest();
    await run(guest, [halted(undefined), halted(undefined)], { keys });
    expect(guest.keys).toEqual(['01', '02']);
  });

  it('wait for their text', async () => {
    const guest = fakeGuest();
    const show = (): RunOutcome => {
      expect(guest.keys).toEqual([]);
      guest.text = ['Press a key'];
      return { reason: 'limit' };
    };
    await run(guest, [{ reason: 'limit' }, show, { reason: 'limit' }], { keys, keysAfter: new TextWatch('a key') });
    expect(guest.keys).toEqual(['01']);
  });
});

describe('a guest that sleeps for good', () => {
  const message = 'at linear address 00007C00h: the guest sleeps and nothing can wake it';

  it('ends the run', async () => {
    expect((await run(fakeGuest(), [halted(undefined)])).end).toEqual({ stopReason: 'halted', exitStatus: 0, message });
    const masked = fakeGuest(0);
    expect((await run(masked, [halted(100)])).end).toEqual({ stopReason: 'halted', exitStatus: 0, message });
  });

  it('has missed the text it was to show', async () => {
    const { end } = await run(fakeGuest(), [halted(undefined)], { until: new TextWatch('x') });
    expect(end).toEqual({ stopReason: 'halted', exitStatus: 124, message });
  });

  it('may be woken from outside', async () => {
    const { end, pauses } = await run(fakeGuest(), [halted(undefined)], { input: () => 'open' });
    expect(end.stopReason).toBe('power-off');
    expect(pauses).toEqual([5]);
    const typing = await run(fakeGuest(), [halted(100)], { input: () => 'typing' });
    expect(typing.pauses).toEqual([5]);
  });
});
