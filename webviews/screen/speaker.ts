/** The PC's speaker in the page: muted until somebody turns it on, its samples made on the browser's audio thread. */
import type { ScreenUpdate } from '../../debug-adapter/protocol/screen.ts';

/** What the speaker does, as the session says it. */
export type SpeakerSound = Extract<ScreenUpdate, { readonly type: 'sound' }>;

/** Of what the browser can play; a square wave is loud. */
const VOLUME = 0.12;
/** Longer than the fade. */
const REST_AFTER_MS = 200;
/** Seconds in which the volume follows the switch, so that it does not click. */
const FADE = 0.01;

export class Speaker {
  /** The switch was turned. */
  onChange: (on: boolean) => void = () => undefined;
  private readonly moduleUrl: string;
  private isOn = false;
  private audio: Promise<Audio> | undefined;

  /** `moduleUrl` is the address of the script for the audio thread. */
  constructor(moduleUrl: string) {
    this.moduleUrl = moduleUrl;
  }

  get on(): boolean {
    return this.isOn;
  }

  /** Turns the speaker on or off. Rejects where the browser has no sound. */
  async turn(on: boolean): Promise<void> {
    if (on === this.isOn) return;
    this.isOn = on;
    this.onChange(on);
    if (this.audio === undefined && !on) return;
    this.audio ??= openAudio(this.moduleUrl);
    try {
      const { context, volume } = await this.audio;
      volume.gain.setTargetAtTime(this.isOn ? VOLUME : 0, context.currentTime, FADE);
      if (this.isOn) resume(context);
      else setTimeout(() => this.rest(context), REST_AFTER_MS);
    } catch (error) {
      this.audio = undefined;
      this.isOn = false;
      this.onChange(false);
      throw error;
    }
  }

  /** The machine does not run: nothing is to be heard. */
  hold(): void {
    this.receive({ type: 'sound', playing: false, changes: [] });
  }

  /** What is off takes no time of the processor. */
  private rest(context: AudioContext): void {
    if (!this.isOn) void context.suspend();
  }

  /** A message of the session. */
  receive(sound: SpeakerSound): void {
    void this.audio?.then(({ node }) => node.port.postMessage(sound)).catch(() => undefined);
  }
}

interface Audio {
  readonly context: AudioContext;
  readonly node: AudioWorkletNode;
  readonly volume: GainNode;
}

async function openAudio(moduleUrl: string): Promise<Audio> {
  const context = new AudioContext();
  await context.audioWorklet.addModule(await ownOrigin(moduleUrl));
  const node = new AudioWorkletNode(context, 'pc-speaker', { numberOfInputs: 0, outputChannelCount: [1] });
  const volume = new GainNode(context, { gain: 0 });
  node.connect(volume).connect(context.destination);
  return { context, node, volume };
}

/** A webview may read the extension's files but not run them on another thread; a copy of its own it may. */
async function ownOrigin(scriptUrl: string): Promise<string> {
  const script = await (await fetch(scriptUrl)).blob();
  return URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
}

/** Browsers play nothing until the user has done something in the page. */
function resume(context: AudioContext): void {
  const tryAgain = (): void => void context.resume();
  tryAgain();
  if (context.state === 'running') return;
  for (const event of ['pointerdown', 'keydown'])
    window.addEventListener(event, tryAgain, { once: true, capture: true });
}
