/** From pixel values to what the monitor shows: attribute controller palette, DAC mask, DAC. */
import { DISPI_8BIT_DAC, type VgaState } from './vga-state.ts';

/** A pixel as one doubleword; its bytes in memory are red, green, blue, opaque on the little-endian hosts there are. */
export type Rgba = number;

/** Black that is opaque. */
export const BLACK: Rgba = 0xff000000;

/** Six bits spread over eight, so that 3Fh becomes FFh. */
const toEightBits = (component: number): number => (component << 2) | (component >> 4);

/** The DAC holds eight bits of each component instead of six. */
export function isDacWide({ dispi }: VgaState): boolean {
  return (dispi.enable & DISPI_8BIT_DAC) !== 0;
}

/** The colour that the DAC puts out for a palette index. */
export function dacColor(state: VgaState, index: number): Rgba {
  const position = (index & state.dacMask) * 3;
  const [red, green, blue] = [0, 1, 2].map((part) => {
    const component = state.dac[position + part] as number;
    return isDacWide(state) ? component : toEightBits(component);
  });
  return (0xff000000 | ((blue as number) << 16) | ((green as number) << 8) | (red as number)) >>> 0;
}

/** DAC index of a four-bit pixel: AR12 enables planes, AR10 bit 7 and AR14 supply the upper bits. */
function paletteIndex(attribute: Uint8Array, pixel: number): number {
  const color = attribute[pixel & (attribute[0x12] as number)] as number;
  const select = attribute[0x14] as number;
  const upper = (select & 0x0c) << 4;
  const replaceBits54 = ((attribute[0x10] as number) & 0x80) !== 0;
  return upper | (replaceBits54 ? (color & 0x0f) | ((select & 3) << 4) : color);
}

/** Colours of the sixteen values of four-bit pixels and of text attributes. */
export function colors16(state: VgaState): Uint32Array {
  return Uint32Array.from({ length: 16 }, (_, pixel) => dacColor(state, paletteIndex(state.attribute, pixel)));
}

/** Colours of eight-bit pixels, which pass the palette by. */
export function colors256(state: VgaState): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, pixel) => dacColor(state, pixel));
}
