/** Hears what a page plays: an analyser (Web Audio API) beside the loudspeakers. */

/** What the page plays, as a test hears it. */
export interface Heard extends Window {
  analyser?: AnalyserNode;
  /** Of what is played right now, in Hz; 0 for silence. */
  pitch(): number;
}

/** Runs in the page: listens to whatever is sent to the loudspeakers. */
export function listenIn(): void {
  const heard = window as unknown as Heard;
  const connect = AudioNode.prototype.connect as (this: AudioNode, node: AudioNode) => AudioNode;
  AudioNode.prototype.connect = function (this: AudioNode, node: AudioNode): AudioNode {
    if (node instanceof AudioDestinationNode) {
      heard.analyser = new AnalyserNode(node.context, { fftSize: 16384 });
      connect.call(this, heard.analyser);
    }
    return connect.call(this, node);
  } as typeof AudioNode.prototype.connect;
  heard.pitch = () => {
    const { analyser } = heard;
    if (analyser?.context.state !== 'running') return 0;
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    if (samples.every((sample) => Math.abs(sample) < 0.001)) return 0;
    const rises = samples.filter((sample, index) => sample >= 0 && (samples[index - 1] ?? 0) < 0).length;
    return (rises * analyser.context.sampleRate) / samples.length;
  };
}
