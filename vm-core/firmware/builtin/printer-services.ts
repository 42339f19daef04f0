/**
 * INT 17h, the printers at the parallel ports, and INT 05h, which prints the screen (IBM PS/2 BIOS Interface Technical
 * Reference, "Interrupt 17h", "Interrupt 05h"). Waiting for the printer is done by real code of the ROM.
 */
import type { FirmwareContext, FirmwareHook } from '../firmware.ts';
import { bda } from './bios-data.ts';
import { Caller } from './caller.ts';
import * as op from './rom-builder.ts';
import type { RomBuilder } from './rom-builder.ts';
import { goTo, type Service, type ServiceResult } from './service.ts';
import { readCell } from './video/characters.ts';
import { screenOf } from './video/screen.ts';

const STATUS_PORT = 1;
const CONTROL_PORT = 2;
const CONTROL_STROBE = 0x01;
/** Not initialize, selected. */
const CONTROL_IDLE = 0x0c;
const CONTROL_RESET = 0x08;
const NOT_BUSY = 0x80;
/** Of AH: acknowledge and error are the other way round than at the port; bits 1 and 2 mean nothing. */
const INVERTED = 0x48;
const STATUS_BITS = 0xf8;
const TIMED_OUT = 0x01;
/** What tells the screen's printing to give up: out of paper, error, time-out. */
const FAILED = 0x29;
const PORTS = 3;

const row = (ah: number, name: string, run: (caller: Caller, port: number) => ServiceResult): Service => ({
  interrupt: 0x17,
  function: { ah },
  name,
  run: (caller) => {
    const port = portOf(caller);
    if (port !== 0) return run(caller, port);
    caller.ah = TIMED_OUT;
    return undefined;
  },
});

/** The port's base, or 0 where the BIOS data area has none. */
function portOf({ memory, dx }: Caller): number {
  return dx < PORTS ? memory.read(bda.LPT_PORTS + dx * 2, 2) : 0;
}

const statusOf = ({ ports }: FirmwareContext, port: number): number =>
  (ports.read(port + STATUS_PORT, 1) ^ INVERTED) & STATUS_BITS;

function returnStatus(caller: Caller, port: number): undefined {
  caller.ah = statusOf(caller.context, port);
}

function initialize(caller: Caller, port: number): undefined {
  const { ports } = caller.context;
  ports.write(port + CONTROL_PORT, 1, CONTROL_RESET);
  ports.write(port + CONTROL_PORT, 1, CONTROL_IDLE);
  return returnStatus(caller, port);
}

export const printerServices: readonly Service[] = [
  row(0x00, 'print character', () => 'poll'),
  row(0x01, 'initialize printer', initialize),
  row(0x02, 'get printer status', returnStatus),
];

/** Offsets of the places that hooks are attached to or go on at. */
export interface PrinterLabels {
  /** Chooses the status port to watch; the other prints, or tells that the printer stayed busy. */
  readonly printerPollHook: number;
  readonly printerHook: number;
  readonly printScreen: number;
  readonly printScreenHook: number;
  readonly printScreenError: number;
  readonly printScreenLeave: number;
}

/**
 * INT 17h, 00h looks at the status port until the printer is ready or has been asked 65,536 times. INT 05h prints character
 * by character through INT 17h; CX counts them.
 */
export function emitPrinter(rom: RomBuilder, printScreen: number): PrinterLabels & { readonly poll: number } {
  const poll = rom.position;
  rom.emit(op.PUSH_AX, op.PUSH_CX, op.PUSH_DX, op.STI, 0x31, 0xc9); // XOR CX,CX
  const printerPollHook = rom.position;
  rom.emit(op.NOP);
  const look = rom.position;
  rom.emit(0xec, 0x84, 0xc0).short(0x78, rom.position + 4); // IN AL,DX; TEST AL,AL; JS over the LOOP
  rom.short(0xe2, look);
  rom.emit(op.POP_DX, op.POP_CX, op.POP_AX);
  const printerHook = rom.position;
  rom.emit(op.NOP, op.IRET);

  const code = rom.position;
  rom.emit(op.PUSH_AX, op.PUSH_CX, op.PUSH_DX, op.STI, 0x31, 0xc9); // XOR CX,CX
  const printScreenHook = rom.position;
  rom.emit(op.NOP).int(0x17).emit(0xf6, 0xc4, FAILED, 0x75, 0x03, 0x41).short(0xeb, printScreenHook);
  const printScreenError = rom.position;
  rom.emit(op.NOP);
  const printScreenLeave = rom.position;
  rom.emit(op.POP_DX, op.POP_CX, op.POP_AX, op.IRET);
  rom.at(printScreen).emit(op.NOP).jump(code);
  return { poll, printerPollHook, printerHook, printScreen, printScreenHook, printScreenError, printScreenLeave };
}

