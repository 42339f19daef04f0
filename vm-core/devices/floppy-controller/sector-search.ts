/** How the 82077AA finds a sector on the track and which one comes after it (Intel data sheet 290166-007, §5.1). */
import * as code from './commands.ts';
import { codeOf, dataRates, driveOf, type FloppyState } from './floppy-state.ts';
import { type FloppyMedium, type Rotation, SECTOR_SIZE_CODE } from './media.ts';

/** Why a sector cannot be found, as bits of ST1 and ST2. */
export interface Missing {
  readonly st1: number;
  readonly st2: number;
}

export const ST1_NO_DATA = 0x04;
const ST1_MISSING_ADDRESS_MARK = 0x01;
const ST2_WRONG_CYLINDER = 0x10;

/** Puts the place on the track of the command's sector into the state, or says what is missing. */
export function locateSector(
  state: FloppyState,
  drive: number,
  medium: FloppyMedium,
  rotation: Rotation,
  from: number,
): Missing | undefined {
  const track = driveOf(state, drive).head;
  const rate = dataRates[state.rate] as number;
  const isFormatted = state.head < medium.heads && track < medium.cylinders && medium.rates.includes(rate);
  const isReadable = isFormatted && ((state.command[0] ?? 0) & code.OPTION_MFM) !== 0;
  if (!isReadable) return { st1: ST1_MISSING_ADDRESS_MARK, st2: 0 };
  switch (codeOf(state)) {
    case code.FORMAT_TRACK:
      return undefined;
    case code.READ_ID:
      state.place = rotation.nextPlace(from);
      return undefined;
    case code.READ_TRACK:
      return state.place < medium.sectors ? undefined : { st1: ST1_NO_DATA, st2: 0 };
    default:
      if (state.c !== track) return { st1: ST1_NO_DATA, st2: ST2_WRONG_CYLINDER };
      if (!isOnTrack(state, medium)) return { st1: ST1_NO_DATA, st2: 0 };
      state.place = state.r - 1;
      return undefined;
  }
}

function isOnTrack({ h, r, head, command }: FloppyState, { sectors }: FloppyMedium): boolean {
  return h === head && r >= 1 && r <= sectors && command[5] === SECTOR_SIZE_CODE;
}

/** Moves on to the next sector; true if the one before was the last of the transfer. */
export function advanceSector(state: FloppyState): boolean {
  return codeOf(state) === code.READ_TRACK ? passTrackSector(state) : advanceIdentification(state);
}

/** READ TRACK takes the sectors as they come and says if one was not the expected one. */
function passTrackSector(state: FloppyState): boolean {
  if (state.r !== state.place + 1) state.st1 |= ST1_NO_DATA;
  state.place += 1;
  state.r = (state.r + 1) & 0xff;
  return state.place >= state.endOfTrack;
}

/** The next identification as the table of the result phase has it. */
function advanceIdentification(state: FloppyState): boolean {
  if (state.r !== state.endOfTrack) {
    const step = code.scans.has(codeOf(state)) ? (state.command[8] ?? 1) : 1;
    state.r = (state.r + step) & 0xff;
    return false;
  }
  state.r = 1;
  if (((state.command[0] ?? 0) & code.OPTION_MULTI_TRACK) === 0) {
    state.c = (state.c + 1) & 0xff;
    return true;
  }
  state.h ^= 1;
  if (state.head === 0) {
    state.head = 1;
    return false;
  }
  state.c = (state.c + 1) & 0xff;
  return true;
}
