/** A disc that boots without emulation (El Torito 1.0, figures 2 to 5), for tests. */

const SECTOR_SIZE = 2048;
const VIRTUAL_SECTOR_SIZE = 512;
const PRIMARY_DESCRIPTOR = 16;
const BOOT_RECORD = 17;
const TERMINATOR = 18;
const CATALOG = 19;
const BOOT_IMAGE = 20;

/** The boot image lies in sector 20; each of `others` fills one of the sectors behind it. */
export function elToritoDisc(bootImage: Uint8Array, others: readonly Uint8Array[]): Uint8Array {
  const disc = new Uint8Array((BOOT_IMAGE + 1 + others.length) * SECTOR_SIZE);
  const view = new DataView(disc.buffer);
  const put = (sector: number, offset: number, bytes: Uint8Array | string): void => {
    const data = typeof bytes === 'string' ? Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)) : bytes;
    disc.set(data, sector * SECTOR_SIZE + offset);
  };
  put(PRIMARY_DESCRIPTOR, 0, '\u0001CD001\u0001');
  put(BOOT_RECORD, 0, '\u0000CD001\u0001EL TORITO SPECIFICATION');
  view.setUint32(BOOT_RECORD * SECTOR_SIZE + 0x47, CATALOG, true);
  put(TERMINATOR, 0, '\u00ffCD001\u0001');

  const catalog = CATALOG * SECTOR_SIZE;
  view.setUint8(catalog, 1);
  view.setUint16(catalog + 0x1e, 0xaa55, true);
  let sum = 0;
  for (let at = 0; at < 0x20; at += 2) sum += view.getUint16(catalog + at, true);
  view.setUint16(catalog + 0x1c, -sum & 0xffff, true);
  view.setUint8(catalog + 0x20, 0x88);
  view.setUint16(catalog + 0x26, Math.ceil(bootImage.length / VIRTUAL_SECTOR_SIZE), true);
  view.setUint32(catalog + 0x28, BOOT_IMAGE, true);

  put(BOOT_IMAGE, 0, bootImage);
  for (const [index, bytes] of others.entries()) put(BOOT_IMAGE + 1 + index, 0, bytes);
  return disc;
}