/** The hooks with their places; `returnAt` is an IRET. */
export function printerHooks(labels: PrinterLabels, returnAt: number): readonly (readonly [number, FirmwareHook])[] {
  return [
    [labels.printerPollHook, printerPollHook],
    [labels.printerHook, printerHook],
    [labels.printScreen, printScreenStartHook(labels, returnAt)],
    [labels.printScreenHook, printScreenHook(labels)],
    [labels.printScreenError, printScreenErrorHook],
  ];
}

const printerPollHook: FirmwareHook = (context) => {
  const caller = new Caller(context);
  caller.dx = portOf(caller) + STATUS_PORT;
  return undefined;
};

const printerHook: FirmwareHook = (context) => {
  const caller = new Caller(context);
  const port = portOf(caller);
  const { ports } = context;
  if ((ports.read(port + STATUS_PORT, 1) & NOT_BUSY) === 0) {
    caller.ah = statusOf(context, port) | TIMED_OUT;
    return undefined;
  }
  ports.write(port, 1, caller.al);
  ports.write(port + CONTROL_PORT, 1, CONTROL_IDLE | CONTROL_STROBE);
  ports.write(port + CONTROL_PORT, 1, CONTROL_IDLE);
  // The printer is busy with the character now; what counts is that it took it.
  caller.ah = statusOf(context, port) | NOT_BUSY;
  return undefined;
};

const PRINTING = 0x01;
const PRINT_FAILED = 0xff;

/** One at a time. */
function printScreenStartHook(labels: PrinterLabels, returnAt: number): FirmwareHook {
  return (context) => {
    const { memory } = context;
    if (memory.read(bda.PRINT_SCREEN_STATUS, 1) === PRINTING) {
      goTo(new Caller(context), labels.printScreen, returnAt);
      return undefined;
    }
    context.logOnce('BIOS: INT 05h (print screen, or BOUND out of its range) prints the screen');
    memory.write(bda.PRINT_SCREEN_STATUS, 1, PRINTING);
    return undefined;
  };
}

const LINE_END = [0x0d, 0x0a];
const SPACE = 0x20;

/** The character in place CX: a line's end first, then the rows with one behind each. */
function characterAt(context: FirmwareContext, place: number): number | undefined {
  if (place < LINE_END.length) return LINE_END[place];
  const screen = screenOf(context);
  const perRow = screen.columns + LINE_END.length;
  const row = Math.floor((place - LINE_END.length) / perRow);
  const column = (place - LINE_END.length) % perRow;
  if (row >= screen.rows) return undefined;
  if (column >= screen.columns) return LINE_END[column - screen.columns];
  return readCell(context, screen, screen.activePage, row, column).character || SPACE;
}

function printScreenHook(labels: PrinterLabels): FirmwareHook {
  return (context) => {
    const caller = new Caller(context);
    const character = characterAt(context, caller.cx);
    if (character === undefined) {
      context.memory.write(bda.PRINT_SCREEN_STATUS, 1, 0);
      goTo(caller, labels.printScreenHook, labels.printScreenLeave);
      return undefined;
    }
    caller.ax = character;
    caller.dx = 0;
    return undefined;
  };
}

const printScreenErrorHook: FirmwareHook = (context) => {
  context.memory.write(bda.PRINT_SCREEN_STATUS, 1, PRINT_FAILED);
  return undefined;
};
