/** Executables in the Executable and Linkable Format, 32- and 64-bit, little-endian (System V ABI, "Object Files"). */

/** A segment to be loaded (PT_LOAD). Addresses and sizes are in bytes. */
export interface ElfSegment {
  readonly fileOffset: number;
  readonly fileSize: number;
  /** Signed, as of 64 bits. */
  readonly virtualAddress: bigint;
  readonly physicalAddress: number;
  readonly memorySize: number;
}

/** The section headers as they lie in the file, for loaders that pass them on. */
export interface ElfSections {
  readonly offset: number;
  readonly count: number;
  readonly entrySize: number;
  /** Index of the section that holds the sections' names. */
  readonly names: number;
}

export interface ElfFile {
  readonly bits: 32 | 64;
  /** As `virtualAddress`. */
  readonly entry: bigint;
  /** In the order of the file; empty segments are left out. */
  readonly segments: readonly ElfSegment[];
  readonly sections: ElfSections;
}

const CLASS = 4;
const CLASS_64 = 2;
const DATA = 5;
const DATA_LITTLE_ENDIAN = 1;
const TYPE = 0x10;
const TYPE_EXECUTABLE = 2;
const TYPE_SHARED = 3;
const MACHINE = 0x12;
const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
const SEGMENT_LOAD = 1;
/** More would be a broken file. */
const SEGMENTS_MAX = 0xffff;

export function isElf(image: Uint8Array): boolean {
  return image[0] === 0x7f && image[1] === 0x45 && image[2] === 0x4c && image[3] === 0x46;
}

/** Reads the headers. Throws an Error that names the kernel and what is wrong with it. */
export function parseElf(image: Uint8Array, name: string): ElfFile {
  const problem = (what: string): Error => new Error(`kernel: ${name} cannot be loaded: ${what}`);
  if (image.length < 0x40) throw problem('the ELF header is cut off');
  if (image[DATA] !== DATA_LITTLE_ENDIAN) throw problem('the ELF file is not little-endian');
  const view = new DataView(image.buffer, image.byteOffset, image.length);
  const bits = image[CLASS] === CLASS_64 ? 64 : 32;
  const type = view.getUint16(TYPE, true);
  if (type !== TYPE_EXECUTABLE && type !== TYPE_SHARED) throw problem('the ELF file is no executable; link it first');
  const machine = view.getUint16(MACHINE, true);
  if (machine !== MACHINE_386 && machine !== MACHINE_X86_64)
    throw problem(`the ELF file is for machine ${machine}, not x86`);
  const fields = bits === 64 ? FIELDS_64 : FIELDS_32;
  const word = (at: number): number => (bits === 64 ? Number(view.getBigUint64(at, true)) : view.getUint32(at, true));
  const virtual = (at: number): bigint => (bits === 64 ? view.getBigInt64(at, true) : BigInt(view.getUint32(at, true)));
  const offset = word(fields.programHeaders);
  const entrySize = view.getUint16(fields.programHeaderSize, true);
  const count = view.getUint16(fields.programHeaderCount, true);
  if (count === 0 || count > SEGMENTS_MAX) throw problem('the ELF file has no program headers');
  if (entrySize < fields.segmentSize || offset + count * entrySize > image.length) {
    throw problem('the ELF program headers are not in the file');
  }
  const segments: ElfSegment[] = [];
  for (let at = offset; at < offset + count * entrySize; at += entrySize) {
    if (view.getUint32(at, true) !== SEGMENT_LOAD) continue;
    const segment: ElfSegment = {
      fileOffset: word(at + fields.fileOffset),
      fileSize: word(at + fields.fileSize),
      virtualAddress: virtual(at + fields.virtualAddress),
      physicalAddress: word(at + fields.physicalAddress),
      memorySize: word(at + fields.memorySize),
    };
    if (segment.fileOffset + segment.fileSize > image.length)
      throw problem('a segment lies beyond the end of the file');
    if (segment.fileSize > segment.memorySize) throw problem('a segment is larger in the file than in memory');
    if (segment.memorySize > 0) segments.push(segment);
  }
  if (segments.length === 0) throw problem('the ELF file has nothing to load');
  return {
    bits,
    entry: virtual(0x18),
    segments,
    sections: {
      offset: word(fields.sectionHeaders),
      entrySize: view.getUint16(fields.sectionHeaderSize, true),
      count: view.getUint16(fields.sectionHeaderCount, true),
      names: view.getUint16(fields.sectionNames, true),
    },
  };
}

/** Offsets in the file header, and from there in a program header. */
const FIELDS_32 = {
  ...{ programHeaders: 0x1c, programHeaderSize: 0x2a, programHeaderCount: 0x2c },
  ...{ sectionHeaders: 0x20, sectionHeaderSize: 0x2e, sectionHeaderCount: 0x30, sectionNames: 0x32 },
  ...{ segmentSize: 0x20, fileOffset: 4, virtualAddress: 8, physicalAddress: 12, fileSize: 16, memorySize: 20 },
} as const;
const FIELDS_64 = {
  ...{ programHeaders: 0x20, programHeaderSize: 0x36, programHeaderCount: 0x38 },
  ...{ sectionHeaders: 0x28, sectionHeaderSize: 0x3a, sectionHeaderCount: 0x3c, sectionNames: 0x3e },
  ...{ segmentSize: 0x38, fileOffset: 8, virtualAddress: 16, physicalAddress: 24, fileSize: 32, memorySize: 40 },
} as const;

/** Physical address of the entry: of the segment that has it by its virtual address, otherwise it is one already. */
export function physicalEntry({ entry, segments }: ElfFile): number {
  const own = segments.find(
    ({ virtualAddress, memorySize }) => entry >= virtualAddress && entry < virtualAddress + BigInt(memorySize),
  );
  return own === undefined ? Number(entry) : Number(entry - own.virtualAddress) + own.physicalAddress;
}
