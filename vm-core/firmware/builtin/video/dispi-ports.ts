/** The display interface through its ports, as the video BIOS uses it. */
import { DISPI_ENABLED, DISPI_INDEX } from '../../../devices/vga/dispi.ts';
import type { FirmwareContext } from '../../firmware.ts';

const INDEX_PORT = 0x1ce;
const DATA_PORT = 0x1cf;

export type DispiRegisterName = keyof typeof DISPI_INDEX;

export function writeDispi({ ports }: FirmwareContext, register: DispiRegisterName, value: number): void {
  ports.write(INDEX_PORT, 2, DISPI_INDEX[register]);
  ports.write(DATA_PORT, 2, value);
}

export function readDispi({ ports }: FirmwareContext, register: DispiRegisterName): number {
  ports.write(INDEX_PORT, 2, DISPI_INDEX[register]);
  return ports.read(DATA_PORT, 2);
}

/** True while a linear picture is shown. */
export function isDispiEnabled(context: FirmwareContext): boolean {
  return (readDispi(context, 'ENABLE') & DISPI_ENABLED) !== 0;
}
