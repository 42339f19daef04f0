/** The shape of a linear picture as the display interface's registers give it. */
import type { VgaState } from './vga-state.ts';

/** No linear picture is larger. */
export const LINEAR_WIDTH_MAX = 1920;
export const LINEAR_HEIGHT_MAX = 1200;

const ENABLED = 1;

export interface LinearLayout {
  readonly width: number;
  readonly height: number;
  /** 4 (planes), 8, 15, 16, 24 or 32. */
  readonly bitsPerPixel: number;
  /** Half a byte for planes: a byte of each of the four, which lie side by side, has eight pixels. */
  readonly bytesPerPixel: number;
  /** Bytes from line to line. */
  readonly pitch: number;
  /** Offset of the first pixel in linear memory. */
  readonly start: number;
  /** Pixels of the first bytes that lie left of the picture. */
  readonly panning: number;
}

/** Pixels that a byte of each plane has. */
export const PLANAR_PIXELS = 8;

/** Bytes of a pixel. */
export function bytesPerPixel(bpp: number): number {
  return bpp === 4 ? 0.5 : (bpp + 7) >> 3;
}

/** True while the picture's pixels lie in planes, which the window reaches as it does those of the VGA. */
export function isPlanar(state: VgaState): boolean {
  return isLinear(state) && state.dispi.bpp === 4;
}

/** True while a linear picture is shown in place of the VGA's. */
export function isLinear({ dispi }: VgaState): boolean {
  return (dispi.enable & ENABLED) !== 0;
}

export function linearLayout({ dispi }: VgaState): LinearLayout {
  const size = bytesPerPixel(dispi.bpp);
  const pitch = dispi.virtualWidth * size;
  const panning = dispi.bpp === 4 ? dispi.xOffset % PLANAR_PIXELS : 0;
  return {
    width: dispi.xres,
    height: dispi.yres,
    bitsPerPixel: dispi.bpp,
    bytesPerPixel: size,
    pitch,
    start: dispi.yOffset * pitch + (dispi.xOffset - panning) * size,
    panning,
  };
}

/** Shape of the picture on a monitor: modes of 200 and 400 lines fill one of 4:3 as on a VGA, others have square pixels. */
export function linearAspectRatio({ width, height }: LinearLayout): number {
  return height === 200 || height === 400 ? 4 / 3 : width / height;
}
