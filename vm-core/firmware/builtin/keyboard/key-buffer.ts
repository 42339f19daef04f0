/**
 * The ring of keys in the BIOS data area. Its bounds are themselves in memory, so a guest may have moved the ring inside
 * segment 40h, or spoilt them.
 */
import type { FirmwareContext } from '../../firmware.ts';
import { BIOS_DATA, bda, KEYBOARD_BUFFER_END, KEYBOARD_BUFFER_START } from '../bios-data.ts';

interface Bounds {
  readonly start: number;
  readonly end: number;
}

/** Bounds that can hold at least two words inside segment 40h, else the usual ones. */
function boundsOf({ memory }: FirmwareContext): Bounds {
  const start = memory.read(bda.KEYBOARD_START, 2);
  const end = memory.read(bda.KEYBOARD_END, 2);
  const usable = start + 4 <= end && (end - start) % 2 === 0;
  return usable ? { start, end } : { start: KEYBOARD_BUFFER_START, end: KEYBOARD_BUFFER_END };
}

function position(context: FirmwareContext, address: number, { start, end }: Bounds): number {
  const value = context.memory.read(address, 2);
  return value >= start && value < end && (value - start) % 2 === 0 ? value : start;
}

const following = (offset: number, { start, end }: Bounds): number => (offset + 2 >= end ? start : offset + 2);

/** Puts a key at the end; false when the ring is full. */
export function putKey(context: FirmwareContext, code: number): boolean {
  const bounds = boundsOf(context);
  const tail = position(context, bda.KEYBOARD_TAIL, bounds);
  const next = following(tail, bounds);
  if (next === position(context, bda.KEYBOARD_HEAD, bounds)) return false;
  context.memory.write(BIOS_DATA + tail, 2, code);
  context.memory.write(bda.KEYBOARD_TAIL, 2, next);
  return true;
}

/** The first key, left in place; undefined when there is none. */
export function peekKey(context: FirmwareContext): number | undefined {
  const bounds = boundsOf(context);
  const head = position(context, bda.KEYBOARD_HEAD, bounds);
  if (head === position(context, bda.KEYBOARD_TAIL, bounds)) return undefined;
  return context.memory.read(BIOS_DATA + head, 2);
}

/** Removes the first key, if there is one. */
export function dropKey(context: FirmwareContext): void {
  const bounds = boundsOf(context);
  const head = position(context, bda.KEYBOARD_HEAD, bounds);
  if (head === position(context, bda.KEYBOARD_TAIL, bounds)) return;
  context.memory.write(bda.KEYBOARD_HEAD, 2, following(head, bounds));
}

/** Empties the ring. */
export function clearKeys(context: FirmwareContext): void {
  const { start } = boundsOf(context);
  context.memory.write(bda.KEYBOARD_HEAD, 2, start);
  context.memory.write(bda.KEYBOARD_TAIL, 2, start);
}
