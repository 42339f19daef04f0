import { describe, expect, it } from 'vitest';
import { MouseMotion } from './mouse-motion.ts';

const still = { movementX: 0, movementY: 0 };

describe('the movement of a captured mouse', () => {
  it('comes in steps of the guest, and loses none of a slow movement', () => {
    const motion = new MouseMotion();
    expect(motion.move({ buttons: 0, movementX: 3, movementY: -1 }, 0.5)).toEqual({
      type: 'mouse',
      buttons: 0,
      dx: 1,
      dy: 0,
      dz: 0,
    });
    expect(motion.move({ buttons: 0, movementX: 1, movementY: 0 }, 0.5)).toMatchObject({ dx: 1, dy: 0 });
    expect(motion.move({ buttons: 0, movementX: 0, movementY: -1 }, 0.5)).toMatchObject({ dx: 0, dy: -1 });
    expect(motion.move({ buttons: 0, movementX: 0, movementY: 1 }, 0.5)).toBeUndefined();
  });

  it('tells of buttons when they change, and of all of them coming up at the end', () => {
    const motion = new MouseMotion();
    expect(motion.move({ buttons: 3, ...still }, 1)).toMatchObject({ buttons: 3, dx: 0 });
    expect(motion.move({ buttons: 3, ...still }, 1)).toBeUndefined();
    expect(motion.move({ buttons: 0xff, ...still }, 1)).toMatchObject({ buttons: 0x1f });
    expect(motion.release()).toMatchObject({ buttons: 0 });
    expect(motion.release()).toBeUndefined();
  });

  it.each([
    [0, 100],
    [1, 3],
    [2, 1],
  ])('counts clicks of the wheel in unit %i, positive towards the user', (deltaMode, deltaY) => {
    const motion = new MouseMotion();
    expect(motion.wheel({ buttons: 0, deltaMode, deltaY: deltaY / 2 })).toBeUndefined();
    expect(motion.wheel({ buttons: 0, deltaMode, deltaY: deltaY / 2 })).toMatchObject({ dz: 1 });
    expect(motion.wheel({ buttons: 0, deltaMode, deltaY: -2 * deltaY })).toMatchObject({ dz: -2 });
  });

  it('passes a leap on in parts', () => {
    const motion = new MouseMotion();
    expect(motion.move({ buttons: 0, movementX: 40_000, movementY: -40_000 }, 1)).toMatchObject({
      dx: 32_767,
      dy: -32_767,
    });
    expect(motion.move({ buttons: 0, ...still }, 1)).toMatchObject({ dx: 7233, dy: -7233 });
  });
});
