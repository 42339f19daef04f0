/**
 * Feeds the speaker of the screen view: what the machine's speaker does while it runs, in changes that are as rare as the
 * sound allows (a tone is one). Virtual time does not pass at the pace of the clock on the wall, so changes are laid out
 * evenly over the time that the run took, while tones keep their frequency. Nothing is sent unless somebody listens.
 */
import { decodeSpeakerSignal, type Machine } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import type { ScreenState, ScreenUpdate, SoundChange } from '../protocol/screen.ts';
import type { Guest } from './guest.ts';
import type { SessionView } from './session-view.ts';
import { SoundChanges, soundChange } from './sound-changes.ts';

/** Milliseconds between two messages at least. */
const INTERVAL_MS = 10;

export class SoundFeed implements SessionView {
  readonly #host: Pick<Host, 'now'>;
  readonly #send: (update: ScreenUpdate) => void;
  readonly #changes = new SoundChanges();
  #machine: Machine | undefined;
  #listening = false;
  #running = false;
  /** The last thing the machine said of its speaker. */
  #signal: Uint8Array | undefined;
  /** Up to where all was sent: virtual and real seconds. */
  #sent = { virtual: 0, real: 0 };

  constructor(host: Pick<Host, 'now'>, send: (update: ScreenUpdate) => void) {
    this.#host = host;
    this.#send = send;
  }

  /** Listens to the machine beside whoever listens already. */
  attach({ machine }: Guest): void {
    this.#machine = machine;
    this.#signal = undefined;
    this.#running = false;
    const heard = machine.onOutput;
    machine.onOutput = (device, channel, bytes) => {
      heard(device, channel, bytes);
      if (channel === 'speaker' && this.#machine === machine) this.#hear(machine, bytes);
    };
    this.#sendSound([]);
  }

  /** Somebody wants to hear the speaker from now on, or not any more. */
  setListening(on: boolean): void {
    this.#listening = on;
    this.#begin();
  }

  setState(state: ScreenState, _detail: string): void {
    this.#flush();
    this.#running = state === 'running';
    this.#begin();
  }

  sliceDone(): void {
    if (this.#listening && this.#host.now() / 1000 - this.#sent.real >= INTERVAL_MS / 1000) this.#flush();
  }

  refresh(): void {}

  detach(): void {
    this.#machine = undefined;
    this.#running = false;
    this.#sendSound([]);
  }

  #hear(machine: Machine, bytes: Uint8Array): void {
    this.#signal = bytes;
    if (this.#listening) this.#changes.add(soundChange(decodeSpeakerSignal(bytes), machine.ticksPerSecond));
  }

  /** Tells what is to be heard at this moment. */
  #begin(): void {
    this.#changes.clear();
    this.#mark();
    const tone = this.#running ? this.#toneNow() : undefined;
    this.#sendSound(tone ? [tone] : []);
  }

  #toneNow(): SoundChange | undefined {
    if (!this.#machine || !this.#signal) return undefined;
    const change = soundChange(decodeSpeakerSignal(this.#signal), this.#machine.ticksPerSecond);
    // A level that has no tone is not heard, and a pulse is over.
    return change.high > 0 && change.low > 0 ? { ...change, at: this.#sent.real } : undefined;
  }

  #flush(): void {
    if (!this.#machine || !this.#running) return;
    const { virtual: virtualBefore, real: realBefore } = this.#sent;
    this.#mark();
    const virtualTook = this.#sent.virtual - virtualBefore;
    const pace = virtualTook > 0 ? (this.#sent.real - realBefore) / virtualTook : 0;
    const changes = this.#changes
      .take()
      .map((change) => ({ ...change, at: realBefore + (change.at - virtualBefore) * pace }));
    if (changes.length > 0) this.#sendSound(changes);
  }

  #mark(): void {
    if (this.#machine) {
      this.#sent = { virtual: this.#machine.time / this.#machine.ticksPerSecond, real: this.#host.now() / 1000 };
    }
  }

  #sendSound(changes: readonly SoundChange[]): void {
    if (this.#listening) this.#send({ type: 'sound', playing: this.#running, changes });
  }
}
