/**
 * INT 10h, AH=13h: a string at ES:BP, CX characters long, from the cell DX on. The ROM has saved BP, CX and DX, which
 * from then on tell what is left of the string and where the cursor was.
 */
import type { FirmwareHook } from '../../firmware.ts';
import { Caller } from '../caller.ts';
import type { RomLabels } from '../rom.ts';
import { goTo } from '../service.ts';
import { cursorOf, moveCursor, screenOf } from './screen.ts';
import { teletype } from './teletype.ts';

/** Bits of AL: leave the cursor at the end; attributes follow their characters in the string. */
const MOVE_CURSOR = 1;
const WITH_ATTRIBUTES = 2;
/** Each character of a piece may scroll the whole screen. */
const PIECE_MAX = 16;

/** Puts the cursor to DX, and into DX where the cursor was. */
export const stringStartHook: FirmwareHook = (context) => {
  const caller = new Caller(context);
  const screen = screenOf(context);
  const saved = cursorOf(context, screen, caller.bh);
  moveCursor(context, screen, caller.bh, { column: caller.dl, row: caller.dh });
  caller.dx = (saved.row << 8) | saved.column;
  return undefined;
};

/** Writes the next characters; comes back while some are left. */
export function stringPieceHook(labels: RomLabels): FirmwareHook {
  return (context) => {
    const caller = new Caller(context);
    const screen = screenOf(context);
    const page = caller.bh;
    const stride = (caller.al & WITH_ATTRIBUTES) !== 0 ? 2 : 1;
    const count = Math.min(caller.cx, PIECE_MAX);
    const bytes = context.memory.readBytes(caller.es(caller.bp), count * stride);
    for (let at = 0; at < bytes.length; at += stride) {
      const attribute = stride === 2 ? (bytes[at + 1] as number) : caller.bl;
      teletype(context, screen, page, bytes[at] as number, attribute);
    }
    caller.cx -= count;
    caller.bp += count * stride;
    if (caller.cx !== 0) goTo(caller, labels.stringPieceHook, labels.stringAgain);
    else if ((caller.al & MOVE_CURSOR) === 0) {
      moveCursor(context, screen, page, { column: caller.dl, row: caller.dh });
    }
    return undefined;
  };
}
