/** State and registers of the 82077AA (Intel data sheet 290166-007, "Register description" and "Status registers"). */
import type { DeviceDescription } from '../device.ts';
import { CODE, commandsFromHost } from './commands.ts';

export type FloppyDriveState = {
  /** The cylinder under the head, and the one that the controller believes in. */
  head: number;
  cylinder: number;
  /** ST0 of the seek in progress, or -1. */
  seekStatus: number;
  /** The change line: no step pulse has reached the drive since the disk was put in. */
  changed: boolean;
};

export type FloppyState = {
  dor: number;
  tdr: number;
  dsr: number;
  /** Index of the data rate in `dataRates`. */
  rate: number;
  phase: 'command' | 'execution' | 'result';
  /** Bytes of the command so far, and of its result that are still to be read. */
  command: number[];
  result: number[];
  /** The parameters of SPECIFY, CONFIGURE, PERPENDICULAR MODE and LOCK. */
  specify: number[];
  configure: number;
  precompensationTrack: number;
  perpendicular: number;
  locked: boolean;
  drives: FloppyDriveState[];
  /** ST0 of seeks that ended, and of the drives after a reset, for SENSE INTERRUPT STATUS. */
  senses: number[];
  /** The INT pin of results and seeks. */
  interrupt: boolean;
  /** Last sector of the track as the last data transfer gave it. */
  endOfTrack: number;
  /** Of the data transfer: the identification that is looked for, the head, the place on the track, what is left. */
  c: number;
  h: number;
  r: number;
  head: number;
  place: number;
  left: number;
  /** Bits that ST1 and ST2 collect. */
  st1: number;
  st2: number;
  /** A sector's bytes, or a track's identifications, on their way; the host asks for, or gives, the byte at `position`. */
  buffer: Uint8Array;
  position: number;
  length: number;
  /** DMA has come to its terminal count. */
  ended: boolean;
  /** The host's turn in a transfer without DMA. */
  hostTurn: boolean;
  /** The disk must turn before the command can go on. */
  stalled: boolean;
};

export const DRIVE_COUNT = 4;
/** In kbit/s, by the two bits of CCR and DSR. */
export const dataRates = [500, 300, 250, 1000] as const;
const RATE_250 = 2;
/** The identifications of the longest track, four bytes each. */
const BUFFER_SIZE = 1024;

export const DOR_NOT_RESET = 0x04;
export const DOR_DMA_GATE = 0x08;
export const DOR_MOTOR_0 = 0x10;
export const DSR_RESET = 0x80;
/** Parts of CONFIGURE's second byte: implied seek, polling off. The FIFO is off and its threshold 0 after a reset. */
export const CONFIGURE_IMPLIED_SEEK = 0x40;
export const CONFIGURE_NO_POLLING = 0x10;
export const CONFIGURE_NO_FIFO = 0x20;
/** In SPECIFY's second byte: no DMA. */
export const SPECIFY_NO_DMA = 0x01;

const MSR_READY = 0x80;
const MSR_TO_HOST = 0x40;
const MSR_NO_DMA = 0x20;
const MSR_BUSY = 0x10;

const POWER_ON_DRIVE: FloppyDriveState = { head: 0, cylinder: 0, seekStatus: -1, changed: true };

export const POWER_ON_FLOPPY: FloppyState = {
  dor: 0,
  tdr: 0,
  dsr: RATE_250,
  rate: RATE_250,
  phase: 'command',
  command: [],
  result: [],
  specify: [0, 0],
  configure: CONFIGURE_NO_FIFO,
  precompensationTrack: 0,
  perpendicular: 0,
  locked: false,
  drives: Array.from({ length: DRIVE_COUNT }, () => POWER_ON_DRIVE),
  senses: [],
  interrupt: false,
  endOfTrack: 0,
  c: 0,
  h: 0,
  r: 0,
  head: 0,
  place: 0,
  left: 0,
  st1: 0,
  st2: 0,
  buffer: new Uint8Array(BUFFER_SIZE),
  position: 0,
  length: 0,
  ended: false,
  hostTurn: false,
  stalled: false,
};

export const driveOf = (state: FloppyState, index: number): FloppyDriveState => state.drives[index] as FloppyDriveState;

export const isMotorOn = (state: FloppyState, drive: number): boolean => ((state.dor >> drive) & DOR_MOTOR_0) !== 0;

