/**
 * The floppy controller at power-on, behind the interrupt that ends its reset (IBM PC AT Technical Reference, BIOS listing,
 * "DSKETTE_SETUP"; Intel 82077AA data sheet 290166-007): it has told of its drives, knows its times and the data rate.
 */
import { type FloppyMedium, mediumOf } from '../../devices/floppy-controller/media.ts';
import type { FirmwareHook } from '../firmware.ts';
import { bda } from './bios-data.ts';

const FIFO = 0x3f5;
const DATA_RATE = 0x3f7;
const SENSE_INTERRUPT = 0x08;
const DRIVES = 4;
/** Step rate and head unload time, head load time with DMA: as in the diskette parameter table. */
const SPECIFY = [0x03, 0xdf, 0x02];

/** By data rate: what CCR takes and what stands in bits 7–6 of the media state. */
const RATES: Readonly<Record<number, number>> = { 500: 0, 300: 1, 250: 2, 1000: 3 };

const KNOWN = 0x10;
/** Bits 2–0 of the media state for a known disk, by the type of its drive: 360 KB, 1.2 MB, and the 3½-inch ones. */
const KIND_360 = 3;
const KIND_1200 = 5;
const KIND_OTHER = 7;
const TRACKS_80 = 0x01;
const SEVERAL_RATES = 0x02;
const DRIVE_KNOWN = 0x04;

function mediaState({ rates, driveType }: FloppyMedium): number {
  const kind = driveType === 1 ? KIND_360 : driveType === 2 ? KIND_1200 : KIND_OTHER;
  return ((RATES[rates[0] as number] as number) << 6) | KNOWN | kind;
}

export const floppyHook: FirmwareHook = ({ ports, memory, floppy }) => {
  for (let drive = 0; drive < DRIVES; drive++) {
    ports.write(FIFO, 1, SENSE_INTERRUPT);
    ports.read(FIFO, 1);
    ports.read(FIFO, 1);
  }
  for (const byte of SPECIFY) ports.write(FIFO, 1, byte);
  memory.write(bda.FLOPPY_RECALIBRATE, 1, 0);
  if (!floppy) return undefined;
  const medium = mediumOf(floppy.size);
  const state = mediaState(medium);
  ports.write(DATA_RATE, 1, state >> 6);
  memory.write(bda.FLOPPY_MEDIA, 1, state);
  const tracks = medium.cylinders > 40 ? TRACKS_80 | SEVERAL_RATES : 0;
  memory.write(bda.FLOPPY_CONTROLLER, 1, DRIVE_KNOWN | tracks);
  return undefined;
};
