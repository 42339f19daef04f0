/** Draws the newest frame on a canvas, at most once for each picture of the host's monitor. */
import type { Frame } from './screen-model.ts';

export class Picture {
  private readonly canvas: HTMLCanvasElement;
  private image: ImageData | undefined;
  /** Rows that the canvas does not show yet. */
  private waiting: { readonly top: number; readonly end: number } | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
  }

  /** Shows a frame, or the rows that it has of one, at the next opportunity. */
  show({ width, height, top, pixels }: Frame): void {
    const scheduled = this.waiting !== undefined;
    const rows = new Uint8ClampedArray(pixels);
    const end = top + rows.length / (width * 4);
    if (end - top === height) this.image = new ImageData(rows, width, height);
    else this.image?.data.set(rows, top * width * 4);
    const before = this.waiting;
    this.waiting = before ? { top: Math.min(before.top, top), end: Math.max(before.end, end) } : { top, end };
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
    const { canvas, image, waiting } = this;
    this.waiting = undefined;
    if (image === undefined || waiting === undefined) return;
    const { width, height } = image;
    const sized = canvas.width === width && canvas.height === height;
    // Setting the size clears the canvas, so it is set only when it changes, and then all is drawn.
    if (!sized) Object.assign(canvas, { width, height });
    const { top, end } = sized ? waiting : { top: 0, end: height };
    canvas.getContext('2d')?.putImageData(image, 0, 0, 0, top, width, end - top);
  }
}
