/** The CMOS RAM and clock registers through ports 70h and 71h (IBM PC AT Technical Reference). */
import type { FirmwareContext } from '../firmware.ts';

const INDEX = 0x70;
const DATA = 0x71;

export function readCmos({ ports }: FirmwareContext, index: number): number {
  ports.write(INDEX, 1, index);
  return ports.read(DATA, 1);
}

export function writeCmos({ ports }: FirmwareContext, index: number, value: number): void {
  ports.write(INDEX, 1, index);
  ports.write(DATA, 1, value & 0xff);
}
