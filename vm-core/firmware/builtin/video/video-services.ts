/**
 * INT 10h: modes, cursor, characters and pixels (IBM PS/2 BIOS Interface Technical Reference, "Interrupt 10h").
 */
import { bda } from '../bios-data.ts';
import type { Caller } from '../caller.ts';
import type { Service, ServiceResult } from '../service.ts';
import { readCell, scroll, writeCharacters } from './characters.ts';
import { surfaceOf } from './graphics-surface.ts';
import { setMode } from './mode-set.ts';
import { cursorOf, moveCursor, pageNumber, screenOf, showCursor } from './screen.ts';
import { teletype } from './teletype.ts';
import { writeCrtc } from './vga-registers.ts';

const row = (ah: number, name: string, run: (caller: Caller) => ServiceResult): Service => ({
  interrupt: 0x10,
  function: { ah },
  name,
  run,
});

function setVideoMode(caller: Caller): undefined {
  if (setMode(caller.context, caller.al)) return;
  caller.context.logOnce(`BIOS: INT 10h, AH=00h: there is no video mode ${caller.al.toString(16)}h`);
}

/** Bit 0 of 40:87 switches the scaling of cursor lines off; bits 6–5 of the start line hide the cursor. */
const EMULATION_OFF = 1;
const CURSOR_BITS = 0x60;

/** Programs given for 8-line characters mean the same lines of a taller one; the usual 6–7 is the underline. */
function cursorLine(line: number, height: number, isEnd: boolean): number {
  const scaled = isEnd ? Math.floor(((line + 1) * height) / 8) - 1 : Math.floor((line * height) / 8);
  return Math.min(scaled, height - 1);
}

function setCursorShape(caller: Caller): undefined {
  const { context } = caller;
  const height = screenOf(context).characterHeight;
  let start = caller.ch & 0x1f;
  let end = caller.cl & 0x1f;
  const emulate = (context.memory.read(bda.VIDEO_CONTROL, 1) & EMULATION_OFF) === 0;
  if (emulate && height > 8 && start < 8 && end < 8 && (caller.ch & CURSOR_BITS) === 0) {
    if (start === 6 && end === 7) {
      start = height - 3;
      end = height - 2;
    } else {
      start = cursorLine(start, height, false);
      end = cursorLine(end, height, true);
    }
  }
  context.memory.write(bda.CURSOR_SHAPE, 2, caller.cx);
  writeCrtc(context, 0x0a, (caller.ch & CURSOR_BITS) === 0 ? start : start | 0x20);
  writeCrtc(context, 0x0b, end);
}

function setCursor(caller: Caller): undefined {
  moveCursor(caller.context, screenOf(caller.context), caller.bh, { column: caller.dl, row: caller.dh });
}

function getCursor(caller: Caller): undefined {
  const { memory } = caller.context;
  caller.cx = memory.read(bda.CURSOR_SHAPE, 2);
  caller.dx = memory.read(bda.CURSOR_POSITIONS + pageNumber(caller.bh) * 2, 2);
  caller.ax = 0;
}

function setPage(caller: Caller): undefined {
  const { context } = caller;
  const page = pageNumber(caller.al);
  const screen = { ...screenOf(context), activePage: page };
  if (page >= screen.mode.pageCount) return;
  const start = page * screen.pageSize;
  context.memory.write(bda.VIDEO_PAGE, 1, page);
  context.memory.write(bda.VIDEO_PAGE_START, 2, start & 0xffff);
  const address = screen.mode.kind === 'text' ? start >> 1 : start;
  writeCrtc(context, 0x0c, address >> 8);
  writeCrtc(context, 0x0d, address);
  if (screen.mode.kind === 'text') showCursor(context, screen);
}

function scrollWindow(caller: Caller, down: boolean): undefined {
  const screen = screenOf(caller.context);
  const window = { top: caller.ch, left: caller.cl, bottom: caller.dh, right: caller.dl };
  const lines = down ? -caller.al : caller.al;
  scroll(caller.context, screen, screen.activePage, window, lines, caller.bh);
}

