/**
 * Character generators in plane 2 of the VGA: eight blocks of 256 characters, 32 bytes each (IBM PS/2 Video Subsystem
 * Technical Reference, "RAM-loadable character generator").
 */
import type { FirmwareContext } from '../../firmware.ts';
import { readGraphics, readSequencer, writeGraphics, writeSequencer } from './vga-registers.ts';

const CHARACTER_BYTES = 32;
const WINDOW = 0xa0000;

/** Where a block's characters begin; blocks 4–7 lie between blocks 0–3. */
const blockOffset = (block: number): number => ((block & 3) << 14) | ((block & 4) << 11);

/** Writes characters `first`… of `height` lines each into a block, and leaves the registers as they were. */
export function loadFont(
  context: FirmwareContext,
  glyphs: Uint8Array,
  height: number,
  first: number,
  block: number,
): void {
  const mapMask = readSequencer(context, 2);
  const memoryMode = readSequencer(context, 4);
  const readMap = readGraphics(context, 4);
  const mode = readGraphics(context, 5);
  const miscellaneous = readGraphics(context, 6);
  writeSequencer(context, 2, 1 << 2);
  writeSequencer(context, 4, 0x07);
  writeGraphics(context, 4, 2);
  writeGraphics(context, 5, 0x00);
  writeGraphics(context, 6, 0x04);

  const padded = new Uint8Array(CHARACTER_BYTES);
  const count = Math.floor(glyphs.length / height);
  for (let index = 0; index < count; index++) {
    padded.set(glyphs.subarray(index * height, (index + 1) * height));
    const character = (first + index) & 0xff;
    context.memory.writeBytes(WINDOW + blockOffset(block) + character * CHARACTER_BYTES, padded);
  }

  writeSequencer(context, 2, mapMask);
  writeSequencer(context, 4, memoryMode);
  writeGraphics(context, 4, readMap);
  writeGraphics(context, 5, mode);
  writeGraphics(context, 6, miscellaneous);
}
