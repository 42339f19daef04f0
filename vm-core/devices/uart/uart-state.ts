/** The 16550A's state and what its status registers say about it (data sheet PC16550D, §8). */

import type { DeviceDescription } from '../device.ts';

export type UartState = {
  ier: number;
  /** FCR: the bits that stay, 0 and 6–7. */
  fcr: number;
  lcr: number;
  mcr: number;
  scratch: number;
  divisor: number;
  /** The receiver's FIFO: characters with their LSR error bits in bits 8–15. */
  received: number[];
  /** What the receiver buffer holds when the FIFO is empty. */
  lastRead: number;
  overrun: boolean;
  /** Characters wait below the trigger level, and four character times passed. */
  timedOut: boolean;
  /** Bytes in the transmitter's FIFO, and the one on the line or -1; bit 8 marks loopback. */
  sending: number[];
  shifting: number;
  /** The transmitter became empty, and neither IIR nor a write has answered. */
  threPending: boolean;
  /** MSR bits 0–3. */
  modemChanges: number;
  /** Bytes of the host that are not on the line yet. */
  incoming: number[];
};

export const POWER_ON_UART: UartState = {
  ier: 0,
  fcr: 0,
  lcr: 0,
  mcr: 0,
  scratch: 0,
  divisor: 1,
  received: [],
  lastRead: 0,
  overrun: false,
  timedOut: false,
  sending: [],
  shifting: -1,
  threPending: false,
  modemChanges: 0,
  incoming: [],
};

export const IER_RECEIVED = 0x01;
export const IER_THRE = 0x02;
export const IER_LINE_STATUS = 0x04;
export const IER_MODEM_STATUS = 0x08;
export const IER_WRITABLE = 0x0f;
export const FCR_ENABLE = 0x01;
export const LCR_BREAK = 0x40;
export const LCR_DLAB = 0x80;
export const MCR_OUT2 = 0x08;
export const MCR_LOOPBACK = 0x10;
export const MCR_WRITABLE = 0x1f;
export const LSR_DR = 0x01;
export const LSR_OE = 0x02;
export const LSR_BI = 0x10;
export const LSR_THRE = 0x20;
export const LSR_TEMT = 0x40;
export const LSR_FIFO_ERROR = 0x80;
const LSR_ERRORS = 0x1e;

export const IIR_NONE = 0x01;
export const IIR_MODEM_STATUS = 0x00;
export const IIR_THRE = 0x02;
export const IIR_RECEIVED = 0x04;
export const IIR_TIMEOUT = 0x0c;
export const IIR_LINE_STATUS = 0x06;
const IIR_FIFOS = 0xc0;

const FIFO_SIZE = 16;
const triggerLevels = [1, 4, 8, 14] as const;

const isFifo = (state: UartState): boolean => (state.fcr & FCR_ENABLE) !== 0;

/** Characters that the receiver holds, and bytes that the transmitter takes. */
export function capacityOf(state: UartState): number {
  return isFifo(state) ? FIFO_SIZE : 1;
}

export function triggerLevel(state: UartState): number {
  return isFifo(state) ? (triggerLevels[state.fcr >> 6] as number) : 1;
}

export function isLoopback(state: UartState): boolean {
  return (state.mcr & MCR_LOOPBACK) !== 0;
}

export function lineStatus(state: UartState): number {
  const { received, sending, shifting } = state;
  const errors = (received[0] ?? 0) >> 8;
  return (
    errors |
    (received.length > 0 ? LSR_DR : 0) |
    (state.overrun ? LSR_OE : 0) |
    (sending.length === 0 ? LSR_THRE : 0) |
    (sending.length === 0 && shifting < 0 ? LSR_TEMT : 0) |
    (isFifo(state) && received.some((character) => character > 0xff) ? LSR_FIFO_ERROR : 0)
  );
}

/** MSR bits 4–7: CTS, DSR, RI, DCD. The terminal is ready; in loopback they are the port's own outputs. */
export function modemLines(state: UartState): number {
  if (!isLoopback(state)) return 0xb0;
  const dtr = state.mcr & 0x01;
  const rts = (state.mcr & 0x02) >> 1;
  return (rts << 4) | (dtr << 5) | ((state.mcr & 0x0c) << 4);
}

