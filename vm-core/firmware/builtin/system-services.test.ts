import { beforeEach, describe, expect, it } from 'vitest';
import { ES } from '../../state/layout.ts';
import { type BiosBench, createBiosBench, TICKS_PER_SECOND } from './bios-bench.ts';
import { bda } from './bios-data.ts';
import { clockServices, TICKS_PER_DAY } from './clock-services.ts';
import { readCmos, writeCmos } from './cmos.ts';
import { configurationServices } from './configuration-services.ts';
import { printerServices } from './printer-services.ts';
import { CONFIGURATION_TABLE, ROM_SEGMENT } from './rom.ts';
import { serialServices } from './serial-services.ts';
import { serviceKey } from './service.ts';
import { systemServices } from './system-services.ts';

let bench: BiosBench;
beforeEach(() => {
  bench = createBiosBench({ ramSize: 0x40_0000, startTimeMs: Date.UTC(2026, 10, 20, 13, 14, 15) });
});

const call = (interrupt: number, ax: number, registers: { bx?: number; cx?: number; dx?: number } = {}) => {
  const { caller } = bench;
  caller.ax = ax;
  caller.bx = registers.bx ?? 0;
  caller.cx = registers.cx ?? 0;
  caller.dx = registers.dx ?? 0;
  const { end, carry } = bench.call(interrupt);
  return [end, carry];
};
const OK = ['return', false];
const ERROR = ['return', true];
const port92 = (): number => bench.context.ports.read(0x92, 1) & 2;

