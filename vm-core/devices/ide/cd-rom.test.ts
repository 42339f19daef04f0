import { describe, expect, it } from 'vitest';
import {
  bench,
  cdRom,
  COMMAND,
  COUNT,
  DATA_REQUEST,
  ERROR,
  FAILED,
  FEATURES,
  HIGH,
  MID,
  READY,
  STATUS,
  storeOf,
} from './ide-bench.ts';

const SECTORS = 300;
const TEST_UNIT_READY = [0x00];
const REQUEST_SENSE = [0x03, 0, 0, 0, 18];
const read10 = (block: number, count: number): number[] => [0x28, 0, 0, 0, block >> 8, block & 0xff, 0, 0, count];

/** A drive that has told of its power-on. */
function drive(disc = cdRom(SECTORS)) {
  const around = bench(disc);
  around.packet(TEST_UNIT_READY);
  around.answer(REQUEST_SENSE);
  return {
    ...around,
    /** Key and code of what a command ended with; undefined if it succeeded. */
    sense(packet: readonly number[]): string | undefined {
      around.answer(packet);
      if (around.alternateStatus() === READY) return undefined;
      const bytes = around.answer(REQUEST_SENSE);
      return `${bytes[2]?.toString(16)}/${bytes[12]?.toString(16)}/${bytes[13]?.toString(16)}`;
    },
  };
}

describe('a packet drive', () => {
  it('is identified by its own command; the other one shows its signature', () => {
    const { write, settle, read, words } = bench(cdRom(SECTORS));
    write(COMMAND, 0xec);
    expect([settle(), read(ERROR), read(MID), read(HIGH)]).toEqual([FAILED, 0x04, 0x14, 0xeb]);
    write(COMMAND, 0xa1);
    expect(settle()).toBe(DATA_REQUEST);
    const found = words(256);
    expect([found[0], found[49], settle()]).toEqual([0x85c0, 0x0a00, READY]);
  });

  it('says by its count register what the data register is for', () => {
    const { write, settle, read, writeWord, irq, word, words } = drive();
    read(STATUS);
    write(MID, 0xfe);
    write(HIGH, 0xff);
    write(COMMAND, 0xa0);
    expect([settle(), read(COUNT), irq()]).toEqual([DATA_REQUEST, 1, false]);
    for (const value of [0x0012, 0, 36, 0, 0, 0]) writeWord(value);
    expect([settle(), read(COUNT), read(MID), irq()]).toEqual([DATA_REQUEST, 2, 36, true]);
    read(STATUS);
    expect(word()).toBe(0x8005);
    words(17);
    expect([settle(), read(COUNT), irq()]).toEqual([READY, 3, true]);
  });

  it('reports its power-on first, but answers INQUIRY and REQUEST SENSE before', () => {
    const { answer, packet, read } = bench(cdRom(SECTORS));
    expect(answer([0x12, 0, 0, 0, 36]).length).toBe(36);
    expect([packet(TEST_UNIT_READY), read(ERROR), read(COUNT)]).toEqual([FAILED, 0x64, 3]);
    const sense = answer(REQUEST_SENSE);
    expect([sense[0], sense[2], sense[7], sense[12]]).toEqual([0x70, 6, 10, 0x29]);
    expect([packet(TEST_UNIT_READY), answer(REQUEST_SENSE)[2]]).toEqual([READY, 0]);
  });

  it('takes no DMA', () => {
    const { write, settle } = drive();
    write(FEATURES, 1);
    write(COMMAND, 0xa0);
    expect(settle()).toBe(FAILED);
  });

  it('is reset on its own, without an interrupt', () => {
    const { write, read, packet, irq, alternateStatus } = drive();
    packet(read10(0, 1));
    read(STATUS);
    write(COMMAND, 0x08);
    expect([alternateStatus(), irq(), read(MID), read(HIGH)]).toEqual([0, false, 0x14, 0xeb]);
    expect(packet(TEST_UNIT_READY)).toBe(READY);
  });

  it('takes power modes and tells its own', () => {
    const { write, settle, read } = drive();
    write(COMMAND, 0xe5);
    expect([settle(), read(COUNT)]).toEqual([READY, 0xff]);
    write(COMMAND, 0xe0);
    expect(settle()).toBe(READY);
    write(COMMAND, 0x20);
    expect(settle()).toBe(FAILED);
  });
});

