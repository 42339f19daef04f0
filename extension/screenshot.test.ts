import { decode } from 'fast-png';
import { describe, expect, it } from 'vitest';
import type { ScreenRequest, ScreenUpdate } from '../debug-adapter/protocol/screen.ts';
import { encodePng, type Frame, takeFrame } from './screenshot.ts';
import type { VmSession } from './vm-session.ts';

const PIXELS = [255, 0, 0, 255, 0, 255, 0, 255];
const frame: Frame = {
  type: 'frame',
  width: 2,
  height: 1,
  aspectRatio: 4 / 3,
  top: 0,
  pixels: new Uint8Array(PIXELS).buffer,
};

function fakeSession() {
  const listeners = new Set<(update: ScreenUpdate) => void>();
  const requests: ScreenRequest[] = [];
  const session = {
    onScreenUpdate: (listener: (update: ScreenUpdate) => void) => {
      listeners.add(listener);
      return { dispose: () => listeners.delete(listener) };
    },
    requestScreen: (request: ScreenRequest) => requests.push(request),
  };
  const update = (message: ScreenUpdate) => {
    for (const listener of listeners) listener(message);
  };
  return { session: session as unknown as VmSession, update, requests, listeners };
}

describe('takeFrame', () => {
  it('asks for a picture and leaves a hidden view hidden', async () => {
    const { session, update, requests, listeners } = fakeSession();
    const taken = takeFrame(session, false);
    update({ type: 'status', state: 'running', detail: '' });
    update({ type: 'mouse', wanted: true });
    update({ ...frame, height: 2, top: 1 });
    update(frame);
    expect(await taken).toBe(frame);
    expect(requests).toEqual([
      { type: 'visible', visible: true },
      { type: 'visible', visible: false },
    ]);
    expect(listeners.size).toBe(0);
  });

  it('leaves a visible view visible', async () => {
    const { session, update, requests } = fakeSession();
    const taken = takeFrame(session, true);
    update(frame);
    await taken;
    expect(requests).toEqual([{ type: 'visible', visible: true }]);
  });

  it('fails when the session ends first', async () => {
    const { session, update, listeners } = fakeSession();
    const taken = takeFrame(session, false);
    update({ type: 'status', state: 'ended', detail: '' });
    await expect(taken).rejects.toThrow('before there was a picture');
    expect(listeners.size).toBe(0);
  });
});

describe('encodePng', () => {
  it('writes the guest’s pixels as they are', () => {
    const { width, height, data } = decode(encodePng(frame));
    expect([width, height]).toEqual([2, 1]);
    expect([...data]).toEqual(PIXELS);
  });
});
