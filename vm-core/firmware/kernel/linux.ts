/**
 * Linux kernels (The Linux/x86 Boot Protocol, versions 2.00 to 2.15): the real-mode part and the rest of a bzImage, the
 * initial RAM disk, the command line, and an entry in real mode, in 32-bit or in 64-bit mode.
 */
import type { GuestRam } from '../../memory/guest-ram.ts';
import { memoryMap } from '../builtin/memory-map.ts';
import { ByteWriter, zeroTerminated } from './byte-writer.ts';
import type { KernelImages, KernelPlan, KernelStart } from './kernel-boot.ts';
import { identityTables } from './identity-tables.ts';
import { MemoryPlan } from './memory-plan.ts';

/** Offsets in the header, which lies in the file as in memory from the real-mode part's start (table 2). */
const SETUP_SECTORS = 0x1f1;
const HEADER_START = 0x1f1;
const SIGNATURE = 0x202;
const VERSION = 0x206;
const KERNEL_VERSION = 0x20e;
const LOADER_TYPE = 0x210;
const LOAD_FLAGS = 0x211;
const CODE32_START = 0x214;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const HEAP_END = 0x224;
const COMMAND_LINE = 0x228;
const RAMDISK_MAX = 0x22c;
const ALIGNMENT = 0x230;
const RELOCATABLE = 0x234;
const LOAD_FLAGS_64 = 0x236;
const COMMAND_LINE_MAX = 0x238;
const PREFERRED_ADDRESS = 0x258;
const INIT_SIZE = 0x260;

const LOADED_HIGH = 1 << 0;
const CAN_USE_HEAP = 1 << 7;
const KERNEL_64 = 1 << 0;
const LOADER_UNDEFINED = 0xff;

const SECTOR = 512;
const HIGH_ADDRESS = 0x100000;
const PAGE = 0x1000;
/** The real-mode part, its stack and heap, and the command line behind them. */
const REAL_MODE = 0x10000;
const REAL_MODE_OLD = 0x90000;
const REAL_MODE_SIZE = 0x10000;
const HEAP_TOP = 0xe000;
/** Before version 2.02 the command line stands at 020h of the real-mode part as an offset behind a magic word. */
const OLD_COMMAND_LINE = 0x20;
const OLD_COMMAND_LINE_MAGIC = 0xa33f;
const COMMAND_LINE_DEFAULT_MAX = 255;
const RAMDISK_DEFAULT_MAX = 0x37ffffff;
const ENTRY_64_OFFSET = 0x200;

/** Fields of the boot parameters ("zero page"), for entries that skip the real-mode part. */
const PARAMETERS_SIZE = 0x1000;
const E820_COUNT = 0x1e8;
const E820_TABLE = 0x2d0;
const EXTENDED_KIB = 0x1e0;

export function isLinux(image: Uint8Array): boolean {
  const signature = [0x48, 0x64, 0x72, 0x53];
  return image[0x1fe] === 0x55 && image[0x1ff] === 0xaa && signature.every((byte, n) => image[SIGNATURE + n] === byte);
}

/** The parts of a file whose header fits it. */
interface Parts {
  readonly version: number;
  readonly title: string;
  /** The real-mode part, copied. */
  readonly setup: Uint8Array;
  readonly header: DataView;
  readonly rest: Uint8Array;
  readonly isHigh: boolean;
}

function split({ image, name }: KernelImages): Parts {
  const sectors = image[SETUP_SECTORS] === 0 ? 4 : (image[SETUP_SECTORS] as number);
  const setupSize = (sectors + 1) * SECTOR;
  if (setupSize >= image.length) throw new Error(`kernel: ${name} is cut off behind its setup sectors`);
  // A short setup part still has room for every field of the header.
  const setup = new Uint8Array(Math.max(setupSize, PARAMETERS_SIZE));
  setup.set(image.subarray(0, setupSize));
  const header = new DataView(setup.buffer);
  const version = header.getUint16(VERSION, true);
  if (version < 0x200) throw new Error(`kernel: ${name} has boot protocol ${versionText(version)}; 2.00 is the oldest`);
  return {
    version,
    title: `Linux ${releaseOf(setup, header)} (boot protocol ${versionText(version)})`,
    setup,
    header,
    rest: image.subarray(setupSize),
    isHigh: (header.getUint8(LOAD_FLAGS) & LOADED_HIGH) !== 0,
  };
}

