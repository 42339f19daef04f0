/** Draws the newest frame on a canvas, at most once for each picture of the host's monitor. */
import type { Frame } from './screen-model.ts';

export class Picture {
  private waiting: Frame | undefined;
  private readonly canvas: HTMLCanvasElement;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  /** Shows a frame at the next opportunity; an older one that still waits is never drawn. */
  show(frame: Frame): void {
    const scheduled = this.waiting !== undefined;
    this.waiting = frame;
    if (!scheduled) requestAnimationFrame(() => this.drawWaiting());
  }

  /** The picture as a PNG file in the guest's pixels. */
  async png(): Promise<ArrayBuffer> {
    this.drawWaiting();
    const blob = await new Promise<Blob | null>((resolve) => this.canvas.toBlob(resolve, 'image/png'));
    if (blob === null) throw new Error('The browser could not encode the picture.');
    return blob.arrayBuffer();
  }

  private drawWaiting(): void {
    const frame = this.waiting;
    this.waiting = undefined;
    if (frame === undefined) return;
    const { width, height } = frame;
    // Setting the size clears the canvas, so it is set only when it changes.
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
    const image = new ImageData(new Uint8ClampedArray(frame.pixels), width, height);
    this.canvas.getContext('2d')?.putImageData(image, 0, 0);
  }
}
