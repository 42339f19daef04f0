/** An ATA channel with drives for tests: registers by name, data words, and packets. */
import type { BlockStore } from '../../machine/block-store.ts';
import { createOverlayStore, memorySource } from '../../machine/overlay-block-store.ts';
import { createTestBench, readPort, writePort } from '../test-bench.ts';
import { type AttachedDrive, createIde } from './ide.ts';

/** Offsets in the command block. */
export const [DATA, ERROR, COUNT, LOW, MID, HIGH, DEVICE, STATUS] = [0, 1, 2, 3, 4, 5, 6, 7] as const;
export const [FEATURES, COMMAND] = [ERROR, STATUS] as const;
/** Values of the device register. */
export const LBA = 0x40;
export const SECOND = 0x10;
/** Values of the status register. */
export const READY = 0x50;
export const DATA_REQUEST = 0x58;
export const FAILED = 0x51;
export const BUSY = 0x80;

/** Each 512 bytes begin with their number, low byte first. */
export function imageOf(sectors: number): Uint8Array {
  const image = new Uint8Array(sectors * 512);
  for (let sector = 0; sector < sectors; sector += 1) {
    image[sector * 512] = sector & 0xff;
    image[sector * 512 + 1] = sector >> 8;
  }
  return image;
}

export const storeOf = (image: Uint8Array): BlockStore => createOverlayStore(memorySource('image', image));

/** A hard disk of so many sectors. */
export const hardDisk = (sectors: number): AttachedDrive => ({ kind: 'hard-disk', store: storeOf(imageOf(sectors)) });

/** A disc of so many sectors of 2,048 bytes. */
export const cdRom = (sectors: number): AttachedDrive => ({ kind: 'cd-rom', store: storeOf(imageOf(sectors * 4)) });

/** A channel with device 0 and device 1; a disk of 10,000 sectors if nothing is said. */
export function bench(...attached: AttachedDrive[]) {
  const around = createTestBench();
  const [first, second] = attached.length === 0 ? [hardDisk(10_000)] : attached;
  const device = createIde(around.context, [first, second]);
  device.reset();
  const read = (offset: number): number => readPort(device, 'command', offset);
  const write = (offset: number, ...values: number[]): void => writePort(device, 'command', offset, ...values);
  const alternateStatus = (): number => readPort(device, 'control');
  const settle = (): number => {
    while (alternateStatus() === BUSY && around.events.nextDeadline() !== Number.POSITIVE_INFINITY) {
      around.advance(around.events.nextDeadline() - around.now());
    }
    return alternateStatus();
  };
  const word = (): number => device.ports['command']?.read(DATA, 2) ?? -1;
  const words = (count: number): number[] => Array.from({ length: count }, word);
  const packet = (bytes: readonly number[], byteCount = 0xfffe): number => {
    write(FEATURES, 0);
    write(MID, byteCount & 0xff);
    write(HIGH, byteCount >> 8);
    write(COMMAND, 0xa0);
    settle();
    for (let at = 0; at < 12; at += 2) writeWord((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
    return settle();
  };
  const writeWord = (value: number): void => device.ports['command']?.write(DATA, 2, value);
  return {
    ...around,
    device,
    read,
    write,
    alternateStatus,
    settle,
    word,
    words,
    writeWord,
    packet,
    irq: () => around.lines.get('irq') === true,
    control: (value: number) => writePort(device, 'control', 0, value),
    /** Writes address and count and runs a command to its first stop; gives the status. */
    command(code: number, { lba = 0, count = 1, device: select = LBA }: CommandOptions = {}): number {
      write(COUNT, count & 0xff);
      write(LOW, lba & 0xff);
      write(MID, (lba >>> 8) & 0xff);
      write(HIGH, (lba >>> 16) & 0xff);
      write(DEVICE, select | ((lba >>> 24) & 0x0f));
      write(COMMAND, code);
      return settle();
    },
    /** The same with 48-bit values. */
    extended(code: number, lba: number, count: number): number {
      const upper = Math.floor(lba / 0x100_0000);
      write(COUNT, (count >> 8) & 0xff, count & 0xff);
      write(LOW, upper & 0xff, lba & 0xff);
      write(MID, (upper >> 8) & 0xff, Math.floor(lba / 0x100) & 0xff);
      write(HIGH, (upper >> 16) & 0xff, Math.floor(lba / 0x1_0000) & 0xff);
      write(DEVICE, LBA);
      write(COMMAND, code);
      return settle();
    },
    /** All pieces that a packet command gives, as bytes. */
    answer(bytes: readonly number[], byteCount = 0xfffe): number[] {
      const received: number[] = [];
      for (let status = packet(bytes, byteCount); status === DATA_REQUEST; status = settle()) {
        const size = read(MID) | (read(HIGH) << 8);
        for (let at = 0; at < size; at += 2) {
          const value = word();
          received.push(value & 0xff);
          if (at + 1 < size) received.push(value >> 8);
        }
      }
      return received;
    },
    registers: () => [COUNT, LOW, MID, HIGH, DEVICE].map(read),
  };
}

interface CommandOptions {
  readonly lba?: number;
  readonly count?: number;
  readonly device?: number;
}