const versionText = (version: number): string => `${version >>> 8}.${String(version & 0xff).padStart(2, '0')}`;

/** The text that the header points to, up to its first space. */
function releaseOf(setup: Uint8Array, header: DataView): string {
  const at = header.getUint16(KERNEL_VERSION, true);
  if (at === 0 || at + SECTOR >= setup.length) return 'kernel';
  const text = String.fromCharCode(...setup.subarray(at + SECTOR, at + SECTOR + 64));
  return /^[\x21-\x7e]+/.exec(text)?.[0] ?? 'kernel';
}

export function planLinux(images: KernelImages, ram: GuestRam): KernelPlan {
  if (images.modules.length > 0) {
    throw new Error(`kernel: ${images.name} is a Linux kernel, which takes no modules; give an initrd`);
  }
  const parts = split(images);
  const plan = new MemoryPlan(images.name, ram);
  const entry = images.entry ?? '16-bit';
  const start = entry === '16-bit' ? planRealMode(plan, images, parts) : planProtected(plan, images, parts, ram, entry);
  return { title: `${parts.title}, ${entry} entry`, pieces: plan.pieces, start };
}

function planRealMode(plan: MemoryPlan, images: KernelImages, parts: Parts): KernelStart {
  const { setup, header, version, isHigh, rest } = parts;
  const base = isHigh ? REAL_MODE : REAL_MODE_OLD;
  plan.load(isHigh ? HIGH_ADDRESS : REAL_MODE, rest, rest.length, runningSize(parts));
  // Old kernels keep to 16 KiB of heap below the EBDA, later ones use what they are given.
  const heapTop = isHigh ? HEAP_TOP : 0x9800;
  const commandLine = commandLineOf(images, parts);
  if (setup.length > heapTop) throw new Error(`kernel: the real-mode part of ${images.name} is too large`);
  const whole = new Uint8Array(isHigh ? REAL_MODE_SIZE : 0xa000);
  whole.set(setup);
  whole.set(commandLine.subarray(0, whole.length - heapTop), heapTop);
  const view = new DataView(whole.buffer);
  view.setUint8(LOADER_TYPE, LOADER_UNDEFINED);
  if (version >= 0x201) {
    view.setUint16(HEAP_END, heapTop - 0x200, true);
    view.setUint8(LOAD_FLAGS, header.getUint8(LOAD_FLAGS) | CAN_USE_HEAP);
  }
  if (version >= 0x202) view.setUint32(COMMAND_LINE, base + heapTop, true);
  else {
    view.setUint16(OLD_COMMAND_LINE, OLD_COMMAND_LINE_MAGIC, true);
    view.setUint16(OLD_COMMAND_LINE + 2, heapTop, true);
  }
  placeRamDisk(plan, images, parts, view);
  plan.load(base, whole);
  const segment = base >>> 4;
  return { mode: 'real', cs: segment + 0x20, ip: 0, data: segment, sp: heapTop };
}

