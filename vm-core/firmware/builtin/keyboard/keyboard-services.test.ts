import { beforeEach, describe, expect, it } from 'vitest';
import { type BiosBench, createBiosBench } from '../bios-bench.ts';
import { bda } from '../bios-data.ts';
import { serviceKey } from '../service.ts';
import { dropKey, peekKey, putKey } from './key-buffer.ts';
import { handleScanCode, type KeyboardResult } from './keyboard-interrupt.ts';
import { keyboardServices } from './keyboard-services.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench();
});

const scan = (...codes: number[]): KeyboardResult[] => codes.map((code) => handleScanCode(bench.context, code));
const key = (...codes: number[]): number | undefined => {
  scan(...codes);
  const code = peekKey(bench.context);
  dropKey(bench.context);
  return code;
};
const flags = (): number[] =>
  [bda.KEYBOARD_FLAGS_1, bda.KEYBOARD_FLAGS_2, bda.KEYBOARD_FLAGS_3].map((at) => bench.ram[at] as number);

const call = (ax: number, cx = 0, bx = 0) => {
  bench.caller.ax = ax;
  bench.caller.bx = bx;
  bench.caller.cx = cx;
  return bench.call(0x16);
};

const cases: Readonly<Record<string, () => void>> = {
  '16h/00': () => {
    expect(call(0x0000).end).toBe('wait');
    scan(0x1e, 0xe0, 0x48, 0x57, 0xe0, 0x1c);
    expect([call(0).end, bench.caller.ax]).toEqual(['return', 0x1e61]);
    call(0);
    expect(bench.caller.ax).toBe(0x4800);
    call(0);
    expect(bench.caller.ax).toBe(0x1c0d);
    expect(call(0).end).toBe('wait');
  },
  '16h/01': () => {
    expect([call(0x0100).zero, bench.caller.ax]).toEqual([true, 0x0100]);
    scan(0x57, 0x02);
    expect([call(0x0100).zero, bench.caller.ax]).toEqual([false, 0x0231]);
    expect([call(0x0100).zero, bench.caller.ax]).toEqual([false, 0x0231]);
  },
  '16h/02': () => {
    scan(0x2a, 0x3a);
    call(0x0200);
    expect(bench.caller.al).toBe(0x42);
  },
  '16h/03': () => {
    expect(call(0x0305, 0, 0x0107).end).toBe('return');
    expect(call(0x0305, 0, 0xffff).end).toBe('return');
    expect(bench.bus.devices.get('keyboard')?.state['keyboard']).toMatchObject({ typematic: 0x27 });
  },
  '16h/05': () => {
    call(0x0500, 0x1234);
    expect([bench.caller.al, peekKey(bench.context)]).toEqual([0, 0x1234]);
    for (let count = 0; count < 14; count++) call(0x0500, count);
    expect(bench.caller.al).toBe(0);
    call(0x0500, 0xffff);
    expect(bench.caller.al).toBe(1);
  },
  '16h/09': () => {
    call(0x0900);
    expect(bench.caller.al).toBe(0x34);
  },
  '16h/0A': () => {
    call(0x0a00);
    expect(bench.caller.bx).toBe(0x41ab);
  },
  '16h/10': () => {
    expect(call(0x1000).end).toBe('wait');
    scan(0xe0, 0x48, 0x57, 0x38, 0x1c);
    const seen = [0, 0, 0].map(() => {
      call(0x1000);
      return bench.caller.ax;
    });
    expect(seen).toEqual([0x48e0, 0x8500, 0x1c00]);
  },
  '16h/11': () => {
    expect(call(0x1100).zero).toBe(true);
    scan(0x58);
    expect([call(0x1100).zero, bench.caller.ax]).toEqual([false, 0x8600]);
  },
  '16h/12': () => {
    scan(0xe0, 0x1d, 0x38);
    call(0x1200);
    expect(bench.caller.ax).toBe(0x060c);
  },
};

describe('INT 16h', () => {
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(keyboardServices.map(serviceKey).sort());
  });

  it.each(keyboardServices.map((row) => [serviceKey(row), row.name]))('%s %s', (row) => {
    cases[row]?.();
  });
});

