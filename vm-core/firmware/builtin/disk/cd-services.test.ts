import { describe, expect, it } from 'vitest';
import type { BlockStore } from '../../../machine/block-store.ts';
import { createOverlayStore, memorySource } from '../../../machine/overlay-block-store.ts';
import { promising } from '../../guest-runner.ts';
import { bootableDisc, type DiscOptions, IMAGE_BLOCK } from '../../bootable-disc.ts';
import { type BiosBench, createBiosBench } from '../bios-bench.ts';
import { bda, ebda } from '../bios-data.ts';
import { serviceKey } from '../service.ts';
import { cdServices } from './cd-services.ts';

/** An image whose every sector begins with a signature and then tells its number. */
function image(sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  for (let sector = 0; sector < sectors; sector++) bytes.fill(sector + 1, sector * 512, (sector + 1) * 512);
  bytes.set([0x55, 0xaa], 510);
  return bytes;
}
/** The same with one partition of 100 sectors, and a geometry of 4 heads and 17 sectors. */
function partitionedImage(): Uint8Array {
  const bytes = image(136);
  bytes.fill(0, 0x1be, 0x1fe);
  bytes.set([0x80, 1, 1, 0, 6, 3, 17, 1, 17, 0, 0, 0, 119, 0, 0, 0], 0x1be);
  return bytes;
}
const store = (bytes: Uint8Array, name: string): BlockStore => createOverlayStore(memorySource(name, bytes));
const disc = (bytes: Uint8Array, options?: DiscOptions): BlockStore => store(bootableDisc(bytes, options), 'cd.iso');

/** A machine that has started from the disc. */
function started(cdrom: BlockStore, others: { floppy?: BlockStore; disk?: BlockStore } = {}): BiosBench {
  const bench = createBiosBench({ cdrom, ...others });
  // The CD-ROM drive first: there may be a floppy too.
  bench.context.ports.write(0x70, 1, 0x3d);
  bench.context.ports.write(0x71, 1, 3);
  expect(bench.runHook(bench.labels.bootHook)).toBe(bench.labels.resetReturn);
  return bench;
}

interface Registers {
  readonly bx?: number;
  readonly cx?: number;
  readonly dx?: number;
  readonly si?: number;
}
/** The status of a call: 0 without CF. */
function call(bench: BiosBench, ax: number, { bx = 0x8000, cx = 1, dx = 0, si = 0x600 }: Registers = {}): number {
  bench.caller.setEs(0);
  Object.assign(bench.caller, { ax, bx, cx, dx, si });
  const { end, carry } = bench.call(0x13);
  expect(end).toBe('return');
  if (carry) expect(bench.caller.ah).not.toBe(0);
  return carry ? bench.caller.ah : 0;
}
function packet(bench: BiosBench, count: number, block: number): void {
  const view = new DataView(bench.ram.buffer, 0x600, 16);
  view.setUint8(0, 16);
  view.setUint16(2, count, true);
  view.setUint32(4, 0x8000, true);
  view.setBigUint64(8, BigInt(block), true);
}

describe('INT 13h, AH=4Bh', () => {
  it('is the only row', () => {
    expect(cdServices.map(serviceKey)).toEqual(['13h/4B']);
  });

  it('describes the emulation and ends it', () => {
    const bench = started(disc(image(2880), { media: 2, loadSegment: 0x1000 }), { floppy: store(image(720), 'a.img') });
    expect(call(bench, 0x4b01)).toBe(0);
    expect([...bench.ram.subarray(0x600, 0x613)]).toEqual([
      ...[0x13, 2, 0, 0],
      ...[IMAGE_BLOCK, 0, 0, 0],
      ...[0, 0, 0, 0, 0x00, 0x10, 1, 0],
      ...[79, 18, 1],
    ]);
    expect(call(bench, 0x4b01, { dx: 0xe0 })).toBe(0);
    expect(call(bench, 0x4b01, { dx: 0x7f })).toBe(1);
    expect(call(bench, 0x4b02)).toBe(1);
    expect(call(bench, 0x0201, { cx: 2 })).toBe(0);
    expect(bench.ram[0x8000]).toBe(2);
    expect((bench.ram[bda.EQUIPMENT] as number) & 0xc1).toBe(0x41);
    expect(call(bench, 0x4b00, { dx: 0x7f })).toBe(0);
    expect((bench.ram[bda.EQUIPMENT] as number) & 0xc1).toBe(0x01);
    call(bench, 0x0800);
    expect([bench.caller.cx, bench.caller.dl]).toEqual([0x2709, 1]);
    expect(call(bench, 0x0800, { dx: 1 })).toBe(1);
  });

  it('is refused where nothing was started from a disc', () => {
    expect(call(createBiosBench({ cdrom: disc(image(4)) }), 0x4b01, { dx: 0xe0 })).toBe(1);
    expect(call(createBiosBench(), 0x4b01)).toBe(1);
  });
});

