/** A picture of a session's screen as a PNG file, pixel for pixel as the guest draws it. */
import { encode } from 'fast-png';
import type { ScreenUpdate } from '../debug-adapter/protocol/screen.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import type { VmSession } from './vm-session.ts';

export type Frame = Extract<ScreenUpdate, { readonly type: 'frame' }>;

/**
 * The next whole picture. A session sends pictures only while a view is visible, so one is asked for; `viewVisible`
 * tells whether to leave it so.
 */
export function takeFrame(session: VmSession, viewVisible: boolean): Promise<Frame> {
  return new Promise((resolve, reject) => {
    const subscription = session.onScreenUpdate((update) => {
      const ended = update.type === 'status' && update.state === 'ended';
      const whole = update.type === 'frame' && update.pixels.byteLength === update.width * update.height * 4;
      if (!ended && !whole) return;
      subscription.dispose();
      if (!whole) {
        reject(new Error(localized('The session ended before there was a picture.')));
        return;
      }
      resolve(update);
      if (!viewVisible) session.requestScreen({ type: 'visible', visible: false });
    });
    session.requestScreen({ type: 'visible', visible: true });
  });
}

/** The file's bytes. */
export function encodePng(frame: Frame): Uint8Array {
  const { width, height } = frame;
  return encode({ width, height, channels: 4, depth: 8, data: new Uint8Array(frame.pixels) });
}
