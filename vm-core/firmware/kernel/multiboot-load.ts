/** What both Multiboot specifications have in common: how the image gets to memory, modules, memory map, sections. */
import { type GuestRam, HIGH_RAM } from '../../memory/guest-ram.ts';
import { type MemoryRange, memoryMap } from '../builtin/memory-map.ts';
import { zeroTerminated } from './byte-writer.ts';
import { isElf, parseElf, physicalEntry } from './elf.ts';
import type { KernelImages, KernelModule, KernelVideo } from './kernel-boot.ts';
import type { MemoryPlan } from './memory-plan.ts';

/** What the firmware calls itself to kernels. */
export const LOADER_NAME = 'x86 VM Debugger';

const PAGE = 0x1000;

/** The address fields of a header: where a flat image goes. Zero for `loadEnd` and `bssEnd` means "as the file ends". */
export interface FlatAddresses {
  readonly header: number;
  readonly load: number;
  readonly loadEnd: number;
  readonly bssEnd: number;
}

export interface LoadedImage {
  readonly title: string;
  readonly entry: number;
  /** Where the file's first byte would lie, for images that lie in memory as in the file. */
  readonly loadAddress?: number;
  readonly sections?: LoadedSections;
}

/** Section headers, with addresses in guest memory for those that only the file had. */
export interface LoadedSections {
  readonly count: number;
  readonly entrySize: number;
  readonly names: number;
  readonly headers: Uint8Array;
}

/** Loads an image by the address fields of its header, which begins at `headerOffset` of the file. */
export function loadFlat(
  plan: MemoryPlan,
  images: KernelImages,
  headerOffset: number,
  addresses: FlatAddresses,
): LoadedImage {
  const { image, name } = images;
  const { header, load, loadEnd, bssEnd } = addresses;
  const first = headerOffset - (header - load);
  const fileEnd = loadEnd === 0 ? image.length : first + (loadEnd - load);
  if (load > header || first < 0 || fileEnd < first || fileEnd > image.length) {
    throw new Error(`kernel: the address fields of the Multiboot header of ${name} do not fit the file`);
  }
  const bytes = image.subarray(first, fileEnd);
  plan.load(load, bytes, Math.max(bytes.length, bssEnd === 0 ? 0 : bssEnd - load));
  return { title: 'flat', entry: load, loadAddress: load - first };
}

/** Loads the segments of an ELF file, `slide` bytes above where they are linked to. */
export function loadElf(plan: MemoryPlan, { image, name }: KernelImages, slide = 0): LoadedImage {
  if (!isElf(image)) {
    throw new Error(
      `kernel: ${name} has a Multiboot header without address fields and is no ELF file; give one of the two`,
    );
  }
  const elf = parseElf(image, name);
  for (const { fileOffset, fileSize, physicalAddress, memorySize } of elf.segments) {
    plan.load(physicalAddress + slide, image.subarray(fileOffset, fileOffset + fileSize), memorySize);
  }
  const sections = loadSections(plan, image, elf.sections, elf.bits, slide);
  const entry = physicalEntry(elf) + slide;
  if (!(entry >= 0 && entry < HIGH_RAM)) {
    throw new Error(`kernel: ${name} cannot be started: its entry lies in no segment that is loaded below 4 GiB`);
  }
  return {
    title: `ELF${elf.bits}`,
    entry,
    ...(sections === undefined ? {} : { sections }),
  };
}

const SECTION_NOBITS = 8;
const SECTION_ALLOCATED = 2;
/** Offsets of sh_addr, sh_offset and sh_size; they have the file's word size, as sh_flags has, which stands at 8. */
const SECTION_FIELDS = {
  32: { address: 12, offset: 16, size: 20, entry: 40 },
  64: { address: 16, offset: 24, size: 32, entry: 64 },
} as const;

