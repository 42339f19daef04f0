import { describe, expect, it } from 'vitest';
import type { BlockSource, BlockStore } from '../../../machine/block-store.ts';
import { createOverlayStore, memorySource } from '../../../machine/overlay-block-store.ts';
import { ES } from '../../../state/layout.ts';
import { type BiosBench, type CallResult, createBiosBench } from '../bios-bench.ts';
import { ebda } from '../bios-data.ts';
import { ROM_SEGMENT } from '../rom.ts';
import { serviceKey } from '../service.ts';
import { diskServices } from './disk-services.ts';
import { extendedDiskServices } from './extended-services.ts';
import { FLOPPY_PARAMETERS, floppyParametersOf } from './floppy-parameters.ts';
import { diskGeometry } from './geometry.ts';

/** An image whose every byte tells its sector. */
function image(sectors: number): Uint8Array {
  const bytes = new Uint8Array(sectors * 512);
  for (let sector = 0; sector < sectors; sector++) bytes.fill(sector + 1, sector * 512, (sector + 1) * 512);
  return bytes;
}
const store = (sectors: number, name = 'disk.img'): BlockStore =>
  createOverlayStore(memorySource(name, image(sectors)));

interface Registers {
  bx?: number;
  cx?: number;
  dx?: number;
  si?: number;
}

function call(bench: BiosBench, ax: number, { bx = 0x8000, cx = 1, dx = 0x80, si = 0 }: Registers = {}): CallResult {
  const { caller } = bench;
  caller.ax = ax;
  caller.bx = bx;
  caller.cx = cx;
  caller.dx = dx;
  caller.si = si;
  return bench.call(0x13);
}

/** Calls and expects success, or a failure with this status. */
function succeed(bench: BiosBench, ax: number, registers?: Registers): void {
  const { end, carry } = call(bench, ax, registers);
  expect([end, carry, bench.caller.ah]).toEqual(['return', false, 0]);
}
function fail(bench: BiosBench, status: number, ax: number, registers?: Registers): void {
  const { end, carry } = call(bench, ax, registers);
  expect([end, carry, bench.caller.ah]).toEqual(['return', true, status]);
}

const withDisk = (sectors = 2000): BiosBench => createBiosBench({ disk: store(sectors) });
const withFloppy = (sectors = 2880): BiosBench => createBiosBench({ floppy: store(sectors, 'floppy.img') });

function packet(bench: BiosBench, count: number, block: number, pointer = 0x8000, size = 16): void {
  const view = new DataView(bench.ram.buffer, 0x600, 24);
  view.setUint8(0, size);
  view.setUint16(2, count, true);
  view.setUint32(4, pointer, true);
  view.setBigUint64(8, BigInt(block), true);
  view.setBigUint64(16, 0x9000n, true);
}
const AT_PACKET = { si: 0x600 };

