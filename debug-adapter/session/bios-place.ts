/** Where the built-in BIOS lies: in the last 64 KiB of the first MiB. */
const BIOS_START = 0xf0000;
const BIOS_END = 0x100000;

export function isInBios(linearAddress: number): boolean {
  return linearAddress >= BIOS_START && linearAddress < BIOS_END;
}