function readCharacter(caller: Caller): undefined {
  const screen = screenOf(caller.context);
  const cursor = cursorOf(caller.context, screen, caller.bh);
  const cell = readCell(caller.context, screen, caller.bh, cursor.row, cursor.column);
  caller.al = cell.character;
  if (screen.mode.kind === 'text') caller.ah = cell.attribute;
}

function writeCharacter(caller: Caller, withAttribute: boolean): undefined {
  const screen = screenOf(caller.context);
  const deep = screen.mode.bitsPerPixel === 8;
  const page = deep ? 0 : caller.bh;
  writeCharacters(caller.context, screen, {
    page,
    ...cursorOf(caller.context, screen, page),
    character: caller.al,
    attribute: withAttribute || screen.mode.kind === 'graphics' ? caller.bl : undefined,
    count: caller.cx,
    ...(deep ? { background: caller.bh } : {}),
  });
}

/** The page of BH and the pixel of CX, DX, if that is inside the picture of a graphics mode. */
function pixelOf(caller: Caller) {
  const screen = screenOf(caller.context);
  const inside = screen.mode.kind === 'graphics' && caller.cx < screen.mode.width && caller.dx < screen.mode.height;
  return inside ? { screen, surface: surfaceOf(caller.context, screen, pageNumber(caller.bh)) } : undefined;
}

function writePixel(caller: Caller): undefined {
  const pixel = pixelOf(caller);
  if (!pixel) return;
  const deep = pixel.screen.mode.bitsPerPixel === 8;
  const xor = !deep && (caller.al & 0x80) !== 0;
  pixel.surface.plot(caller.cx, caller.dx, deep ? caller.al : caller.al & 0x7f, xor);
  pixel.surface.done();
}

function readPixel(caller: Caller): undefined {
  const pixel = pixelOf(caller);
  caller.al = pixel ? pixel.surface.pixel(caller.cx, caller.dx) : 0;
  pixel?.surface.done();
}

/** The page is the one that is shown: BH of this function is not to be relied on, programs leave anything there. */
function writeTeletype(caller: Caller): undefined {
  const screen = screenOf(caller.context);
  const attribute = screen.mode.kind === 'text' ? undefined : caller.bl;
  teletype(caller.context, screen, screen.activePage, caller.al, attribute);
}

function getMode(caller: Caller): undefined {
  const { memory } = caller.context;
  caller.ah = memory.read(bda.VIDEO_COLUMNS, 2) & 0xff;
  caller.al = memory.read(bda.VIDEO_MODE, 1) | (memory.read(bda.VIDEO_CONTROL, 1) & 0x80);
  caller.bh = memory.read(bda.VIDEO_PAGE, 1);
}

export const videoServices: readonly Service[] = [
  row(0x00, 'set video mode', setVideoMode),
  row(0x01, 'set cursor shape', setCursorShape),
  row(0x02, 'set cursor position', setCursor),
  row(0x03, 'get cursor position and shape', getCursor),
  row(0x04, 'read light pen (there is none)', (caller) => {
    caller.ah = 0;
  }),
  row(0x05, 'select display page', setPage),
  row(0x06, 'scroll window up', (caller) => scrollWindow(caller, false)),
  row(0x07, 'scroll window down', (caller) => scrollWindow(caller, true)),
  row(0x08, 'read character and attribute', readCharacter),
  row(0x09, 'write character and attribute', (caller) => writeCharacter(caller, true)),
  row(0x0a, 'write character', (caller) => writeCharacter(caller, false)),
  row(0x0c, 'write pixel', writePixel),
  row(0x0d, 'read pixel', readPixel),
  row(0x0e, 'teletype output', writeTeletype),
  row(0x0f, 'get video mode', getMode),
  row(0x13, 'write string', () => 'poll'),
];
