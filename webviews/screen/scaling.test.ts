import { describe, expect, it } from 'vitest';
import { present } from './scaling.ts';

const text = { width: 720, height: 400, aspectRatio: 4 / 3 };
const small = { width: 320, height: 200, aspectRatio: 4 / 3 };

describe('present', () => {
  it('takes whole multiples of the guest’s columns when one fits', () => {
    expect(present(small, { width: 1000, height: 700 }, 1)).toEqual({ width: 640, height: 480, pixelated: true });
    expect(present(small, { width: 960, height: 720 }, 1)).toEqual({ width: 960, height: 720, pixelated: true });
    expect(present(text, { width: 1439, height: 2000 }, 1)).toEqual({ width: 720, height: 540, pixelated: true });
  });

  it('counts device pixels', () => {
    expect(present(small, { width: 1000, height: 700 }, 2)).toEqual({ width: 800, height: 600, pixelated: true });
    expect(present(small, { width: 1000, height: 700 }, 1.25)).toEqual({ width: 768, height: 576, pixelated: true });
  });

  it('shrinks to what there is, in the right shape', () => {
    expect(present(text, { width: 360, height: 1000 }, 1)).toEqual({ width: 360, height: 270, pixelated: false });
    expect(present(text, { width: 1000, height: 300 }, 1)).toEqual({ width: 400, height: 300, pixelated: false });
  });

  it('is smoothed when rows of the guest would be missing', () => {
    const high = { width: 320, height: 400, aspectRatio: 4 / 3 };
    expect(present(high, { width: 400, height: 700 }, 1)).toEqual({ width: 320, height: 240, pixelated: false });
  });

  it('never becomes nothing', () => {
    expect(present(text, { width: 0, height: 0 }, 1).width).toBe(1);
  });
});
