import { describe, expect, it } from 'vitest';
import { isScreenCommand, isScreenRequest } from './screen-request.ts';

describe('isScreenRequest', () => {
  it.each([
    { type: 'reset' },
    { type: 'visible', visible: true },
    { type: 'listen', on: false },
    { type: 'mouse', buttons: 31, dx: -32767, dy: 32767, dz: -127 },
    { type: 'keys', scanCodes: [] },
    { type: 'keys', scanCodes: [0, 0xe0, 255] },
  ])('takes %j', (message) => expect(isScreenRequest(message)).toBe(true));

  it.each([
    undefined,
    null,
    'reset',
    {},
    { type: 'other' },
    { type: 'visible' },
    { type: 'visible', visible: 1 },
    { type: 'listen' },
    { type: 'mouse', buttons: 0, dx: 0, dy: 0 },
    { type: 'mouse', buttons: 32, dx: 0, dy: 0, dz: 0 },
    { type: 'mouse', buttons: 0, dx: 40_000, dy: 0, dz: 0 },
    { type: 'mouse', buttons: 0, dx: 0.5, dy: 0, dz: 0 },
    { type: 'listen', on: 1 },
    { type: 'keys' },
    { type: 'keys', scanCodes: 'a' },
    { type: 'keys', scanCodes: [256] },
    { type: 'keys', scanCodes: [-1] },
    { type: 'keys', scanCodes: [1.5] },
    { type: 'keys', scanCodes: new Array(4097).fill(0) },
  ])('refuses %j', (message) => expect(isScreenRequest(message)).toBe(false));
});

describe('isScreenCommand', () => {
  it('takes a screenshot with its bytes, the switch of the speaker, and nothing else', () => {
    expect(isScreenCommand({ type: 'screenshot', png: new ArrayBuffer(8) })).toBe(true);
    expect(isScreenCommand({ type: 'sound-switch', on: true })).toBe(true);
    expect(isScreenCommand({ type: 'sound-switch' })).toBe(false);
    expect(isScreenCommand({ type: 'screenshot', png: 'text' })).toBe(false);
    expect(isScreenCommand({ type: 'screenshot' })).toBe(false);
    expect(isScreenCommand({ type: 'reset' })).toBe(false);
    expect(isScreenCommand(null)).toBe(false);
  });
});