export function modemStatus(state: UartState): number {
  return modemLines(state) | state.modemChanges;
}

/** IIR: the pending interrupt of the highest priority. */
export function interruptIdentification(state: UartState): number {
  return pendingInterrupt(state) | (isFifo(state) ? IIR_FIFOS : 0);
}

function pendingInterrupt(state: UartState): number {
  const { ier } = state;
  if ((ier & IER_LINE_STATUS) !== 0 && (lineStatus(state) & LSR_ERRORS) !== 0) return IIR_LINE_STATUS;
  if ((ier & IER_RECEIVED) !== 0 && state.received.length >= triggerLevel(state)) return IIR_RECEIVED;
  if ((ier & IER_RECEIVED) !== 0 && state.timedOut) return IIR_TIMEOUT;
  if ((ier & IER_THRE) !== 0 && state.threPending) return IIR_THRE;
  if ((ier & IER_MODEM_STATUS) !== 0 && state.modemChanges !== 0) return IIR_MODEM_STATUS;
  return IIR_NONE;
}

/** The PC's interrupt line: behind a driver that OUT2 opens. */
export function isRequesting(state: UartState): boolean {
  if ((state.mcr & MCR_OUT2) === 0 || isLoopback(state)) return false;
  return pendingInterrupt(state) !== IIR_NONE;
}

export const uartDescription: DeviceDescription<UartState> = {
  name: 'uart',
  title: 'Serial port',
  specification: 'National Semiconductor PC16550D data sheet',
  version: 1,
  registers: [
    {
      name: 'RBR',
      region: 'registers',
      offset: 0,
      width: 8,
      reset: 0,
      writable: 0,
      description: 'next received byte',
      value: (s) => (s.received[0] ?? s.lastRead) & 0xff,
    },
    {
      name: 'IER',
      region: 'registers',
      offset: 1,
      width: 8,
      reset: 0,
      writable: IER_WRITABLE,
      description: 'bit 0 received data, 1 transmitter empty, 2 line status, 3 modem status',
      value: (s) => s.ier,
    },
    {
      name: 'IIR',
      region: 'registers',
      offset: 2,
      width: 8,
      reset: 1,
      writable: 0,
      description: 'bit 0 none pending, 1–3 source, 6–7 FIFOs on',
      value: interruptIdentification,
    },
    {
      name: 'FCR',
      region: 'registers',
      offset: 2,
      width: 8,
      reset: 0,
      writable: 0xc1,
      description: 'bit 0 FIFOs on, 6–7 receiver trigger',
      value: (s) => s.fcr,
    },
    {
      name: 'LCR',
      region: 'registers',
      offset: 3,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'bits 0–1 word length, 2 stop bits, 3–5 parity, 6 break, 7 divisor latch',
      value: (s) => s.lcr,
    },
    {
      name: 'MCR',
      region: 'registers',
      offset: 4,
      width: 8,
      reset: 0,
      writable: MCR_WRITABLE,
      description: 'bit 0 DTR, 1 RTS, 2 OUT1, 3 OUT2 (interrupts on), 4 loopback',
      value: (s) => s.mcr,
    },
    {
      name: 'LSR',
      region: 'registers',
      offset: 5,
      width: 8,
      reset: 0x60,
      writable: 0,
      description: 'bit 0 data, 1 overrun, 2–4 errors and break, 5–6 transmitter empty',
      value: lineStatus,
    },
    {
      name: 'MSR',
      region: 'registers',
      offset: 6,
      width: 8,
      reset: 0xb0,
      writable: 0,
      description: 'bits 0–3 changes, 4 CTS, 5 DSR, 6 RI, 7 DCD',
      value: modemStatus,
    },
    {
      name: 'SCR',
      region: 'registers',
      offset: 7,
      width: 8,
      reset: 0,
      writable: 0xff,
      description: 'scratch',
      value: (s) => s.scratch,
    },
    {
      name: 'DL',
      width: 16,
      reset: 1,
      writable: 0xffff,
      description: 'divisor latch: 115,200 bits per second divided by it',
      value: (s) => s.divisor,
    },
  ],
};
