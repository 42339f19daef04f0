import { describe, expect, it } from 'vitest';
import { createTestBench, readPort, registerValues, writePort } from '../test-bench.ts';
import { createPic, type Pic } from './pic.ts';
import type { PicRole } from './pic-state.ts';

const ICW4_8086 = 0x01;

function bench(role: PicRole = 'master', icw4 = ICW4_8086, icw1 = 0x11) {
  const around = createTestBench();
  const pic = createPic(around.context, role);
  pic.reset();
  writePort(pic, 'registers', 0, icw1);
  writePort(pic, 'registers', 1, role === 'master' ? 0x08 : 0x70);
  if ((icw1 & 2) === 0) writePort(pic, 'registers', 1, role === 'master' ? 0x04 : 0x02);
  if ((icw1 & 1) !== 0) writePort(pic, 'registers', 1, icw4);
  return { pic, intr: () => around.lines.get('intr'), ...around };
}

const raise = (pic: Pic, level: number): void => pic.inputs?.[`ir${level}`]?.(true);
const lower = (pic: Pic, level: number): void => pic.inputs?.[`ir${level}`]?.(false);
const pulse = (pic: Pic, level: number): void => {
  lower(pic, level);
  raise(pic, level);
};
const acknowledge = (pic: Pic): number => pic.acknowledge(() => undefined);
const command = (pic: Pic, ocw: number): void => writePort(pic, 'registers', 0, ocw);
const mask = (pic: Pic, imr: number): void => writePort(pic, 'registers', 1, imr);
const irr = (pic: Pic): number => {
  command(pic, 0x0a);
  return readPort(pic, 'registers');
};
const isr = (pic: Pic): number => {
  command(pic, 0x0b);
  return readPort(pic, 'registers');
};
/** Acknowledges until INTR is low and says which levels came. */
const drain = (pic: Pic, intr: () => boolean | undefined): number[] => {
  const levels: number[] = [];
  while (intr() && levels.length < 9) levels.push(acknowledge(pic) & 7);
  return levels;
};

const EOI = 0x20;
const SPECIFIC_EOI = 0x60;
const ROTATE_EOI = 0xa0;
const ROTATE_SPECIFIC_EOI = 0xe0;
const SET_PRIORITY = 0xc0;
const ROTATE_AUTO_SET = 0x80;
const ROTATE_AUTO_CLEAR = 0x00;
const SPECIAL_MASK_ON = 0x68;
const SPECIAL_MASK_OFF = 0x48;
const POLL = 0x0c;

describe('8259A initialization', () => {
  it('takes ICW2 to ICW4 in sequence and then OCW1', () => {
    const { pic } = bench('master', 0x1d);
    expect(registerValues(pic)).toMatchObject({ ICW1: 0x11, ICW2: 0x08, ICW3: 0x04, ICW4: 0x1d, IMR: 0 });
    mask(pic, 0xa5);
    expect(readPort(pic, 'registers', 1)).toBe(0xa5);
  });

  it('skips ICW3 when single and ICW4 when it is not announced', () => {
    for (const icw1 of [0x12, 0x13, 0x10]) {
      const { pic, messages } = bench('master', ICW4_8086, icw1);
      mask(pic, 0x5a);
      expect(registerValues(pic)['IMR']).toBe(0x5a);
      expect(messages.length > 0).toBe(icw1 !== 0x13);
    }
  });

  it('clears masks, edges, service, priorities and modes on ICW1', () => {
    const { pic, intr } = bench();
    raise(pic, 3);
    acknowledge(pic);
    raise(pic, 1);
    mask(pic, 0xf0);
    command(pic, SET_PRIORITY | 2);
    command(pic, SPECIAL_MASK_ON);
    command(pic, 0x0b);
    writePort(pic, 'registers', 0, 0x11);
    expect([intr(), readPort(pic, 'registers')]).toEqual([false, 0]);
    expect(registerValues(pic)).toMatchObject({ IMR: 0, ISR: 0, LOWEST: 7, ICW4: 0 });
    expect(pic.state.specialMask).toBe(false);
  });

  it('keeps a slave number of 7 until ICW3 says otherwise', () => {
    const around = createTestBench();
    const slave = createPic(around.context, 'slave');
    writePort(slave, 'registers', 0, 0x11);
    expect(registerValues(slave)['ICW3']).toBe(7);
  });
});

