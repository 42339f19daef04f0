/**
 * The teletype of INT 10h, AH=0Eh: characters, control characters, wrapping and scrolling. The BIOS's own messages go
 * this way too.
 */
import type { FirmwareContext } from '../../firmware.ts';
import { ebda } from '../bios-data.ts';
import { readCell, scroll, writeCharacters } from './characters.ts';
import { type CursorPosition, cursorOf, moveCursor, pageNumber, type Screen, screenOf } from './screen.ts';

const BELL = 0x07;
const BACKSPACE = 0x08;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

const PIT_CONTROL = 0x43;
const PIT_COUNTER_2 = 0x42;
const SYSTEM_CONTROL = 0x61;
const SPEAKER_BITS = 3;
/** 1,193,182 Hz / 896 Hz: the pitch of the AT's bell. */
const BELL_COUNT = 0x533;
/** Timer ticks that it sounds. */
const BELL_TICKS = 4;

/** Writes one character at a page's cursor. `attribute` undefined keeps the cell's in text modes. */
export function teletype(
  context: FirmwareContext,
  screen: Screen,
  page: number,
  character: number,
  attribute: number | undefined,
): void {
  const cursor = cursorOf(context, screen, page);
  switch (character) {
    case BELL:
      ringBell(context);
      return;
    case BACKSPACE:
      moveCursor(context, screen, page, { ...cursor, column: Math.max(0, cursor.column - 1) });
      return;
    case CARRIAGE_RETURN:
      moveCursor(context, screen, page, { ...cursor, column: 0 });
      return;
    case LINE_FEED:
      moveCursor(context, screen, page, nextRow(context, screen, page, cursor));
      return;
    default:
      writeCharacters(context, screen, { page, ...cursor, character, attribute, count: 1 });
      moveCursor(context, screen, page, advance(context, screen, page, cursor));
  }
}

function advance(context: FirmwareContext, screen: Screen, page: number, cursor: CursorPosition): CursorPosition {
  if (cursor.column + 1 < screen.columns) return { ...cursor, column: cursor.column + 1 };
  return nextRow(context, screen, page, { ...cursor, column: 0 });
}

/** Below the last row the page scrolls; the new row has the attribute of the cell where the cursor stands. */
function nextRow(context: FirmwareContext, screen: Screen, page: number, cursor: CursorPosition): CursorPosition {
  if (cursor.row + 1 < screen.rows) return { ...cursor, row: cursor.row + 1 };
  const text = screen.mode.kind === 'text';
  const attribute = text ? readCell(context, screen, page, cursor.row, cursor.column).attribute : 0;
  const window = { top: 0, left: 0, bottom: screen.rows - 1, right: screen.columns - 1 };
  scroll(context, screen, pageNumber(page), window, 1, attribute);
  return cursor;
}

/** Switches the speaker on; the timer interrupt switches it off. */
export function ringBell({ ports, memory }: FirmwareContext): void {
  ports.write(PIT_CONTROL, 1, 0xb6);
  ports.write(PIT_COUNTER_2, 1, BELL_COUNT & 0xff);
  ports.write(PIT_COUNTER_2, 1, BELL_COUNT >> 8);
  ports.write(SYSTEM_CONTROL, 1, ports.read(SYSTEM_CONTROL, 1) | SPEAKER_BITS);
  memory.write(ebda.BELL_TICKS, 1, BELL_TICKS);
}

/** Called at every timer tick. */
export function countBell({ ports, memory }: FirmwareContext): void {
  const ticks = memory.read(ebda.BELL_TICKS, 1);
  if (ticks === 0 || ticks > BELL_TICKS) return;
  memory.write(ebda.BELL_TICKS, 1, ticks - 1);
  if (ticks === 1) ports.write(SYSTEM_CONTROL, 1, ports.read(SYSTEM_CONTROL, 1) & ~SPEAKER_BITS & 0xff);
}

/** Prints a message of the BIOS on the shown page; `\n` starts a new line, other characters are code page 437. */
export function printMessage(context: FirmwareContext, text: string): void {
  for (const character of text) {
    const screen = screenOf(context);
    const code = character.charCodeAt(0) & 0xff;
    if (code === LINE_FEED) teletype(context, screen, screen.activePage, CARRIAGE_RETURN, undefined);
    teletype(context, screen, screen.activePage, code, screen.mode.kind === 'text' ? undefined : 0x0f);
  }
}
