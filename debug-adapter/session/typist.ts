/** Types keys at a pace that a guest can follow; a guest that stands still gets none. */
import type { Host } from '../host.ts';

/** Milliseconds between two keys: a BIOS buffers only fifteen. */
const INTERVAL_MS = 20;

export class Typist {
  readonly #host: Pick<Host, 'now'>;
  readonly #press: (scanCodes: readonly number[]) => void;
  #strokes: Uint8Array[] = [];
  #pressedAtMs = Number.NEGATIVE_INFINITY;

  constructor(host: Pick<Host, 'now'>, press: (scanCodes: readonly number[]) => void) {
    this.#host = host;
    this.#press = press;
  }

  /** Adds strokes; each holds all that pressing and releasing its key sends. */
  type(strokes: readonly Uint8Array[]): void {
    this.#strokes.push(...strokes);
  }

  clear(): void {
    this.#strokes = [];
  }

  /** The guest has run for a while. */
  sliceDone(): void {
    const now = this.#host.now();
    if (this.#strokes.length === 0 || now - this.#pressedAtMs < INTERVAL_MS) return;
    this.#pressedAtMs = now;
    this.#press([...(this.#strokes.shift() ?? [])]);
  }
}