const systemCases: Readonly<Record<string, () => void>> = {
  '15h/2400': () => {
    expect(call(0x15, 0x2401)).toEqual(OK);
    expect(call(0x15, 0x2400)).toEqual(OK);
    expect([port92(), bench.caller.ah]).toEqual([0, 0]);
    call(0x15, 0x2402);
    expect(bench.caller.ax).toBe(0);
  },
  '15h/2401': () => {
    expect(call(0x15, 0x2401)).toEqual(OK);
    expect(port92()).toBe(2);
    expect(bench.requests).toEqual([]);
  },
  '15h/2402': () => {
    call(0x15, 0x2402);
    expect(bench.caller.ax).toBe(1);
    expect(bench.context.ports.read(0x64, 1) & 1).toBe(0);
  },
  '15h/2403': () => {
    expect(call(0x15, 0x2403)).toEqual(OK);
    expect(bench.caller.bx).toBe(3);
  },
  '15h/4F': () => {
    expect(call(0x15, 0x4f1e)).toEqual(ERROR);
    expect(bench.caller.ax).toBe(0x4f1e);
  },
  '15h/80': () => expect(call(0x15, 0x8000)).toEqual(OK),
  '15h/81': () => expect(call(0x15, 0x8100)).toEqual(OK),
  '15h/82': () => expect(call(0x15, 0x8200)).toEqual(OK),
  '15h/83': () => {
    expect(call(0x15, 0x8300, { bx: 0x600, dx: 2000 })).toEqual(OK);
    expect(readCmos(bench.context, 0x0b) & 0x40).toBe(0x40);
    expect(call(0x15, 0x8300, { bx: 0x700, dx: 2000 })).toEqual(ERROR);
    for (let count = 0; count < 3; count++) {
      bench.advance(TICKS_PER_SECOND / 1024);
      bench.runHook(bench.labels.clock);
    }
    expect([bench.ram[0x600], bench.ram[bda.WAIT_ACTIVE]]).toEqual([0x80, 0]);
    expect(readCmos(bench.context, 0x0b) & 0x40).toBe(0);
    call(0x15, 0x8300, { bx: 0x600, cx: 1 });
    expect(call(0x15, 0x8301)).toEqual(OK);
    expect(bench.ram[bda.WAIT_ACTIVE]).toBe(0);
    expect(call(0x15, 0x8302)).toEqual(ERROR);
  },
  '15h/84': () => {
    expect(call(0x15, 0x84ff)).toEqual(OK);
    expect([bench.caller.ax, bench.caller.dx]).toEqual([0, 0]);
    expect(call(0x15, 0x8400, { bx: 5, cx: 6, dx: 1 })).toEqual(OK);
    expect([bench.caller.ax, bench.caller.bx, bench.caller.cx, bench.caller.dx]).toEqual([0, 0, 0, 0]);
    expect(call(0x15, 0x8400, { dx: 2 })).toEqual(ERROR);
  },
  '15h/85': () => expect(call(0x15, 0x8501)).toEqual(OK),
  '15h/86': () => {
    expect(call(0x15, 0x8600, { dx: 900 })[0]).toBe('poll');
    expect(call(0x15, 0x8600, { dx: 900 })).toEqual(ERROR);
    expect(bench.caller.ah).toBe(0x83);
    const { waitHook, services } = bench.labels;
    expect(bench.runHook(waitHook)).toBe(services[0x15].poll);
    bench.advance(TICKS_PER_SECOND / 1000);
    bench.runHook(bench.labels.clock);
    expect(bench.runHook(waitHook)).toBe(waitHook);
    expect([bench.caller.ah, bench.ram[bda.WAIT_ACTIVE]]).toEqual([0, 0]);
  },
  '15h/87': () => {
    const descriptor = (at: number, base: number): void => {
      const view = new DataView(bench.ram.buffer, at, 8);
      view.setUint32(2, base & 0xff_ffff, true);
      view.setUint8(7, base >>> 24);
    };
    bench.ram.set([1, 2, 3, 4], 0x9000);
    descriptor(0x610, 0x9000);
    descriptor(0x618, 0x20_0000);
    bench.caller.si = 0x600;
    expect(call(0x15, 0x8700, { cx: 2 })).toEqual(OK);
    expect([...bench.ram.subarray(0x20_0000, 0x20_0005)]).toEqual([1, 2, 3, 4, 0]);
    expect(call(0x15, 0x8700, { cx: 0x8001 })).toEqual(ERROR);
    descriptor(0x618, 0xffff_fff0);
    expect(call(0x15, 0x8700, { cx: 0x8000 })).toEqual(OK);
  },
  '15h/88': () => {
    expect(call(0x15, 0x8800)).toEqual(OK);
    expect(bench.caller.ax).toBe(3 * 1024);
  },
  // What the ROM does then: later-guests.test.ts.
  '15h/89': () => {
    bench.caller.setEs(0x100);
    bench.caller.si = 0x20;
    expect(call(0x15, 0x8900, { bx: 0x2028 })[0]).toBe('protected');
    expect([...bench.ram.subarray(0x1058, 0x1060)]).toEqual([0xff, 0xff, 0, 0, 0x0f, 0x9a, 0, 0]);
    expect([bench.context.ports.read(0x21, 1), bench.context.ports.read(0xa1, 1), port92()]).toEqual([0xff, 0xff, 2]);
    const vectors = ['pic-master', 'pic-slave'].map((name) => bench.bus.devices.get(name)?.state['icw2']);
    expect(vectors).toEqual([0x20, 0x28]);
  },
  '15h/90': () => expect(call(0x15, 0x9000)).toEqual(OK),
  '15h/91': () => expect(call(0x15, 0x9100)).toEqual(OK),
  '15h/C0': () => {
    expect(call(0x15, 0xc000)).toEqual(OK);
    expect([bench.caller.state.segment(ES).selector, bench.caller.bx]).toEqual([ROM_SEGMENT, CONFIGURATION_TABLE]);
    expect([...bench.context.memory.readBytes(0xf0000 + CONFIGURATION_TABLE, 3)]).toEqual([8, 0, 0xfc]);
  },
  '15h/C1': () => {
    expect(call(0x15, 0xc100)).toEqual(OK);
    expect(bench.caller.state.segment(ES).selector).toBe(0x9fc0);
  },
  // Its functions: mouse/mouse.test.ts.
  '15h/C2': () => expect(call(0x15, 0xc201)[0]).toBe('mouse'),
  '15h/E801': () => {
    expect(call(0x15, 0xe801)).toEqual(OK);
    expect([bench.caller.ax, bench.caller.bx, bench.caller.cx, bench.caller.dx]).toEqual([3072, 0, 3072, 0]);
  },
  '15h/E820': () => {
    const { caller } = bench;
    const next = (index: number, size = 20, signature = 0x534d4150) => {
      caller.eax = 0xe820;
      caller.ebx = index;
      caller.ecx = size;
      caller.edx = signature;
      caller.di = 0x600;
      return bench.call(0x15).carry;
    };
    expect(next(3)).toBe(false);
    expect([caller.eax, caller.ebx, caller.ecx]).toEqual([0x534d4150, 4, 20]);
    expect(bench.context.memory.read(0x600, 4)).toBe(0x10_0000);
    expect(bench.context.memory.read(0x608, 4)).toBe(0x30_0000);
    expect(next(4)).toBe(false);
    expect(caller.ebx).toBe(0);
    expect([next(5), next(0, 19), next(0, 20, 1), next(0xffff_ffff)]).toEqual([true, true, true, true]);
    expect(caller.ah).toBe(0x86);
  },
};

