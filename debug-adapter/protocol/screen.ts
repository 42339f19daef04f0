/** Messages between the session and a screen view (the second channel of DESIGN §1). */

/** From the session. Buffers are transferred, not copied. */
export type ScreenUpdate =
  | {
      readonly type: 'frame';
      readonly width: number;
      readonly height: number;
      /** Width / height of the whole picture on a monitor. */
      readonly aspectRatio: number;
      /** The first row that `pixels` has; the rows before and behind are as they were in the last picture. */
      readonly top: number;
      /** RGBA, whole rows. */
      readonly pixels: ArrayBuffer;
      /** Rows of a text mode for screen readers and copying; absent in graphics modes. */
      readonly text?: readonly string[];
    }
  | { readonly type: 'status'; readonly state: ScreenState; readonly detail: string }
  /** How fast the guest runs: told about once a second while it does. */
  | {
      readonly type: 'speed';
      readonly instructionsPerSecond: number;
      /** The share of them that compiled code executed, 0 to 1; absent where nothing is compiled. */
      readonly compiledShare?: number;
    }
  /** Whether the guest listens to its mouse: only then is it worth capturing. */
  | { readonly type: 'mouse'; readonly wanted: boolean }
  /** What the speaker does, in the order of time; only for a view that listens. `playing` false: hold it until true. */
  | { readonly type: 'sound'; readonly playing: boolean; readonly changes: readonly SoundChange[] };

/** The level at the speaker from a moment on, until the next change. All times in seconds. */
export interface SoundChange {
  /** On the session's clock. */
  readonly at: number;
  /** 0 to 1. */
  readonly level: number;
  /** How long until the level turns into its opposite for the first time; 0: never. */
  readonly next: number;
  /** How long it is high and low from then on, over and over; 0: for good. */
  readonly high: number;
  readonly low: number;
}

/** `none`: no session. */
export type ScreenState = 'none' | 'running' | 'stopped' | 'ended';

/** From a screen view. */
export type ScreenRequest =
  /** The view is there (again): send status and a full frame. `visible` false: send nothing until it is true again. */
  | { readonly type: 'visible'; readonly visible: boolean }
  /** PS/2 set-1 scan codes, make and break. */
  | { readonly type: 'keys'; readonly scanCodes: readonly number[] }
  /**
   * The mouse moved, to the right and down, a button changed (bit 0 left, 1 right, 2 middle, 3 and 4 at the sides), or the
   * wheel turned, by clicks, positive towards the user.
   */
  | {
      readonly type: 'mouse';
      readonly buttons: number;
      readonly dx: number;
      readonly dy: number;
      readonly dz: number;
    }
  /** Send what the speaker does from now on, or do not. */
  | { readonly type: 'listen'; readonly on: boolean }
  /** Press the machine's reset button. */
  | { readonly type: 'reset' };
