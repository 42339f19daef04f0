/** What the CD-ROM drive answers to each packet command (INCITS 333 MMC-2, "Commands for CD-ROM drives"). */
import type { DriveState } from './ide-state.ts';
import * as scsi from './packet-table.ts';

export type PacketAnswer =
  /** Bytes for the host; none: the command is done. */
  | { readonly kind: 'data'; readonly bytes: Uint8Array }
  /** Sectors for the host. */
  | { readonly kind: 'sectors'; readonly block: number; readonly count: number }
  /** CHECK CONDITION with this sense. */
  | { readonly kind: 'check'; readonly key: number; readonly code: number };

const done: PacketAnswer = { kind: 'data', bytes: new Uint8Array(0) };
const check = (key: number, code: number): PacketAnswer => ({ kind: 'check', key, code });
const invalidField = check(scsi.ILLEGAL_REQUEST, scsi.INVALID_FIELD);

/** What there is to an answer besides the packet. */
interface Disc {
  readonly state: DriveState;
  readonly sectorCount: number;
}

type Command = (packet: readonly number[], disc: Disc) => PacketAnswer;

const byteAt = (packet: readonly number[], at: number): number => packet[at] ?? 0;
const wordAt = (packet: readonly number[], at: number): number => (byteAt(packet, at) << 8) | byteAt(packet, at + 1);
const longAt = (packet: readonly number[], at: number): number =>
  wordAt(packet, at) * 0x1_0000 + wordAt(packet, at + 2);

const word = (value: number): number[] => [(value >> 8) & 0xff, value & 0xff];
const long = (value: number): number[] => [...word(value >>> 16), ...word(value & 0xffff)];

/** Data cut to what the host has room for. */
const data = (bytes: readonly number[], room: number): PacketAnswer => ({
  kind: 'data',
  bytes: Uint8Array.from(bytes.slice(0, room)),
});

/** Data behind a length of its own (two bytes) that counts what follows it. */
const counted = (bytes: readonly number[], room: number): PacketAnswer => data([...word(bytes.length), ...bytes], room);

const characters = (text: string, length: number): number[] =>
  [...text.padEnd(length)].map((letter) => letter.charCodeAt(0));

const requestSense: Command = (packet, { state }) => {
  const key = state.attention !== 0 ? scsi.UNIT_ATTENTION : state.senseKey;
  const code = state.attention !== 0 ? state.attention : state.senseCode;
  state.attention = 0;
  const sense = [0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, ...word(code), 0, 0, 0, 0];
  return data(sense, byteAt(packet, 4));
};

const inquiry: Command = (packet) => {
  // Vital product data pages are not there.
  if ((byteAt(packet, 1) & 1) !== 0 || byteAt(packet, 2) !== 0) return invalidField;
  const names = [...characters('X86VM', 8), ...characters('CD-ROM', 16), ...characters('1.0', 4)];
  return data([0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0, ...names], byteAt(packet, 4));
};

const startStop: Command = (packet, { state }) => {
  const request = byteAt(packet, 4);
  if ((request & 2) === 0) return done;
  const opens = (request & 1) === 0;
  if (opens && state.locked) return check(scsi.ILLEGAL_REQUEST, scsi.REMOVAL_PREVENTED);
  if (opens !== state.trayOpen) {
    state.mediaEvent = opens ? scsi.EVENT_REMOVAL : scsi.EVENT_NEW_MEDIA;
    if (!opens) state.attention = scsi.MEDIUM_CHANGED;
  }
  state.trayOpen = opens;
  return done;
};

const preventRemoval: Command = (packet, { state }) => {
  state.locked = (byteAt(packet, 4) & 1) !== 0;
  return done;
};

const readCapacity: Command = (_packet, { sectorCount }) =>
  data([...long(sectorCount - 1), ...long(scsi.CD_SECTOR_SIZE)], 8);

function sectors(block: number, count: number, { sectorCount }: Disc): PacketAnswer {
  if (block + count > sectorCount) return check(scsi.ILLEGAL_REQUEST, scsi.BLOCK_OUT_OF_RANGE);
  return { kind: 'sectors', block, count };
}

const seek: Command = (packet, { sectorCount }) =>
  longAt(packet, 2) < sectorCount ? done : check(scsi.ILLEGAL_REQUEST, scsi.BLOCK_OUT_OF_RANGE);

/** User data of data sectors is all that an image of 2,048-byte sectors has. */
const USER_DATA_ONLY = 0x10;