describe('8259A requests', () => {
  it('remembers an edge while the input stays high and forgets it when it falls', () => {
    const { pic, intr } = bench();
    raise(pic, 5);
    expect([irr(pic), intr()]).toEqual([0x20, true]);
    lower(pic, 5);
    expect([irr(pic), intr()]).toEqual([0, false]);
  });

  it('serves one edge once', () => {
    const { pic, intr } = bench();
    raise(pic, 5);
    expect(acknowledge(pic)).toBe(0x0d);
    command(pic, EOI);
    expect([irr(pic), isr(pic), intr()]).toEqual([0, 0, false]);
    pulse(pic, 5);
    expect(intr()).toBe(true);
  });

  it('serves a level as long as it is high', () => {
    const { pic, intr } = bench('master', ICW4_8086, 0x19);
    raise(pic, 2);
    acknowledge(pic);
    expect([irr(pic), intr()]).toEqual([0x04, false]);
    command(pic, EOI);
    expect(intr()).toBe(true);
    lower(pic, 2);
    expect(intr()).toBe(false);
  });

  it('serves single inputs as levels where ELCR says so, as far as it may', () => {
    const { pic, intr } = bench();
    writePort(pic, 'elcr', 0, 0xff);
    expect([readPort(pic, 'elcr'), registerValues(pic)['ELCR']]).toEqual([0xf8, 0xf8]);
    raise(pic, 5);
    acknowledge(pic);
    command(pic, EOI);
    expect([irr(pic), intr()]).toEqual([0x20, true]);
    lower(pic, 5);
    expect(intr()).toBe(false);
    raise(pic, 1);
    acknowledge(pic);
    command(pic, EOI);
    expect([irr(pic), intr()]).toEqual([0, false]);
    // ICW1 changes nothing of it, RESET does.
    writePort(pic, 'registers', 0, 0x11);
    expect(readPort(pic, 'elcr')).toBe(0xf8);
    pic.reset();
    expect(readPort(pic, 'elcr')).toBe(0);
    const slave = bench('slave').pic;
    writePort(slave, 'elcr', 0, 0xff);
    expect(readPort(slave, 'elcr')).toBe(0xde);
  });

  it('needs a new edge after ICW1 even where the pin is high', () => {
    const { pic, intr } = bench();
    raise(pic, 0);
    for (const [offset, value] of [
      [0, 0x11],
      [1, 8],
      [1, 4],
      [1, 1],
    ] as const) {
      writePort(pic, 'registers', offset, value);
    }
    expect(intr()).toBe(false);
    pulse(pic, 0);
    expect(intr()).toBe(true);
  });

  it('masks without forgetting', () => {
    const { pic, intr } = bench();
    mask(pic, 0x02);
    raise(pic, 1);
    expect([irr(pic), intr()]).toEqual([2, false]);
    mask(pic, 0);
    expect(intr()).toBe(true);
  });

  it('answers IR7 without service when the request is gone: the spurious interrupt', () => {
    const { pic } = bench();
    expect(acknowledge(pic)).toBe(0x0f);
    expect(isr(pic)).toBe(0);
    raise(pic, 7);
    expect(acknowledge(pic)).toBe(0x0f);
    expect(isr(pic)).toBe(0x80);
  });
});

describe('8259A priorities', () => {
  it('nests: higher levels interrupt, equal and lower ones wait', () => {
    const { pic, intr } = bench();
    raise(pic, 4);
    expect(acknowledge(pic)).toBe(0x0c);
    raise(pic, 6);
    pulse(pic, 4);
    expect(intr()).toBe(false);
    raise(pic, 1);
    expect([intr(), acknowledge(pic), isr(pic)]).toEqual([true, 0x09, 0x12]);
    command(pic, EOI);
    expect([isr(pic), intr()]).toEqual([0x10, false]);
    command(pic, EOI);
    expect(acknowledge(pic)).toBe(0x0c);
    command(pic, EOI);
    expect(acknowledge(pic)).toBe(0x0e);
  });

  it('ends the level that a specific EOI names', () => {
    const { pic } = bench();
    raise(pic, 4);
    acknowledge(pic);
    raise(pic, 1);
    acknowledge(pic);
    command(pic, SPECIFIC_EOI | 4);
    expect(isr(pic)).toBe(0x02);
  });

  it.each([
    { name: 'set priority', commands: [SET_PRIORITY | 3], order: [4, 5, 6, 7, 0, 1, 2, 3] },
    { name: 'set lowest 7', commands: [SET_PRIORITY | 7], order: [0, 1, 2, 3, 4, 5, 6, 7] },
    { name: 'no operation', commands: [0x40], order: [0, 1, 2, 3, 4, 5, 6, 7] },
  ])('$name', ({ commands, order }) => {
    const { pic, intr } = bench('master', 0x03, 0x13);
    for (const value of commands) command(pic, value);
    for (let level = 0; level < 8; level += 1) raise(pic, level);
    expect(drain(pic, intr)).toEqual(order);
  });

  it('rotates on EOI so that the served level becomes the lowest', () => {
    const { pic } = bench();
    raise(pic, 4);
    raise(pic, 6);
    acknowledge(pic);
    command(pic, ROTATE_EOI);
    expect(registerValues(pic)['LOWEST']).toBe(4);
    raise(pic, 3);
    expect(acknowledge(pic)).toBe(0x0e);
    command(pic, ROTATE_SPECIFIC_EOI | 6);
    expect([registerValues(pic)['LOWEST'], isr(pic)]).toEqual([6, 0]);
    expect(acknowledge(pic)).toBe(0x0b);
  });

  it('rotates with every automatic EOI while that is on', () => {
    const { pic, intr } = bench('master', 0x03, 0x13);
    command(pic, ROTATE_AUTO_SET);
    for (const level of [0, 1, 2]) raise(pic, level);
    expect(acknowledge(pic)).toBe(0x08);
    pulse(pic, 0);
    expect(drain(pic, intr)).toEqual([1, 2, 0]);
    command(pic, ROTATE_AUTO_CLEAR);
    expect(registerValues(pic)['LOWEST']).toBe(0);
    pulse(pic, 5);
    acknowledge(pic);
    expect(registerValues(pic)['LOWEST']).toBe(0);
    expect(isr(pic)).toBe(0);
  });
});

