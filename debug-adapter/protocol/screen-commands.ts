/** Messages between a screen view and the extension itself; the session never sees them. */

export type ScreenCommand =
  /** Offer the picture as a file; `png` is a whole PNG file in the guest's pixels. */
  | { readonly type: 'screenshot'; readonly png: ArrayBuffer }
  /** The user turned the speaker on or off: remember it. */
  | { readonly type: 'sound-switch'; readonly on: boolean };

/** From the extension to a view that appears: what the user chose in an earlier one. */
export interface ScreenPreferences {
  readonly type: 'preferences';
  readonly sound: boolean;
}
