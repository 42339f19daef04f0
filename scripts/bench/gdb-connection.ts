/** A small client of the GDB remote serial protocol (GDB manual, appendix E), enough to run, stop and step a stub. */
import type { ChildProcess } from 'node:child_process';
import { connect, type Socket } from 'node:net';

const RETRY_MS = 5;
const ACKNOWLEDGE = '+';

export class GdbConnection {
  readonly #socket: Socket;
  #received = '';
  #waiting: ((reply: string) => void) | undefined;
  /** Rejects when the stub is gone: a reply that somebody waits for will not come. */
  readonly #end: Promise<never>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (bytes: Buffer) => this.#take(bytes.toString('latin1')));
    socket.on('error', () => {});
    this.#end = new Promise((_, reject) => {
      socket.once('close', () => reject(new Error('the stub has closed its connection')));
    });
    this.#end.catch(() => {});
  }

  /** Connects as soon as the stub listens. Rejects when its process ends before that. */
  static async open(path: string, process: ChildProcess): Promise<GdbConnection> {
    while (process.exitCode === null && process.signalCode === null) {
      const socket = await tryToConnect(path);
      if (socket) {
        const connection = new GdbConnection(socket);
        await connection.request('?');
        return connection;
      }
      await new Promise((settle) => setTimeout(settle, RETRY_MS));
    }
    throw new Error(`no stub at ${path}`);
  }

  /** Sends a packet and settles with the reply; for `c` and `s` that is the stop. */
  request(packet: string): Promise<string> {
    const replied = new Promise<string>((settle) => {
      this.#waiting = settle;
      this.#send(packet);
    });
    return Promise.race([replied, this.#end]);
  }

  /** Sends a packet whose reply nobody waits for. */
  post(packet: string): void {
    this.#waiting = undefined;
    this.#send(packet);
  }

  close(): void {
    this.#socket.destroy();
  }

  #send(packet: string): void {
    const sum = [...packet].reduce((total, character) => total + character.charCodeAt(0), 0) & 0xff;
    this.#socket.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`);
  }

  #take(text: string): void {
    this.#received += text;
    for (;;) {
      const packet = /\$([^#]*)#../.exec(this.#received);
      if (!packet) return;
      this.#received = this.#received.slice(packet.index + packet[0].length);
      this.#socket.write(ACKNOWLEDGE);
      const waiting = this.#waiting;
      this.#waiting = undefined;
      waiting?.(packet[1] ?? '');
    }
  }
}

function tryToConnect(path: string): Promise<Socket | undefined> {
  return new Promise((settle) => {
    const socket = connect(path);
    socket.once('connect', () => settle(socket));
    socket.once('error', () => settle(undefined));
  });
}
