import { describe, expect, it } from 'vitest';
import { speedText } from './speed-text.ts';

describe('the speed in the status line', () => {
  it.each([
    [142_300_000, 0.979, '142M/s · 97% compiled', '142 million instructions a second, 97% executed by compiled code'],
    [1_260_000_000, 1, '1.26B/s · 100% compiled', '1.26 billion instructions a second, 100% executed by compiled code'],
    [0, 0, '0/s · 0% compiled', '0 instructions a second, 0% executed by compiled code'],
    [98_700_000, undefined, '98.7M/s', '98.7 million instructions a second'],
  ])('%d, compiled %d', (instructionsPerSecond, share, short, long) => {
    const speed = {
      type: 'speed',
      instructionsPerSecond,
      ...(share === undefined ? {} : { compiledShare: share }),
    } as const;
    expect(speedText(speed, 'en')).toEqual({ short, long });
  });

  it('has numbers as the language writes them', () => {
    const speed = { type: 'speed', instructionsPerSecond: 1_234_567, compiledShare: 0.5 } as const;
    expect(speedText(speed, 'de').short).toBe('1,23\u00a0Mio./s · 50\u00a0% compiled');
  });
});
