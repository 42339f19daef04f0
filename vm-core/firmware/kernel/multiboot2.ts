/** Kernels of the Multiboot2 Specification, version 2.0: header tags, loading, and the information that they are given. */
import type { GuestRam } from '../../memory/guest-ram.ts';
import { memoryMap } from '../builtin/memory-map.ts';
import { ByteWriter, zeroTerminated } from './byte-writer.ts';
import { isElf, parseElf } from './elf.ts';
import type { KernelImages, KernelPlan, KernelVideo } from './kernel-boot.ts';
import { MemoryPlan } from './memory-plan.ts';
import {
  bytesPerPixel,
  colorFields,
  type FlatAddresses,
  LINEAR_FRAMEBUFFER,
  LOADER_NAME,
  type LoadedImage,
  type LoadedModule,
  loadElf,
  loadFlat,
  loadModules,
  memoryKib,
  TEXT_FRAMEBUFFER,
  videoMode,
} from './multiboot-load.ts';

const HEADER_MAGIC = 0xe85250d6;
const BOOT_MAGIC = 0x36d76289;
/** The header lies wholly in so many bytes, aligned to 8. */
const SEARCH_MAX = 32768;
const HEADER_SIZE = 16;
const ARCHITECTURE_I386 = 0;

/** Types of header tags (§3.1.4–§3.1.13). */
const TAG_END = 0;
const TAG_ADDRESS = 2;
const TAG_ENTRY = 3;
const TAG_FRAMEBUFFER = 5;
const TAG_RELOCATABLE = 10;
/** Requests and the wishes of EFI loaders ask nothing more of this loader than it does. */
const TAGS_WITHOUT_EFFECT: ReadonlySet<number> = new Set([1, 4, 6, 7, 8, 9]);
const TAG_OPTIONAL = 1;
const RELOCATE_HIGHEST = 2;

/** Types of information tags (§3.6). */
const INFO_COMMAND_LINE = 1;
const INFO_LOADER_NAME = 2;
const INFO_MODULE = 3;
const INFO_MEMORY = 4;
const INFO_MEMORY_MAP = 6;
const INFO_FRAMEBUFFER = 8;
const INFO_SECTIONS = 9;
const INFO_LOAD_BASE = 21;
const FRAMEBUFFER_RGB = 1;
const FRAMEBUFFER_TEXT = 2;
const MEMORY_ENTRY_SIZE = 24;

export interface Multiboot2Header {
  /** Offset in the file. */
  readonly offset: number;
  readonly length: number;
}

export function findMultiboot2Header(image: Uint8Array): Multiboot2Header | undefined {
  const end = Math.min(image.length, SEARCH_MAX) - HEADER_SIZE;
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  for (let offset = 0; offset <= end; offset += 8) {
    if (view.getUint32(offset, true) !== HEADER_MAGIC) continue;
    const [architecture, length, checksum] = [4, 8, 12].map((at) => view.getUint32(offset + at, true));
    const sum = HEADER_MAGIC + (architecture as number) + (length as number) + (checksum as number);
    if (architecture === ARCHITECTURE_I386 && sum % 2 ** 32 === 0) return { offset, length: length as number };
  }
  return undefined;
}

interface Relocation {
  readonly lowest: number;
  readonly highest: number;
  readonly alignment: number;
  readonly preference: number;
}

/** What the header's tags ask for. */
interface Wishes {
  flat?: FlatAddresses;
  entry?: number;
  video?: KernelVideo;
  relocation?: Relocation;
}

function readTags({ image, name }: KernelImages, { offset, length }: Multiboot2Header): Wishes {
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const end = offset + length;
  const broken = (): Error => new Error(`kernel: the tags of the Multiboot 2 header of ${name} are cut off`);
  if (end > image.length) throw broken();
  const wishes: Wishes = {};
  for (let at = offset + HEADER_SIZE; ; ) {
    if (at + 8 > end) throw broken();
    const type = view.getUint16(at, true);
    const size = view.getUint32(at + 4, true);
    if (size < 8 || at + size > end) throw broken();
    if (type === TAG_END) return wishes;
    const field = (n: number): number => {
      if (8 + n * 4 + 4 > size) throw broken();
      return view.getUint32(at + 8 + n * 4, true);
    };
    const isOptional = (view.getUint16(at + 2, true) & TAG_OPTIONAL) !== 0;
    if (!takeTag(wishes, type, field) && !isOptional) {
      throw new Error(`kernel: the Multiboot 2 header of ${name} requires a feature that there is not (tag ${type})`);
    }
    at += Math.ceil(size / 8) * 8;
  }
}

/** Takes note of a tag; false if it is unknown. */
function takeTag(wishes: Wishes, type: number, field: (n: number) => number): boolean {
  if (type === TAG_ADDRESS) wishes.flat = { header: field(0), load: field(1), loadEnd: field(2), bssEnd: field(3) };
  else if (type === TAG_ENTRY) wishes.entry = field(0);
  else if (type === TAG_FRAMEBUFFER) {
    // A depth of 0 leaves text to the loader's choice.
    if (field(2) !== 0) wishes.video = videoMode(field(0), field(1), field(2));
  } else if (type === TAG_RELOCATABLE) {
    wishes.relocation = { lowest: field(0), highest: field(1), alignment: field(2), preference: field(3) };
  } else return TAGS_WITHOUT_EFFECT.has(type);
  return true;
}

