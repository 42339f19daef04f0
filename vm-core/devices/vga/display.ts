/** What a monitor on the VGA shows, drawn only when somebody looks. */
import type { Display, Frame } from '../../machine/machine.ts';
import type { DeviceContext } from '../device.ts';
import { codePage437Text } from './code-page-437.ts';
import { BLACK, dacColor } from './colors.ts';
import { frameNumber } from './crt-timing.ts';
import { isLinear, linearAspectRatio, linearLayout } from './linear-layout.ts';
import { isScreenOff, type PictureLayout, pictureLayout } from './picture-layout.ts';
import { renderGraphics } from './render-graphics.ts';
import { renderLinear } from './render-linear.ts';
import { type BlinkPhase, renderText } from './render-text.ts';
import { type Blinking, blinkingOf, textCodes } from './text-cells.ts';
import type { Vga } from './vga.ts';
import { markVisible } from './visible-memory.ts';

/** Frames for which the cursor is on or off, and the same for blinking characters. */
const CURSOR_PHASE_FRAMES = 8;
const ATTRIBUTE_PHASE_FRAMES = 16;

/** Every VGA mode fills a 4:3 monitor. */
const ASPECT_RATIO = 4 / 3;

const NOTHING_BLINKS: Blinking = { cursor: false, attributes: false };

/** The number of the current blink phase; it stays the same as long as nothing on the screen blinks. */
function blinkCount(blinking: Blinking, frame: number): number {
  if (blinking.cursor) return Math.floor(frame / CURSOR_PHASE_FRAMES);
  return blinking.attributes ? Math.floor(frame / ATTRIBUTE_PHASE_FRAMES) : 0;
}

const phaseOf = (frame: number): BlinkPhase => ({
  cursor: Math.floor(frame / CURSOR_PHASE_FRAMES) % 2 === 0,
  attributes: Math.floor(frame / ATTRIBUTE_PHASE_FRAMES) % 2 === 0,
});

/** Draws the picture of a layout; `pixels` arrives filled with zeros. */
function draw(vga: Vga, layout: PictureLayout, frame: number, pixels: Uint32Array): void {
  if (layout.output === 'off') pixels.fill(BLACK);
  else if (layout.output === 'border') pixels.fill(dacColor(vga.state, vga.state.attribute[0x11] as number));
  else if (layout.kind === 'text') renderText(vga.state, layout, phaseOf(frame), pixels);
  else renderGraphics(vga.state, layout, pixels);
}

function linearFrame({ state }: Vga): Frame {
  const layout = linearLayout(state);
  const { width, height } = layout;
  const pixels = new Uint8ClampedArray(width * height * 4);
  const words = new Uint32Array(pixels.buffer);
  if (isScreenOff(state)) words.fill(BLACK);
  else renderLinear(state, layout, words);
  return { width, height, aspectRatio: linearAspectRatio(layout), pixels };
}

/** Makes the display of a VGA. It only reads the device's state; one display per device. */
export function createDisplay(vga: Vga, context: Pick<DeviceContext, 'now'>): Display {
  const { changes } = vga;
  let generation = 0;
  let blinking = NOTHING_BLINKS;
  let shownBlinkCount = 0;
  const currentFrame = (): number => frameNumber(vga.timing(), context.now());

  /** Looks at the memory and registers again after they changed. */
  const lookAgain = (): void => {
    const layout = pictureLayout(vga.state);
    if (changes.layoutPending) markVisible(vga.state, layout, changes);
    const shown = !isLinear(vga.state) && layout.kind === 'text' && layout.output === 'picture';
    blinking = shown ? blinkingOf(vga.state, layout) : NOTHING_BLINKS;
    changes.looked();
  };

  return {
    get generation() {
      const changed = changes.pending;
      if (changed) lookAgain();
      const count = blinkCount(blinking, currentFrame());
      if (changed || count !== shownBlinkCount) generation++;
      shownBlinkCount = count;
      return generation;
    },
    render(): Frame {
      if (isLinear(vga.state)) return linearFrame(vga);
      const layout = pictureLayout(vga.state);
      const pixels = new Uint8ClampedArray(layout.width * layout.height * 4);
      draw(vga, layout, currentFrame(), new Uint32Array(pixels.buffer));
      return { width: layout.width, height: layout.height, aspectRatio: ASPECT_RATIO, pixels };
    },
    text() {
      if (isLinear(vga.state)) return undefined;
      const layout = pictureLayout(vga.state);
      if (layout.kind !== 'text' || layout.output !== 'picture') return undefined;
      return textCodes(vga.state, layout).map((codes) => codePage437Text(codes).trimEnd());
    },
  };
}