export const usesDma = (state: FloppyState): boolean => ((state.specify[1] as number) & SPECIFY_NO_DMA) === 0;

/** The code of the command in progress, without its option bits. */
export const codeOf = (state: FloppyState): number => (state.command[0] ?? 0) & CODE;

/** The main status register. */
export function mainStatus(state: FloppyState): number {
  if ((state.dor & DOR_NOT_RESET) === 0) return 0;
  let seeking = 0;
  state.drives.forEach(({ seekStatus }, drive) => {
    if (seekStatus >= 0) seeking |= 1 << drive;
  });
  switch (state.phase) {
    case 'command':
      return seeking | MSR_READY | (state.command.length > 0 ? MSR_BUSY : 0);
    case 'result':
      return seeking | MSR_READY | MSR_TO_HOST | MSR_BUSY;
    default: {
      const turn = state.hostTurn ? MSR_READY | (commandsFromHost.has(codeOf(state)) ? 0 : MSR_TO_HOST) : 0;
      return seeking | MSR_BUSY | turn | (usesDma(state) ? 0 : MSR_NO_DMA);
    }
  }
}

const DIR_CHANGED = 0x80;

/** The change line of the drive that the DOR selects, while its motor is on. */
export function digitalInput(state: FloppyState): number {
  const drive = state.dor & 3;
  return isMotorOn(state, drive) && driveOf(state, drive).changed ? DIR_CHANGED : 0;
}

export const floppyDescription: DeviceDescription<FloppyState> = {
  name: 'floppy-controller',
  title: 'Floppy disk controller and drives',
  specification: 'Intel 82077AA data sheet 290166-007',
  version: 1,
  registers: [
    {
      name: 'DOR',
      region: 'registers',
      offset: 2,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'bits 0–1 drive, 2 out of reset, 3 interrupt and DMA on, 4–7 motors',
      value: (s) => s.dor,
    },
    {
      name: 'TDR',
      region: 'registers',
      offset: 3,
      width: 8,
      reset: 0,
      writable: 3,
      description: 'drive that is a tape',
      value: (s) => s.tdr,
    },
    {
      name: 'MSR',
      region: 'registers',
      offset: 4,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'bits 0–3 seeking, 4 busy, 5 no DMA, 6 to the host, 7 ready',
      value: mainStatus,
    },
    {
      name: 'DSR',
      region: 'registers',
      offset: 4,
      width: 8,
      reset: RATE_250,
      writable: 0x7f,
      description: 'bits 0–1 data rate, 2–4 precompensation, 6 power down',
      value: (s) => s.dsr,
    },
    {
      name: 'DIR',
      region: 'change',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'bit 7 disk changed',
      value: digitalInput,
    },
    {
      name: 'CCR',
      region: 'change',
      offset: 0,
      width: 2,
      reset: RATE_250,
      writable: 3,
      description: '0 500, 1 300, 2 250, 3 1000 kbit/s',
      value: (s) => s.rate,
    },
    {
      name: 'COMMAND',
      region: 'registers',
      offset: 5,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'code of the command in progress',
      value: (s) => s.command[0] ?? 0,
    },
    {
      name: 'SPECIFY',
      width: 16,
      reset: 0,
      writable: 0xffff,
      description: 'bits 12–15 step rate, 8–11 head unload, 1–7 head load time, 0 no DMA',
      value: (s) => ((s.specify[0] as number) << 8) | (s.specify[1] as number),
    },
    {
      name: 'CONFIGURE',
      width: 7,
      reset: CONFIGURE_NO_FIFO,
      writable: 0x7f,
      description: 'bit 6 implied seek, 5 FIFO off, 4 polling off, 0–3 threshold',
      value: (s) => s.configure,
    },
    {
      name: 'LOCK',
      width: 1,
      reset: 0,
      writable: 1,
      description: 'CONFIGURE survives a reset by software',
      value: (s) => (s.locked ? 1 : 0),
    },
    ...[0, 1, 2, 3].map((drive) => ({
      name: `PCN${drive}`,
      width: 8,
      reset: 0,
      writable: 0,
      description: `cylinder of drive ${drive}`,
      value: (s: FloppyState) => driveOf(s, drive).cylinder,
    })),
  ],
};
