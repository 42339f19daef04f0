/**
 * The boot record and boot catalog of a disc ("El Torito" Bootable CD-ROM Format Specification 1.0, figures 2–4 and 7).
 */
import type { BlockStore } from '../../../machine/block-store.ts';
import { CD_BLOCK_SIZE, MEDIA_DISK } from './cd-boot-state.ts';

/** The initial entry of the catalog. */
export interface BootEntry {
  readonly media: number;
  readonly loadSegment: number;
  readonly loadCount: number;
  readonly block: number;
}

/** Found, or to be tried again when the data is there, or not there for a reason that completes "image …". */
export type BootEntryResult =
  | { readonly entry: BootEntry }
  | { readonly wait: Promise<void> }
  | { readonly reason: string };

const BOOT_RECORD_BLOCK = 17;
const STANDARD_ID = '\0CD001\x01';
const SYSTEM_ID = 'EL TORITO SPECIFICATION';
const SYSTEM_ID_AT = 7;
const CATALOG_POINTER = 0x47;

const VALIDATION_HEADER = 1;
const PLATFORM_X86 = 0;
const VALIDATION_KEY = 0xaa55;
const ENTRY_SIZE = 32;
const BOOTABLE = 0x88;
const MEDIA_MASK = 0x0f;
const DEFAULT_SEGMENT = 0x7c0;

/** Reads one block; `undefined` behind the end of the disc. */
function readBlock(store: BlockStore, block: number): Uint8Array | Promise<void> | undefined {
  if ((block + 1) * CD_BLOCK_SIZE > store.size) return undefined;
  const bytes = new Uint8Array(CD_BLOCK_SIZE);
  return store.read(block * CD_BLOCK_SIZE, bytes) ?? bytes;
}

const textAt = (bytes: Uint8Array, at: number, length: number): string =>
  String.fromCharCode(...bytes.subarray(at, at + length));

/** The words of the validation entry sum up to zero. */
function isValid(catalog: DataView): boolean {
  let sum = 0;
  for (let at = 0; at < ENTRY_SIZE; at += 2) sum += catalog.getUint16(at, true);
  const key = catalog.getUint16(0x1e, true);
  return catalog.getUint8(0) === VALIDATION_HEADER && key === VALIDATION_KEY && (sum & 0xffff) === 0;
}

/** Finds what a disc starts. */
export function findBootEntry(store: BlockStore): BootEntryResult {
  const record = readBlock(store, BOOT_RECORD_BLOCK);
  if (record instanceof Promise) return { wait: record };
  const hasRecord =
    record !== undefined &&
    textAt(record, 0, STANDARD_ID.length) === STANDARD_ID &&
    textAt(record, SYSTEM_ID_AT, SYSTEM_ID.length) === SYSTEM_ID;
  if (!hasRecord) return { reason: 'has no El Torito boot record' };
  const pointer = new DataView(record.buffer).getUint32(CATALOG_POINTER, true);
  const catalog = readBlock(store, pointer);
  if (catalog instanceof Promise) return { wait: catalog };
  if (catalog === undefined) return { reason: `has its boot catalog behind its end (block ${pointer})` };
  return readCatalog(new DataView(catalog.buffer));
}

function readCatalog(catalog: DataView): BootEntryResult {
  if (!isValid(catalog)) return { reason: 'has a boot catalog without a valid first entry' };
  const platform = catalog.getUint8(1);
  if (platform !== PLATFORM_X86) return { reason: `starts machines of platform ${platform} and not PCs` };
  if (catalog.getUint8(ENTRY_SIZE) !== BOOTABLE) return { reason: 'has a boot catalog whose entry is not bootable' };
  const media = catalog.getUint8(ENTRY_SIZE + 1) & MEDIA_MASK;
  if (media > MEDIA_DISK) return { reason: `has a boot image of the unknown media type ${media}` };
  return {
    entry: {
      media,
      loadSegment: catalog.getUint16(ENTRY_SIZE + 2, true) || DEFAULT_SEGMENT,
      loadCount: Math.max(1, catalog.getUint16(ENTRY_SIZE + 6, true)),
      block: catalog.getUint32(ENTRY_SIZE + 8, true),
    },
  };
}
