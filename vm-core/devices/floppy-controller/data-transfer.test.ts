import { describe, expect, it } from 'vitest';
import type { BlockStore } from '../../machine/block-store.ts';
import { createOverlayStore } from '../../machine/overlay-block-store.ts';
import {
  bench,
  DOR,
  FORMAT,
  imageOf,
  MS,
  NO_DMA,
  RATE_250,
  READ,
  READ_ID,
  READ_TRACK,
  SECOND,
  SECTOR,
  storeOf,
  VERIFY,
  WRITE,
} from './floppy-bench.ts';
import { SPEED_UP } from './media.ts';

describe('82077AA reading with DMA', () => {
  it('ends with the terminal count and points to the next sector', () => {
    const { transfer, sectors, received, irq } = bench();
    expect(transfer(READ, { r: 5, count: 3 * SECTOR })).toBe('00 00 00 00 00 08 02');
    expect([sectors(), received.length, irq()]).toEqual([[4, 5, 6], 3 * SECTOR, false]);
  });

  it.each([
    {
      name: 'at the end of the track',
      first: READ & 0x7f,
      h: 0,
      r: 18,
      count: SECTOR,
      expected: '00 00 00 01 00 01 02',
    },
    {
      name: 'at the end of side 0, multi-track',
      first: READ,
      h: 0,
      r: 18,
      count: SECTOR,
      expected: '04 00 00 00 01 01 02',
    },
    {
      name: 'at the end of side 1, multi-track',
      first: READ,
      h: 1,
      r: 18,
      count: SECTOR,
      expected: '04 00 00 01 00 01 02',
    },
    {
      name: 'past the end of the track',
      first: READ & 0x7f,
      h: 0,
      r: 18,
      count: 1024,
      expected: '40 80 00 01 00 01 02',
    },
    { name: 'past the end of the cylinder', first: READ, h: 1, r: 18, count: 1024, expected: '44 80 00 01 00 01 02' },
    { name: 'in the middle of a sector', first: READ, h: 0, r: 1, count: 100, expected: '00 00 00 00 00 02 02' },
  ])('has the result of the data sheet $name', ({ first, h, r, count, expected }) => {
    expect(bench().transfer(first, { h, r, count })).toBe(expected);
  });

  it('goes on with the other side', () => {
    const { transfer, sectors } = bench();
    transfer(READ, { r: 17, count: 4 * SECTOR });
    expect(sectors()).toEqual([16, 17, 18, 19]);
  });

  it('takes the time of a turning disk', () => {
    const { channel, command, untilInterrupt, now, advance } = bench();
    // The index hole passes every 200 ms.
    advance(1000 * MS - now());
    channel.left = 9 * SECTOR;
    command(READ, 0, 0, 0, 10, 2, 18, 0x1b, 0xff);
    // Half a turn to sector 10, and 9 sectors but for the last gap.
    expect(Math.round((untilInterrupt() * SPEED_UP) / MS)).toBe(198);
  });

  it.each([
    { name: 'of another cylinder', at: { c: 1 }, expected: '40 04 10 01 00 01 02' },
    { name: 'with another side in its mark', at: { h: 1, c: 0 }, head: 0, expected: '40 04 00 00 01 01 02' },
    { name: 'behind the last', at: { r: 19, end: 19 }, expected: '40 04 00 00 00 13 02' },
    { name: 'numbered 0', at: { r: 0 }, expected: '40 04 00 00 00 00 02' },
    { name: 'of another size', at: { n: 3 }, expected: '40 04 00 00 00 01 03' },
  ])('finds no sector $name', ({ at, head, expected }) => {
    const { transfer, command, untilInterrupt, result } = bench();
    if (head === undefined) {
      expect(transfer(READ, at)).toBe(expected);
      return;
    }
    command(READ, head << 2, 0, 1, 1, 2, 18, 0x1b, 0xff);
    untilInterrupt();
    expect(result()).toBe(expected);
  });

  it('finds no address mark at a wrong rate, in FM, beyond the last track, or on a side that is not there', () => {
    const noMark = '40 01 00 00 00 01 02';
    expect(bench({ rate: RATE_250 }).transfer(READ)).toBe(noMark);
    expect(bench().transfer(READ & ~0x40)).toBe(noMark);
    const outside = bench();
    outside.seek(83);
    expect(outside.transfer(READ, { c: 83 })).toBe('40 01 00 53 00 01 02');
    expect(bench({ kib: 180, rate: RATE_250 }).transfer(READ, { h: 1, end: 9 })).toBe('44 01 00 00 01 01 02');
  });

  it('overruns where the channel is closed', () => {
    expect(bench().transfer(READ, { count: 0 })).toBe('40 10 00 00 00 01 02');
  });

  it('seeks by itself where CONFIGURE says so', () => {
    const { command, transfer, sectors, shown } = bench();
    command(0x13, 0x00, 0x47, 0x00);
    expect(transfer(READ, { c: 3 })).toBe('00 00 00 03 00 02 02');
    expect([sectors(), shown()['PCN0']]).toEqual([[108], 3]);
  });

  it('waits for a disk that does not turn, and for one that is not there', () => {
    const { write, command, channel, advance, irq, untilInterrupt, result } = bench();
    write(DOR, 0x0c);
    channel.left = SECTOR;
    command(READ, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    advance(10 * SECOND);
    expect(irq()).toBe(false);
    write(DOR, 0x1c);
    untilInterrupt();
    expect(result()).toBe('00 00 00 00 00 02 02');
    const empty = bench({ store: undefined });
    empty.command(READ, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    empty.advance(10 * SECOND);
    expect([empty.irq(), empty.status()]).toEqual([false, 0x10]);
  });

  it('stops when the motor does and goes on with it', () => {
    const { write, command, channel, advance, irq, untilInterrupt, result } = bench();
    channel.left = 18 * SECTOR;
    command(READ, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    advance((50 * MS) / SPEED_UP);
    write(DOR, 0x0c);
    advance(SECOND);
    expect(irq()).toBe(false);
    write(DOR, 0x1c);
    untilInterrupt();
    expect(result()).toBe('04 00 00 00 01 01 02');
  });

  it('reads what the image does not have as empty', () => {
    const { transfer, received } = bench({ store: storeOf(Uint8Array.of(1, 2, 3)) });
    expect(transfer(READ, { r: 1, count: 2 * SECTOR })).toBe('00 00 00 00 00 03 02');
    expect([received.slice(0, 4), received.slice(SECTOR).every((byte) => byte === 0)]).toEqual([[1, 2, 3, 0], true]);
  });

  it('finds the sector that passes next, for READ ID', () => {
    const { command, untilInterrupt, result, advance, now } = bench();
    advance(1000 * MS - now() + (15 * MS) / SPEED_UP);
    command(READ_ID, 0x04);
    untilInterrupt();
    // 15 ms are 1.35 sectors.
    expect(result()).toBe('04 00 00 00 01 03 02');
  });

  it('takes a whole track as it comes, for READ TRACK', () => {
    const { transfer, sectors } = bench();
    expect(transfer(READ_TRACK, { r: 1, end: 3, count: 9 * SECTOR })).toBe('00 00 00 00 00 04 02');
    expect(sectors()).toEqual([0, 1, 2]);
    expect(transfer(READ_TRACK, { r: 7, end: 1, count: 9 * SECTOR })).toBe('00 04 00 00 00 08 02');
    expect(transfer(READ_TRACK, { r: 1, end: 30, count: 99 * SECTOR })).toBe('40 04 00 00 00 13 02');
  });

  it('marks what is no deleted data, and skips it on request', () => {
    const { transfer, received } = bench();
    expect(transfer(0x4c, { count: 2 * SECTOR })).toBe('00 00 40 00 00 01 02');
    expect(received.length).toBe(SECTOR);
    expect(transfer(0x6c, { r: 17, count: 2 * SECTOR })).toBe('40 80 40 01 00 01 02');
    expect(received.length).toBe(SECTOR);
  });

  it.each([
    { name: 'to the end of the track', at: { r: 2, end: 5 }, select: 0, expected: '00 00 00 01 00 01 02' },
    { name: 'so many sectors', at: { r: 2, end: 9, last: 3 }, select: 0x80, expected: '00 00 00 00 00 05 02' },
    { name: 'what is not there', at: { r: 17, end: 20 }, select: 0, expected: '40 04 00 00 00 13 02' },
  ])('verifies $name', ({ at, select, expected }) => {
    const { command, untilInterrupt, result, received } = bench();
    command(VERIFY & 0x5f, select, 0, 0, at.r, 2, at.end, 0x1b, at.last ?? 0xff);
    untilInterrupt();
    expect([result(), received]).toEqual([expected, []]);
  });
});

describe('82077AA writing with DMA', () => {
  const contents = (store: BlockStore | undefined, sector: number, length: number): number[] => {
    const target = new Uint8Array(length);
    store?.read(sector * SECTOR, target);
    return [...target];
  };

  it('stores whole sectors and fills the last one with zeros', () => {
    const { transfer, channel, store } = bench();
    channel.toDevice = [...new Array(SECTOR).fill(0xaa), 1, 2, 3];
    expect(transfer(WRITE, { r: 3 })).toBe('00 00 00 00 00 05 02');
    expect(contents(store, 2, 2)).toEqual([0xaa, 0xaa]);
    expect(contents(store, 3, 5)).toEqual([1, 2, 3, 0, 0]);
    expect(contents(store, 4, 2)).toEqual([4, 0]);
  });

  it('does not take the mark of deleted data and says so', () => {
    const { transfer, channel, messages } = bench();
    channel.toDevice = new Array(SECTOR).fill(1);
    expect(transfer(0xc9)).toBe('00 00 00 00 00 02 02');
    expect(messages[0]).toContain('deleted');
  });

  it('finds no sector behind the end of the image, so that nothing is lost in silence', () => {
    const { transfer, channel } = bench({ store: storeOf(new Uint8Array(SECTOR)) });
    channel.toDevice = new Array(SECTOR).fill(1);
    expect(transfer(WRITE, { r: 2 })).toBe('40 04 00 00 00 02 02');
  });

  it('formats a track, as far as the image can hold it', () => {
    const { channel, command, untilInterrupt, result, store, messages } = bench();
    channel.toDevice = [1, 2, 30, 4].flatMap((r) => [0, 1, r, 2]);
    command(FORMAT, 0x04, 0x02, 4, 0x54, 0xf6);
    untilInterrupt();
    expect(result().slice(0, 8)).toBe('04 00 00');
    expect([18, 19, 20, 21].map((sector) => contents(store, sector, 1)[0])).toEqual([0xf6, 0xf6, 20, 0xf6]);
    expect(messages[0]).toContain('cannot hold');
  });

  it.each([
    { name: 'equal', first: 0xd1, data: [0, 0xff, 0], expected: '00 00 08 00 00 01 02' },
    { name: 'equal, further on', first: 0xd1, data: [2, 0, 0], expected: '00 00 08 00 00 03 02' },
    { name: 'low or equal', first: 0xd9, data: [1, 0, 0], expected: '00 00 00 00 00 01 02' },
    { name: 'high or equal, nowhere', first: 0xdd, data: [0x40, 0, 0], expected: '00 00 04 01 00 01 02' },
  ])('scans for what is $name', ({ first, data, expected }) => {
    const { channel, transfer } = bench();
    const sector = [...data, ...new Array(SECTOR - data.length).fill(0)];
    channel.toDevice = Array.from({ length: 40 }, () => sector).flat();
    expect(transfer(first & 0x7f, { last: 1 })).toBe(expected);
  });
});

describe('82077AA without DMA', () => {
  it('asks for each byte that is to be read, and ends with the track', () => {
    const { command, untilInterrupt, status, irq, fifo, result } = bench();
    command(...NO_DMA);
    command(READ & 0x7f, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
    expect(status()).toBe(0x30);
    const read: number[] = [];
    for (const sector of [16, 17]) {
      untilInterrupt();
      expect([status(), irq()]).toEqual([0xf0, true]);
      for (let index = 0; index < SECTOR; index += 1) read.push(fifo());
      expect([read[read.length - SECTOR], irq(), status()]).toEqual([
        sector,
        sector === 17,
        sector === 17 ? 0xd0 : 0x30,
      ]);
    }
    expect(result()).toBe('40 80 00 01 00 01 02');
  });

  it('asks for each byte that is to be written', () => {
    const { command, untilInterrupt, status, irq, result, store } = bench();
    command(...NO_DMA);
    command(WRITE & 0x7f, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
    expect([status(), irq()]).toEqual([0xb0, true]);
    for (let index = 0; index < SECTOR; index += 1) command(0x33);
    expect([status(), irq()]).toEqual([0x30, false]);
    untilInterrupt();
    expect(result()).toBe('40 80 00 01 00 01 02');
    const written = new Uint8Array(2);
    store?.read(17 * SECTOR, written);
    expect([...written]).toEqual([0x33, 0x33]);
  });
});

describe('an image whose bytes come later', () => {
  it('lets the controller wait at its tick and changes nothing else', async () => {
    const image = imageOf(1440);
    const later = createOverlayStore({
      name: 'far.img',
      size: image.length,
      read: async (offset, length) => image.slice(offset, offset + length),
    });
    const [near, far] = [bench(), bench({ store: later })];
    for (const { channel, command } of [near, far]) {
      channel.left = SECTOR;
      command(READ, 0, 0, 0, 2, 2, 18, 0x1b, 0xff);
    }
    const due = far.events.nextDeadline();
    const wait = far.events.runDue(due);
    expect(wait).toBeInstanceOf(Promise);
    expect([far.events.nextDeadline(), far.irq(), far.received.length]).toEqual([due, false, 0]);
    await wait;
    const times = [near, far].map(({ untilInterrupt }) => untilInterrupt());
    expect(times[1]).toBe(times[0]);
    expect([far.result(), far.received]).toEqual([near.result(), near.received]);
    expect(far.device.state).toEqual(near.device.state);
  });
});
