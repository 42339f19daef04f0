import { describe, expect, it } from 'vitest';
import {
  initialModel,
  isScreenUpdate,
  machinePresent,
  mouseUsed,
  type ScreenModel,
  screenText,
  statusText,
  withUpdate,
} from './screen-model.ts';

const frame = (width: number, height: number, bytes = width * height * 4, text?: readonly string[]) =>
  ({
    type: 'frame',
    width,
    height,
    aspectRatio: 4 / 3,
    top: 0,
    pixels: new ArrayBuffer(bytes),
    ...(text === undefined ? {} : { text }),
  }) as const;

const status = (state: ScreenModel['state'], detail = '') => ({ type: 'status', state, detail }) as const;

describe('screen model', () => {
  it('begins without session and picture', () => {
    expect(statusText(initialModel)).toBe('No debug session');
    expect(machinePresent(initialModel)).toBe(false);
    expect(screenText(initialModel)).toBeUndefined();
  });

  it('keeps the newest picture, also when the session ends', () => {
    const first = withUpdate(withUpdate(initialModel, status('running')), frame(8, 8));
    const second = withUpdate(withUpdate(first, frame(4, 4)), status('ended', 'powered off'));
    expect([second.frame?.width, statusText(second), machinePresent(second)]).toEqual([4, 'Ended: powered off', false]);
  });

  it('drops a picture that is not whole', () => {
    const model = withUpdate(initialModel, frame(8, 8));
    expect(withUpdate(model, frame(8, 8, 100))).toBe(model);
    expect(withUpdate(model, frame(0, 0))).toBe(model);
  });

  it('takes rows of the picture that it has, and of no other', () => {
    const rows = { ...frame(8, 8, 8 * 4 * 2), top: 6 };
    expect(withUpdate(initialModel, rows)).toBe(initialModel);
    const model = withUpdate(initialModel, frame(8, 8));
    expect(withUpdate(model, rows).frame).toBe(rows);
    for (const wrong of [
      { ...rows, top: 7 },
      { ...rows, top: -1 },
      { ...rows, height: 16 },
    ]) {
      expect(withUpdate(model, wrong)).toBe(model);
    }
  });

  it('knows the speed of a guest until that stops or begins', () => {
    const speed = { type: 'speed', instructionsPerSecond: 1e8, compiledShare: 0.9 } as const;
    const model = withUpdate(withUpdate(initialModel, status('running')), speed);
    expect([isScreenUpdate(speed), model.speed]).toEqual([true, speed]);
    expect(withUpdate(model, status('stopped')).speed).toBeUndefined();
    expect(isScreenUpdate({ ...speed, compiledShare: 'all' })).toBe(false);
    expect(isScreenUpdate({ type: 'speed' })).toBe(false);
  });

  it('knows whether the guest that runs listens to its mouse', () => {
    const listening = withUpdate(initialModel, { type: 'mouse', wanted: true });
    expect(mouseUsed(listening)).toBe(false);
    expect(mouseUsed(withUpdate(listening, status('running')))).toBe(true);
    expect(mouseUsed(withUpdate(listening, status('stopped')))).toBe(false);
  });

  it('says what the machine does and why', () => {
    expect(statusText(withUpdate(initialModel, status('running')))).toBe('Running');
    const stopped = withUpdate(initialModel, status('stopped', 'breakpoint'));
    expect([statusText(stopped), machinePresent(stopped)]).toEqual(['Paused: breakpoint', true]);
    expect(statusText({ ...stopped, detail: 'Paused' })).toBe('Paused');
  });

  it('has text to copy in text modes only', () => {
    const model = withUpdate(initialModel, frame(1, 1, 4, ['A>dir', '', 'ok', '', '']));
    expect(screenText(model)).toBe('A>dir\n\nok');
    expect(screenText(withUpdate(model, frame(1, 1)))).toBeUndefined();
  });
});

describe('isScreenUpdate', () => {
  it('tells messages of the session from others', () => {
    expect([frame(1, 1), status('none')].map(isScreenUpdate)).toEqual([true, true]);
    const others = [null, undefined, 1, 'x', {}, { type: 'frame' }, { type: 'frame', pixels: 'x' }, { type: 'status' }];
    expect(others.map(isScreenUpdate)).toEqual(others.map(() => false));
  });
});
