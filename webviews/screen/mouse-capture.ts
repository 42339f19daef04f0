/**
 * Takes the mouse for the guest: the pointer is hidden and stays where it is, and movement goes to the guest (Pointer Lock
 * 2.0). The browser itself gives the pointer back when the user presses Escape.
 */
import { MouseMotion, type MouseRequest } from './mouse-motion.ts';

const EVENTS = ['mousemove', 'mousedown', 'mouseup'] as const;

export class MouseCapture {
  /** For the guest. */
  onMouse: (request: MouseRequest) => void = () => undefined;
  /** The mouse was captured or released. */
  onChange: () => void = () => undefined;
  /** The browser released the mouse by itself. */
  onTakenBack: () => void = () => undefined;
  private readonly element: HTMLElement;
  private readonly scale: () => number;
  private motion = new MouseMotion();
  private capturing = false;

  /** `scale` gives the guest's pixels for each pixel of the page. */
  constructor(element: HTMLElement, scale: () => number) {
    this.element = element;
    this.scale = scale;
    document.addEventListener('pointerlockchange', this.lockChanged);
  }

  get captured(): boolean {
    return this.capturing;
  }

  /** Asks for the mouse; only where the user has just clicked or pressed a key is it given. */
  capture(): void {
    if (this.capturing) return;
    // Older browsers answer with events only.
    const asked = this.element.requestPointerLock() as Promise<void> | undefined;
    asked?.catch(() => undefined);
  }

  /** Gives the mouse back; the guest sees every pressed button come up. */
  release(): void {
    if (!this.capturing) return;
    this.end();
    document.exitPointerLock();
  }

  private readonly lockChanged = (): void => {
    const locked = document.pointerLockElement === this.element;
    if (locked === this.capturing) return;
    if (locked) {
      this.begin();
      return;
    }
    this.end();
    this.onTakenBack();
  };

  private begin(): void {
    this.capturing = true;
    this.motion = new MouseMotion();
    for (const event of EVENTS) this.element.addEventListener(event, this.moved);
    this.element.addEventListener('wheel', this.wheeled, { passive: false });
    this.element.addEventListener('contextmenu', swallow);
    this.onChange();
  }

  private end(): void {
    this.capturing = false;
    for (const event of EVENTS) this.element.removeEventListener(event, this.moved);
    this.element.removeEventListener('wheel', this.wheeled);
    this.element.removeEventListener('contextmenu', swallow);
    this.emit(this.motion.release());
    this.onChange();
  }

  private readonly moved = (event: MouseEvent): void => {
    event.preventDefault();
    this.emit(this.motion.move(event, this.scale()));
  };

  private readonly wheeled = (event: WheelEvent): void => {
    event.preventDefault();
    this.emit(this.motion.wheel(event));
  };

  private emit(request: MouseRequest | undefined): void {
    if (request) this.onMouse(request);
  }
}

const swallow = (event: Event): void => event.preventDefault();
