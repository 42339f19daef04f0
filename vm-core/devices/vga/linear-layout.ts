/** The shape of a linear picture as the display interface's registers give it. */
import type { VgaState } from './vga-state.ts';

/** No linear picture is larger. */
export const LINEAR_WIDTH_MAX = 1920;
export const LINEAR_HEIGHT_MAX = 1200;

const ENABLED = 1;

export interface LinearLayout {
  readonly width: number;
  readonly height: number;
  /** 8, 15, 16, 24 or 32. */
  readonly bitsPerPixel: number;
  readonly bytesPerPixel: number;
  /** Bytes from line to line. */
  readonly pitch: number;
  /** Offset of the first pixel in linear memory. */
  readonly start: number;
}

/** True while a linear picture is shown in place of the VGA's. */
export function isLinear({ dispi }: VgaState): boolean {
  return (dispi.enable & ENABLED) !== 0;
}

export function linearLayout({ dispi }: VgaState): LinearLayout {
  const bytesPerPixel = (dispi.bpp + 7) >> 3;
  const pitch = dispi.virtualWidth * bytesPerPixel;
  return {
    width: dispi.xres,
    height: dispi.yres,
    bitsPerPixel: dispi.bpp,
    bytesPerPixel,
    pitch,
    start: dispi.yOffset * pitch + dispi.xOffset * bytesPerPixel,
  };
}

/** Shape of the picture on a monitor: modes of 200 and 400 lines fill one of 4:3 as on a VGA, others have square pixels. */
export function linearAspectRatio({ width, height }: LinearLayout): number {
  return height === 200 || height === 400 ? 4 / 3 : width / height;
}
