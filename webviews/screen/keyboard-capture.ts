/**
 * Takes the keyboard for the guest while the screen is captured: listens before everybody else in the page, so that neither
 * the page nor VS Code acts on keys that are the guest's.
 */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import { HeldKeys, type KeyOutcome } from './held-keys.ts';
import { scanCodesOf } from './scan-codes.ts';

const hostIsMac = /^Mac/.test(navigator.platform);

/** The keys that give the keyboard back, as they are labelled on the host's keyboard. */
export function releaseKeys(): string {
  return hostIsMac ? localized('Control+Option') : localized('Ctrl+Alt');
}

/** Two tellings of one press of a key lie less apart. */
const SAME_PRESS_MS = 250;

export class KeyboardCapture {
  /** Set-1 scan codes for the guest. */
  onScanCodes: (scanCodes: readonly number[]) => void = () => undefined;
  /** The keyboard was captured or released. */
  onChange: () => void = () => undefined;
  private readonly held = new HeldKeys({ capsLockToggles: hostIsMac });
  private capturing = false;
  /** When the page last saw Escape go down, in milliseconds of the page. */
  private escapedMs = Number.NEGATIVE_INFINITY;

  get captured(): boolean {
    return this.capturing;
  }

  /** Keys go to the guest until `release`, Ctrl+Alt or the loss of focus. */
  capture(): void {
    if (this.capturing) return;
    this.capturing = true;
    window.addEventListener('keydown', this.keyDown, { capture: true });
    window.addEventListener('keyup', this.keyUp, { capture: true });
    window.addEventListener('blur', this.lostFocus);
    this.onChange();
  }

  /** Gives the keyboard back; the guest sees every held key come up. */
  release(): void {
    if (!this.capturing) return;
    this.capturing = false;
    window.removeEventListener('keydown', this.keyDown, { capture: true });
    window.removeEventListener('keyup', this.keyUp, { capture: true });
    window.removeEventListener('blur', this.lostFocus);
    this.emit(this.held.releaseAll());
    this.onChange();
  }

  /** Escape was pressed although the page was not told: some browsers keep it when they release the mouse. */
  escape(): void {
    if (!this.capturing || performance.now() - this.escapedMs < SAME_PRESS_MS) return;
    const codes = scanCodesOf('Escape', new Set());
    if (codes) this.emit([...codes.make, ...codes.break]);
  }

  private readonly keyDown = (event: KeyboardEvent): void => {
    if (event.code === 'Escape') this.escapedMs = performance.now();
    this.take(event, this.held.down(event));
  };
  private readonly keyUp = (event: KeyboardEvent): void => this.take(event, this.held.up(event));
  private readonly lostFocus = (): void => this.release();

  private take(event: KeyboardEvent, { scanCodes, release }: KeyOutcome): void {
    event.preventDefault();
    event.stopImmediatePropagation();
    this.emit(scanCodes);
    if (release) this.release();
  }

  private emit(scanCodes: readonly number[]): void {
    if (scanCodes.length > 0) this.onScanCodes(scanCodes);
  }
}