/** Symbols and strings are loaded too, above the kernel; a table that is broken is left out. */
function loadSections(
  plan: MemoryPlan,
  image: Uint8Array,
  { offset, count, entrySize, names }: { offset: number; count: number; entrySize: number; names: number },
  bits: 32 | 64,
  slide: number,
): LoadedSections | undefined {
  const fields = SECTION_FIELDS[bits];
  if (count === 0 || entrySize < fields.entry || offset + count * entrySize > image.length) return undefined;
  const headers = image.slice(offset, offset + count * entrySize);
  const view = new DataView(headers.buffer);
  const get = (at: number): number => (bits === 64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const set = (at: number, value: number): void => {
    if (bits === 64) view.setBigUint64(at, BigInt(value), true);
    else view.setUint32(at, value, true);
  };
  for (let at = 0; at < headers.length; at += entrySize) {
    const type = view.getUint32(at + 4, true);
    const isAllocated = (view.getUint32(at + 8, true) & SECTION_ALLOCATED) !== 0;
    const size = get(at + fields.size);
    const from = get(at + fields.offset);
    if (isAllocated && bits === 64) {
      const address = view.getBigUint64(at + fields.address, true);
      view.setBigUint64(at + fields.address, address + BigInt(slide), true);
    } else if (isAllocated) set(at + fields.address, get(at + fields.address) + slide);
    else if (type !== 0 && type !== SECTION_NOBITS && size > 0 && from + size <= image.length) {
      const wish = { from: above(plan), alignment: PAGE };
      set(at + fields.address, plan.place('a section', image.subarray(from, from + size), wish));
    }
  }
  return { count, entrySize, names, headers };
}

/** What is not bound to a place goes above the kernel, and above 1 MiB. */
export function above(plan: MemoryPlan): number {
  return Math.max(plan.top, 0x100000);
}

export interface LoadedModule {
  readonly start: number;
  readonly end: number;
  readonly commandLine: string;
}

/** Modules in order, each on pages of its own; an initrd counts as the first. */
export function loadModules(plan: MemoryPlan, { initrd, modules }: KernelImages): readonly LoadedModule[] {
  const all: readonly KernelModule[] = [...(initrd === undefined ? [] : [initrd]), ...modules];
  return all.map(({ name, bytes, commandLine }) => {
    const start = plan.place(`the module ${name}`, bytes, { from: above(plan), alignment: PAGE });
    return { start, end: start + bytes.length, commandLine };
  });
}

/** Places a text; gives its address. */
export function placeText(plan: MemoryPlan, what: string, text: string): number {
  return plan.place(what, zeroTerminated(text));
}

/** KiB below 640 KiB, and from 1 MiB up. */
export function memoryKib(ram: GuestRam): { readonly lower: number; readonly upper: number } {
  const ranges: readonly MemoryRange[] = memoryMap(ram);
  return { lower: (ranges[0] as MemoryRange).size / 1024, upper: (ram.low - 0x100000) / 1024 };
}

const DEPTHS = [8, 15, 16, 24, 32] as const;
/** The VGA's linear modes go up to this size. */
const WIDTH_MAX = 1920;
const HEIGHT_MAX = 1200;

/** The graphics mode of a kernel that wants one; 0 stands for no preference. A mode that there is not becomes one near it. */
export function videoMode(width: number, height: number, depth: number): KernelVideo {
  const fits = width > 0 && height > 0 && width <= WIDTH_MAX && height <= HEIGHT_MAX && width % 8 === 0;
  const bitsPerPixel = DEPTHS.find((bits) => bits === depth) ?? 32;
  return fits ? { width, height, bitsPerPixel } : { width: 1024, height: 768, bitsPerPixel };
}

export const bytesPerPixel = (bits: number): number => Math.ceil(bits / 8);

/** Position and size of red, green and blue in a pixel. */
export function colorFields(bits: KernelVideo['bitsPerPixel']): readonly (readonly [position: number, size: number])[] {
  if (bits === 15)
    return [
      [10, 5],
      [5, 5],
      [0, 5],
    ];
  if (bits === 16)
    return [
      [11, 5],
      [5, 6],
      [0, 5],
    ];
  return [
    [16, 8],
    [8, 8],
    [0, 8],
  ];
}

/** Where the VGA's linear framebuffer and its text are. */
export const LINEAR_FRAMEBUFFER = 0xe0000000;
export const TEXT_FRAMEBUFFER = { address: 0xb8000, pitch: 160, columns: 80, rows: 25 } as const;
