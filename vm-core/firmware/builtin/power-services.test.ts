import { beforeEach, describe, expect, it } from 'vitest';
import { type BiosBench, createBiosBench } from './bios-bench.ts';
import { powerServices } from './power-services.ts';
import { serviceKey } from './service.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench();
});

const OK = ['return', false];
const ERROR = ['return', true];
function call(al: number, bx = 0, cx = 0): (string | boolean | Promise<void>)[] {
  Object.assign(bench.caller, { ax: 0x5300 | al, bx, cx, dx: 0 });
  const { end, carry } = bench.call(0x15);
  return [end, carry];
}
/** Calls and expects an error code. */
function fail(status: number, al: number, bx = 0, cx = 0): void {
  expect([...call(al, bx, cx), bench.caller.ah]).toEqual([...ERROR, status]);
}

const cases: Readonly<Record<string, () => void>> = {
  '15h/5300': () => {
    expect(call(0x00)).toEqual(OK);
    expect([bench.caller.ax, bench.caller.bx, bench.caller.cx]).toEqual([0x0102, 0x504d, 0]);
    fail(0x09, 0x00, 1);
  },
  '15h/5301': () => {
    expect(call(0x01)).toEqual(OK);
    fail(0x02, 0x01);
    fail(0x09, 0x01, 1);
  },
  '15h/5302': () => fail(0x06, 0x02),
  '15h/5303': () => fail(0x08, 0x03),
  '15h/5304': () => {
    fail(0x03, 0x04);
    call(0x01);
    expect(call(0x04)).toEqual(OK);
    fail(0x03, 0x04);
    fail(0x09, 0x04, 1);
  },
  '15h/5305': () => expect(call(0x05)[0]).toBe('poll'),
  '15h/5306': () => expect(call(0x06)).toEqual(OK),
  '15h/5307': () => {
    call(0x01);
    expect(call(0x07, 1, 0)).toEqual(OK);
    expect(call(0x07, 0x0100, 3)).toEqual(OK);
    expect(call(0x07, 1, 1)[0]).toBe('poll');
    expect(bench.requests).toEqual([]);
    expect(call(0x07, 1, 3)).toEqual(OK);
    expect(bench.requests).toEqual([{ kind: 'power-off' }]);
    expect(bench.messages).toEqual([]);
    fail(0x0a, 0x07, 1, 4);
    fail(0x09, 0x07, 0x0700, 3);
    call(0x04);
    call(0x07, 1, 3);
    expect(bench.messages[0]).toContain('before the power interface was connected');
  },
  '15h/5308': () => {
    expect(call(0x08, 1, 1)).toEqual(OK);
    expect(call(0x08, 0xffff, 0)).toEqual(OK);
    fail(0x0a, 0x08, 1, 2);
    fail(0x09, 0x08, 0, 1);
  },
  '15h/5309': () => {
    expect(call(0x09, 1)).toEqual(OK);
    fail(0x09, 0x09, 0);
  },
  '15h/530A': () => {
    expect(call(0x0a, 1)).toEqual(OK);
    expect([bench.caller.bx, bench.caller.cx, bench.caller.dx]).toEqual([0x01ff, 0x80ff, 0xffff]);
    fail(0x09, 0x0a, 0x8001);
  },
  '15h/530B': () => fail(0x80, 0x0b),
  '15h/530C': () => {
    expect(call(0x0c, 1, 5)).toEqual(OK);
    expect(bench.caller.cx).toBe(0);
    fail(0x09, 0x0c, 0x0800);
  },
  '15h/530D': () => {
    expect(call(0x0d, 0x01ff, 1)).toEqual(OK);
    fail(0x0a, 0x0d, 1, 0xffff);
  },
  '15h/530E': () => {
    fail(0x03, 0x0e, 0, 0x0102);
    call(0x01);
    expect(call(0x0e, 0, 0x0101)).toEqual(OK);
    expect(bench.caller.ax).toBe(0x0101);
    call(0x0e, 0, 0x0200);
    expect(bench.caller.ax).toBe(0x0102);
    fail(0x0a, 0x0e, 0, 0x00ff);
    fail(0x09, 0x0e, 1, 0x0102);
  },
  '15h/530F': () => {
    expect(call(0x0f, 1, 1)).toEqual(OK);
    fail(0x09, 0x0f, 0, 1);
  },
};

describe('INT 15h, AH=53h', () => {
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(powerServices.map(serviceKey).sort());
  });

  it.each(powerServices.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });

  it('goes on after the interrupt that ended a sleep, whatever else waits', () => {
    Object.assign(bench.caller, { ax: 0x8300, bx: 0, cx: 100, dx: 0 });
    bench.call(0x15);
    call(0x05);
    expect(bench.runHook(bench.labels.waitHook)).toBe(bench.labels.waitHook);
  });
});
