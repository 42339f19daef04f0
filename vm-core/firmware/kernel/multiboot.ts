/** Kernels of the Multiboot Specification, version 0.6.96: header, loading, and the information that the kernel is given. */
import type { GuestRam } from '../../memory/guest-ram.ts';
import { memoryMap } from '../builtin/memory-map.ts';
import { ByteWriter } from './byte-writer.ts';
import type { KernelImages, KernelPlan, KernelVideo } from './kernel-boot.ts';
import { MemoryPlan } from './memory-plan.ts';
import {
  bytesPerPixel,
  colorFields,
  LINEAR_FRAMEBUFFER,
  LOADER_NAME,
  type LoadedImage,
  loadElf,
  loadFlat,
  loadModules,
  memoryKib,
  placeText,
  TEXT_FRAMEBUFFER,
  videoMode,
} from './multiboot-load.ts';

const HEADER_MAGIC = 0x1badb002;
const BOOT_MAGIC = 0x2badb002;
/** The header lies wholly in so many bytes, aligned to 4. */
const SEARCH_MAX = 8192;
const HEADER_SIZE = 12;

/** Header flags: what the kernel cannot do without, below bit 16, and which further fields there are. */
const WANTS_VIDEO = 1 << 2;
const UNDERSTOOD = 0b111;
const HAS_ADDRESSES = 1 << 16;

/** Flags of the information: which of its fields are valid. */
const INFO_MEMORY = 1 << 0;
const INFO_COMMAND_LINE = 1 << 2;
const INFO_MODULES = 1 << 3;
const INFO_SECTIONS = 1 << 5;
const INFO_MEMORY_MAP = 1 << 6;
const INFO_LOADER_NAME = 1 << 9;
const INFO_FRAMEBUFFER = 1 << 12;

const FRAMEBUFFER_RGB = 1;
const FRAMEBUFFER_TEXT = 2;

export interface MultibootHeader {
  /** Offset in the file. */
  readonly offset: number;
  readonly flags: number;
}

export function findMultibootHeader(image: Uint8Array): MultibootHeader | undefined {
  const end = Math.min(image.length, SEARCH_MAX) - HEADER_SIZE;
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  for (let offset = 0; offset <= end; offset += 4) {
    if (view.getUint32(offset, true) !== HEADER_MAGIC) continue;
    const flags = view.getUint32(offset + 4, true);
    if (((HEADER_MAGIC + flags + view.getUint32(offset + 8, true)) & 0xffffffff) === 0) return { offset, flags };
  }
  return undefined;
}

export function planMultiboot(images: KernelImages, header: MultibootHeader, ram: GuestRam): KernelPlan {
  const unknown = header.flags & 0xffff & ~UNDERSTOOD;
  if (unknown !== 0) {
    const bits = unknown.toString(16).toUpperCase();
    throw new Error(
      `kernel: the Multiboot header of ${images.name} requires features that do not exist (flags ${bits}h)`,
    );
  }
  const plan = new MemoryPlan(images.name, ram);
  const loaded = load(plan, images, header);
  const video = wantedVideo(images.image, header);
  const address = placeInfo(plan, images, loaded, video, ram);
  return {
    title: `Multiboot 1, ${loaded.title}`,
    pieces: plan.pieces,
    start: { mode: 'protected', eip: loaded.entry, registers: { EAX: BOOT_MAGIC, EBX: address } },
    ...(video === undefined ? {} : { video }),
    ...(loaded.loadAddress === undefined ? {} : { loadAddress: loaded.loadAddress }),
  };
}

function load(plan: MemoryPlan, images: KernelImages, { offset, flags }: MultibootHeader): LoadedImage {
  if ((flags & HAS_ADDRESSES) === 0) return loadElf(plan, images);
  const field = fieldReader(images, offset);
  const flat = { header: field(12), load: field(16), loadEnd: field(20), bssEnd: field(24) };
  return { ...loadFlat(plan, images, offset, flat), entry: field(28) };
}

/** Reads 32 bits of the header; a header that the file cuts off is an error of the kernel. */
function fieldReader({ image, name }: KernelImages, headerOffset: number): (at: number) => number {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  return (at) => {
    if (headerOffset + at + 4 > image.length) throw new Error(`kernel: the Multiboot header of ${name} is cut off`);
    return view.getUint32(headerOffset + at, true);
  };
}

function wantedVideo(image: Uint8Array, { offset, flags }: MultibootHeader): KernelVideo | undefined {
  if ((flags & WANTS_VIDEO) === 0 || offset + 48 > image.length) return undefined;
  const view = new DataView(image.buffer, image.byteOffset + offset, 48);
  const isText = view.getUint32(32, true) === 1;
  return isText ? undefined : videoMode(view.getUint32(36, true), view.getUint32(40, true), view.getUint32(44, true));
}

/** Builds the information structure (§3.3) and what it points to; gives its address. */
function placeInfo(
  plan: MemoryPlan,
  images: KernelImages,
  { sections }: LoadedImage,
  video: KernelVideo | undefined,
  ram: GuestRam,
): number {
  const modules = loadModules(plan, images);
  const moduleList = new ByteWriter();
  for (const { start, end, commandLine } of modules) {
    moduleList.u32(start, end, placeText(plan, "a module's text", commandLine), 0);
  }
  const moduleAddress = modules.length === 0 ? 0 : plan.place('the list of modules', moduleList.finish());
  const memoryList = new ByteWriter();
  // The size of an entry does not count the field that holds it.
  for (const { base, size, type } of memoryMap(ram)) memoryList.u32(20).u64(base, size).u32(type);
  const sectionAddress = sections === undefined ? 0 : plan.place('section headers', sections.headers);
  const { lower, upper } = memoryKib(ram);
  const flags = INFO_MEMORY | INFO_COMMAND_LINE | INFO_MODULES | INFO_MEMORY_MAP | INFO_LOADER_NAME | INFO_FRAMEBUFFER;
  const info = new ByteWriter()
    .u32(flags | (sections === undefined ? 0 : INFO_SECTIONS), lower, upper, 0)
    .u32(placeText(plan, 'the command line', images.commandLine), modules.length, moduleAddress)
    .u32(sections?.count ?? 0, sections?.entrySize ?? 0, sectionAddress, sections?.names ?? 0)
    .u32(memoryList.length, plan.place('the memory map', memoryList.finish()))
    .u32(0, 0, 0) // drives and the BIOS's configuration table are not told
    .u32(placeText(plan, "the loader's name", LOADER_NAME))
    .u32(0, 0, 0, 0, 0); // neither APM nor VBE tables
  return plan.place('the Multiboot information', framebuffer(info, video).finish());
}

function framebuffer(info: ByteWriter, video: KernelVideo | undefined): ByteWriter {
  if (video === undefined) {
    const { address, pitch, columns, rows } = TEXT_FRAMEBUFFER;
    return info.u64(address).u32(pitch, columns, rows).u8(16, FRAMEBUFFER_TEXT, 0, 0, 0, 0, 0, 0);
  }
  const { width, height, bitsPerPixel } = video;
  info.u64(LINEAR_FRAMEBUFFER).u32(width * bytesPerPixel(bitsPerPixel), width, height);
  return info.u8(bitsPerPixel, FRAMEBUFFER_RGB, ...colorFields(bitsPerPixel).flat());
}
