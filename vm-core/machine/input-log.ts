/**
 * The input log (DESIGN §5): everything that enters the machine from outside passes here, stamped with virtual time, so
 * that the same machine fed with the same log runs the same way to the instruction. At one tick devices' events come
 * first, then inputs in their order; live input and replay both keep to that.
 */
import type { EventQueue } from '../devices/event-queue.ts';
import type { LaterAnswers } from '../memory/access-log.ts';
import type { InputRecord } from './machine.ts';

/** What the log needs of its machine. */
export interface InputLogServices {
  /** Virtual time in ticks. */
  now(): number;
  readonly events: EventQueue;
  /** An instruction waits in its middle for a device: nothing may come in but the answer. */
  isInTheMiddle(): boolean;
  /** Hands the bytes to the device; throws an Error if there is none. */
  deliver(device: string, channel: string, bytes: Uint8Array): void;
}

export interface InputLog {
  /** What devices that answer later have answered goes through here. */
  readonly answers: Pick<LaterAnswers, 'recorded' | 'entered'>;
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

/** The channel of records that are answers of a device to an access, little-endian; no bytes for a write that is complete. */
export const ANSWER_CHANNEL = 'answer';

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

  /** An answer is taken by the access at its time. */
  const armNext = (): void => {
    const record = upcoming[next];
    if (record !== undefined) timer.arm(isAnswer(record) ? record.time + 1 : record.time);
  };

  const timer = events.timer(
    'input-log/replay',
    () => {
      const record = upcoming[next];
      if (!record || record.time > services.now() || (isAnswer(record) && record.time === services.now())) {
        armNext();
        return;
      }
      if (isAnswer(record)) throw new Error(`the replayed log has an answer that "${record.device}" was not asked for`);
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
    answers: {
      recorded(device, size) {
        const record = upcoming[next];
        if (record?.device !== device || !isAnswer(record) || record.time !== services.now()) return undefined;
        if (record.bytes.length !== size)
          throw new Error(`the replayed log has an answer of another size for "${device}"`);
        next += 1;
        records.push(record);
        // The timer stays as it is: to arm it would make the engine leave the instruction, which the recorded run did not.
        return record.bytes.reduceRight((value, byte) => value * 0x100 + byte, 0);
      },
      entered(device, size, value) {
        const bytes = Uint8Array.from({ length: size }, (_, n) => (value >>> (8 * n)) & 0xff);
        records.push({ time: services.now(), device, channel: ANSWER_CHANNEL, bytes });
      },
    },
    get replaying() {
      return next < upcoming.length;
    },
    input(device, channel, bytes) {
      if (next < upcoming.length) throw new Error('the machine is replaying recorded input and takes no other');
      const copy = bytes.slice();
      const wait = services.isInTheMiddle() ? STANDS_STILL : events.runDue(services.now());
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

const STANDS_STILL = Promise.resolve();

function isAnswer({ channel }: InputRecord): boolean {
  return channel === ANSWER_CHANNEL;
}

function checkOrder(records: readonly InputRecord[], now: number): void {
  let before = now;
  for (const { time } of records) {
    if (time < before) throw new Error(`the input log cannot be replayed: its record of time ${time} is in the past`);
    before = time;
  }
}
