import { describe, expect, it } from 'vitest';
import { createOverlayStore } from '../../machine/overlay-block-store.ts';
import {
  BUSY,
  bench,
  COMMAND,
  COUNT,
  DATA_REQUEST,
  DEVICE,
  ERROR,
  FAILED,
  FEATURES,
  HIGH,
  hardDisk,
  imageOf,
  LBA,
  LOW,
  MID,
  READY,
  STATUS,
  storeOf,
} from './ide-bench.ts';

const [READ, WRITE, VERIFY, SEEK, PARAMETERS] = [0x20, 0x30, 0x40, 0x70, 0x91] as const;
const [READ_MULTIPLE, WRITE_MULTIPLE, SET_MULTIPLE] = [0xc4, 0xc5, 0xc6] as const;
const IDENTIFY = 0xec;
const NOT_FOUND = 0x10;
const ABORTED = 0x04;

describe('IDENTIFY DEVICE', () => {
  const identify = (sectors: number): number[] => {
    const { command, words } = bench(hardDisk(sectors));
    expect(command(IDENTIFY)).toBe(DATA_REQUEST);
    return words(256);
  };
  const at = (words: readonly number[], ...indices: number[]): number[] => indices.map((index) => words[index] ?? -1);

  it('tells size and translation', () => {
    const words = identify(10_080);
    expect(at(words, 0, 1, 3, 6, 47, 49, 60, 61)).toEqual([0x40, 10, 16, 63, 0x8010, 0x0a00, 10_080, 0]);
    expect(at(words, 54, 55, 56, 57, 58, 59, 100, 101)).toEqual([10, 16, 63, 10_080, 0, 0, 10_080, 0]);
  });

  it.each([
    { sectors: 1, geometry: [1, 1, 63] },
    { sectors: 2880, geometry: [2, 16, 63] },
    { sectors: 100, geometry: [1, 2, 63] },
  ])('has a translation for a disk of $sectors sectors', ({ sectors, geometry }) => {
    expect(at(identify(sectors), 1, 3, 6)).toEqual(geometry);
  });

  it('counts beyond 28 bits in its last words, and stops counting cylinders', () => {
    const store = {
      name: 'large',
      size: 0x1234_5678 * 512,
      memoryUsed: 0,
      read: () => undefined,
      write: () => undefined,
    };
    const { command, words } = bench({ kind: 'hard-disk', store });
    command(IDENTIFY);
    const found = words(256);
    expect(at(found, 1, 60, 61, 100, 101, 102)).toEqual([16_383, 0xffff, 0x0fff, 0x5678, 0x1234, 0]);
  });

  it('has its names in the right order of bytes, and a checksum', () => {
    const words = identify(1000);
    const text = words.slice(27, 47).map((word) => String.fromCharCode(word >> 8, word & 0xff));
    expect(text.join('').trim()).toBe('X86VM HARD DISK');
    const sum = words.reduce((total, word) => total + (word & 0xff) + (word >> 8), 0);
    expect([(words[255] ?? 0) & 0xff, sum & 0xff]).toEqual([0xa5, 0]);
  });
});

