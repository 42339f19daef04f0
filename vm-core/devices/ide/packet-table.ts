/** The table of packet commands and sense codes of the CD-ROM drive (INCITS 333 MMC-2; INCITS 351 SPC-2). */

export const CD_SECTOR_SIZE = 2048;

export const TEST_UNIT_READY = 0x00;
export const REQUEST_SENSE = 0x03;
export const INQUIRY = 0x12;
export const MODE_SENSE_6 = 0x1a;
export const START_STOP_UNIT = 0x1b;
export const PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e;
export const READ_CAPACITY = 0x25;
export const READ_10 = 0x28;
export const SEEK_10 = 0x2b;
export const READ_SUB_CHANNEL = 0x42;
export const READ_TOC = 0x43;
export const GET_CONFIGURATION = 0x46;
export const GET_EVENT_STATUS_NOTIFICATION = 0x4a;
export const READ_DISC_INFORMATION = 0x51;
export const MODE_SENSE_10 = 0x5a;
export const READ_12 = 0xa8;
export const SET_CD_SPEED = 0xbb;
export const MECHANISM_STATUS = 0xbd;
export const READ_CD = 0xbe;

/** Commands that a drive answers whatever it has to report first (SPC-2 §5.9.4; MMC-2, unit attention). */
export const answeredAlways: ReadonlySet<number> = new Set([
  REQUEST_SENSE,
  INQUIRY,
  GET_CONFIGURATION,
  GET_EVENT_STATUS_NOTIFICATION,
]);

/** Commands that need no disc. */
export const answeredWithoutDisc: ReadonlySet<number> = new Set([
  ...answeredAlways,
  MODE_SENSE_6,
  START_STOP_UNIT,
  PREVENT_ALLOW_MEDIUM_REMOVAL,
  MODE_SENSE_10,
  SET_CD_SPEED,
  MECHANISM_STATUS,
]);

export const NO_SENSE = 0x0;
export const NOT_READY = 0x2;
export const ILLEGAL_REQUEST = 0x5;
export const UNIT_ATTENTION = 0x6;

/** Additional sense code and qualifier, in one word. */
export const INVALID_COMMAND = 0x2000;
export const BLOCK_OUT_OF_RANGE = 0x2100;
export const INVALID_FIELD = 0x2400;
export const MEDIUM_CHANGED = 0x2800;
export const POWER_ON_OCCURRED = 0x2900;
export const SAVING_NOT_SUPPORTED = 0x3900;
export const NO_MEDIUM = 0x3a00;
export const REMOVAL_PREVENTED = 0x5302;

/** Events of GET EVENT STATUS NOTIFICATION's media class. */
export const EVENT_NEW_MEDIA = 2;
export const EVENT_REMOVAL = 3;
