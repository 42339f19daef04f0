/** Entry of the audio thread of the screen view: makes the speaker's samples (Web Audio API, AudioWorklet). */
import type { SpeakerSound } from './speaker.ts';
import { SpeakerWave } from './speaker-wave.ts';

/** The part of an audio worklet's global scope that is used; the DOM library does not have it. */
declare const sampleRate: number;
declare const currentTime: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

class SpeakerProcessor extends AudioWorkletProcessor {
  private readonly wave = new SpeakerWave(sampleRate);

  constructor() {
    super();
    this.port.onmessage = ({ data }: MessageEvent<SpeakerSound>) => {
      this.wave.add(data.playing, data.changes, currentTime);
    };
  }

  /** Called by the browser for each block of samples; false would end the processor. */
  process(_inputs: unknown, outputs: readonly (readonly Float32Array[])[]): boolean {
    const samples = outputs[0]?.[0];
    if (samples) this.wave.render(samples, currentTime);
    return true;
  }
}

registerProcessor('pc-speaker', SpeakerProcessor);
