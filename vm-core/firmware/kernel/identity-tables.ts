/** Page tables that map the first 4 GiB to themselves in pages of 2 MiB (SDM vol. 3A §4.5). */

const PAGE = 0x1000;
const ENTRIES = 512;
const PRESENT_WRITABLE = 0x003;
const PAGE_SIZE_BIT = 0x080;
const LARGE_PAGE = 0x200000;
const GIBIBYTES = 4;

/** A PML4, a page-directory-pointer table and four page directories, to be loaded at `address`. */
export function identityTables(address: number): Uint8Array {
  const bytes = new Uint8Array((2 + GIBIBYTES) * PAGE);
  const view = new DataView(bytes.buffer);
  // Addresses stay below 4 GiB, so the upper halves of the entries are zero.
  view.setUint32(0, (address + PAGE) | PRESENT_WRITABLE, true);
  for (let directory = 0; directory < GIBIBYTES; directory++) {
    view.setUint32(PAGE + directory * 8, (address + (2 + directory) * PAGE) | PRESENT_WRITABLE, true);
  }
  for (let page = 0; page < GIBIBYTES * ENTRIES; page++) {
    view.setUint32(2 * PAGE + page * 8, (page * LARGE_PAGE) | PRESENT_WRITABLE | PAGE_SIZE_BIT, true);
  }
  return bytes;
}
