/** The mouse of the guest as its screen view uses it: whether anybody listens to it, and what it is told. */
import { encodeMouseEvent, type Machine, type MouseEvent } from '../../vm-core/index.ts';

/** The keyboard controller's device and its channel for the mouse. */
const DEVICE = 'keyboard';
const CHANNEL = 'mouse';

/** Whether the guest has turned its mouse on, or asks for each movement; looking has no side effects. */
export function mouseWanted(machine: Machine): boolean {
  const mouse = machine.devices.get(DEVICE)?.state['mouse'] as { reporting?: unknown; mode?: unknown } | undefined;
  return mouse?.reporting === true || mouse?.mode === 'remote';
}

/**
 * The message that tells of a movement, downwards positive as on the screen. A machine that stands still hears of buttons
 * only: it would see all movements at once when it goes on.
 */
export function mouseMessage(
  { buttons, dx, dy, dz }: MouseEvent,
  running: boolean,
): { readonly device: string; readonly channel: string; readonly bytes: Uint8Array } {
  const event = running ? { buttons, dx, dy: -dy, dz } : { buttons, dx: 0, dy: 0, dz: 0 };
  return { device: DEVICE, channel: CHANNEL, bytes: encodeMouseEvent(event) };
}
