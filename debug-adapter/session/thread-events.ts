/**
 * Tells the client of processors that leave the wait for their start-up message: threads begin then to do something, and
 * have other names.
 */
import type { Guest } from './guest.ts';
import { threadIdOf } from './cpu-ids.ts';
import type { SentEvent } from './protocol-support.ts';
import type { SessionView } from './session-view.ts';
import { waitsForStartup } from './thread-name.ts';

/** A processor, and whether it waited when it was looked at last. */
interface Cpu {
  readonly guest: Guest;
  waits: boolean;
}

export class ThreadEvents implements SessionView {
  readonly #sendEvent: (event: SentEvent, body: unknown) => void;
  #cpus: Cpu[] = [];

  constructor(sendEvent: (event: SentEvent, body: unknown) => void) {
    this.#sendEvent = sendEvent;
  }

  /** Threads that the guest before had are gone. */
  attach(guest: Guest): void {
    for (const { guest: before } of this.#cpus.slice(guest.cpus.length)) {
      this.#sendEvent('thread', { reason: 'exited', threadId: threadIdOf(before) });
    }
    this.#cpus = guest.cpus.map((each) => ({ guest: each, waits: waitsForStartup(each) }));
  }

  setState(): void {
    // What a stop brings is told before it.
  }

  sliceDone(): void {
    this.look();
  }

  refresh(): void {
    this.look();
  }

  detach(): void {
    this.#cpus = [];
  }

  /**
   * Tells what has changed since the last look. To be called before a stop is told: VS Code drops a stop of a thread of
   * which it hears afterwards that it has started.
   */
  look(): void {
    // The first processor never waits.
    for (let n = 1; n < this.#cpus.length; n++) {
      const cpu = this.#cpus[n] as Cpu;
      const waits = waitsForStartup(cpu.guest);
      if (cpu.waits && !waits) this.#sendEvent('thread', { reason: 'started', threadId: threadIdOf(cpu.guest) });
      cpu.waits = waits;
    }
  }
}
