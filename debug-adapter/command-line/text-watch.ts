/** Looks for a text in what the guest shows: on its serial port and debug console byte by byte, on its text screen. */
import type { Display } from '../../vm-core/index.ts';

export class TextWatch {
  /** True once the text was seen. */
  seen = false;
  /** Called when it is seen. */
  onSeen: () => void = () => {};
  private readonly text: string;
  /** The same as bytes in UTF-8, one character each. */
  private readonly bytes: string;
  /** The end of what each channel has sent, too short to hold the text. */
  private readonly tails = new Map<string, string>();
  private generation: number | undefined;

  constructor(text: string) {
    this.text = text;
    this.bytes = Buffer.from(text, 'utf8').toString('latin1');
  }

  sawOutput(channel: string, bytes: Uint8Array): void {
    if (this.seen) return;
    const received = (this.tails.get(channel) ?? '') + Buffer.from(bytes).toString('latin1');
    this.tails.set(channel, received.slice(Math.max(0, received.length - this.bytes.length + 1)));
    if (received.includes(this.bytes)) this.found();
  }

  /** Costs nothing while the picture stays the same. A text may go on from one row to the next. */
  look(display: Display): void {
    if (this.seen || this.generation === display.generation) return;
    this.generation = display.generation;
    const rows = display.text();
    if (rows === undefined) return;
    if (rows.some((row) => row.includes(this.text)) || rows.join('').includes(this.text)) this.found();
  }

  private found(): void {
    this.seen = true;
    this.onSeen();
  }
}
