/** What drives on an ATA channel have in common: status, interrupts, and the data register (ATA/ATAPI-6, "Protocols"). */
import type { DeviceContext, Timer, TimerCallback } from '../device.ts';
import {
  type DriveState,
  STATUS_BUSY,
  STATUS_DATA_REQUEST,
  STATUS_ERROR,
  STATUS_READY,
  STATUS_SEEK_COMPLETE,
} from './ide-state.ts';

/** What the channel gives to a drive. */
export interface DriveSurroundings {
  readonly context: DeviceContext;
  /** Another object after a reset or a snapshot: ask each time. */
  readonly state: DriveState;
  /** Makes the drive's timer. */
  timer(callback: TimerCallback): Timer;
  /** Drives the interrupt line. */
  update(): void;
}

/** A drive as the channel sees it. */
export interface Drive {
  /** A write to the command register. */
  execute(command: number): void;
  /** What a reset by hardware, by software or by EXECUTE DEVICE DIAGNOSTIC leaves: the signature. */
  reset(): void;
  /** Forgets what is on its way. */
  stop(): void;
  /** One word of the data register. */
  readWord(): number;
  writeWord(value: number): void;
}

/** What a kind of drive does when a piece of data has gone over the data register. */
interface Handlers {
  /** The time of an operation is over; returns what it waits for if the medium's data are not there yet. */
  readonly proceed: () => Promise<void> | undefined;
  readonly pieceTaken: () => void;
  readonly pieceGiven: () => void;
}

const IDLE = STATUS_READY | STATUS_SEEK_COMPLETE;

/** The data register and the status of one drive. */
export class DataPort {
  readonly #around: DriveSurroundings;
  readonly #handlers: Handlers;
  readonly #timer: Timer;

  constructor(around: DriveSurroundings, handlers: Handlers) {
    this.#around = around;
    this.#handlers = handlers;
    this.#timer = around.timer(handlers.proceed);
  }

  get #state(): DriveState {
    return this.#around.state;
  }

  /** Busy for so long; then `proceed`. */
  work(microseconds: number): void {
    const { context } = this.#around;
    this.#state.status = STATUS_BUSY;
    this.#state.direction = 'none';
    this.#timer.arm(context.now() + Math.max(1, Math.floor((microseconds * context.ticksPerSecond) / 1_000_000)));
  }

  stop(): void {
    this.#timer.cancel();
    this.#state.direction = 'none';
    this.#state.interrupt = false;
  }

  /** Offers, or asks for, the bytes of the buffer from `position` to `end`. */
  request(direction: 'to-host' | 'from-host' | 'packet', end: number, interrupts: boolean): void {
    const state = this.#state;
    Object.assign(state, { direction, pieceEnd: end, status: IDLE | STATUS_DATA_REQUEST });
    this.#interrupt(interrupts);
  }

  /** The command has ended well; the last piece of a read ends it without an interrupt of its own. */
  complete(interrupts = true): void {
    Object.assign(this.#state, { direction: 'none', status: IDLE, error: 0 });
    this.#interrupt(interrupts);
  }

  fail(error: number): void {
    Object.assign(this.#state, { direction: 'none', status: IDLE | STATUS_ERROR, error });
    this.#interrupt(true);
  }

  #interrupt(interrupts: boolean): void {
    if (interrupts) this.#state.interrupt = true;
    this.#around.update();
  }

  readWord(): number {
    const state = this.#state;
    if (state.direction !== 'to-host') return 0;
    const { buffer, position } = state;
    state.position += 2;
    if (state.position >= state.pieceEnd) this.#handlers.pieceTaken();
    return (buffer[position] as number) | ((buffer[position + 1] as number) << 8);
  }

  writeWord(value: number): void {
    const state = this.#state;
    if (state.direction !== 'from-host' && state.direction !== 'packet') return;
    state.buffer[state.position] = value & 0xff;
    state.buffer[state.position + 1] = value >> 8;
    state.position += 2;
    if (state.position >= state.pieceEnd) this.#handlers.pieceGiven();
  }
}
