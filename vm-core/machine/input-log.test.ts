import { describe, expect, it } from 'vitest';
import { createDeviceBench } from './device-bench.ts';
import { createInputLog } from './input-log.ts';
import type { InputRecord } from './machine.ts';

function bench() {
  const devices = createDeviceBench();
  const log = createInputLog({
    now: devices.now,
    isInTheMiddle: () => false,
    events: devices.events,
    deliver: (device, channel, bytes) => devices.bus.input(device, channel, bytes),
  });
  return { ...devices, log };
}

const KEY_A = Uint8Array.of(0x1e);
const record = (time: number, ...bytes: number[]): InputRecord => ({
  time,
  device: 'keyboard',
  channel: 'keys',
  bytes: Uint8Array.from(bytes),
});

/** A guest of a kind: programs the devices, then every 1,000 ticks takes interrupts and answers what came. */
function runGuest(around: ReturnType<typeof bench>, steps: number, live: (step: number) => void): string[] {
  const { bus, advance, now } = around;
  const transcript: string[] = [];
  for (const [port, vector] of [
    [0x20, 0x08],
    [0xa0, 0x70],
  ] as const) {
    for (const [offset, word] of [
      [0, 0x11],
      [1, vector],
      [1, port === 0x20 ? 4 : 2],
      [1, 1],
    ] as const) {
      bus.ports.write(port + offset, 1, word);
    }
  }
  for (const [port, value] of [
    [0x43, 0x34],
    [0x40, 0x00],
    [0x40, 0x02],
    [0x3fb, 3],
    [0x3fc, 8],
    [0x3f9, 1],
  ] as const) {
    bus.ports.write(port, 1, value);
  }
  for (let step = 0; step < steps; step += 1) {
    live(step);
    advance(1000);
    while (bus.interruptPending()) {
      const vector = bus.acknowledgeInterrupt();
      const data = vector === 0x09 ? bus.ports.read(0x60, 1) : vector === 0x0c ? bus.ports.read(0x3f8, 1) : 0;
      if (vector === 0x0c) bus.ports.write(0x3f8, 1, data);
      if (vector >= 0x70) bus.ports.write(0xa0, 1, 0x20);
      bus.ports.write(0x20, 1, 0x20);
      transcript.push(`${now()} ${vector} ${data}`);
    }
  }
  return transcript;
}

describe('input log', () => {
  it('delivers at once and records time, place and a copy of the bytes', () => {
    const { log, advance, bus } = bench();
    advance(123);
    const bytes = Uint8Array.of(1, 2);
    log.input('uart-1', 'serial', bytes);
    bytes[0] = 99;
    expect(log.records).toEqual([{ time: 123, device: 'uart-1', channel: 'serial', bytes: Uint8Array.of(1, 2) }]);
    expect(bus.devices.get('uart-1')?.state['incoming']).toEqual([1, 2]);
  });

  it('does not record what no device takes', () => {
    const { log } = bench();
    expect(() => log.input('mouse', 'move', KEY_A)).toThrow('no device "mouse"');
    expect(log.records).toEqual([]);
  });

  it('replays records at their times, several of one time in order', () => {
    const { log, advance, now } = bench();
    log.replay([record(10, 0x1e), record(10, 0x9e), record(30, 0x1f)]);
    const times: string[] = [];
    for (; now() < 40; advance(5)) times.push(`${now()}: ${log.records.length}${log.replaying ? ' more' : ''}`);
    expect(times).toEqual([
      '0: 0 more',
      '5: 0 more',
      '10: 2 more',
      '15: 2 more',
      '20: 2 more',
      '25: 2 more',
      '30: 3',
      '35: 3',
    ]);
    expect(log.records.map(({ bytes }) => bytes[0])).toEqual([0x1e, 0x9e, 0x1f]);
  });

  it('refuses live input during a replay, until the replay is given up', () => {
    const { log } = bench();
    log.replay([record(10, 0x1e)]);
    expect(() => log.input('keyboard', 'keys', KEY_A)).toThrow('replaying');
    log.stopReplay();
    log.input('keyboard', 'keys', KEY_A);
    expect(log.records).toHaveLength(1);
  });

  it('refuses records of the past and out of order', () => {
    const { log, advance } = bench();
    advance(100);
    expect(() => log.replay([record(99, 1)])).toThrow('time 99 is in the past');
    expect(() => log.replay([record(200, 1), record(150, 1)])).toThrow('time 150');
  });

  it('lets device events of the same tick go first, live and in replay', () => {
    const seen: string[][] = [];
    for (const live of [true, false]) {
      const { log, events, advance } = bench();
      const order: string[] = [];
      events.timer('test/event', () => order.push(`event after ${log.records.length} inputs`)).arm(50);
      if (!live) log.replay([record(50, 0x1e)]);
      advance(49);
      // A machine whose run ended at the very tick has not run the tick's events yet.
      if (live) events.runDue(49);
      advance(1);
      if (live) log.input('keyboard', 'keys', KEY_A);
      order.push(`${log.records.length} inputs`);
      seen.push(order);
    }
    expect(seen[0]).toEqual(['event after 0 inputs', '1 inputs']);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('holds input back behind an event that waits for the host', async () => {
    const seen: string[][] = [];
    for (const cached of [true, false]) {
      const { log, events, advance, now } = bench();
      const order: string[] = [];
      let arrived = cached;
      const event = events.timer('test/event', () => {
        if (!arrived) return Promise.resolve();
        order.push(`event after ${log.records.length} inputs`);
        return undefined;
      });
      advance(50);
      event.arm(50);
      log.input('keyboard', 'keys', KEY_A);
      log.input('keyboard', 'keys', Uint8Array.of(0x9e));
      expect(log.records.length).toBe(cached ? 2 : 0);
      arrived = true;
      events.runDue(now());
      seen.push([...order, ...log.records.map(({ time, bytes }) => `${time}: ${bytes}`)]);
    }
    expect(seen[0]).toEqual(['event after 0 inputs', '50: 30', '50: 158']);
    expect(seen[1]).toEqual(seen[0]);
  });

  it('makes a run reproducible: the same machine with the log does the same', () => {
    const first = bench();
    // A cheap deterministic scatter of keys and serial bytes over the run.
    const transcript = runGuest(first, 3000, (step) => {
      if ((step * 2654435761) % 97 < 5)
        first.log.input('keyboard', 'keys', Uint8Array.of(step & 0x7f, (step & 0x7f) | 0x80));
      if ((step * 2246822519) % 89 < 3) first.log.input('uart-1', 'serial', Uint8Array.of(step & 0xff));
    });
    const second = bench();
    second.log.replay(first.log.records);
    expect(runGuest(second, 3000, () => {})).toEqual(transcript);
    expect(second.seen).toEqual(first.seen);
    expect(second.log.records).toEqual(first.log.records);
    expect(second.bus.save()).toEqual(first.bus.save());
    expect(transcript.filter((line) => line.includes(' 9 ')).length).toBeGreaterThan(50);
    expect(transcript.filter((line) => line.includes(' 12 ')).length).toBeGreaterThan(20);
  });
});
