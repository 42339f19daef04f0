import { describe, expect, it } from 'vitest';
import { SpeedMeter } from './speed-meter.ts';

const at = (retired: number, compiled?: number) => ({
  retired,
  compiledCode: compiled === undefined ? undefined : { retired: compiled },
});

describe('the speed meter', () => {
  it('measures from the first look on, once a second', () => {
    const meter = new SpeedMeter();
    expect(meter.look(at(1000, 0), 500)).toBeUndefined();
    expect(meter.look(at(2000, 0), 1499)).toBeUndefined();
    const first = { type: 'speed', instructionsPerSecond: 2000, compiledShare: 0.75 };
    expect(meter.look(at(5000, 3000), 2500)).toEqual(first);
    expect(meter.look(at(5000, 3000), 3500)).toEqual({ ...first, instructionsPerSecond: 0, compiledShare: 0 });
  });

  it('says nothing of compiled code where there is none', () => {
    const meter = new SpeedMeter();
    meter.look(at(0), 0);
    expect(meter.look(at(500), 1000)).toEqual({ type: 'speed', instructionsPerSecond: 500 });
  });

  it('leaves out the time in which the machine stood still', () => {
    const meter = new SpeedMeter();
    meter.look(at(0), 0);
    meter.restart();
    expect(meter.look(at(100), 5000)).toBeUndefined();
    expect(meter.look(at(1100), 6000)?.instructionsPerSecond).toBe(1000);
  });
});
