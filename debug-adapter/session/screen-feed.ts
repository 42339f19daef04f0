/**
 * Feeds the screen view: frames at a rate that rises with activity and falls with its absence, one at every stop, and
 * the state of the session. While no view is visible nothing is drawn.
 */
import type { Machine } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import type { ScreenState, ScreenUpdate } from '../protocol/screen.ts';

/** About 60 frames a second at most, and a look at the picture every 400 ms at least. */
const INTERVAL_MIN_MS = 16;
const INTERVAL_MAX_MS = 400;
const GROWTH = 1.5;

export class ScreenFeed {
  readonly #host: Pick<Host, 'now'>;
  readonly #send: (update: ScreenUpdate) => void;
  #machine: Machine | undefined;
  #visible = false;
  #status: { readonly state: ScreenState; readonly detail: string } = { state: 'none', detail: '' };
  #intervalMs = INTERVAL_MIN_MS;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** Generation of the picture that the view has; undefined when it has none. */
  #shown: number | undefined;

  constructor(host: Pick<Host, 'now'>, send: (update: ScreenUpdate) => void) {
    this.#host = host;
    this.#send = send;
  }

  /** From now on this machine's picture is shown. */
  attach(machine: Machine): void {
    this.#machine = machine;
    this.#shown = undefined;
  }

  /** A view that appears gets status and picture at once. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#shown = undefined;
    if (!visible) return;
    this.#sendStatus();
    this.refresh();
  }

  setState(state: ScreenState, detail: string): void {
    this.#status = { state, detail };
    if (!this.#visible) return;
    this.refresh();
    this.#sendStatus();
  }

  /** Between two slices of the run loop. */
  sliceDone(): void {
    if (!this.#visible) return;
    const now = this.#host.now();
    if (now - this.#lookedAtMs < this.#intervalMs) return;
    this.#lookedAtMs = now;
    const changed = this.refresh();
    const next = changed ? this.#intervalMs / 2 : this.#intervalMs * GROWTH;
    this.#intervalMs = Math.min(INTERVAL_MAX_MS, Math.max(INTERVAL_MIN_MS, next));
  }

  /** Somebody typed: what follows is worth showing at once. */
  noteActivity(): void {
    this.#intervalMs = INTERVAL_MIN_MS;
  }

  /** Sends the picture if the view does not have it yet; tells whether it did. */
  refresh(): boolean {
    const display = this.#machine?.display;
    if (!this.#visible || !display || display.generation === this.#shown) return false;
    this.#shown = display.generation;
    const { width, height, aspectRatio, pixels } = display.render();
    const text = display.text();
    this.#send({ type: 'frame', width, height, aspectRatio, pixels: pixels.buffer, ...(text ? { text } : {}) });
    return true;
  }

  /** No picture is taken from the machine any more. */
  detach(): void {
    this.#machine = undefined;
  }

  #sendStatus(): void {
    this.#send({ type: 'status', ...this.#status });
  }
}
