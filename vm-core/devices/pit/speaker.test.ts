import { describe, expect, it } from 'vitest';
import { createDeviceClock } from '../device-clock.ts';
import { createTestBench, writePort } from '../test-bench.ts';
import { createPit, PIT_FREQUENCY } from './pit.ts';
import { decodeSpeakerSignal } from './speaker.ts';

const TICKS_PER_SECOND = 200_000_000;
const clock = createDeviceClock(PIT_FREQUENCY, TICKS_PER_SECOND);
const [GATE, CONNECT] = [0x01, 0x02] as const;

function bench() {
  const around = createTestBench({ ticksPerSecond: TICKS_PER_SECOND });
  const signals: string[] = [];
  const context: typeof around.context = {
    ...around.context,
    output(channel, bytes) {
      const { time, high, next, highCycles, lowCycles } = decodeSpeakerSignal(bytes);
      const level = `${clock.cyclesAt(time)}: ${high ? 'high' : 'low'}`;
      signals.push(`${channel} ${level}${next === 0 ? '' : ` for ${next}, then ${highCycles}/${lowCycles}`}`);
    },
  };
  const pit = createPit(context);
  pit.reset();
  return {
    ...around,
    pit,
    portB: (value: number) => writePort(pit, 'port-b', 0, value),
    program(mode: number, count: number): void {
      writePort(pit, 'registers', 3, 0xb0 | (mode << 1));
      writePort(pit, 'registers', 2, count & 0xff, count >> 8);
    },
    count: (count: number) => writePort(pit, 'registers', 2, count & 0xff, count >> 8),
    toCycle: (cycle: number) => around.advance(clock.timeOf(cycle) - around.now()),
    /** What was told since it was asked last. */
    heard: () => signals.splice(0),
  };
}

describe('the speaker', () => {
  it('says nothing while it is not connected', () => {
    const { program, portB, toCycle, heard } = bench();
    program(3, 1193);
    portB(GATE);
    toCycle(5000);
    program(2, 7);
    portB(0);
    expect(heard()).toEqual([]);
  });

  it('tells a tone once, its change, and its end', () => {
    const { program, portB, count, toCycle, heard } = bench();
    program(3, 1193);
    portB(GATE | CONNECT);
    toCycle(100_000);
    expect(heard()).toEqual(['speaker 0: high', 'speaker 1: high for 597, then 597/596']);
    portB(GATE | CONNECT);
    expect(heard()).toEqual([]);
    count(1000);
    toCycle(150_000);
    const [change, ...rest] = heard();
    expect([change?.replace(/\d+:/, ''), rest]).toEqual(['speaker  high for 500, then 500/500', []]);
    portB(GATE);
    expect(heard()).toEqual(['speaker 150000: low']);
  });

  it('follows the bit that connects it, as music of one bit needs', () => {
    const { program, portB, toCycle, heard } = bench();
    program(3, 1193);
    // Without the gate the output of mode 3 is high.
    for (let step = 1; step <= 4; step += 1) {
      toCycle(step * 100);
      portB(step % 2 === 1 ? CONNECT : 0);
    }
    expect(heard()).toEqual(['speaker 100: high', 'speaker 200: low', 'speaker 300: high', 'speaker 400: low']);
  });

  it('tells each pulse, as sampled sound needs', () => {
    const { program, portB, count, toCycle, heard } = bench();
    program(0, 60);
    portB(GATE | CONNECT);
    toCycle(74);
    heard();
    count(40);
    toCycle(148);
    count(20);
    toCycle(222);
    expect(heard()).toEqual([
      'speaker 74: low',
      'speaker 75: low for 40, then 0/0',
      'speaker 148: low',
      'speaker 149: low for 20, then 0/0',
    ]);
  });

  it('tells a strobe', () => {
    const { program, portB, toCycle, heard } = bench();
    portB(GATE | CONNECT);
    program(4, 50);
    toCycle(200);
    expect(heard().at(-1)).toBe('speaker 1: high for 50, then 0/1');
  });

  it('falls silent at reset', () => {
    const { pit, program, portB, toCycle, heard } = bench();
    program(3, 500);
    portB(GATE | CONNECT);
    toCycle(10);
    heard();
    pit.reset();
    toCycle(5000);
    expect(heard()).toEqual(['speaker 10: low']);
  });
});
