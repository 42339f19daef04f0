/**
 * The machine's one queue of timed events (DESIGN §5): a binary heap ordered by deadline, so that the run loop sees the
 * next one in constant time. Times are ticks of virtual time. Order is part of the machine's determinism: events of one
 * tick run in the order in which they were armed, those of devices before those of the input log.
 */
import type { Timer, TimerCallback } from './device.ts';

/** `input` events run after all `device` events of the same tick. */
export type EventOrder = 'device' | 'input';

/** What a snapshot holds of the queue: the armed timers by name. */
export interface EventQueueState {
  readonly sequence: number;
  readonly armed: Readonly<Record<string, { readonly deadline: number; readonly sequence: number }>>;
}

export interface EventQueue {
  /** Called when a timer is armed that is due before all others. */
  onSooner: () => void;
  /** The earliest deadline, or Infinity when nothing is armed. */
  nextDeadline(): number;
  /**
   * Runs everything due at `now`, in order. Callbacks may arm and cancel timers. Where one has to wait for the host, it
   * and all behind it stay due, and the result is what it waits for.
   */
  runDue(now: number): Promise<void> | undefined;
  /** Makes a timer; `name` (`instance/timer`) is unique and stable. */
  timer(name: string, callback: TimerCallback, order?: EventOrder): Timer;
  save(): EventQueueState;
  /** Puts every timer to what `save` saw; an unknown name is an error, for the snapshot is of another machine. */
  restore(state: EventQueueState): void;
}

interface QueuedTimer extends Timer {
  readonly name: string;
  readonly callback: TimerCallback;
  readonly order: 0 | 1;
  deadline: number | undefined;
  sequence: number;
  /** Position in the heap; -1 while not armed. */
  position: number;
}

function isBefore(a: QueuedTimer, b: QueuedTimer): boolean {
  const aDeadline = a.deadline as number;
  const bDeadline = b.deadline as number;
  if (aDeadline !== bDeadline) return aDeadline < bDeadline;
  if (a.order !== b.order) return a.order < b.order;
  return a.sequence < b.sequence;
}

/** A heap that knows where each of its timers lies, so that cancelling needs no search. */
class TimerHeap {
  readonly #timers: QueuedTimer[] = [];

  first(): QueuedTimer | undefined {
    return this.#timers[0];
  }

  add(timer: QueuedTimer): void {
    this.#timers.push(timer);
    timer.position = this.#timers.length - 1;
    this.#up(timer);
  }

  remove(timer: QueuedTimer): void {
    const last = this.#timers.pop() as QueuedTimer;
    if (last !== timer) {
      this.#place(last, timer.position);
      this.#up(last);
      this.#down(last);
    }
    timer.position = -1;
  }

  clear(): void {
    for (const timer of this.#timers) timer.position = -1;
    this.#timers.length = 0;
  }

  #place(timer: QueuedTimer, position: number): void {
    this.#timers[position] = timer;
    timer.position = position;
  }

  #up(timer: QueuedTimer): void {
    while (timer.position > 0) {
      const parent = this.#timers[(timer.position - 1) >> 1] as QueuedTimer;
      if (isBefore(parent, timer)) return;
      const position = parent.position;
      this.#place(parent, timer.position);
      this.#place(timer, position);
    }
  }

  #down(timer: QueuedTimer): void {
    for (;;) {
      const left = this.#timers[timer.position * 2 + 1];
      const right = this.#timers[timer.position * 2 + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || isBefore(timer, child)) return;
      const position = child.position;
      this.#place(child, timer.position);
      this.#place(timer, position);
    }
  }
}

/** Makes an empty queue. */
export function createEventQueue(): EventQueue {
  const timers = new Map<string, QueuedTimer>();
  const heap = new TimerHeap();
  let nextSequence = 0;

  const disarm = (timer: QueuedTimer): void => {
    if (timer.position >= 0) heap.remove(timer);
    timer.deadline = undefined;
  };

  const put = (timer: QueuedTimer, deadline: number, sequence: number): void => {
    timer.deadline = deadline;
    timer.sequence = sequence;
    heap.add(timer);
  };

  const arm = (timer: QueuedTimer, deadline: number): void => {
    if (!Number.isSafeInteger(deadline)) throw new Error(`timer ${timer.name}: deadline ${deadline} is no tick`);
    if (timer.deadline === deadline) return;
    disarm(timer);
    put(timer, deadline, nextSequence);
    nextSequence += 1;
    if (heap.first() === timer) queue.onSooner();
  };

  const queue: EventQueue = {
    onSooner: () => {},
    nextDeadline: () => heap.first()?.deadline ?? Number.POSITIVE_INFINITY,
    runDue(now) {
      for (let first = heap.first(); first !== undefined && (first.deadline as number) <= now; first = heap.first()) {
        const { deadline, sequence } = first;
        disarm(first);
        const wait: unknown = first.callback();
        if (wait instanceof Promise) {
          disarm(first);
          put(first, deadline as number, sequence);
          return wait;
        }
      }
      return undefined;
    },
    timer(name, callback, order = 'device') {
      if (timers.has(name)) throw new Error(`two timers are named ${name}`);
      const timer: QueuedTimer = {
        name,
        callback,
        order: order === 'device' ? 0 : 1,
        deadline: undefined,
        sequence: 0,
        position: -1,
        arm: (deadline) => arm(timer, deadline),
        cancel: () => disarm(timer),
      };
      timers.set(name, timer);
      return timer;
    },
    save() {
      const armed: Record<string, { deadline: number; sequence: number }> = {};
      for (const [name, { deadline, sequence }] of timers) {
        if (deadline !== undefined) armed[name] = { deadline, sequence };
      }
      return { sequence: nextSequence, armed };
    },
    restore(state) {
      const restored = Object.entries(state.armed).map(([name, saved]) => {
        const timer = timers.get(name);
        if (timer === undefined) throw new Error(`this machine has no timer ${name}`);
        return { timer, saved };
      });
      heap.clear();
      for (const timer of timers.values()) timer.deadline = undefined;
      for (const { timer, saved } of restored) put(timer, saved.deadline, saved.sequence);
      nextSequence = state.sequence;
    },
  };
  return queue;
}
