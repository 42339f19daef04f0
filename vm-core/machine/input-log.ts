/**
 * The input log (DESIGN §5): everything that enters the machine from outside passes here, stamped with virtual time, so
 * that the same machine fed with the same log runs the same way to the instruction. At one tick devices' events come
 * first, then inputs in their order; live input and replay both keep to that.
 */
import type { EventQueue } from '../devices/event-queue.ts';
import type { InputRecord } from './machine.ts';

/** What the log needs of its machine. */
export interface InputLogServices {
  /** Virtual time in ticks. */
  now(): number;
  readonly events: EventQueue;
  /** Hands the bytes to the device; throws an Error if there is none. */
  deliver(device: string, channel: string, bytes: Uint8Array): void;
}

export interface InputLog {
  /** What has entered so far, in order, replayed records included. */
  readonly records: readonly InputRecord[];
  /** True while records of a replay are still to come. */
  readonly replaying: boolean;
  /**
   * Delivers live input at the present time and records it. During a replay it is refused with an Error. While an event
   * of the present tick waits for the host, input waits behind it.
   */
  input(device: string, channel: string, bytes: Uint8Array): void;
  /** Schedules each record at its time. Records must be in order and none may lie in the past. */
  replay(records: readonly InputRecord[]): void;
  /** Gives up what is left of a replay: from here on input is live again. */
  stopReplay(): void;
}

/** Makes an empty log. */
export function createInputLog(services: InputLogServices): InputLog {
  const { events } = services;
  const records: InputRecord[] = [];
  /** Live input that waits for the events of its tick. */
  let held: readonly (() => void)[] = [];
  let upcoming: readonly InputRecord[] = [];
  let next = 0;

  const deliver = (device: string, channel: string, bytes: Uint8Array): void => {
    services.deliver(device, channel, bytes);
    records.push({ time: services.now(), device, channel, bytes });
  };

  const armNext = (): void => {
    const record = upcoming[next];
    if (record !== undefined) timer.arm(record.time);
  };

  const timer = events.timer(
    'input-log/replay',
    () => {
      const record = upcoming[next] as InputRecord;
      next += 1;
      deliver(record.device, record.channel, record.bytes);
      armNext();
    },
    'input',
  );

  const heldTimer = events.timer(
    'input-log/held',
    () => {
      const ready = held;
      held = [];
      for (const enter of ready) enter();
    },
    'input',
  );

  return {
    records,
    get replaying() {
      return next < upcoming.length;
    },
    input(device, channel, bytes) {
      if (next < upcoming.length) throw new Error('the machine is replaying recorded input and takes no other');
      const copy = bytes.slice();
      const wait = events.runDue(services.now());
      if (!wait && held.length === 0) {
        deliver(device, channel, copy);
        return;
      }
      // The machine meets the same event when it runs, and reports it.
      wait?.catch(() => {});
      held = [...held, () => deliver(device, channel, copy)];
      heldTimer.arm(services.now());
    },
    replay(recorded) {
      checkOrder(recorded, services.now());
      upcoming = recorded.map((record) => ({ ...record, bytes: record.bytes.slice() }));
      next = 0;
      timer.cancel();
      armNext();
    },
    stopReplay() {
      upcoming = [];
      next = 0;
      timer.cancel();
    },
  };
}

function checkOrder(records: readonly InputRecord[], now: number): void {
  let before = now;
  for (const { time } of records) {
    if (time < before) throw new Error(`the input log cannot be replayed: its record of time ${time} is in the past`);
    before = time;
  }
}
