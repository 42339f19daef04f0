/** Messages between the session and a screen view (the second channel of DESIGN §1). */

/** From the session. Buffers are transferred, not copied. */
export type ScreenUpdate =
  | {
      readonly type: 'frame';
      readonly width: number;
      readonly height: number;
      /** Width / height of the whole picture on a monitor. */
      readonly aspectRatio: number;
      /** RGBA, row by row. */
      readonly pixels: ArrayBuffer;
      /** Rows of a text mode for screen readers and copying; absent in graphics modes. */
      readonly text?: readonly string[];
    }
  | { readonly type: 'status'; readonly state: ScreenState; readonly detail: string };

/** `none`: no session. */
export type ScreenState = 'none' | 'running' | 'stopped' | 'ended';

/** From a screen view. */
export type ScreenRequest =
  /** The view is there (again): send status and a full frame. `visible` false: send nothing until it is true again. */
  | { readonly type: 'visible'; readonly visible: boolean }
  /** PS/2 set-1 scan codes, make and break. */
  | { readonly type: 'keys'; readonly scanCodes: readonly number[] }
  /** Press the machine's reset button. */
  | { readonly type: 'reset' };
