import { describe, expect, it } from 'vitest';
import type { Machine } from '../../vm-core/index.ts';
import type { ScreenUpdate } from '../protocol/screen.ts';
import { ScreenFeed } from './screen-feed.ts';

/** A feed with a picture that changes as the test says; drawing takes `drawingMs`. */
function start({ drawingMs = 0 } = {}) {
  const clock = { ms: 0 };
  const picture = { generation: 0, shade: 0, height: 8 };
  const sent: ScreenUpdate[] = [];
  const device = { state: { mouse: { reporting: false, mode: 'stream' } } };
  const machine = {
    devices: new Map([['keyboard', device]]),
    get retired() {
      return clock.ms * 100_000;
    },
    display: {
      get generation() {
        return picture.generation;
      },
      render: () => {
        clock.ms += drawingMs;
        const { height, shade } = picture;
        return { width: 2, height, aspectRatio: 4 / 3, pixels: new Uint8ClampedArray(height * 8).fill(shade) };
      },
      text: () => undefined,
    },
  } as unknown as Machine;
  const feed = new ScreenFeed({ now: () => clock.ms }, (update) => sent.push(update));
  feed.attach(machine);
  feed.setVisible(true);
  const frames = () => sent.filter(({ type }) => type === 'frame').length;
  /** Slices of 2 ms for so long; with `changing` the whole picture is another in each. Gives the frames. */
  const runFor = (ms: number, changing = false): number => {
    const before = frames();
    for (const end = clock.ms + ms; clock.ms < end; clock.ms += 2) {
      if (changing) change();
      feed.sliceDone();
    }
    return frames() - before;
  };
  const change = (): void => {
    picture.generation++;
    picture.shade = (picture.shade + 1) & 0xff;
  };
  return { clock, picture, sent, feed, frames, runFor, change, device };
}

describe('the frame rate of the screen view', () => {
  it('is that of a monitor while the picture changes all the time', () => {
    const { runFor } = start();
    runFor(500, true);
    expect(runFor(1000, true)).toBeGreaterThan(50);
  });

  it('falls while nothing happens, and rises within a few looks', () => {
    const { runFor, change, sent } = start();
    expect(runFor(3000)).toBe(0);
    sent.length = 0;
    change();
    expect(runFor(40)).toBe(0);
    expect(runFor(160)).toBe(1);
    runFor(150, true);
    expect(runFor(200, true)).toBeGreaterThan(9);
  });

  it('rises at once when somebody types or moves the mouse', () => {
    const { runFor, change, feed } = start();
    runFor(3000);
    feed.noteActivity();
    change();
    expect(runFor(18)).toBe(1);
  });

  it('counts a picture that was drawn again as it was as none', () => {
    const { runFor, picture, frames } = start();
    const before = frames();
    for (let look = 0; look < 50; look++) {
      picture.generation++;
      runFor(50);
    }
    expect(frames()).toBe(before);
  });

  it('leaves most of the time to the guest however long drawing takes', () => {
    const { runFor } = start({ drawingMs: 40 });
    runFor(1000, true);
    expect(runFor(4000, true)).toBeLessThanOrEqual(4000 / 160 + 1);
  });

  it('says about once a second how fast the guest runs, while it does and somebody looks', () => {
    const { runFor, sent, feed } = start();
    const told = () => sent.flatMap((update) => (update.type === 'speed' ? [update.instructionsPerSecond] : []));
    runFor(3500);
    expect(told()).toEqual([1e8, 1e8, 1e8]);
    feed.setState('stopped', '');
    feed.setState('running', '');
    runFor(900);
    expect(told()).toHaveLength(3);
    feed.setVisible(false);
    runFor(3000);
    expect(told()).toHaveLength(3);
  });

  it('says whether the guest listens to its mouse, when that changes and to a view that appears', () => {
    const { runFor, sent, device, feed } = start();
    const told = () => sent.flatMap((update) => (update.type === 'mouse' ? [update.wanted] : []));
    expect(told()).toEqual([false]);
    runFor(1000);
    device.state.mouse.reporting = true;
    runFor(1000);
    expect(told()).toEqual([false, true]);
    feed.setVisible(false);
    feed.setVisible(true);
    expect(told()).toEqual([false, true, true]);
    device.state.mouse = { reporting: false, mode: 'remote' };
    runFor(1000);
    expect(told()).toEqual([false, true, true]);
  });
});