describe('a disc', () => {
  it('is loaded where its catalog says and started there', () => {
    const bench = started(disc(image(16), { loadCount: 4 }));
    expect([bench.ram[0x7c00], bench.ram[0x7c00 + 2047], bench.ram[0x7c00 + 2048]]).toEqual([1, 4, 0]);
    expect([bench.caller.dl, bench.context.memory.read(bda.RESET_RETURN, 4)]).toEqual([0xe0, 0x7c00]);
    const high = started(disc(image(16), { loadCount: 2, loadSegment: 0x2345 }));
    expect([high.ram[0x23450], high.context.memory.read(bda.RESET_RETURN, 4)]).toEqual([1, 0x2000_3450]);
  });

  it('is read by blocks of 2,048 bytes, and not by cylinders, heads and sectors', () => {
    const bench = started(disc(image(16)));
    const drive = { dx: 0xe0 };
    expect([call(bench, 0x4100, { ...drive, bx: 0x55aa }), bench.caller.bx]).toEqual([0, 0xaa55]);
    packet(bench, 2, IMAGE_BLOCK + 1);
    expect(call(bench, 0x4200, drive)).toBe(0);
    expect([bench.ram[0x8000], bench.ram[0x8000 + 4095]]).toEqual([5, 12]);
    packet(bench, 1, IMAGE_BLOCK + 4);
    expect(call(bench, 0x4200, drive)).toBe(1);
    packet(bench, 1, 0);
    expect(call(bench, 0x4300, drive)).toBe(3);
    expect(call(bench, 0x4700, drive)).toBe(0);
    expect([call(bench, 0x0201, drive), call(bench, 0x0800, drive)]).toEqual([1, 1]);
    bench.ram[0x600] = 26;
    expect(call(bench, 0x4800, drive)).toBe(0);
    const view = new DataView(bench.ram.buffer, 0x600, 26);
    expect([view.getUint16(2, true), view.getUint32(16, true), view.getUint16(24, true)]).toEqual([
      4,
      IMAGE_BLOCK + 4,
      2048,
    ]);
  });

  it('stands for floppy A, and the one that is there becomes B', () => {
    const bench = started(disc(image(2400), { media: 1 }), { floppy: store(image(1440).fill(0xbb), 'a.img') });
    expect([bench.caller.dl, bench.ram[0x7c00]]).toEqual([0, 1]);
    call(bench, 0x0800);
    expect([bench.caller.bx, bench.caller.cx, bench.caller.dx]).toEqual([2, 0x4f0f, 0x0102]);
    expect(call(bench, 0x0201, { cx: 1, dx: 0x0100 })).toBe(0);
    expect(bench.ram[0x8000]).toBe(16);
    expect(call(bench, 0x0301, { cx: 1 })).toBe(3);
    expect(call(bench, 0x0501, { cx: 1 })).toBe(3);
    expect(call(bench, 0x0201, { cx: 1, dx: 1 })).toBe(0);
    expect(bench.ram[0x8000]).toBe(0xbb);
    expect(call(bench, 0x0301, { cx: 1, dx: 1 })).toBe(0);
  });

  it('stands for hard disk 80h, as large as its partitions, and the one that is there becomes 81h', () => {
    const bench = started(disc(partitionedImage(), { media: 4, blocks: 100 }), { disk: store(image(2000), 'c.img') });
    expect([bench.caller.dl, bench.ram[bda.DISK_COUNT]]).toEqual([0x80, 2]);
    call(bench, 0x0800, { dx: 0x80 });
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x0111, 0x0302]);
    packet(bench, 1, 135);
    expect(call(bench, 0x4200, { dx: 0x80 })).toBe(0);
    expect(bench.ram[0x8000]).toBe(136);
    packet(bench, 1, 136);
    expect(call(bench, 0x4200, { dx: 0x80 })).toBe(1);
    packet(bench, 1, 1500);
    expect(call(bench, 0x4200, { dx: 0x81 })).toBe(0);
    expect(bench.ram[0x8000]).toBe(1501 & 0xff);
    call(bench, 0x1500, { dx: 0x81 });
    expect(bench.caller.ah).toBe(3);
  });

  it('may be shorter than its emulated floppy, which then ends in zeros', () => {
    const bench = started(disc(image(4), { media: 2 }));
    expect(call(bench, 0x0202, { cx: 4 })).toBe(0);
    expect([bench.ram[0x8000], bench.ram[0x8200]]).toEqual([4, 0]);
  });

  it('is waited for', async () => {
    const bench = createBiosBench({ cdrom: createOverlayStore(promising('cd.iso', bootableDisc(image(4)))) });
    let result = bench.runHook(bench.labels.bootHook);
    for (let tries = 0; result instanceof Promise && tries < 10; tries++) {
      await result;
      result = bench.runHook(bench.labels.bootHook);
    }
    expect(result).toBe(bench.labels.resetReturn);
    expect(bench.ram[0x7c00]).toBe(1);
  });

  it('is forgotten when something else is started', () => {
    const bench = started(disc(image(2880), { media: 2 }), { floppy: store(image(720), 'a.img') });
    bench.context.ports.write(0x70, 1, 0x3d);
    bench.context.ports.write(0x71, 1, 1);
    expect(bench.runHook(bench.labels.bootHook)).toBe(bench.labels.bootHook);
    expect(call(bench, 0x4b01)).toBe(1);
    call(bench, 0x0800);
    expect(bench.caller.dl).toBe(1);
  });

  const changed = (at: number, value: number): BlockStore => {
    const bytes = bootableDisc(image(4));
    bytes[at] = value;
    return store(bytes, 'cd.iso');
  };
  const CATALOG = 19 * 2048;
  it.each([
    ['is empty', store(new Uint8Array(0), 'cd.iso'), 'has no El Torito boot record'],
    ['has no boot record', store(new Uint8Array(40 * 2048), 'cd.iso'), 'has no El Torito boot record'],
    ['names a catalog behind its end', changed(17 * 2048 + 0x48, 0xff), 'boot catalog behind its end'],
    ['has a wrong sum', changed(CATALOG + 5, 0), 'without a valid first entry'],
    ['is not bootable', changed(CATALOG + 32, 0), 'entry is not bootable'],
    ['has another medium', changed(CATALOG + 33, 5), 'unknown media type 5'],
    ['has its image behind its end', changed(CATALOG + 41, 9), 'boot image behind its end'],
    ['loads too much', changed(CATALOG + 39, 9), 'do not fit below 640 KiB'],
  ])('that %s is not started and says why', (_, cdrom, reason) => {
    const bench = createBiosBench({ cdrom });
    expect(bench.runHook(bench.labels.bootHook)).toBe(bench.labels.halt);
    expect(bench.requests[0]).toMatchObject({ kind: 'boot-failure', message: expect.stringContaining(reason) });
    expect(bench.ram[ebda.CD_BOOT]).toBe(0);
  });

  it('of another platform is not started', () => {
    const bytes = bootableDisc(image(4));
    const view = new DataView(bytes.buffer, CATALOG);
    view.setUint8(1, 0xef);
    view.setUint16(0x1c, (view.getUint16(0x1c, true) - 0xef00) & 0xffff, true);
    const bench = createBiosBench({ cdrom: store(bytes, 'cd.iso') });
    bench.runHook(bench.labels.bootHook);
    expect(bench.requests[0]).toMatchObject({ message: expect.stringContaining('platform 239') });
  });

  it('cannot be made anything dangerous by a guest that writes over the BIOS data', () => {
    const bench = started(disc(partitionedImage(), { media: 4 }), { disk: store(image(2000), 'c.img') });
    for (let at = 1; at < 20; at++) {
      for (const value of [0, 1, 0x3f, 0xff]) {
        const before = bench.ram[ebda.CD_BOOT + at] as number;
        bench.ram[ebda.CD_BOOT + at] = value;
        for (const dx of [0x80, 0x81, 0x00, 0x01, 0xe0]) {
          for (const ax of [0x0201, 0x0800, 0x1500, 0x4200, 0x4b01]) call0(bench, ax, dx);
        }
        bench.ram[ebda.CD_BOOT + at] = before;
      }
    }
  });
});

/** Calls, whatever comes of it. */
function call0(bench: BiosBench, ax: number, dx: number): void {
  packet(bench, 1, 3);
  Object.assign(bench.caller, { ax, bx: 0x8000, cx: 1, dx, si: 0x600 });
  expect(bench.call(0x13).end).toBe('return');
}
