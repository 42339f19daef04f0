/** Every service of the built-in BIOS, and what an interrupt answers to a function that is not among them. */
import type { Caller } from './caller.ts';
import { clockServices } from './clock-services.ts';
import { configurationServices } from './configuration-services.ts';
import { cdServices } from './disk/cd-services.ts';
import { diskServices } from './disk/disk-services.ts';
import { extendedDiskServices } from './disk/extended-services.ts';
import { keyboardServices } from './keyboard/keyboard-services.ts';
import { powerServices } from './power-services.ts';
import { printerServices } from './printer-services.ts';
import type { ServiceInterrupt } from './rom.ts';
import { serialServices } from './serial-services.ts';
import type { Service } from './service.ts';
import { STATUS_UNSUPPORTED, systemServices } from './system-services.ts';
import { displayServices } from './video/display-services.ts';
import { fontServices } from './video/font-services.ts';
import { functionalityServices } from './video/functionality-services.ts';
import { paletteServices } from './video/palette-services.ts';
import { vbeServices } from './video/vbe-services.ts';
import { videoServices } from './video/video-services.ts';

/** In the order of their interrupts. */
export const services: readonly Service[] = [
  ...videoServices,
  ...paletteServices,
  ...fontServices,
  ...displayServices,
  ...functionalityServices,
  ...vbeServices,
  ...configurationServices,
  ...diskServices,
  ...extendedDiskServices,
  ...cdServices,
  ...serialServices,
  ...printerServices,
  ...systemServices,
  ...powerServices,
  ...keyboardServices,
  ...clockServices,
];

function refuse(status: number): (caller: Caller) => void {
  return (caller) => {
    caller.ah = status;
    caller.carry = true;
  };
}

const BAD_COMMAND = 0x01;

/** By custom: disks and INT 15h tell an error, the clock sets CF only, the others change nothing. */
const refusals: ReadonlyMap<ServiceInterrupt, (caller: Caller) => void> = new Map([
  [0x13, refuse(BAD_COMMAND)],
  [0x15, refuse(STATUS_UNSUPPORTED)],
  [
    0x1a,
    (caller: Caller) => {
      caller.carry = true;
    },
  ],
]);

/** What an interrupt answers to a function that it does not have. */
export function unknownFunction(interrupt: ServiceInterrupt): (caller: Caller) => void {
  return refusals.get(interrupt) ?? (() => {});
}
