/** Messages from a screen view that the extension answers itself; the session never sees them. */

export type ScreenCommand =
  /** Offer the picture as a file; `png` is a whole PNG file in the guest's pixels. */
  { readonly type: 'screenshot'; readonly png: ArrayBuffer };
