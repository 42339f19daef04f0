/**
 * The lights of the keyboard follow the locks (IBM AT Technical Reference, keyboard command EDh): the command and its
 * parameter are sent one after the other, each when the keyboard has acknowledged the byte before with an interrupt.
 */
import type { FirmwareContext } from '../../firmware.ts';
import { bda, changeBits } from '../bios-data.ts';

const KEYBOARD_DATA = 0x60;
const KEYBOARD_STATUS = 0x64;
const INPUT_FULL = 2;
const SET_LIGHTS = 0xed;

/** Bits of 40:97 besides the lights themselves (scroll, num, caps), which are bits 4–6 of 40:17 moved down. */
const LIGHTS = 0x07;
const LIGHTS_SHIFT = 4;
const PARAMETER_SENT = 1 << 4;
const UPDATING = 1 << 6;

const wanted = ({ memory }: FirmwareContext): number => (memory.read(bda.KEYBOARD_FLAGS_1, 1) >> LIGHTS_SHIFT) & LIGHTS;

/** Begins to set the lights if they are not as the locks are. */
export function updateLights(context: FirmwareContext): void {
  const state = context.memory.read(bda.KEYBOARD_LEDS, 1);
  if ((state & UPDATING) !== 0 || (state & LIGHTS) === wanted(context)) return;
  if ((context.ports.read(KEYBOARD_STATUS, 1) & INPUT_FULL) !== 0) return;
  changeBits(context, bda.KEYBOARD_LEDS, PARAMETER_SENT, UPDATING);
  context.ports.write(KEYBOARD_DATA, 1, SET_LIGHTS);
}

/** The keyboard has acknowledged a byte: the command, then the parameter. */
export function lightsAcknowledged(context: FirmwareContext): void {
  const state = context.memory.read(bda.KEYBOARD_LEDS, 1);
  if ((state & UPDATING) === 0) return;
  if ((state & PARAMETER_SENT) === 0) {
    const lights = wanted(context);
    changeBits(context, bda.KEYBOARD_LEDS, LIGHTS, PARAMETER_SENT | lights);
    context.ports.write(KEYBOARD_DATA, 1, lights);
  } else {
    changeBits(context, bda.KEYBOARD_LEDS, UPDATING | PARAMETER_SENT, 0);
    updateLights(context);
  }
}

/** The keyboard did not understand: the next change of a lock tries again. */
export function lightsRefused(context: FirmwareContext): void {
  changeBits(context, bda.KEYBOARD_LEDS, UPDATING | PARAMETER_SENT, 0);
}