const cases: Readonly<Record<string, () => void>> = {
  '13h/00': () => {
    succeed(withDisk(), 0x0000);
    succeed(createBiosBench(), 0x0000, { dx: 0 });
  },
  '13h/01': () => {
    const bench = withDisk();
    fail(bench, 1, 0x0201, { cx: 0 });
    fail(bench, 1, 0x0100);
    succeed(bench, 0x0000);
    succeed(bench, 0x0100);
  },
  '13h/02': () => {
    const bench = withDisk();
    succeed(bench, 0x0203, { cx: 0x0002, dx: 0x0180 });
    expect(bench.caller.al).toBe(3);
    expect([bench.ram[0x8000], bench.ram[0x8000 + 1535], bench.ram[0x8000 + 1536]]).toEqual([65, 67, 0]);
    fail(bench, 1, 0x0201, { cx: 0x0040 });
    succeed(bench, 0x0201, { cx: 0x0102, dx: 0x0f80 });
    expect(bench.ram[0x8000]).toBe((1008 + 15 * 63 + 2) & 0xff);
    fail(bench, 1, 0x0201, { cx: 0x0201 });
    fail(bench, 1, 0x0200);
    fail(bench, 1, 0x02ff);
    fail(bench, 1, 0x0201, { dx: 0x1080 });
    fail(bench, 1, 0x0201, { cx: 0xff01 });
    fail(bench, 1, 0x0201, { dx: 0x0081 });
    fail(bench, 1, 0x0201, { dx: 0x0000 });
    const small = withDisk(2);
    fail(small, 4, 0x0203);
    expect(small.caller.al).toBe(0);
    expect(small.messages[0]).toContain('sector 2 of drive 80h lies behind the end of disk.img, which has 2');
    const floppy = withFloppy(3);
    succeed(floppy, 0x0202, { cx: 0x0003, dx: 0 });
    expect([floppy.ram[0x8000], floppy.ram[0x8200]]).toEqual([3, 0]);
    fail(floppy, 4, 0x0202, { cx: 0x4f12, dx: 0x0100 });
    const { length } = floppy.messages;
    succeed(floppy, 0x0202, { bx: 0xff00, cx: 0x0012, dx: 0x0100 });
    expect(floppy.messages.slice(length)[0]).toContain('goes on in the next cylinder');
    expect(floppy.messages.slice(length)[1]).toContain('crosses a 64 KiB boundary');
  },
  '13h/03': () => {
    const bench = withDisk();
    bench.ram.fill(0xaa, 0x8000, 0x8200);
    succeed(bench, 0x0301, { cx: 0x0005 });
    bench.ram.fill(0, 0x8000, 0x8200);
    succeed(bench, 0x0201, { cx: 0x0005 });
    expect(bench.ram[0x81ff]).toBe(0xaa);
    const floppy = withFloppy(3);
    fail(floppy, 4, 0x0301, { cx: 0x0009, dx: 0 });
  },
  '13h/04': () => {
    const bench = withDisk();
    succeed(bench, 0x0405);
    expect([bench.caller.al, bench.ram[0x8000]]).toEqual([5, 0]);
    fail(bench, 1, 0x0401, { cx: 0 });
  },
  '13h/05': () => {
    const bench = withFloppy();
    succeed(bench, 0x0512, { cx: 0x0001, dx: 0x0100 });
    succeed(bench, 0x0202, { cx: 0x0012, dx: 0 });
    expect([bench.ram[0x8000], bench.ram[0x8200]]).toEqual([18, 0xf6]);
    // A program's own parameter table has its own filler.
    new DataView(bench.ram.buffer).setUint32(0x1e * 4, 0x0050_0000, true);
    bench.ram[0x508] = 0xe5;
    succeed(bench, 0x0512, { cx: 0x0001, dx: 0x0100 });
    succeed(bench, 0x0202, { cx: 0x0012, dx: 0 });
    expect(bench.ram[0x8200]).toBe(0xe5);
    fail(withDisk(), 1, 0x0501);
    fail(bench, 4, 0x0512, { cx: 0x5001, dx: 0 });
    fail(withFloppy(4), 4, 0x0512, { cx: 0x0001, dx: 0 });
  },
  '13h/08': () => {
    const bench = withDisk(16 * 63 * 600);
    succeed(bench, 0x0800);
    expect([bench.caller.cx, bench.caller.dx]).toEqual([0x57bf, 0x0f01]);
    const floppy = withFloppy();
    succeed(floppy, 0x0800, { dx: 0 });
    expect([floppy.caller.bx, floppy.caller.cx, floppy.caller.dx]).toEqual([4, 0x4f12, 0x0101]);
    expect([floppy.caller.state.segment(ES).selector, floppy.caller.di]).toEqual([ROM_SEGMENT, FLOPPY_PARAMETERS]);
    fail(floppy, 1, 0x0800);
    expect([floppy.caller.cx, floppy.caller.dx]).toEqual([0, 0]);
    fail(bench, 1, 0x0800, { dx: 0x81 });
    expect(bench.caller.dx).toBe(1);
  },
  '13h/09': () => succeed(withDisk(), 0x0900),
  '13h/0C': () => {
    succeed(withDisk(), 0x0c00);
    fail(withDisk(), 1, 0x0c00, { cx: 0xffff });
  },
  '13h/0D': () => succeed(withDisk(), 0x0d00),
  '13h/10': () => {
    succeed(withDisk(), 0x1000);
    fail(withDisk(), 1, 0x1000, { dx: 0x82 });
  },
  '13h/11': () => succeed(withDisk(), 0x1100),
  '13h/12': () => succeed(withDisk(), 0x1200),
  '13h/13': () => succeed(withDisk(), 0x1300),
  '13h/14': () => succeed(withDisk(), 0x1400),
  '13h/15': () => {
    const bench = createBiosBench({ disk: store(70_000), floppy: store(2880) });
    expect(call(bench, 0x1500).carry).toBe(false);
    expect([bench.caller.ah, bench.caller.cx, bench.caller.dx]).toEqual([3, 1, 69 * 16 * 63 - 65_536]);
    call(bench, 0x1500, { dx: 0 });
    expect(bench.caller.ah).toBe(2);
    expect(call(bench, 0x1500, { dx: 1 }).carry).toBe(false);
    expect(bench.caller.ah).toBe(0);
  },
  '13h/16': () => succeed(withFloppy(), 0x1600, { dx: 0 }),
  '13h/17': () => {
    succeed(withFloppy(), 0x1704, { dx: 0 });
    fail(withDisk(), 1, 0x1704);
  },
  '13h/18': () => {
    const bench = withFloppy();
    bench.caller.setEs(0);
    succeed(bench, 0x1800, { cx: 0x4f12, dx: 0 });
    expect([bench.caller.di, bench.caller.state.segment(ES).selector]).toEqual([FLOPPY_PARAMETERS, ROM_SEGMENT]);
    fail(bench, 0x0c, 0x1800, { cx: 0x2709, dx: 0 });
    const small = createBiosBench({ floppy: store(720) });
    succeed(small, 0x0800, { dx: 0 });
    expect([small.caller.bl, small.context.memory.read(0xf0000 + small.caller.di + 4, 1)]).toEqual([1, 9]);
    succeed(small, 0x1800, { cx: 0x2709, dx: 0 });
    expect(small.caller.di).toBe(floppyParametersOf(1));
    fail(withDisk(), 1, 0x1800);
  },
  '13h/41': () => {
    const bench = withDisk();
    expect(call(bench, 0x4100, { bx: 0x55aa }).carry).toBe(false);
    expect([bench.caller.ah, bench.caller.bx, bench.caller.cx]).toEqual([0x21, 0xaa55, 1]);
    fail(bench, 1, 0x4100, { bx: 0x1234 });
    fail(withFloppy(), 1, 0x4100, { bx: 0x55aa, dx: 0 });
  },
  '13h/42': () => {
    const bench = withDisk();
    packet(bench, 2, 1500);
    succeed(bench, 0x4200, AT_PACKET);
    expect([bench.ram[0x8000], bench.ram[0x83ff]]).toEqual([1501 & 0xff, 1502 & 0xff]);
    packet(bench, 1, 7, 0xffff_ffff, 24);
    succeed(bench, 0x4200, AT_PACKET);
    expect(bench.ram[0x9000]).toBe(8);
    packet(bench, 2, 1999);
    fail(bench, 1, 0x4200, AT_PACKET);
    expect(bench.ram[0x602]).toBe(0);
    expect(bench.messages[0]).toContain('blocks 1999 to 2000 lie behind the end of disk.img');
    packet(bench, 129, 0);
    fail(bench, 9, 0x4200, AT_PACKET);
    packet(bench, 1, 2 ** 52);
    fail(bench, 1, 0x4200, AT_PACKET);
    packet(bench, 1, 0, 0x8000, 15);
    fail(bench, 1, 0x4200, AT_PACKET);
    packet(bench, 0, 5);
    succeed(bench, 0x4200, AT_PACKET);
  },
  '13h/43': () => {
    const bench = withDisk();
    bench.ram.fill(0xcd, 0x8000, 0x8200);
    packet(bench, 1, 900);
    succeed(bench, 0x4300, AT_PACKET);
    packet(bench, 1, 900, 0xa000);
    succeed(bench, 0x4200, AT_PACKET);
    expect(bench.ram[0xa1ff]).toBe(0xcd);
  },
  '13h/44': () => {
    const bench = withDisk();
    packet(bench, 4, 0);
    succeed(bench, 0x4400, AT_PACKET);
    expect(bench.ram[0x8000]).toBe(0);
  },
  '13h/45': () => fail(withDisk(), 0xb2, 0x4500),
  '13h/46': () => {
    fail(withDisk(), 0xb2, 0x4600);
    fail(withFloppy(), 1, 0x4600, { dx: 0 });
  },
  '13h/49': () => succeed(withDisk(), 0x4900),
  '13h/47': () => {
    const bench = withDisk();
    packet(bench, 0, 1999);
    succeed(bench, 0x4700, AT_PACKET);
    packet(bench, 0, 2000);
    fail(bench, 1, 0x4700, AT_PACKET);
  },
  '13h/48': () => {
    const bench = withDisk();
    bench.ram[0x600] = 26;
    bench.ram[0x601] = 0;
    succeed(bench, 0x4800, AT_PACKET);
    const view = new DataView(bench.ram.buffer, 0x600, 26);
    expect([view.getUint32(8, true), view.getUint32(12, true), view.getUint32(16, true)]).toEqual([16, 63, 2000]);
    expect(view.getUint16(24, true)).toBe(512);
    bench.ram[0x600] = 0x50;
    succeed(bench, 0x4800, AT_PACKET);
    expect([view.getUint16(0, true), new DataView(bench.ram.buffer).getUint32(0x600 + 26, true)]).toEqual([
      30, 0xffff_ffff,
    ]);
    bench.ram[0x600] = 25;
    fail(bench, 1, 0x4800, AT_PACKET);
  },
};