describe('reading a disc', () => {
  const numbersOf = (bytes: readonly number[]): number[] =>
    bytes
      .filter((_, index) => index % 2048 < 2)
      .flatMap((low, index, all) => (index % 2 === 0 ? [(low | ((all[index + 1] ?? 0) << 8)) / 4] : []));

  it.each([
    { name: 'READ(10)', packet: read10(17, 3), expected: [17, 18, 19] },
    { name: 'READ(12)', packet: [0xa8, 0, 0, 0, 1, 0, 0, 0, 0, 2], expected: [256, 257] },
    { name: 'READ CD', packet: [0xbe, 0x08, 0, 0, 0, 9, 0, 0, 1, 0x10], expected: [9] },
    { name: 'more than the buffer holds', packet: read10(0, 40), expected: Array.from({ length: 40 }, (_, n) => n) },
    { name: 'nothing', packet: read10(5, 0), expected: [] },
  ])('$name', ({ packet, expected }) => {
    const { answer, alternateStatus } = drive();
    expect([numbersOf(answer(packet)), alternateStatus()]).toEqual([expected, READY]);
  });

  it.each([512, 1000, 2048, 6000])('comes in pieces of at most %d bytes', (byteCount) => {
    const { packet, read, words, settle } = drive();
    let received = 0;
    for (let status = packet(read10(1, 2), byteCount); status === DATA_REQUEST; status = settle()) {
      const size = read(MID) | (read(HIGH) << 8);
      expect(size).toBeLessThanOrEqual(byteCount);
      received += words(size / 2).length * 2;
    }
    expect(received).toBe(4096);
  });

  it('reads the end of an image that ends inside a sector as zeros', () => {
    const { answer } = drive({ kind: 'cd-rom', store: storeOf(new Uint8Array(2048 + 512).fill(7)) });
    const bytes = answer(read10(1, 1));
    expect([bytes[511], bytes[512], bytes.length]).toEqual([7, 0, 2048]);
    expect(answer([0x25]).slice(0, 4)).toEqual([0, 0, 0, 1]);
  });

  it.each([
    { name: 'behind the end', packet: read10(SECTORS, 1), expected: '5/21/0' },
    { name: 'over the end', packet: read10(SECTORS - 1, 2), expected: '5/21/0' },
    { name: 'raw sectors', packet: [0xbe, 0, 0, 0, 0, 0, 0, 0, 1, 0xf8], expected: '5/24/0' },
    { name: 'to a place behind the end', packet: [0x2b, 0, 0, 1, 0, 0], expected: '5/21/0' },
    { name: 'by an unknown command', packet: [0xff], expected: '5/20/0' },
  ])('fails $name', ({ packet, expected }) => {
    expect(drive().sense(packet)).toBe(expected);
  });
});

