/** Images of discs that start a boot image ("El Torito" 1.0). Used by tests only. */

export interface DiscOptions {
  /** Media type: 0 without emulation, 1–3 floppies, 4 hard disk. */
  readonly media?: number;
  readonly loadSegment?: number;
  /** Sectors of 512 bytes to load. */
  readonly loadCount?: number;
  /** Blocks of 2,048 bytes of the whole disc; default: up to the end of the image. */
  readonly blocks?: number;
}

const BLOCK = 2048;
const BOOT_RECORD = 17;
const CATALOG = 19;
/** Where the boot image begins, as a block number. */
export const IMAGE_BLOCK = 20;

function putText(bytes: Uint8Array, at: number, text: string): void {
  bytes.set(
    Array.from(text, (character) => character.charCodeAt(0)),
    at,
  );
}

/** A disc whose catalog names `image`. */
export function bootableDisc(image: Uint8Array, options: DiscOptions = {}): Uint8Array {
  const { media = 0, loadSegment = 0, loadCount = 1 } = options;
  const blocks = options.blocks ?? IMAGE_BLOCK + Math.ceil(image.length / BLOCK);
  const bytes = new Uint8Array(blocks * BLOCK);
  const view = new DataView(bytes.buffer);
  putText(bytes, BOOT_RECORD * BLOCK, '\0CD001\x01EL TORITO SPECIFICATION');
  view.setUint32(BOOT_RECORD * BLOCK + 0x47, CATALOG, true);
  const catalog = CATALOG * BLOCK;
  bytes[catalog] = 1;
  putText(bytes, catalog + 4, 'test');
  view.setUint16(catalog + 0x1e, 0xaa55, true);
  let sum = 0;
  for (let at = 0; at < 32; at += 2) sum += view.getUint16(catalog + at, true);
  view.setUint16(catalog + 0x1c, -sum & 0xffff, true);
  bytes[catalog + 32] = 0x88;
  bytes[catalog + 33] = media;
  view.setUint16(catalog + 34, loadSegment, true);
  view.setUint16(catalog + 38, loadCount, true);
  view.setUint32(catalog + 40, IMAGE_BLOCK, true);
  bytes.set(image.subarray(0, bytes.length - IMAGE_BLOCK * BLOCK), IMAGE_BLOCK * BLOCK);
  return bytes;
}
