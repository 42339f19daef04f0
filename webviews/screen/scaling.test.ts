import { describe, expect, it } from 'vitest';
import { shownSize } from './scaling.ts';

const text = { width: 720, height: 400, aspectRatio: 4 / 3 };
const small = { width: 320, height: 200, aspectRatio: 4 / 3 };

describe('shownSize', () => {
  it('takes whole multiples of the guest’s columns when one fits', () => {
    expect(shownSize(small, { width: 1000, height: 700 }, 1)).toEqual({ width: 640, height: 480 });
    expect(shownSize(small, { width: 960, height: 720 }, 1)).toEqual({ width: 960, height: 720 });
    expect(shownSize(text, { width: 1439, height: 2000 }, 1)).toEqual({ width: 720, height: 540 });
  });

  it('counts device pixels', () => {
    expect(shownSize(small, { width: 1000, height: 700 }, 2)).toEqual({ width: 800, height: 600 });
    expect(shownSize(small, { width: 1000, height: 700 }, 1.25)).toEqual({ width: 768, height: 576 });
  });

  it('shrinks to what there is, in the right shape', () => {
    expect(shownSize(text, { width: 360, height: 1000 }, 1)).toEqual({ width: 360, height: 270 });
    expect(shownSize(text, { width: 1000, height: 300 }, 1)).toEqual({ width: 400, height: 300 });
  });

  it('never becomes nothing', () => {
    expect(shownSize(text, { width: 0, height: 0 }, 1).width).toBe(1);
  });
});
