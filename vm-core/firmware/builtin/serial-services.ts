/**
 * INT 14h: the serial ports, through the UART's registers (IBM PS/2 BIOS Interface Technical Reference, "Interrupt 14h").
 * Waiting for the line is done by real code of the ROM, so that time passes.
 */
import type { FirmwareHook } from '../firmware.ts';
import { bda } from './bios-data.ts';
import { Caller } from './caller.ts';
import type { Service, ServiceResult } from './service.ts';

const LINE_CONTROL = 3;
const MODEM_CONTROL = 4;
const LINE_STATUS = 5;
const MODEM_STATUS = 6;
const DIVISOR_ACCESS = 0x80;
const DATA_READY = 0x01;
const ERRORS = 0x1e;
const TRANSMITTER_READY = 0x20;
const TIMED_OUT = 0x80;
/** DTR and RTS. */
const READY_LINES = 3;

const DIVISOR_BASE = 115_200;
/** By bits 7–5 of AL. */
const BAUD_RATES = [110, 150, 300, 600, 1200, 2400, 4800, 9600];
const PORTS = 4;
/** A unit of the time-out is about a second: so many timer ticks, or so many times 65,536 looks at the line status. */
const TICKS_PER_UNIT = 18;
const LOOKS_PER_UNIT = 600;
const MASTER_MASK = 0x21;
const TIMER_MASK = 1;

const row = (ah: number, name: string, run: (caller: Caller, port: number) => ServiceResult): Service => ({
  interrupt: 0x14,
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
  return dx < PORTS ? memory.read(bda.COM_PORTS + dx * 2, 2) : 0;
}

function initialize(caller: Caller, port: number): undefined {
  const { ports } = caller.context;
  const divisor = Math.floor(DIVISOR_BASE / (BAUD_RATES[caller.al >> 5] as number));
  ports.write(port + LINE_CONTROL, 1, DIVISOR_ACCESS);
  ports.write(port, 1, divisor & 0xff);
  ports.write(port + 1, 1, divisor >> 8);
  ports.write(port + LINE_CONTROL, 1, caller.al & 0x1f);
  ports.write(port + 1, 1, 0);
  returnStatus(caller, port);
}

function returnStatus(caller: Caller, port: number): undefined {
  const { ports } = caller.context;
  caller.ah = ports.read(port + LINE_STATUS, 1);
  caller.al = ports.read(port + MODEM_STATUS, 1);
}

function send(caller: Caller, port: number): ServiceResult {
  const { ports } = caller.context;
  ports.write(port + MODEM_CONTROL, 1, READY_LINES);
  const status = ports.read(port + LINE_STATUS, 1);
  if ((status & TRANSMITTER_READY) === 0) return 'poll';
  ports.write(port, 1, caller.al);
  caller.ah = status & ~TIMED_OUT;
  return undefined;
}

function receive(caller: Caller, port: number): ServiceResult {
  const { ports } = caller.context;
  ports.write(port + MODEM_CONTROL, 1, READY_LINES);
  const status = ports.read(port + LINE_STATUS, 1);
  if ((status & DATA_READY) === 0) return 'poll';
  caller.ah = status & ERRORS;
  caller.al = ports.read(port, 1);
  return undefined;
}

export const serialServices: readonly Service[] = [
  row(0x00, 'initialize serial port', initialize),
  row(0x01, 'send character', send),
  row(0x02, 'receive character', receive),
  row(0x03, 'get serial port status', returnStatus),
];

/** Tells the ROM's loop what to wait for; it may sleep in between if the timer will wake it. */
export const serialPollHook: FirmwareHook = (context) => {
  const caller = new Caller(context);
  const port = portOf(caller);
  const units = context.memory.read(bda.COM_TIMEOUTS + (caller.dx % PORTS), 1);
  caller.ah = caller.ah === 1 ? TRANSMITTER_READY : DATA_READY;
  const sleeps = (context.ports.read(MASTER_MASK, 1) & TIMER_MASK) === 0;
  caller.bx = Math.min(Math.max(1, units) * (sleeps ? TICKS_PER_UNIT : LOOKS_PER_UNIT), 0xffff);
  caller.si = sleeps ? 1 : 0;
  caller.dx = port + LINE_STATUS;
  return undefined;
};

/** Nothing came: AH has the line status with bit 7 set. */
export const serialTimeoutHook: FirmwareHook = (context) => {
  const caller = new Caller(context);
  caller.ah = context.ports.read(portOf(caller) + LINE_STATUS, 1) | TIMED_OUT;
  return undefined;
};