function planProtected(
  plan: MemoryPlan,
  images: KernelImages,
  parts: Parts,
  ram: GuestRam,
  entry: '32-bit' | '64-bit',
): KernelStart {
  const { header, setup, rest, isHigh, version } = parts;
  if (!isHigh) throw new Error(`kernel: ${images.name} is a zImage, which is entered in real mode only`);
  const has64 = version >= 0x20c && (header.getUint16(LOAD_FLAGS_64, true) & KERNEL_64) !== 0;
  if (entry === '64-bit' && !has64) throw new Error(`kernel: ${images.name} has no 64-bit entry; choose another`);
  const address = loadAddress(plan, parts);
  plan.load(address, rest, rest.length, runningSize(parts));
  const parameters = new Uint8Array(PARAMETERS_SIZE);
  const headerEnd = SIGNATURE + (setup[SIGNATURE - 1] as number);
  parameters.set(setup.subarray(HEADER_START, headerEnd), HEADER_START);
  const view = new DataView(parameters.buffer);
  view.setUint8(LOADER_TYPE, LOADER_UNDEFINED);
  view.setUint32(CODE32_START, address, true);
  view.setUint32(COMMAND_LINE, plan.place('the command line', commandLineOf(images, parts)), true);
  view.setUint32(EXTENDED_KIB, (ram.low - HIGH_ADDRESS) / 1024, true);
  describeScreen(view);
  describeMemory(view, ram);
  placeRamDisk(plan, images, parts, view);
  const zeroPage = plan.place('the boot parameters', parameters, { alignment: PAGE });
  const registers = { ESI: zeroPage };
  if (entry === '32-bit') return { mode: 'protected', eip: address, registers };
  const size = identityTables(0).length;
  const pageTable = plan.find('page tables', size, { alignment: PAGE });
  plan.load(pageTable, identityTables(pageTable));
  return { mode: 'long', eip: address + ENTRY_64_OFFSET, pageTable, registers };
}

/** A relocatable kernel goes to the address it prefers, if that is free. */
function loadAddress(plan: MemoryPlan, { header, version, rest }: Parts): number {
  if (version < 0x20a || header.getUint8(RELOCATABLE) === 0) return HIGH_ADDRESS;
  const preferred = Number(header.getBigUint64(PREFERRED_ADDRESS, true));
  const size = Math.max(rest.length, header.getUint32(INIT_SIZE, true));
  if (preferred >= HIGH_ADDRESS && plan.isFree(preferred, size)) return preferred;
  const alignment = Math.max(header.getUint32(ALIGNMENT, true), PAGE);
  return plan.find('the kernel', size, { from: HIGH_ADDRESS, alignment });
}

/** How much memory the kernel needs at its place until it has set itself up; it clears what of that has to be zero. */
function runningSize({ header, version, rest }: Parts): number {
  return Math.max(rest.length, version >= 0x20a ? header.getUint32(INIT_SIZE, true) : 0);
}

function commandLineOf({ commandLine, name }: KernelImages, { header, version }: Parts): Uint8Array {
  const bytes = zeroTerminated(commandLine);
  const max = version >= 0x206 ? header.getUint32(COMMAND_LINE_MAX, true) : COMMAND_LINE_DEFAULT_MAX;
  if (bytes.length - 1 <= max) return bytes;
  throw new Error(`kernel: the command line has ${bytes.length - 1} bytes; ${name} takes at most ${max}`);
}

/** The initial RAM disk lies as high as the kernel allows. */
function placeRamDisk(plan: MemoryPlan, { initrd }: KernelImages, { header, version }: Parts, view: DataView): void {
  if (initrd === undefined) return;
  const last = version >= 0x203 ? header.getUint32(RAMDISK_MAX, true) : RAMDISK_DEFAULT_MAX;
  const wish = { from: HIGH_ADDRESS, to: last + 1, alignment: PAGE, highest: true };
  view.setUint32(RAMDISK_IMAGE, plan.place(`the initrd ${initrd.name}`, initrd.bytes, wish), true);
  view.setUint32(RAMDISK_SIZE, initrd.bytes.length, true);
}

/** `struct screen_info`: 80 columns and 25 lines of text in mode 3 of a VGA, 16 lines a character. */
function describeScreen(view: DataView): void {
  view.setUint8(0x06, 3);
  view.setUint8(0x07, 80);
  view.setUint8(0x0e, 25);
  view.setUint8(0x0f, 1);
  view.setUint16(0x10, 16, true);
}

function describeMemory(view: DataView, ram: GuestRam): void {
  const ranges = memoryMap(ram);
  const table = new ByteWriter();
  for (const { base, size, type } of ranges) table.u64(base, size).u32(type);
  view.setUint8(E820_COUNT, ranges.length);
  new Uint8Array(view.buffer).set(table.finish(), E820_TABLE);
}
