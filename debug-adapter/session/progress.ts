/** Tells a client that wants to know about work that takes its time. */
import { localized } from '../protocol/localized.ts';
import type { SentEvent } from './protocol-support.ts';

/** What a client shows while a guest is being booted. */
export function preparing({ program }: { readonly program?: string | undefined }): string {
  return localized('Preparing {0}', program ?? localized('the machine'));
}

export class Progress {
  readonly #sendEvent: (event: SentEvent, body: unknown) => void;
  readonly #isWanted: () => boolean;
  #nextId = 1;

  constructor(sendEvent: (event: SentEvent, body: unknown) => void, isWanted: () => boolean) {
    this.#sendEvent = sendEvent;
    this.#isWanted = isWanted;
  }

  /** Does work, with its title shown meanwhile. */
  async during<Result>(title: string, work: () => Promise<Result>): Promise<Result> {
    if (!this.#isWanted()) return work();
    const progressId = `${this.#nextId++}`;
    this.#sendEvent('progressStart', { progressId, title, cancellable: false });
    try {
      return await work();
    } finally {
      this.#sendEvent('progressEnd', { progressId });
    }
  }
}
