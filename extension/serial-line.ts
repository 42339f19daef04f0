/**
 * A terminal's end of a serial port without the terminal: bytes and text, what is told in between, and the pace at which
 * output is acknowledged, so that a guest that never stops talking cannot flood the window.
 */
import { INPUT_MAX, type SerialPort, type SerialRequest, type SerialUpdate } from '../debug-adapter/protocol/serial.ts';

/** What a line needs of a session. */
export interface SerialSession {
  readonly alive: boolean;
  onSerialUpdate(listener: (update: SerialUpdate) => void): { dispose(): void };
  requestSerial(request: SerialRequest): void;
}

/** What a line says of itself; each is shown in place, on a line of its own. */
export interface SerialRemarks {
  readonly restarted: string;
  readonly ended: (detail: string) => string;
  readonly outputLost: (count: number) => string;
  readonly inputLost: (count: number) => string;
}

export interface SerialLineOptions {
  readonly port: SerialPort;
  readonly remarks: SerialRemarks;
  /** Shows text. */
  readonly write: (text: string) => void;
  /** Runs a callback when the window has had time to show what was written. */
  readonly afterShown: (callback: () => void) => void;
}

/** Italic, and back (ECMA-48 §8.3.117): no colour, which a theme of high contrast could not keep apart. */
const [ITALIC, PLAIN] = ['\x1b[3m', '\x1b[0m'];

export class SerialLine {
  private readonly options: SerialLineOptions;
  private session: SerialSession | undefined;
  private subscription: { dispose(): void } | undefined;
  private decoder = new TextDecoder();
  private ended = false;

  constructor(options: SerialLineOptions) {
    this.options = options;
  }

  /** Whether a machine is at the other end. */
  get connected(): boolean {
    return this.session?.alive === true && !this.ended;
  }

  connects(session: SerialSession): boolean {
    return this.session === session;
  }

  /** Connects to a session's port, instead of to what was there before. */
  attach(session: SerialSession): void {
    const again = this.session !== undefined;
    this.detach();
    this.session = session;
    this.ended = false;
    this.decoder = new TextDecoder();
    if (again) this.remark(this.options.remarks.restarted);
    this.subscription = session.onSerialUpdate((update) => this.receive(session, update));
    session.requestSerial({ type: 'open', port: this.options.port });
  }

  detach(): void {
    this.subscription?.dispose();
    this.subscription = undefined;
    this.session?.requestSerial({ type: 'close', port: this.options.port });
    this.session = undefined;
  }

  /** What the user types or pastes, as UTF-8. */
  type(text: string): void {
    if (!this.connected) return;
    const bytes = new TextEncoder().encode(text);
    for (let start = 0; start < bytes.length; start += INPUT_MAX) {
      const part = bytes.slice(start, start + INPUT_MAX);
      this.session?.requestSerial({ type: 'input', port: this.options.port, bytes: part });
    }
  }

  private receive(session: SerialSession, update: SerialUpdate): void {
    const { port, remarks, write, afterShown } = this.options;
    if ('port' in update && update.port !== port) return;
    switch (update.type) {
      case 'output': {
        const count = update.bytes.byteLength;
        write(this.decoder.decode(new Uint8Array(update.bytes), { stream: true }));
        afterShown(() => session.requestSerial({ type: 'shown', port, count }));
        return;
      }
      case 'output-lost':
        this.remark(remarks.outputLost(update.count));
        return;
      case 'input-lost':
        this.remark(remarks.inputLost(update.count));
        return;
      case 'restarted':
        this.ended = false;
        this.decoder = new TextDecoder();
        this.remark(remarks.restarted);
        return;
      case 'ended':
        if (!this.ended) this.remark(remarks.ended(update.detail));
        this.ended = true;
    }
  }

  private remark(text: string): void {
    this.options.write(`\r\n${ITALIC}[${text}]${PLAIN}\r\n`);
  }
}
