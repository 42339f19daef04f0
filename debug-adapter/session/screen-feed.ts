/**
 * Feeds the screen view: frames at a rate that rises with activity and falls with its absence, one at every stop, the
 * state of the session, how fast the guest runs, and whether it listens to its mouse. While no view is visible nothing is drawn.
 */
import type { Machine } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import type { ScreenState, ScreenUpdate } from '../protocol/screen.ts';
import { ChangedRows } from './changed-rows.ts';
import { mouseWanted } from './mouse-channel.ts';
import { SpeedMeter } from './speed-meter.ts';

/** About 60 frames a second at most, and a look at the picture every 200 ms at least. */
const INTERVAL_MIN_MS = 16;
const INTERVAL_MAX_MS = 200;
/** The rate rises faster than it falls. */
const FASTER = 0.25;
const SLOWER = 1.5;
/** Drawing takes at most one part in so many of the time, however long a frame takes. */
const DRAWING_SHARE = 4;

export class ScreenFeed {
  readonly #host: Pick<Host, 'now'>;
  readonly #send: (update: ScreenUpdate) => void;
  readonly #rows = new ChangedRows();
  readonly #speed = new SpeedMeter();
  #machine: Machine | undefined;
  #visible = false;
  #status: { readonly state: ScreenState; readonly detail: string } = { state: 'none', detail: '' };
  #intervalMs = INTERVAL_MIN_MS;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  /** What the last frame took to draw. */
  #drawingMs = 0;
  /** Generation of the picture that the view has; undefined when it has none. */
  #shown: number | undefined;
  /** What the view was told of the mouse; undefined when nothing. */
  #mouseWanted: boolean | undefined;

  constructor(host: Pick<Host, 'now'>, send: (update: ScreenUpdate) => void) {
    this.#host = host;
    this.#send = send;
  }

  /** From now on this machine's picture is shown. */
  attach(machine: Machine): void {
    this.#machine = machine;
    this.#forget();
  }

  /** A view that appears gets status and picture at once. */
  setVisible(visible: boolean): void {
    this.#visible = visible;
    this.#forget();
    if (!visible) return;
    this.#sendStatus();
    this.#tellMouse();
    this.refresh();
  }

  setState(state: ScreenState, detail: string): void {
    this.#status = { state, detail };
    this.#speed.restart();
    if (!this.#visible) return;
    this.refresh();
    this.#sendStatus();
  }

  /** Between two slices of the run loop. */
  sliceDone(): void {
    if (!this.#visible) return;
    const now = this.#host.now();
    this.#tellSpeed(now);
    if (now - this.#lookedAtMs < Math.max(this.#intervalMs, DRAWING_SHARE * this.#drawingMs)) return;
    this.#lookedAtMs = now;
    this.#tellMouse();
    const next = this.#intervalMs * (this.refresh() ? FASTER : SLOWER);
    this.#intervalMs = Math.min(INTERVAL_MAX_MS, Math.max(INTERVAL_MIN_MS, next));
  }

  /** Somebody typed or moved the mouse: what follows is worth showing at once. */
  noteActivity(): void {
    this.#intervalMs = INTERVAL_MIN_MS;
  }

  /** Sends what the view does not have yet of the picture; tells whether there was anything. */
  refresh(): boolean {
    const display = this.#machine?.display;
    if (!this.#visible || !display || display.generation === this.#shown) return false;
    this.#shown = display.generation;
    const startedMs = this.#host.now();
    const frame = display.render();
    const rows = this.#rows.take(frame);
    if (rows) {
      const { width, height, aspectRatio } = frame;
      const text = display.text();
      const { top, pixels } = rows;
      this.#send({ type: 'frame', width, height, aspectRatio, top, pixels: pixels.buffer, ...(text ? { text } : {}) });
    }
    this.#drawingMs = this.#host.now() - startedMs;
    return rows !== undefined;
  }

  /** No picture is taken from the machine any more. */
  detach(): void {
    this.#machine = undefined;
  }

  #forget(): void {
    this.#speed.restart();
    this.#shown = undefined;
    this.#mouseWanted = undefined;
    this.#rows.forget();
  }

  #sendStatus(): void {
    this.#send({ type: 'status', ...this.#status });
  }

  #tellSpeed(now: number): void {
    const speed = this.#machine && this.#speed.look(this.#machine, now);
    if (speed) this.#send(speed);
  }

  #tellMouse(): void {
    const wanted = this.#machine !== undefined && mouseWanted(this.#machine);
    if (wanted === this.#mouseWanted) return;
    this.#mouseWanted = wanted;
    this.#send({ type: 'mouse', wanted });
  }
}
