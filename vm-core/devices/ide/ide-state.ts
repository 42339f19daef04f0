/** State and registers of an ATA channel and its two drives (INCITS 361 ATA/ATAPI-6, "Interface register definitions"). */
import type { DeviceDescription, DeviceRegister } from '../device.ts';

export type DriveState = {
  /** The command block: as written by the host, or as the drive left it. */
  features: number;
  count: number;
  low: number;
  mid: number;
  high: number;
  device: number;
  /** What the five 8-bit registers before `device` held before they were written last: the upper parts of 48-bit values. */
  previous: number[];
  status: number;
  error: number;
  interrupt: boolean;
  command: number;
  /** Which way data goes while DRQ is set. */
  direction: 'none' | 'to-host' | 'from-host' | 'packet';
  buffer: Uint8Array;
  /** The next byte, the end of what DRQ offers or wants, and the end of what the buffer holds or takes. */
  position: number;
  pieceEnd: number;
  length: number;
  /** The next block on the medium, and how many are still to come. */
  block: number;
  left: number;
  /** Sectors of a block of READ and WRITE MULTIPLE; 0: not set. */
  multiple: number;
  /** The translation between cylinder, head and sector and block. */
  heads: number;
  sectors: number;
  /** Of a packet drive: the packet, the byte count of a piece, the sense data, and what is to be reported first. */
  packet: number[];
  byteCount: number;
  senseKey: number;
  senseCode: number;
  attention: number;
  locked: boolean;
  trayOpen: boolean;
  /** A media event that the host has not asked for yet. */
  mediaEvent: number;
};

export type IdeState = {
  /** The device control register. */
  control: number;
  /** Bit 4 of the device register, as written last. */
  selected: number;
  drives: DriveState[];
};

export const STATUS_BUSY = 0x80;
export const STATUS_READY = 0x40;
export const STATUS_SEEK_COMPLETE = 0x10;
export const STATUS_DATA_REQUEST = 0x08;
export const STATUS_ERROR = 0x01;
export const ERROR_ID_NOT_FOUND = 0x10;
export const ERROR_ABORTED = 0x04;
/** The result of the diagnostics: both drives passed, or the second is not there. */
export const DIAGNOSTICS_PASSED = 0x01;
export const DEVICE_LBA = 0x40;
export const CONTROL_NO_INTERRUPT = 0x02;
export const CONTROL_RESET = 0x04;
export const CONTROL_HIGH_ORDER = 0x80;

/** Sectors of the largest block of READ and WRITE MULTIPLE. */
export const MULTIPLE_MAX = 16;
const BUFFER_SIZE = 0x8000;

const POWER_ON_DRIVE: DriveState = {
  features: 0,
  count: 0,
  low: 0,
  mid: 0,
  high: 0,
  device: 0,
  previous: [0, 0, 0, 0, 0],
  status: 0,
  error: 0,
  interrupt: false,
  command: 0,
  direction: 'none',
  buffer: new Uint8Array(BUFFER_SIZE),
  position: 0,
  pieceEnd: 0,
  length: 0,
  block: 0,
  left: 0,
  multiple: 0,
  heads: 1,
  sectors: 1,
  packet: [],
  byteCount: 0,
  senseKey: 0,
  senseCode: 0,
  attention: 0,
  locked: false,
  trayOpen: false,
  mediaEvent: 0,
};

export const POWER_ON_IDE: IdeState = { control: 0, selected: 0, drives: [POWER_ON_DRIVE, POWER_ON_DRIVE] };

export const driveStateOf = (state: IdeState, index: number): DriveState => state.drives[index] as DriveState;

const selectedDrive = (state: IdeState): DriveState => driveStateOf(state, state.selected);

const register = (
  name: string,
  offset: number,
  description: string,
  value: (drive: DriveState) => number,
  writable = 0xff,
): DeviceRegister<IdeState> => ({
  name,
  region: 'command',
  offset,
  width: 8,
  reset: 0,
  writable,
  description,
  value: (state) => value(selectedDrive(state)),
});

export const ideDescription: DeviceDescription<IdeState> = {
  name: 'ide',
  title: 'ATA channel',
  specification: 'INCITS 361 ATA/ATAPI-6; SFF-8020i and INCITS 333 MMC-2 for packet drives',
  version: 1,
  registers: [
    register('ERROR', 1, 'bit 2 aborted, 4 not found; of packet drives bits 4–7 sense key', (d) => d.error, 0),
    register('FEATURES', 1, 'parameter of some commands', (d) => d.features),
    register('COUNT', 2, 'sectors; of packet drives bit 0 command, 1 to the host', (d) => d.count),
    register('LBA_LOW', 3, 'block bits 0–7, or sector', (d) => d.low),
    register('LBA_MID', 4, 'block bits 8–15, or cylinder, or byte count', (d) => d.mid),
    register('LBA_HIGH', 5, 'block bits 16–23, or cylinder, or byte count', (d) => d.high),
    register('DEVICE', 6, 'bit 4 drive, 6 LBA, 0–3 block bits 24–27, or head', (d) => d.device),
    register('STATUS', 7, 'bit 7 busy, 6 ready, 4 seek complete, 3 data request, 0 error', (d) => d.status, 0),
    register('COMMAND', 7, 'the command written last', (d) => d.command),
    {
      name: 'CONTROL',
      region: 'control',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0x86,
      description: 'bit 1 no interrupts, 2 reset, 7 show the upper parts of 48-bit registers',
      value: (state) => state.control,
    },
  ],
};
