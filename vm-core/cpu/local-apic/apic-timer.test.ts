/** The timer of the local APIC, exact on virtual time (SDM vol. 3A §11.5.4). */
import { describe, expect, it } from 'vitest';
import { slot } from '../../state/layout.ts';
import { createApicBench } from './apic-bench.ts';

const SVR = 0xf0;
const TIMER = 0x320;
const INITIAL = 0x380;
const CURRENT = 0x390;
const DIVIDE = 0x3e0;
const PERIODIC = 0x2_0000;
const DEADLINE = 0x4_0000;
const MASKED = 0x1_0000;
const BY_1 = 0xb;

function enabled(entry: number, divide = BY_1, model: 'max' | 'pentium' = 'max') {
  const bench = createApicBench(model);
  bench.write(SVR, 0x1ff);
  bench.write(DIVIDE, divide);
  bench.write(TIMER, entry);
  return bench;
}

describe('the timer', () => {
  it('goes off once, at the tick', () => {
    const { write, read, advance } = enabled(0x40);
    write(INITIAL, 500);
    expect(advance(200)).toEqual([]);
    expect(read(CURRENT)).toBe(300);
    expect(advance(10_000)).toEqual([1500]);
    expect([read(CURRENT), read(INITIAL)]).toEqual([0, 500]);
  });

  it('goes off periodically', () => {
    const { write, read, advance } = enabled(PERIODIC | 0x40);
    write(INITIAL, 300);
    expect(advance(1000)).toEqual([1300, 1600, 1900]);
    expect(read(CURRENT)).toBe(200);
    write(INITIAL, 0);
    expect([read(CURRENT), advance(1000)]).toEqual([0, []]);
  });

  it('divides its clock', () => {
    const divisors = [0, 1, 2, 3, 8, 9, 10, 11].map((code) => {
      const { write, advance } = enabled(0x40, code);
      write(INITIAL, 10);
      return ((advance(2000)[0] as number) - 1000) / 10;
    });
    expect(divisors).toEqual([2, 4, 8, 16, 32, 64, 128, 1]);
  });

  it('goes on from its count when the divisor changes', () => {
    const { write, read, advance } = enabled(0x40, 0);
    write(INITIAL, 100);
    advance(100);
    expect(read(CURRENT)).toBe(50);
    write(DIVIDE, BY_1);
    expect([read(CURRENT), advance(200)]).toEqual([50, [1150]]);
  });

  it('counts while it is masked, and what it was masked for is lost', () => {
    const { write, read, advance } = enabled(MASKED | 0x40);
    write(INITIAL, 100);
    advance(40);
    expect(read(CURRENT)).toBe(60);
    advance(100);
    write(TIMER, 0x40);
    expect([read(CURRENT), advance(1000)]).toEqual([0, []]);
    write(TIMER, PERIODIC | 0x40);
    expect([read(CURRENT), advance(1000)]).toEqual([0, []]);
  });

  it('of a period of one tick costs one event a tick and no more', () => {
    const { write, advance } = enabled(PERIODIC | 0x40);
    write(INITIAL, 1);
    expect(advance(5)).toEqual([1001, 1002, 1003, 1004, 1005]);
  });

  it('stops when software turns the local APIC off', () => {
    const { write, advance } = enabled(0x40);
    write(INITIAL, 100);
    write(SVR, 0xff);
    expect(advance(1000)).toEqual([]);
  });
});

describe('TSC-deadline mode', () => {
  const arm = (bench: ReturnType<typeof createApicBench>, deadline: bigint) => {
    bench.state.write64(slot.TSC_DEADLINE, deadline);
    bench.state.onDerivedChange(slot.TSC_DEADLINE);
  };

  it('goes off when the time-stamp counter gets there, and is over', () => {
    const bench = enabled(DEADLINE | 0x40);
    bench.state.write64(slot.TIME_STAMP_OFFSET, 5000n);
    arm(bench, 6250n);
    expect(bench.advance(1000)).toEqual([1250]);
    expect(bench.state.read64(slot.TSC_DEADLINE)).toBe(0n);
    arm(bench, 1n);
    expect(bench.advance(10)).toEqual([2000]);
    arm(bench, 0xffff_ffff_ffff_ffffn);
    expect(bench.advance(10)).toEqual([]);
  });

  it('has no counts', () => {
    const { write, read, advance } = enabled(DEADLINE | 0x40);
    write(INITIAL, 100);
    expect([read(INITIAL), read(CURRENT), advance(1000)]).toEqual([0, 0, []]);
  });

  it('begins and ends with the timer stopped', () => {
    const bench = enabled(0x40);
    bench.write(INITIAL, 100);
    bench.write(TIMER, DEADLINE | 0x40);
    arm(bench, 1500n);
    bench.write(TIMER, 0x40);
    expect([bench.state.read64(slot.TSC_DEADLINE), bench.advance(1000)]).toEqual([0n, []]);
  });

  it('is of processors that have it', () => {
    const { read } = enabled(DEADLINE | 0x40, BY_1, 'pentium');
    expect(read(TIMER)).toBe(0x40);
  });

  it('forgets a deadline that passes while it is masked', () => {
    const bench = enabled(DEADLINE | MASKED | 0x40);
    arm(bench, 1100n);
    bench.advance(200);
    bench.write(TIMER, DEADLINE | 0x40);
    expect([bench.state.read64(slot.TSC_DEADLINE), bench.advance(1000)]).toEqual([0n, []]);
  });
});