describe('8259A modes', () => {
  it('special mask: a masked level in service holds nobody back', () => {
    const { pic, intr } = bench();
    raise(pic, 2);
    acknowledge(pic);
    mask(pic, 0x04);
    raise(pic, 6);
    expect(intr()).toBe(false);
    command(pic, SPECIAL_MASK_ON);
    expect(intr()).toBe(true);
    acknowledge(pic);
    expect(isr(pic)).toBe(0x44);
    command(pic, EOI);
    expect(isr(pic)).toBe(0x04);
    command(pic, EOI);
    expect(isr(pic)).toBe(0x04);
    command(pic, SPECIAL_MASK_OFF);
    command(pic, EOI);
    expect(isr(pic)).toBe(0);
  });

  it('poll: the next read acknowledges and names the level', () => {
    const { pic, intr } = bench();
    raise(pic, 3);
    raise(pic, 5);
    command(pic, POLL);
    expect(readPort(pic, 'registers')).toBe(0x83);
    expect([isr(pic), intr()]).toEqual([0x08, false]);
    command(pic, POLL);
    expect(readPort(pic, 'registers') & 0x80).toBe(0);
    command(pic, EOI);
    command(pic, POLL);
    expect(readPort(pic, 'registers', 1)).toBe(0x85);
    expect(readPort(pic, 'registers', 1)).toBe(0);
  });

  it('cascade: the slave gives the vector, and both levels are in service', () => {
    const { pic: slave, edges, intr } = bench('slave');
    const { pic: master } = bench();
    const wire = (): void => master.inputs?.['ir2']?.(intr() === true);
    const inta = (): number => {
      const vector = master.acknowledge((slaveNumber) => slave.acknowledgeAsSlave(slaveNumber));
      wire();
      return vector;
    };
    raise(slave, 0);
    wire();
    raise(slave, 4);
    expect(inta()).toBe(0x70);
    expect([isr(master), isr(slave)]).toEqual([0x04, 0x01]);
    command(slave, EOI);
    wire();
    command(master, EOI);
    expect(inta()).toBe(0x74);
    expect(edges.at(-1)).toBe('-intr');
  });

  it('cascade: spurious requests of the slave come as its IR7; an absent slave leaves the bus floating', () => {
    const { pic: slave } = bench('slave');
    const { pic: master } = bench();
    raise(master, 2);
    expect(master.acknowledge((slaveNumber) => slave.acknowledgeAsSlave(slaveNumber))).toBe(0x77);
    expect([isr(master), isr(slave)]).toEqual([0x04, 0]);
    expect(slave.acknowledgeAsSlave(5)).toBeUndefined();
    command(master, EOI);
    pulse(master, 2);
    expect(master.acknowledge(() => undefined)).toBe(0xff);
  });

  it('special fully nested: a slave in service may interrupt again, lower levels may not', () => {
    const { pic: nested, intr: nestedIntr } = bench('master', 0x11);
    const { pic: plain, intr: plainIntr } = bench();
    for (const pic of [nested, plain]) {
      raise(pic, 2);
      acknowledge(pic);
      raise(pic, 3);
    }
    expect([nestedIntr(), plainIntr()]).toEqual([false, false]);
    pulse(nested, 2);
    pulse(plain, 2);
    expect([nestedIntr(), plainIntr()]).toEqual([true, false]);
  });

  it('gives a second edge to the master when requests follow each other under automatic EOI', () => {
    const { pic, edges } = bench('slave', 0x03);
    raise(pic, 1);
    raise(pic, 2);
    pic.acknowledgeAsSlave(2);
    expect(edges).toEqual(['+intr', '-intr', '+intr']);
  });
});
