import { describe, expect, it } from 'vitest';
import { LogPointOutput } from './log-point-output.ts';

describe('log points in a hot loop', () => {
  it('are cut to what a client can show, and the loss is told', () => {
    let nowMs = 0;
    const lines: string[] = [];
    const output = new LogPointOutput(
      (text) => lines.push(text),
      () => nowMs,
    );
    for (let n = 0; n < 100_000; n++) output.log(`ax=${n}`, { verified: true });
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.length).toBeLessThan(1000);
    const shown = lines.length;
    nowMs = 1000;
    output.log('after a second', { verified: true });
    expect(lines.slice(shown)).toEqual([
      `[${100_000 - shown} log messages left out: they come faster than they can be shown]`,
      'after a second',
    ]);
    output.tellLoss();
    expect(lines.length).toBe(shown + 2);
  });
});