const readCd: Command = (packet, disc) => {
  const count = (byteAt(packet, 6) << 16) | wordAt(packet, 7);
  const fields = byteAt(packet, 9) & 0xf8;
  if (count === 0 || fields === 0) return done;
  if (fields !== USER_DATA_ONLY || byteAt(packet, 10) !== 0) return invalidField;
  return sectors(longAt(packet, 2), count, disc);
};

/** Frames before block 0; 75 frames are a second. */
const LEAD_IN_FRAMES = 150;
const FRAMES = 75;

/** An address as a block, or as minute, second and frame. */
function addressBytes(block: number, inMinutes: boolean): number[] {
  if (!inMinutes) return long(block);
  const frames = block + LEAD_IN_FRAMES;
  const seconds = Math.floor(frames / FRAMES);
  return [0, Math.min(Math.floor(seconds / 60), 0xff), seconds % 60, frames % FRAMES];
}

/** Data track, position in the Q channel. */
const DATA_TRACK = 0x14;
const LEAD_OUT = 0xaa;

const readToc: Command = (packet, { sectorCount }) => {
  const inMinutes = (byteAt(packet, 1) & 2) !== 0;
  // The first drives had the format in the control byte.
  const format = byteAt(packet, 2) & 0x0f || byteAt(packet, 9) >> 6;
  const first = byteAt(packet, 6);
  const room = wordAt(packet, 7);
  const descriptor = (track: number, block: number): number[] => [
    ...[0, DATA_TRACK, track, 0],
    ...addressBytes(block, inMinutes),
  ];
  if (format === 1) return counted([1, 1, ...descriptor(1, 0)], room);
  if (format !== 0 || (first > 1 && first !== LEAD_OUT)) return invalidField;
  const tracks = first <= 1 ? descriptor(1, 0) : [];
  return counted([1, 1, ...tracks, ...descriptor(LEAD_OUT, sectorCount)], room);
};

const PROFILE_CD_ROM = 8;
/** Features by number: persistent and current, then their data (MMC-2, "Features"). */
const features: readonly (readonly [number: number, flags: number, data: readonly number[]])[] = [
  [0x0000, 0x03, [...word(PROFILE_CD_ROM), 1, 0]], // profile list
  [0x0001, 0x03, [0, 0, 0, 2]], // core: ATAPI
  [0x0003, 0x03, [0x29, 0, 0, 0]], // removable medium: tray, eject, lock
  [0x0010, 0x01, [...long(scsi.CD_SECTOR_SIZE), 0, 1, 0, 0]], // random readable
  [0x001e, 0x01, []], // CD read
];

const getConfiguration: Command = (packet, { state }) => {
  const requested = byteAt(packet, 1) & 3;
  const start = wordAt(packet, 2);
  const chosen = features.filter(([number]) => (requested === 2 ? number === start : number >= start));
  const list = chosen.flatMap(([number, flags, bytes]) => [...word(number), flags, bytes.length, ...bytes]);
  const profile = state.trayOpen ? 0 : PROFILE_CD_ROM;
  return data([...long(list.length + 4), 0, 0, ...word(profile), ...list], wordAt(packet, 7));
};

const MEDIA_CLASS = 4;

const getEventStatus: Command = (packet, { state }) => {
  // Only asking is possible, not being told.
  if ((byteAt(packet, 1) & 1) === 0) return invalidField;
  const supported = 1 << MEDIA_CLASS;
  const room = wordAt(packet, 7);
  if ((byteAt(packet, 4) & supported) === 0) return data([...word(2), 0x80, supported], room);
  const status = state.trayOpen ? 1 : 2;
  const event = state.mediaEvent;
  state.mediaEvent = 0;
  return data([...word(6), MEDIA_CLASS, supported, event, status, 0, 0], room);
};

const ALL_PAGES = 0x3f;
/** KB/s of a 24-speed drive. */
const SPEED = 24 * 176;

/** Mode pages: read error recovery, CD-ROM, audio control, capabilities (MMC-2 §5.5). */
const modePages: ReadonlyMap<number, (state: DriveState) => readonly number[]> = new Map<
  number,
  (state: DriveState) => readonly number[]
>([
  [0x01, () => [0x01, 6, 0, 5, 0, 0, 0, 0]],
  [0x0d, () => [0x0d, 6, 0, 13, 0, 60, 0, FRAMES]],
  [0x0e, () => [0x0e, 14, 4, 0, 0, 0, 0, FRAMES, 1, 0xff, 2, 0xff, 0, 0, 0, 0]],
  [
    0x2a,
    ({ locked }) => [
      ...[0x2a, 18, 0, 0, 0, 0, 0x29 | (locked ? 2 : 0), 0],
      ...[...word(SPEED), 0, 0, ...word(512), ...word(SPEED), 0, 0, 0, 0],
    ],
  ],
]);

