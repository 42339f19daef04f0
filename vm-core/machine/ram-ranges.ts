/** The file `etc/e820` of the firmware configuration: ranges of RAM as firmware images want them (QEMU, hw/i386/e820). */
import { type GuestRam, HIGH_RAM } from '../memory/guest-ram.ts';

const ENTRY_SIZE = 20;
const TYPE_RAM = 1;

/** Address, length (8 bytes each) and type (4) of each range, holes for devices not taken out. */
export function ramRanges({ low, high }: GuestRam): Uint8Array {
  const ranges = [{ start: 0, size: low }, ...(high === 0 ? [] : [{ start: HIGH_RAM, size: high }])];
  const view = new DataView(new ArrayBuffer(ranges.length * ENTRY_SIZE));
  ranges.forEach(({ start, size }, n) => {
    view.setBigUint64(n * ENTRY_SIZE, BigInt(start), true);
    view.setBigUint64(n * ENTRY_SIZE + 8, BigInt(size), true);
    view.setUint32(n * ENTRY_SIZE + 16, TYPE_RAM, true);
  });
  return new Uint8Array(view.buffer);
}