describe('INT 13h', () => {
  const rows = [...diskServices, ...extendedDiskServices];
  it('has a case for every row', () => {
    expect(Object.keys(cases).sort()).toEqual(rows.map(serviceKey).sort());
  });

  it.each(rows.map((row) => [serviceKey(row), row.name]))('%s %s', (key) => {
    cases[key]?.();
  });

  it('passes the promise of a waiting image through and then succeeds', async () => {
    const bytes = image(4);
    const source: BlockSource = {
      name: 'later.img',
      size: bytes.length,
      read: (offset, length) => Promise.resolve(bytes.slice(offset, offset + length)),
    };
    const bench = createBiosBench({ disk: createOverlayStore(source), withoutPost: true });
    const { end } = call(bench, 0x0201);
    expect(end).toBeInstanceOf(Promise);
    expect(bench.caller.ax).toBe(0x0201);
    await end;
    succeed(bench, 0x0201);
    expect(bench.ram[0x8000]).toBe(1);
  });

  it('writes a transfer through the video memory like any other', () => {
    const bench = withDisk();
    bench.caller.setEs(0xb800);
    succeed(bench, 0x0201, { bx: 0 });
    expect(bench.context.memory.read(0xb8000, 2)).toBe(0x0101);
  });

  it('uses the usual translation when the guest has spoilt the parameter table', () => {
    const bench = withDisk();
    bench.ram.fill(0xff, ebda.DISK_PARAMETERS, ebda.DISK_PARAMETERS + 16);
    succeed(bench, 0x0800);
    expect(bench.caller.cx & 0x3f).toBe(63);
  });
});

describe('geometry', () => {
  it('takes a hard disk apart by its partitions, or by the usual translation', () => {
    const blank = new Uint8Array(512);
    expect(diskGeometry(1, blank)).toEqual({ cylinders: 1, heads: 16, sectors: 63 });
    expect(diskGeometry(1024 * 32 * 63, blank)).toEqual({ cylinders: 1024, heads: 32, sectors: 63 });
    expect(diskGeometry(2 ** 33, blank)).toEqual({ cylinders: 1024, heads: 255, sectors: 63 });
    const mbr = new Uint8Array(512);
    mbr.set([0x55, 0xaa], 510);
    mbr.set([0x80, 1, 1, 0, 6, 3, 17, 99, 17, 0, 0, 0, 255, 1, 0, 0], 0x1be);
    expect(diskGeometry(4 * 17 * 100, mbr)).toEqual({ cylinders: 100, heads: 4, sectors: 17 });
    mbr[0x1be + 8] = 18;
    expect(diskGeometry(4 * 17 * 100, mbr)).toMatchObject({ heads: 16, sectors: 63 });
  });
});