/** Kinds of a disc in the mode header: a data disc of 120 mm, or an open tray. */
const MEDIUM_DATA = 0x01;
const MEDIUM_TRAY_OPEN = 0x71;
const CHANGEABLE_VALUES = 1;
const SAVED_VALUES = 3;

function modeSense(packet: readonly number[], state: DriveState, headerLength: 4 | 8, room: number): PacketAnswer {
  const page = byteAt(packet, 2) & 0x3f;
  const control = byteAt(packet, 2) >> 6;
  if (control === SAVED_VALUES) return check(scsi.ILLEGAL_REQUEST, scsi.SAVING_NOT_SUPPORTED);
  const chosen = [...modePages].filter(([number]) => page === ALL_PAGES || page === number);
  if (chosen.length === 0) return invalidField;
  const bytes = chosen.flatMap(([, make]) => {
    const values = make(state);
    return control === CHANGEABLE_VALUES ? values.map((value, index) => (index < 2 ? value : 0)) : [...values];
  });
  const medium = state.trayOpen ? MEDIUM_TRAY_OPEN : MEDIUM_DATA;
  if (headerLength === 8) return counted([medium, 0, 0, 0, 0, 0, ...bytes], room);
  return data([bytes.length + 3, medium, 0, 0, ...bytes], room);
}

/** One closed session with one track; not erasable. */
const DISC_COMPLETE = 0x0e;
const discInformation = [DISC_COMPLETE, 1, 1, 1, 1, 0, 0, ...new Array(25).fill(0)];

/** No audio is played. */
const AUDIO_NO_STATUS = 0x15;

const readSubChannel: Command = (packet) => {
  const room = wordAt(packet, 7);
  const wantsPosition = (byteAt(packet, 2) & 0x40) !== 0;
  if (!wantsPosition) return data([0, AUDIO_NO_STATUS, 0, 0], room);
  if (byteAt(packet, 3) !== 1) return invalidField;
  return data([0, AUDIO_NO_STATUS, 0, 12, 1, DATA_TRACK, 1, 1, ...new Array(8).fill(0)], room);
};

const commands: ReadonlyMap<number, Command> = new Map<number, Command>([
  [scsi.TEST_UNIT_READY, () => done],
  [scsi.REQUEST_SENSE, requestSense],
  [scsi.INQUIRY, inquiry],
  [scsi.MODE_SENSE_6, (packet, { state }) => modeSense(packet, state, 4, byteAt(packet, 4))],
  [scsi.START_STOP_UNIT, startStop],
  [scsi.PREVENT_ALLOW_MEDIUM_REMOVAL, preventRemoval],
  [scsi.READ_CAPACITY, readCapacity],
  [scsi.READ_10, (packet, disc) => sectors(longAt(packet, 2), wordAt(packet, 7), disc)],
  [scsi.SEEK_10, seek],
  [scsi.READ_SUB_CHANNEL, readSubChannel],
  [scsi.READ_TOC, readToc],
  [scsi.GET_CONFIGURATION, getConfiguration],
  [scsi.GET_EVENT_STATUS_NOTIFICATION, getEventStatus],
  [scsi.READ_DISC_INFORMATION, (packet) => counted(discInformation, wordAt(packet, 7))],
  [scsi.MODE_SENSE_10, (packet, { state }) => modeSense(packet, state, 8, wordAt(packet, 7))],
  [scsi.READ_12, (packet, disc) => sectors(longAt(packet, 2), longAt(packet, 6), disc)],
  [scsi.SET_CD_SPEED, () => done],
  [scsi.MECHANISM_STATUS, (packet) => data([0, 0, 0, 0, 0, 1, 0, 0], wordAt(packet, 8))],
  [scsi.READ_CD, readCd],
]);

/** Executes a packet of 12 bytes for a disc of so many sectors. */
export function executePacket(state: DriveState, packet: readonly number[], sectorCount: number): PacketAnswer {
  const code = byteAt(packet, 0);
  if (state.attention !== 0 && !scsi.answeredAlways.has(code)) {
    const { attention } = state;
    state.attention = 0;
    return check(scsi.UNIT_ATTENTION, attention);
  }
  const command = commands.get(code);
  if (command === undefined) return check(scsi.ILLEGAL_REQUEST, scsi.INVALID_COMMAND);
  if (state.trayOpen && !scsi.answeredWithoutDisc.has(code)) return check(scsi.NOT_READY, scsi.NO_MEDIUM);
  return command(packet, { state, sectorCount });
}
