/** A captured mouse's movement in whole steps of the guest's: what is left over counts the next time. */
import type { ScreenRequest } from '../../debug-adapter/protocol/screen.ts';

/** What the mouse did, as the session takes it. */
export type MouseRequest = Extract<ScreenRequest, { readonly type: 'mouse' }>;

/** What of a `MouseEvent` matters. */
export type Moved = Pick<MouseEvent, 'buttons' | 'movementX' | 'movementY'>;
/** What of a `WheelEvent` matters. */
export type Wheeled = Pick<WheelEvent, 'buttons' | 'deltaY' | 'deltaMode'>;

/** Left, right, middle and two at the sides: the same bits in the browser and in the guest. */
const BUTTONS = 0x1f;
const DISTANCE_MAX = 0x7fff;
const CLICKS_MAX = 127;
/** What one click of a wheel is in the browser's units: pixels, lines, pages. */
const PER_CLICK: readonly number[] = [100, 3, 1];

export class MouseMotion {
  #x = 0;
  #y = 0;
  #clicks = 0;
  #buttons = 0;

  /** The mouse moved or a button changed; `scale` is guest pixels for each pixel of the page. Undefined: no news. */
  move({ buttons, movementX, movementY }: Moved, scale: number): MouseRequest | undefined {
    this.#x += movementX * scale;
    this.#y += movementY * scale;
    return this.#take(buttons);
  }

  /** The wheel turned. */
  wheel({ buttons, deltaY, deltaMode }: Wheeled): MouseRequest | undefined {
    this.#clicks += deltaY / (PER_CLICK[deltaMode] ?? 1);
    return this.#take(buttons);
  }

  /** The view lost the mouse: what was pressed comes up. */
  release(): MouseRequest | undefined {
    this.#x = 0;
    this.#y = 0;
    this.#clicks = 0;
    return this.#take(0);
  }

  #take(buttons: number): MouseRequest | undefined {
    const dx = whole(this.#x, DISTANCE_MAX);
    const dy = whole(this.#y, DISTANCE_MAX);
    const dz = whole(this.#clicks, CLICKS_MAX);
    this.#x -= dx;
    this.#y -= dy;
    this.#clicks -= dz;
    const pressed = buttons & BUTTONS;
    if (dx === 0 && dy === 0 && dz === 0 && pressed === this.#buttons) return undefined;
    this.#buttons = pressed;
    return { type: 'mouse', buttons: pressed, dx, dy, dz };
  }
}

/** Without a negative zero, which is another value than zero in tests and messages. */
function whole(value: number, max: number): number {
  return Math.trunc(Math.min(max, Math.max(-max, value))) + 0;
}