const clockCases: Readonly<Record<string, () => void>> = {
  '1Ah/00': () => {
    bench.context.memory.write(bda.TIMER_TICKS, 4, TICKS_PER_DAY - 1);
    bench.runHook(bench.labels.timer);
    call(0x1a, 0x0000);
    expect([bench.caller.cx, bench.caller.dx, bench.caller.ax]).toEqual([0, 0, 1]);
    bench.runHook(bench.labels.timer);
    call(0x1a, 0x0000);
    expect([bench.caller.dx, bench.caller.ax]).toEqual([1, 0]);
  },
  '1Ah/01': () => {
    call(0x1a, 0x0100, { cx: 1, dx: 2 });
    expect(bench.context.memory.read(bda.TIMER_TICKS, 4)).toBe(0x10002);
  },
  '1Ah/02': () => {
    expect(call(0x1a, 0x0200)).toEqual(OK);
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x1314, 0x1500]);
    writeCmos(bench.context, 0x0b, 0x04);
    writeCmos(bench.context, 0x04, 0x81);
    writeCmos(bench.context, 0x02, 59);
    call(0x1a, 0x0200);
    expect(bench.caller.cx).toBe(0x1359);
  },
  '1Ah/03': () => {
    expect(call(0x1a, 0x0300, { cx: 0x2345, dx: 0x5601 })).toEqual(OK);
    call(0x1a, 0x0200);
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x2345, 0x5601]);
  },
  '1Ah/04': () => {
    expect(call(0x1a, 0x0400)).toEqual(OK);
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x2026, 0x1120]);
  },
  '1Ah/05': () => {
    expect(call(0x1a, 0x0500, { cx: 0x1999, dx: 0x1231 })).toEqual(OK);
    call(0x1a, 0x0400);
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x1999, 0x1231]);
    // A Friday.
    expect(readCmos(bench.context, 0x06)).toBe(6);
  },
  '1Ah/06': () => {
    expect(call(0x1a, 0x0600, { cx: 0x1314, dx: 0x1600 })).toEqual(OK);
    expect(call(0x1a, 0x0600, { cx: 0x1314, dx: 0x1600 })).toEqual(ERROR);
    expect(bench.runHook(bench.labels.clock)).toBe(bench.labels.clock);
    bench.advance(TICKS_PER_SECOND);
    expect(bench.runHook(bench.labels.clock)).toBe(bench.labels.clockAlarm);
  },
  '1Ah/09': () => {
    call(0x1a, 0x0900);
    expect(bench.caller.dl).toBe(0);
    call(0x1a, 0x0600, { cx: 0x1314, dx: 0x1600 });
    expect(call(0x1a, 0x0900)).toEqual(OK);
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x1314, 0x1601]);
  },
  '1Ah/07': () => {
    call(0x1a, 0x0600, { cx: 0x1314, dx: 0x1600 });
    expect(call(0x1a, 0x0700)).toEqual(OK);
    expect(readCmos(bench.context, 0x0b) & 0x20).toBe(0);
  },
};

const uart = (): Record<string, unknown> => bench.bus.devices.get('uart-1')?.state as Record<string, unknown>;

