import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventQueue } from './event-queue.ts';

describe('event queue', () => {
  it('has no deadline while nothing is armed', () => {
    const queue = createEventQueue();
    const timer = queue.timer('a/t', () => {});
    expect(queue.nextDeadline()).toBe(Number.POSITIVE_INFINITY);
    timer.arm(5);
    expect([timer.deadline, queue.nextDeadline()]).toEqual([5, 5]);
    timer.cancel();
    expect([timer.deadline, queue.nextDeadline()]).toEqual([undefined, Number.POSITIVE_INFINITY]);
  });

  it('runs events of one tick in the order of arming, inputs after devices', () => {
    const queue = createEventQueue();
    const ran: string[] = [];
    const input = queue.timer('input', () => ran.push('input'), 'input');
    const first = queue.timer('first', () => ran.push('first'));
    const second = queue.timer('second', () => ran.push('second'));
    input.arm(7);
    second.arm(7);
    first.arm(7);
    queue.runDue(6);
    expect(ran).toEqual([]);
    queue.runDue(7);
    expect(ran).toEqual(['second', 'first', 'input']);
  });

  it('calls a timer once and lets it arm itself again', () => {
    const queue = createEventQueue();
    let calls = 0;
    const timer = queue.timer('t', () => {
      calls += 1;
      if (calls < 3) timer.arm(calls * 10);
    });
    timer.arm(0);
    queue.runDue(100);
    expect(calls).toBe(3);
    expect(timer.deadline).toBeUndefined();
  });

  it('drops an event that an earlier one of the same tick cancels', () => {
    const queue = createEventQueue();
    let ran = false;
    const victim = queue.timer('victim', () => {
      ran = true;
    });
    const killer = queue.timer('killer', () => victim.cancel());
    killer.arm(3);
    victim.arm(3);
    queue.runDue(3);
    expect(ran).toBe(false);
  });

  it('keeps what waits for the host, and all behind it, in their order', async () => {
    const queue = createEventQueue();
    const ran: string[] = [];
    let data: string | undefined;
    let arrive = (): void => {};
    const arrival = new Promise<void>((resolve) => {
      arrive = resolve;
    });
    const disk = queue.timer('disk', () => {
      if (data === undefined) return arrival;
      ran.push(data);
      return undefined;
    });
    const later = queue.timer('later', () => ran.push('later'));
    disk.arm(5);
    later.arm(5);
    const saved = queue.save();
    const wait = queue.runDue(9);
    expect([ran, queue.nextDeadline(), queue.save()]).toEqual([[], 5, saved]);
    data = 'data';
    arrive();
    await wait;
    expect(queue.runDue(9)).toBeUndefined();
    expect(ran).toEqual(['data', 'later']);
  });

  it('refuses two timers of one name, deadlines that are no ticks, and snapshots of other machines', () => {
    const queue = createEventQueue();
    const timer = queue.timer('t', () => {});
    expect(() => queue.timer('t', () => {})).toThrow('two timers are named t');
    for (const deadline of [Number.NaN, Number.POSITIVE_INFINITY, 1.5, 2 ** 53]) {
      expect(() => timer.arm(deadline)).toThrow('is no tick');
    }
    expect(() => queue.restore({ sequence: 1, armed: { other: { deadline: 1, sequence: 0 } } })).toThrow(
      'no timer other',
    );
  });

  it('agrees with a sorted list under any sequence of arming, cancelling, running and restoring', () => {
    const operation = fc.record({
      kind: fc.constantFrom('arm', 'arm', 'cancel', 'run', 'restore'),
      timer: fc.nat(9),
      time: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const queue = createEventQueue();
        const ran: number[] = [];
        const timers = Array.from({ length: 10 }, (_, n) => queue.timer(`t${n}`, () => ran.push(n)));
        let model: { readonly n: number; readonly deadline: number; readonly sequence: number }[] = [];
        let sequence = 0;
        for (const { kind, timer, time } of operations) {
          if (kind === 'arm' && model.find(({ n }) => n === timer)?.deadline !== time) {
            model = [...model.filter(({ n }) => n !== timer), { n: timer, deadline: time, sequence }];
            sequence += 1;
          }
          if (kind === 'arm') timers[timer]?.arm(time);
          if (kind === 'cancel') {
            timers[timer]?.cancel();
            model = model.filter(({ n }) => n !== timer);
          }
          if (kind === 'restore') queue.restore(queue.save());
          if (kind === 'run') {
            const due = model.filter(({ deadline }) => deadline <= time);
            due.sort((a, b) => a.deadline - b.deadline || a.sequence - b.sequence);
            model = model.filter(({ deadline }) => deadline > time);
            ran.length = 0;
            queue.runDue(time);
            expect(ran).toEqual(due.map(({ n }) => n));
          }
          expect(queue.nextDeadline()).toBe(
            Math.min(Number.POSITIVE_INFINITY, ...model.map(({ deadline }) => deadline)),
          );
        }
      }),
    );
  });
});