describe('reading', () => {
  it('interrupts for each sector and ends without an interrupt', () => {
    const { command, words, read, settle, irq, registers } = bench();
    expect(command(READ, { lba: 0x1234, count: 2 })).toBe(DATA_REQUEST);
    expect([irq(), read(STATUS), irq()]).toEqual([true, DATA_REQUEST, false]);
    expect(words(256)[0]).toBe(0x1234);
    expect([settle(), irq(), read(STATUS)]).toEqual([DATA_REQUEST, true, DATA_REQUEST]);
    expect(words(256)[0]).toBe(0x1235);
    expect([settle(), irq(), registers()]).toEqual([READY, false, [0, 0x35, 0x12, 0, LBA]]);
  });

  it('takes a count of 0 for 256', () => {
    const { command, words, settle } = bench();
    let sectors = 0;
    for (let status = command(READ, { count: 0 }); status === DATA_REQUEST; status = settle()) {
      words(256);
      sectors += 1;
    }
    expect(sectors).toBe(256);
  });

  it('finds sectors by cylinder, head and sector', () => {
    const { command, word, write } = bench();
    // 16 heads and 63 sectors: cylinder 1, head 2, sector 3.
    write(DEVICE, 0);
    expect(command(READ, { lba: 0x0001_03, device: 0x02 })).toBe(DATA_REQUEST);
    expect(word()).toBe((1 * 16 + 2) * 63 + 2);
  });

  it('follows INITIALIZE DEVICE PARAMETERS', () => {
    const { command, word, words } = bench();
    expect(command(PARAMETERS, { count: 17, device: 3 })).toBe(READY);
    command(READ, { lba: 0x0001_02, device: 0x01 });
    expect(word()).toBe((1 * 4 + 1) * 17 + 1);
    words(255);
    command(IDENTIFY);
    expect(words(256).slice(54, 59)).toEqual([147, 4, 17, 147 * 4 * 17, 0]);
    expect(command(PARAMETERS, { count: 0 })).toBe(FAILED);
  });

  it.each([
    { name: 'sector 0', lba: 0x0000_00, device: 0 },
    { name: 'a sector behind the last', lba: 0x0000_40, device: 0 },
    { name: 'a cylinder behind the last', lba: 0x0fff_01, device: 0 },
    { name: 'a block behind the last', lba: 10_000, device: LBA },
  ])('does not find $name', ({ lba, device }) => {
    const { command, read, irq } = bench();
    expect([command(READ, { lba, device }), read(ERROR), irq()]).toEqual([FAILED, NOT_FOUND, true]);
    expect(command(VERIFY, { lba, device })).toBe(FAILED);
    expect(command(WRITE, { lba, device })).toBe(FAILED);
    expect(command(SEEK, { lba, device })).toBe(FAILED);
  });

  it('ends where the disk does and shows the block that is missing', () => {
    const { command, words, settle, read, registers } = bench();
    command(READ, { lba: 9999, count: 3 });
    words(256);
    expect([settle(), read(ERROR)]).toEqual([FAILED, NOT_FOUND]);
    expect(registers()).toEqual([2, 10_000 & 0xff, 10_000 >> 8, 0, LBA]);
  });

  it('moves blocks of sectors with READ MULTIPLE', () => {
    const { command, words, settle, irq, read } = bench();
    expect([command(READ_MULTIPLE), read(ERROR)]).toEqual([FAILED, ABORTED]);
    expect(command(SET_MULTIPLE, { count: 4 })).toBe(READY);
    command(READ_MULTIPLE, { lba: 8, count: 6 });
    read(STATUS);
    const first = words(4 * 256);
    expect([first[0], first[768], settle(), irq()]).toEqual([8, 11, DATA_REQUEST, true]);
    expect([words(2 * 256)[256], settle()]).toEqual([13, READY]);
    expect([3, 32].map((count) => command(SET_MULTIPLE, { count }))).toEqual([FAILED, FAILED]);
    expect([command(SET_MULTIPLE, { count: 0 }), command(READ_MULTIPLE)]).toEqual([READY, FAILED]);
  });

  it('takes 48-bit addresses and counts', () => {
    const large = {
      name: 'large',
      size: 0x3_0000_0000 * 512,
      memoryUsed: 0,
      read(offset: number, target: Uint8Array) {
        target.set([1, 2, 3, 4, 5].map((_, index) => Math.floor(offset / 512 / 256 ** index) & 0xff));
        return undefined;
      },
      write: () => undefined,
    };
    const { extended, words, control, registers, settle } = bench({ kind: 'hard-disk', store: large });
    expect(extended(0x24, 0x2_3456_789a, 0x101)).toBe(DATA_REQUEST);
    expect(words(256).slice(0, 3)).toEqual([0x789a, 0x3456, 0x0002]);
    expect(settle()).toBe(DATA_REQUEST);
    control(0x80);
    expect(registers().slice(1, 4)).toEqual([0x34, 0x02, 0x00]);
    control(0x00);
    expect(registers().slice(1, 4)).toEqual([0x9b, 0x78, 0x56]);
    expect(extended(0x24, 0x3_0000_0000, 1)).toBe(FAILED);
    extended(0x27, 0, 0);
    control(0x80);
    expect(registers().slice(1, 4)).toEqual([0xff, 0x02, 0x00]);
  });

  it('waits for an image whose bytes come later, at its tick', async () => {
    const image = imageOf(100);
    const source = { name: 'far', size: image.length, read: async (at: number, n: number) => image.slice(at, at + n) };
    const { write, events, alternateStatus, words, irq } = bench({
      kind: 'hard-disk',
      store: createOverlayStore(source),
    });
    write(COUNT, 1);
    write(LOW, 42);
    write(DEVICE, LBA);
    write(COMMAND, READ);
    const due = events.nextDeadline();
    const wait = events.runDue(due);
    expect([wait instanceof Promise, alternateStatus(), irq()]).toEqual([true, BUSY, false]);
    await wait;
    expect(events.runDue(due)).toBeUndefined();
    expect([alternateStatus(), words(1)]).toEqual([DATA_REQUEST, [42]]);
  });
});