describe('packet commands', () => {
  it.each([
    { name: 'READ CAPACITY', packet: [0x25], expected: [0, 0, 1, 43, 0, 0, 8, 0] },
    {
      name: 'READ TOC, by blocks',
      packet: [0x43, 0, 0, 0, 0, 0, 0, 0, 100],
      expected: [0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0, 0, 0x14, 0xaa, 0, 0, 0, 1, 44],
    },
    {
      name: 'READ TOC, by minutes, from the lead-out on',
      packet: [0x43, 2, 0, 0, 0, 0, 0xaa, 0, 100],
      expected: [0, 10, 1, 1, 0, 0x14, 0xaa, 0, 0, 0, 6, 0],
    },
    { name: 'READ TOC, sessions', packet: [0x43, 0, 1, 0, 0, 0, 0, 0, 4], expected: [0, 10, 1, 1] },
    {
      name: 'READ TOC, as the first drives took it',
      packet: [0x43, 0, 0, 0, 0, 0, 0, 0, 4, 0x40],
      expected: [0, 10, 1, 1],
    },
    {
      name: 'GET CONFIGURATION, one feature',
      packet: [0x46, 2, 0, 3, 0, 0, 0, 0, 100],
      expected: [0, 0, 0, 12, 0, 0, 0, 8, 0, 3, 3, 4, 0x29, 0, 0, 0],
    },
    {
      name: 'GET EVENT STATUS NOTIFICATION, of media',
      packet: [0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8],
      expected: [0, 6, 4, 0x10, 0, 2, 0, 0],
    },
    {
      name: 'GET EVENT STATUS NOTIFICATION, of something else',
      packet: [0x4a, 1, 0, 0, 0x40, 0, 0, 0, 8],
      expected: [0, 2, 0x80, 0x10],
    },
    { name: 'MODE SENSE(10), header', packet: [0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 8], expected: [0, 26, 1, 0, 0, 0, 0, 0] },
    { name: 'MODE SENSE(6)', packet: [0x1a, 0, 0x01, 0, 12], expected: [11, 1, 0, 0, 1, 6, 0, 5, 0, 0, 0, 0] },
    {
      name: 'MODE SENSE(10), what can be changed',
      packet: [0x5a, 0, 0x4d, 0, 0, 0, 0, 0, 16],
      expected: [0, 14, 1, 0, 0, 0, 0, 0, 0x0d, 6, 0, 0, 0, 0, 0, 0],
    },
    { name: 'READ DISC INFORMATION', packet: [0x51, 0, 0, 0, 0, 0, 0, 0, 7], expected: [0, 32, 0x0e, 1, 1, 1, 1] },
    { name: 'READ SUB-CHANNEL', packet: [0x42, 0, 0, 0, 0, 0, 0, 0, 4], expected: [0, 0x15, 0, 0] },
    { name: 'MECHANISM STATUS', packet: [0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8], expected: [0, 0, 0, 0, 0, 1, 0, 0] },
    { name: 'SET CD SPEED', packet: [0xbb, 0, 0xff, 0xff], expected: [] },
    { name: 'SEEK(10)', packet: [0x2b, 0, 0, 0, 0, 9], expected: [] },
  ])('$name', ({ packet, expected }) => {
    const { answer, alternateStatus } = drive();
    expect([answer(packet), alternateStatus()]).toEqual([expected, READY]);
  });

  it.each([
    { name: 'INQUIRY for product data', packet: [0x12, 1, 0, 0, 36], expected: '5/24/0' },
    { name: 'READ TOC of track 2', packet: [0x43, 0, 0, 0, 0, 0, 2, 0, 100], expected: '5/24/0' },
    { name: 'saved mode pages', packet: [0x5a, 0, 0xea, 0, 0, 0, 0, 0, 8], expected: '5/39/0' },
    { name: 'mode pages that are not there', packet: [0x5a, 0, 0x05, 0, 0, 0, 0, 0, 8], expected: '5/24/0' },
    { name: 'events without being asked', packet: [0x4a, 0, 0, 0, 0x10, 0, 0, 0, 8], expected: '5/24/0' },
  ])('has no $name', ({ packet, expected }) => {
    expect(drive().sense(packet)).toBe(expected);
  });

  it('opens its tray, is not ready, and tells of the disc when it is closed', () => {
    const { sense, answer } = drive();
    const events = (): number[] => answer([0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8]).slice(4, 6);
    expect(sense([0x1b, 0, 0, 0, 2])).toBeUndefined();
    expect([sense(TEST_UNIT_READY), sense(read10(0, 1)), events(), events()]).toEqual([
      '2/3a/0',
      '2/3a/0',
      [3, 1],
      [0, 1],
    ]);
    expect(sense([0x1b, 0, 0, 0, 3])).toBeUndefined();
    expect([events(), sense(TEST_UNIT_READY), sense(TEST_UNIT_READY)]).toEqual([[2, 2], '6/28/0', undefined]);
  });

  it('keeps its tray closed while removal is prevented', () => {
    const { sense } = drive();
    sense([0x1e, 0, 0, 0, 1]);
    expect(sense([0x1b, 0, 0, 0, 2])).toBe('5/53/2');
    sense([0x1e, 0, 0, 0, 0]);
    expect(sense([0x1b, 0, 0, 0, 2])).toBeUndefined();
  });
});