export function planMultiboot2(images: KernelImages, header: Multiboot2Header, ram: GuestRam): KernelPlan {
  const wishes = readTags(images, header);
  const plan = new MemoryPlan(images.name, ram);
  const slide = slideOf(plan, images, wishes);
  const loaded = wishes.flat ? loadFlat(plan, images, header.offset, wishes.flat) : loadElf(plan, images, slide);
  const base = plan.pieces.reduce((lowest, { address }) => Math.min(lowest, address), Number.POSITIVE_INFINITY);
  const modules = loadModules(plan, images);
  const info = information(images, { modules, loaded, ram, base, video: wishes.video });
  const address = plan.place('the Multiboot information', info);
  return {
    title: `Multiboot 2, ${loaded.title}`,
    pieces: plan.pieces,
    start: {
      mode: 'protected',
      eip: wishes.entry === undefined ? loaded.entry : wishes.entry + slide,
      registers: { EAX: BOOT_MAGIC, EBX: address },
    },
    ...(wishes.video === undefined ? {} : { video: wishes.video }),
    ...(loaded.loadAddress === undefined ? {} : { loadAddress: loaded.loadAddress }),
  };
}

/** How far a relocatable ELF file is moved: not at all where it is linked to a place that is free and allowed. */
function slideOf(plan: MemoryPlan, { image, name }: KernelImages, { flat, relocation }: Wishes): number {
  if (relocation === undefined || flat !== undefined || !isElf(image)) return 0;
  const { segments } = parseElf(image, name);
  const first = Math.min(...segments.map(({ physicalAddress }) => physicalAddress));
  const last = Math.max(...segments.map(({ physicalAddress, memorySize }) => physicalAddress + memorySize));
  const { lowest, highest, preference } = relocation;
  const alignment = Math.max(relocation.alignment, 1);
  const fits = first >= lowest && last - 1 <= highest && first % alignment === 0 && plan.isFree(first, last - first);
  if (fits) return 0;
  const wish = {
    from: Math.max(lowest, 0x100000),
    to: highest + 1,
    alignment,
    highest: preference === RELOCATE_HIGHEST,
  };
  return plan.find('the relocatable kernel', last - first, wish) - first;
}

interface Told {
  readonly modules: readonly LoadedModule[];
  readonly loaded: LoadedImage;
  readonly ram: GuestRam;
  readonly base: number;
  readonly video: KernelVideo | undefined;
}

/** The information structure (§3.6): a size, a reserved word, and tags aligned to 8. */
function information({ commandLine }: KernelImages, { modules, loaded, ram, base, video }: Told): Uint8Array {
  const tags = new ByteWriter();
  const tag = (type: number, content: ByteWriter): void => {
    tags
      .u32(type, 8 + content.length)
      .raw(content.finish())
      .align(8);
  };
  const text = (content: string): ByteWriter => new ByteWriter().raw(zeroTerminated(content));
  const { lower, upper } = memoryKib(ram);
  tag(INFO_COMMAND_LINE, text(commandLine));
  tag(INFO_LOADER_NAME, text(LOADER_NAME));
  for (const { start, end, commandLine: words } of modules) {
    tag(INFO_MODULE, new ByteWriter().u32(start, end).raw(zeroTerminated(words)));
  }
  tag(INFO_MEMORY, new ByteWriter().u32(lower, upper));
  const map = new ByteWriter().u32(MEMORY_ENTRY_SIZE, 0);
  for (const range of memoryMap(ram)) map.u64(range.base, range.size).u32(range.type, 0);
  tag(INFO_MEMORY_MAP, map);
  tag(INFO_FRAMEBUFFER, framebuffer(video));
  const { sections } = loaded;
  if (sections) {
    tag(INFO_SECTIONS, new ByteWriter().u32(sections.count, sections.entrySize, sections.names).raw(sections.headers));
  }
  tag(INFO_LOAD_BASE, new ByteWriter().u32(base));
  tag(TAG_END, new ByteWriter());
  return new ByteWriter()
    .u32(8 + tags.length, 0)
    .raw(tags.finish())
    .finish();
}

function framebuffer(video: KernelVideo | undefined): ByteWriter {
  if (video === undefined) {
    const { address, pitch, columns, rows } = TEXT_FRAMEBUFFER;
    return new ByteWriter().u64(address).u32(pitch, columns, rows).u8(16, FRAMEBUFFER_TEXT).u16(0);
  }
  const { width, height, bitsPerPixel } = video;
  return new ByteWriter()
    .u64(LINEAR_FRAMEBUFFER)
    .u32(width * bytesPerPixel(bitsPerPixel), width, height)
    .u8(bitsPerPixel, FRAMEBUFFER_RGB)
    .u16(0)
    .u8(...colorFields(bitsPerPixel).flat());
}