describe('scan codes', () => {
  it('become characters under Shift, Ctrl, Alt and the locks', () => {
    expect(key(0x10)).toBe(0x1071);
    expect(key(0x2a, 0x10, 0x90, 0xaa)).toBe(0x1051);
    expect(key(0x1d, 0x10, 0x9d)).toBe(0x1011);
    expect(key(0x38, 0x10, 0xb8)).toBe(0x1000);
    expect(key(0x3a, 0xba, 0x10)).toBe(0x1051);
    expect(key(0x2a, 0x10, 0xaa)).toBe(0x1071);
    expect(key(0x3a, 0xba, 0x02)).toBe(0x0231);
    expect(key(0x1d, 0x02, 0x9d)).toBeUndefined();
    expect(key(0x3b)).toBe(0x3b00);
    expect(key(0x36, 0x44, 0xb6)).toBe(0x5d00);
  });

  it('of the keypad depend on Num Lock', () => {
    expect(key(0x47)).toBe(0x4700);
    expect(key(0x45, 0xc5, 0x47)).toBe(0x4737);
    expect(key(0x2a, 0x47, 0xaa)).toBe(0x4700);
    expect(key(0xe0, 0x47)).toBe(0x47e0);
    expect(key(0xe0, 0x2a, 0xe0, 0x47)).toBe(0x47e0);
    expect(flags()[0]).toBe(0x20);
  });

  it('type a character by its number with Alt', () => {
    expect(key(0x38, 0x4f, 0xcf, 0x50, 0xd0, 0x51, 0xd1, 0xb8)).toBe(123);
    expect(key(0x38, 0xb8)).toBeUndefined();
  });

  it('of both shift keys are told apart', () => {
    scan(0x1d, 0xe0, 0x1d, 0x9d);
    expect(flags()).toEqual([0x04, 0x00, 0x14]);
    scan(0xe0, 0x9d, 0xe0, 0x38);
    expect(flags()).toEqual([0x08, 0x00, 0x18]);
    scan(0xe0, 0xb8);
    expect(flags()).toEqual([0x00, 0x00, 0x10]);
  });

  it('switch a lock once while its key is held', () => {
    scan(0x3a, 0x3a, 0x3a);
    expect(flags().slice(0, 2)).toEqual([0x40, 0x40]);
    scan(0xba, 0x3a);
    expect(flags().slice(0, 2)).toEqual([0x00, 0x40]);
    scan(0xe0, 0x52, 0xe0, 0xd2);
    expect(flags()[0]).toBe(0x80);
  });

  it('stand for break, print screen, SysRq, pause and reset', () => {
    expect(scan(0x1d, 0xe0, 0x46).at(-1)).toBe('break');
    expect([bench.ram[bda.BREAK_FLAG], peekKey(bench.context)]).toEqual([0x80, 0]);
    scan(0x9d);
    expect(scan(0xe0, 0x37).at(-1)).toBe('print');
    expect(scan(0x54, 0x54, 0xd4)).toEqual(['request-down', 'done', 'request-up']);
    expect(scan(0xe1, 0x1d, 0x45)).toEqual(['done', 'done', 'pause']);
    expect(scan(0xe1, 0x9d, 0xc5)).toEqual(['done', 'done', 'done']);
    expect(flags()[1]).toBe(8);
    expect(scan(0x1e)).toEqual(['done']);
    expect(flags()[1]).toBe(0);
    expect(scan(0x1d, 0x38, 0x53).at(-1)).toBe('reset');
    expect(bench.context.memory.read(bda.RESET_FLAG, 2)).toBe(0x1234);
  });

  it('that are answers of the keyboard are not keys', () => {
    expect(scan(0xfa, 0xfe, 0x00, 0xff, 0xee)).toEqual(['done', 'done', 'done', 'done', 'done']);
    expect(peekKey(bench.context)).toBeUndefined();
  });

  it('are lost when the buffer is full', () => {
    expect(scan(...new Array<number>(16).fill(0x1e)).slice(-2)).toEqual(['done', 'full']);
  });
});

describe('the buffer', () => {
  it('may be moved by the guest, and survives bounds that make no sense', () => {
    const { memory } = bench.context;
    memory.write(bda.KEYBOARD_START, 2, 0x200);
    memory.write(bda.KEYBOARD_END, 2, 0x206);
    expect([putKey(bench.context, 1), putKey(bench.context, 2), putKey(bench.context, 3)]).toEqual([true, true, false]);
    expect(memory.read(0x600, 2)).toBe(1);
    memory.write(bda.KEYBOARD_START, 2, 0xffff);
    memory.write(bda.KEYBOARD_TAIL, 2, 0x1235);
    expect(peekKey(bench.context)).toBeUndefined();
    expect(putKey(bench.context, 7)).toBe(true);
    expect(peekKey(bench.context)).toBe(7);
  });
});
