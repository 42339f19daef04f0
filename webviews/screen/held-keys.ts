/**
 * The keys of a captured keyboard: which are down, what the guest is told about them, and when the user wants the keyboard
 * back (Ctrl and Alt pressed together and released with no other key between).
 */
import { type KeyCodes, scanCodesOf } from './scan-codes.ts';

/** What of a `KeyboardEvent` matters. */
export type KeyEvent = Pick<KeyboardEvent, 'code' | 'key' | 'timeStamp'>;

/** Scan codes to send, and whether the keyboard goes back to the user. */
export interface KeyOutcome {
  readonly scanCodes: readonly number[];
  readonly release: boolean;
}

const RELEASE_KEYS: readonly (readonly [control: string, alt: string])[] = [
  ['ControlLeft', 'AltLeft'],
  ['ControlRight', 'AltLeft'],
];

const isMeta = (code: string): boolean => code === 'MetaLeft' || code === 'MetaRight';

export class HeldKeys {
  /** The release codes of every key that is down, so that the guest gets what fits the press. */
  private readonly held = new Map<string, KeyCodes>();
  /** Ctrl+Alt are down and nothing else has been pressed since. */
  private releaseArmed = false;
  private lastControl: { readonly timeStamp: number } | undefined;
  private readonly capsLockToggles: boolean;

  /** `capsLockToggles`: the host tells of Caps Lock going on and off instead of down and up (macOS). */
  constructor(options: { readonly capsLockToggles: boolean }) {
    this.capsLockToggles = options.capsLockToggles;
  }

  /** A key went down, or repeats. */
  down(event: KeyEvent): KeyOutcome {
    const { code } = event;
    const codes = scanCodesOf(code, new Set(this.held.keys()));
    if (codes === undefined) return { scanCodes: [], release: false };
    const repeats = this.held.has(code);
    if (repeats && codes.break.length === 0) return { scanCodes: [], release: false };
    if (this.togglesOnly(code)) return { scanCodes: [...codes.make, ...codes.break], release: false };
    const before = this.withoutAltGrControl(event);
    this.held.set(code, this.held.get(code) ?? codes);
    if (code === 'ControlLeft' && !repeats) this.lastControl = { timeStamp: event.timeStamp };
    this.releaseArmed = this.onlyReleaseKeysHeld();
    return { scanCodes: [...before, ...codes.make], release: false };
  }

  /** A key came up. */
  up({ code }: KeyEvent): KeyOutcome {
    const codes = this.held.get(code);
    if (codes === undefined) return { scanCodes: this.upWithoutDown(code), release: false };
    this.held.delete(code);
    const scanCodes = [...codes.break, ...(isMeta(code) ? this.releaseOthers() : [])];
    const release = this.releaseArmed;
    this.releaseArmed = false;
    return { scanCodes: release ? [...scanCodes, ...this.releaseAll()] : scanCodes, release };
  }

  /** Release codes of everything that is down: the view lost the keyboard. */
  releaseAll(): readonly number[] {
    const scanCodes = [...this.held.values()].flatMap((codes) => codes.break);
    this.held.clear();
    this.releaseArmed = false;
    this.lastControl = undefined;
    return scanCodes;
  }

  /** macOS hides the release of keys that come up while Command is down. */
  private releaseOthers(): readonly number[] {
    return [...this.held.keys()]
      .filter((code) => !/^(Shift|Control|Alt|Meta)/.test(code))
      .flatMap((code) => {
        const codes = this.held.get(code) as KeyCodes;
        this.held.delete(code);
        return codes.break;
      });
  }

  /** Windows tells only of the release of Print Screen, and macOS of Caps Lock going off. */
  private upWithoutDown(code: string): readonly number[] {
    if (code !== 'PrintScreen' && !this.togglesOnly(code)) return [];
    const codes = scanCodesOf(code, new Set(this.held.keys())) as KeyCodes;
    return [...codes.make, ...codes.break];
  }

  private togglesOnly(code: string): boolean {
    return code === 'CapsLock' && this.capsLockToggles;
  }

  /** Windows presses a left Ctrl of its own, at the same moment, with AltGr; a PC keyboard does not. */
  private withoutAltGrControl({ code, key, timeStamp }: KeyEvent): readonly number[] {
    const invented = code === 'AltRight' && key === 'AltGraph' && this.lastControl?.timeStamp === timeStamp;
    const control = this.held.get('ControlLeft');
    if (!invented || control === undefined) return [];
    this.held.delete('ControlLeft');
    return control.break;
  }

  private onlyReleaseKeysHeld(): boolean {
    return this.held.size === 2 && RELEASE_KEYS.some((pair) => pair.every((code) => this.held.has(code)));
  }
}
