/** A controller with a disk for tests: reset, its motor on, and a DMA channel that the test programs. */
import type { BlockStore } from '../../machine/block-store.ts';
import { createOverlayStore, memorySource } from '../../machine/overlay-block-store.ts';
import { createTestBench, hex, MICROSECOND, readPort, registerValues, writePort } from '../test-bench.ts';
import { createFloppyController } from './floppy-controller.ts';

export const SECOND = 1_000_000 * MICROSECOND;
export const MS = SECOND / 1000;
export const SECTOR = 512;
/** Offsets in the region `registers`. */
export const [DOR, MSR, DSR, FIFO] = [2, 4, 4, 5] as const;
/** Out of reset, interrupt and DMA on, motor of drive 0. */
const RUNNING = 0x1c;
/** Values of the CCR. */
export const [RATE_500, RATE_250] = [0, 2] as const;
/** First bytes of commands: multi-track where there are tracks, MFM, skip. */
export const [READ, WRITE, VERIFY, FORMAT, READ_ID, READ_TRACK] = [0xe6, 0xc5, 0xf6, 0x4d, 0x4a, 0x42] as const;
/** SPECIFY without DMA. */
export const NO_DMA = [0x03, 0xdf, 0x03] as const;

/** Each sector begins with its number, low byte first. */
export function imageOf(kib: number): Uint8Array {
  const image = new Uint8Array(kib * 1024);
  for (let sector = 0; sector * SECTOR < image.length; sector += 1) {
    image[sector * SECTOR] = sector & 0xff;
    image[sector * SECTOR + 1] = sector >> 8;
  }
  return image;
}

/** An image in memory. */
export const storeOf = (image: Uint8Array): BlockStore => createOverlayStore(memorySource('disk.img', image));

interface Options {
  readonly kib?: number;
  readonly store?: BlockStore | undefined;
  readonly rate?: number;
}

/** A controller that was reset and asked what its drives are, as drivers do, with the motor on. */
export function bench(options: Options = {}) {
  const { kib = 1440, rate = RATE_500 } = options;
  const store = 'store' in options ? options.store : storeOf(imageOf(kib));
  const around = createTestBench();
  const { advance, dma } = around;
  const device = createFloppyController(around.context, store);
  device.reset();
  const received: number[] = [];
  /** How many bytes the DMA channel is programmed for, and what it brings to the controller. */
  const channel = { left: 0, toDevice: [] as number[] };
  dma.send = (bytes) => {
    const taken = bytes.subarray(0, channel.left);
    received.push(...taken);
    channel.left -= taken.length;
    return { count: taken.length, terminalCount: taken.length > 0 && channel.left === 0 };
  };
  dma.receive = (target) => {
    const given = channel.toDevice.splice(0, target.length);
    target.set(given);
    return { count: given.length, terminalCount: given.length > 0 && channel.toDevice.length === 0 };
  };
  const status = (): number => readPort(device, 'registers', MSR);
  const command = (...bytes: number[]): void => writePort(device, 'registers', FIFO, ...bytes);
  const irq = (): boolean => around.lines.get('irq') === true;
  const result = (): string => {
    const bytes: number[] = [];
    while ((status() & 0xd0) === 0xd0) bytes.push(readPort(device, 'registers', FIFO));
    return bytes.map(hex).join(' ');
  };
  const untilInterrupt = (): number => {
    const start = around.now();
    while (!irq() && around.events.nextDeadline() !== Number.POSITIVE_INFINITY) {
      advance(around.events.nextDeadline() - around.now());
    }
    return around.now() - start;
  };
  writePort(device, 'registers', DOR, RUNNING);
  advance(2 * MS);
  for (let drive = 0; drive < 4; drive += 1) {
    command(0x08);
    result();
  }
  command(0x03, 0xdf, 0x02);
  writePort(device, 'change', 0, rate);
  return {
    ...around,
    device,
    store,
    channel,
    received,
    status,
    command,
    result,
    irq,
    untilInterrupt,
    fifo: () => readPort(device, 'registers', FIFO),
    write: (offset: number, value: number) => writePort(device, 'registers', offset, value),
    seek(cylinder: number): void {
      command(0x0f, 0x00, cylinder);
      untilInterrupt();
      command(0x08);
      result();
    },
    /** Reads or verifies sectors with DMA for `count` bytes; gives the result. */
    transfer(first: number, { c = 0, h = 0, r = 1, n = 2, end = 18, last = 0xff, count = SECTOR } = {}): string {
      channel.left = count;
      command(first, h << 2, c, h, r, n, end, 0x1b, last);
      untilInterrupt();
      return result();
    },
    /** The numbers of the sectors that were read. */
    sectors: () =>
      received
        .filter((_, index) => index % SECTOR < 2)
        .flatMap((low, index, all) => (index % 2 === 0 ? [low | ((all[index + 1] as number) << 8)] : [])),
    senseInterrupt(): string {
      command(0x08);
      return result();
    },
    shown: () => registerValues(device),
  };
}