const otherCases: Readonly<Record<string, () => void>> = {
  '11h': () => {
    expect(call(0x11, 0)).toEqual(OK);
    expect(bench.caller.ax).toBe(0x4424);
  },
  '12h': () => {
    call(0x12, 0);
    expect(bench.caller.ax).toBe(639);
  },
  '17h/00': () => {
    expect(call(0x17, 0x0041)[0]).toBe('poll');
    bench.runHook(bench.labels.printerPollHook);
    expect(bench.caller.dx).toBe(0x379);
    bench.caller.dx = 0;
    bench.runHook(bench.labels.printerHook);
    expect([bench.caller.ah, bench.bus.devices.get('parallel-1')?.state['data']]).toEqual([0x90, 0x41]);
    // It is still busy with that one.
    bench.runHook(bench.labels.printerHook);
    expect(bench.caller.ah).toBe(0x11);
    call(0x17, 0x0041, { dx: 1 });
    expect(bench.caller.ah).toBe(1);
  },
  '17h/01': () => {
    expect(call(0x17, 0x0100)).toEqual(OK);
    expect([bench.caller.ah, bench.context.ports.read(0x37a, 1)]).toEqual([0x90, 0xcc]);
  },
  '17h/02': () => {
    expect(call(0x17, 0x0200)).toEqual(OK);
    expect(bench.caller.ah).toBe(0x90);
  },
  '14h/00': () => {
    expect(call(0x14, 0x00e3)).toEqual(OK);
    expect(uart()).toMatchObject({ lcr: 3 });
    expect(bench.caller.ah & 0x60).toBe(0x60);
    call(0x14, 0x00e3, { dx: 3 });
    expect(bench.caller.ah).toBe(0x80);
  },
  '14h/01': () => {
    expect(call(0x14, 0x0141)).toEqual(OK);
    expect(bench.caller.ah & 0x80).toBe(0);
    call(0x14, 0x0142);
    expect(call(0x14, 0x0143)[0]).toBe('poll');
    bench.caller.ax = 0x0142;
    bench.runHook(bench.labels.serialPollHook);
    expect([bench.caller.ah, bench.caller.dx, bench.caller.bx, bench.caller.si]).toEqual([0x20, 0x3fd, 18, 1]);
    bench.caller.dx = 0;
    bench.runHook(bench.labels.serialTimeoutHook);
    expect(bench.caller.ah & 0x80).toBe(0x80);
  },
  '14h/02': () => {
    call(0x14, 0x00e3);
    expect(call(0x14, 0x0200)[0]).toBe('poll');
    bench.bus.input('uart-1', 'serial', Uint8Array.of(0x7a));
    bench.advance(TICKS_PER_SECOND);
    expect(call(0x14, 0x0200)).toEqual(OK);
    expect(bench.caller.ax).toBe(0x007a);
  },
  '14h/03': () => {
    call(0x14, 0x0300, { dx: 1 });
    expect(bench.caller.ah & 0x60).toBe(0x60);
    call(0x14, 0x0300, { dx: 0xffff });
    expect(bench.caller.ah).toBe(0x80);
  },
};

describe.each([
  ['INT 15h', systemServices, systemCases],
  ['INT 1Ah', clockServices, clockCases],
  ['INT 11h, 12h, 14h, 17h', [...configurationServices, ...serialServices, ...printerServices], otherCases],
] as const)('%s', (_title, rows, cases) => {
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(rows.map(serviceKey).sort());
  });

  it.each(rows.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });
});

describe('IRQ0', () => {
  it('stops the motors of the floppy drives when 40:40 has counted down', () => {
    bench.context.ports.write(0x3f2, 1, 0x1c);
    bench.ram[bda.FLOPPY_MOTOR] = 0x01;
    bench.ram[bda.FLOPPY_MOTOR_COUNT] = 2;
    const seen = Array.from({ length: 3 }, () => {
      bench.runHook(bench.labels.timer);
      const { dor } = bench.bus.devices.get('floppy-controller')?.state ?? {};
      return [bench.ram[bda.FLOPPY_MOTOR_COUNT], bench.ram[bda.FLOPPY_MOTOR], dor];
    });
    expect(seen).toEqual([
      [1, 1, 0x1c],
      [0, 0, 0x0c],
      [0, 0, 0x0c],
    ]);
  });
});
