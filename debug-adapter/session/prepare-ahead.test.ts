import { expect, it } from 'vitest';
import { prepareAhead } from './prepare-ahead.ts';

it('works in short pieces with pauses between them, until all is done', () => {
  let nowMs = 0;
  let left = 10;
  const deferred: (() => void)[] = [];
  const delays: number[] = [];
  const host = {
    now: () => nowMs,
    defer: (callback: () => void, delayMs = 0) => {
      deferred.push(callback);
      delays.push(delayMs);
    },
  };
  prepareAhead(host, () => {
    nowMs += 0.7;
    left--;
    return left > 0;
  });
  expect(left).toBe(10);
  const after: number[] = [];
  for (let callback = deferred.shift(); callback; callback = deferred.shift()) {
    callback();
    after.push(left);
  }
  expect(after).toEqual([4, 0]);
  expect(Math.min(...delays)).toBeGreaterThan(0);
});
