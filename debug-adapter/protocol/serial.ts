/** Messages between the session and a terminal on a serial port of the machine (the second channel of DESIGN §1). */

/** The serial ports that a terminal can be connected to, by the names of their devices in the machine's map. */
export type SerialPort = 'uart-1' | 'uart-2';

/** Bytes on the way to a terminal that it has not acknowledged, at most; what comes meanwhile waits in the session. */
export const IN_FLIGHT_MAX: number = 64 * 1024;
/** Bytes that a terminal may send in one message. */
export const INPUT_MAX: number = 64 * 1024;

/** From the session. Buffers are transferred, not copied. */
export type SerialUpdate =
  /** What the guest sent; the first is what it sent before the terminal was there. */
  | { readonly type: 'output'; readonly port: SerialPort; readonly bytes: ArrayBuffer }
  /** The terminal does not keep up with the guest: so many bytes were left out here. */
  | { readonly type: 'output-lost'; readonly port: SerialPort; readonly count: number }
  /** The guest does not read its port: so many bytes of the terminal were not taken. */
  | { readonly type: 'input-lost'; readonly port: SerialPort; readonly count: number }
  /** Another machine is at the port from now on: the session was restarted. */
  | { readonly type: 'restarted' }
  /** The machine is gone; nothing more will come. */
  | { readonly type: 'ended'; readonly detail: string };

/** From a terminal. */
export type SerialRequest =
  /** Send what this port says from now on, after the last of what it said before. */
  | { readonly type: 'open'; readonly port: SerialPort }
  | { readonly type: 'close'; readonly port: SerialPort }
  | { readonly type: 'input'; readonly port: SerialPort; readonly bytes: Uint8Array }
  /** So many bytes of `output` were shown. */
  | { readonly type: 'shown'; readonly port: SerialPort; readonly count: number };