describe('writing', () => {
  it('asks for the first sector at once and interrupts when each is written', () => {
    const store = storeOf(imageOf(100));
    const { command, writeWord, settle, irq, read, registers } = bench({ kind: 'hard-disk', store });
    expect([command(WRITE, { lba: 5, count: 2 }), irq()]).toEqual([DATA_REQUEST, false]);
    for (const value of [0x1111, 0x2222]) {
      for (let at = 0; at < 256; at += 1) writeWord(value);
      expect([settle(), irq()]).toEqual([value === 0x1111 ? DATA_REQUEST : READY, true]);
      read(STATUS);
    }
    const sectors = new Uint8Array(4 * 512);
    store.read(4 * 512, sectors);
    expect([sectors[0], sectors[512], sectors[1535], sectors[1536]]).toEqual([4, 0x11, 0x22, 7]);
    expect(registers()).toEqual([0, 6, 0, 0, LBA]);
  });

  it('moves blocks with WRITE MULTIPLE and ends where the disk does', () => {
    const store = storeOf(imageOf(10));
    const { command, writeWord, settle, read } = bench({ kind: 'hard-disk', store });
    command(SET_MULTIPLE, { count: 8 });
    command(WRITE_MULTIPLE, { lba: 7, count: 8 });
    for (let at = 0; at < 3 * 256; at += 1) writeWord(0x5a5a);
    expect([settle(), read(ERROR)]).toEqual([FAILED, NOT_FOUND]);
    const last = new Uint8Array(512);
    store.read(9 * 512, last);
    expect(last[511]).toBe(0x5a);
  });
});

describe('other commands', () => {
  it.each([
    { name: 'RECALIBRATE', code: 0x10 },
    { name: 'VERIFY', code: VERIFY, count: 0 },
    { name: 'SEEK', code: SEEK },
    { name: 'STANDBY IMMEDIATE', code: 0xe0 },
    { name: 'IDLE', code: 0xe3 },
    { name: 'FLUSH CACHE', code: 0xe7 },
    { name: 'FLUSH CACHE EXT', code: 0xea },
  ])('$name succeeds with an interrupt', ({ code, count }) => {
    const { command, irq } = bench();
    expect([command(code, { count: count ?? 1 }), irq()]).toEqual([READY, true]);
  });

  it.each([
    { name: 'NOP', code: 0x00 },
    { name: 'READ DMA', code: 0xc8 },
    { name: 'PACKET', code: 0xa0 },
    { name: 'IDENTIFY PACKET DEVICE', code: 0xa1 },
    { name: 'DEVICE RESET', code: 0x08 },
    { name: 'an unknown command', code: 0xff },
  ])('$name is aborted', ({ code }) => {
    const { command, read, irq } = bench();
    expect([command(code), read(ERROR), irq()]).toEqual([FAILED, ABORTED, true]);
  });

  it('reads its buffer back', () => {
    const { command, writeWord, words, settle } = bench();
    expect(command(0xe8)).toBe(DATA_REQUEST);
    for (let at = 0; at < 256; at += 1) writeWord(at * 3);
    expect([settle(), command(0xe4), words(256)[255]]).toEqual([READY, DATA_REQUEST, 765]);
  });

  it('sets features that change nothing, and PIO modes only', () => {
    const { command, write } = bench();
    const set = (feature: number, count: number): number => {
      write(FEATURES, feature);
      return command(0xef, { count });
    };
    expect([set(0x03, 0x0c), set(0x03, 0x42), set(0xaa, 0), set(0x5d, 0)]).toEqual([READY, FAILED, READY, FAILED]);
  });

  it('tells its power mode and its last block', () => {
    const { command, read } = bench();
    command(0xe5);
    expect(read(COUNT)).toBe(0xff);
    expect(command(0xf8)).toBe(READY);
    expect([LOW, MID, HIGH].map(read)).toEqual([9999 & 0xff, 9999 >> 8, 0]);
  });
});
