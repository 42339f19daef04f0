/** A small client of `x86vm dap`: requests and events over the standard streams of a process. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { repositoryRoot } from '../run-command.ts';

const COMMAND_LINE = join(repositoryRoot, 'dist', 'cli.js');
const HEADER_END = '\r\n\r\n';
/** No session of the bench is meant to take this long. */
const SESSION_TIME_MAX_MS = 60_000;

export type LaunchAttributes = Readonly<Record<string, unknown>>;

export class DapConnection {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #timer: NodeJS.Timeout;
  readonly #responses = new Map<number, (response: DebugProtocol.Response) => void>();
  readonly #listeners = new Set<(event: DebugProtocol.Event) => void>();
  /** Rejects when the process has ended; nobody else has to wait for what will not come. */
  readonly #end: Promise<never>;
  #received: Buffer = Buffer.alloc(0);
  #sequence = 0;

  constructor() {
    this.#child = spawn(process.execPath, [COMMAND_LINE, 'dap'], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.on('data', (bytes: Buffer) => this.#take(bytes));
    this.#child.stdin.on('error', () => {});
    this.#end = new Promise((_, reject) => {
      this.#child.once('exit', () => reject(new Error('the session has ended')));
    });
    this.#end.catch(() => {});
    this.#timer = setTimeout(() => this.#child.kill('SIGKILL'), SESSION_TIME_MAX_MS);
  }

  /** Sends a request; settles with the body of its response and rejects if that is no success. */
  request(command: string, given: object = {}): Promise<unknown> {
    const seq = ++this.#sequence;
    const text = JSON.stringify({ seq, type: 'request', command, arguments: given });
    this.#child.stdin.write(`Content-Length: ${Buffer.byteLength(text)}${HEADER_END}${text}`);
    const answered = new Promise((settle, reject) => {
      this.#responses.set(seq, ({ success, message, body }) =>
        success ? settle(body) : reject(new Error(`${command}: ${message}`)),
      );
    });
    return this.#untilEnd(answered);
  }

  /** Settles with the next event of which the test holds. */
  event(test: (event: DebugProtocol.Event) => boolean): Promise<DebugProtocol.Event> {
    const met = new Promise<DebugProtocol.Event>((settle) => {
      const listener = (event: DebugProtocol.Event): void => {
        if (!test(event)) return;
        this.#listeners.delete(listener);
        settle(event);
      };
      this.#listeners.add(listener);
    });
    return this.#untilEnd(met);
  }

  /** Rejects when the session ends before; nobody has to be waiting by then. */
  #untilEnd<Result>(settled: Promise<Result>): Promise<Result> {
    const either = Promise.race([settled, this.#end]);
    either.catch(() => {});
    return either;
  }

  /** Launches and waits for the stop at the first instruction of the boot sector. */
  async launch(attributes: LaunchAttributes): Promise<void> {
    const stopped = this.event(isStop);
    const initialized = this.event(({ event }) => event === 'initialized');
    await this.request('initialize', { adapterID: 'x86vm', linesStartAt1: true });
    const launched = this.request('launch', { stopOnEntry: true, ...attributes });
    await initialized;
    await this.request('configurationDone');
    await Promise.all([launched, stopped]);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#child.kill();
  }

  #take(bytes: Buffer): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const headerEnd = this.#received.indexOf(HEADER_END);
      if (headerEnd < 0) return;
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.toString('latin1', 0, headerEnd))?.[1]);
      const start = headerEnd + HEADER_END.length;
      if (this.#received.length < start + length) return;
      const text = this.#received.toString('utf8', start, start + length);
      this.#received = this.#received.subarray(start + length);
      this.#dispatch(JSON.parse(text) as DebugProtocol.ProtocolMessage);
    }
  }

  #dispatch(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'event') {
      for (const listener of [...this.#listeners]) listener(message as DebugProtocol.Event);
      return;
    }
    const response = message as DebugProtocol.Response;
    this.#responses.get(response.request_seq)?.(response);
    this.#responses.delete(response.request_seq);
  }
}

/** The machine has stopped. */
export function isStop({ event }: DebugProtocol.Event): boolean {
  return event === 'stopped';
}

/** The guest's serial port has sent a letter. */
export function hasSent(letter: string): (event: DebugProtocol.Event) => boolean {
  return ({ event, body }) => event === 'output' && String(body.output).trim() === letter;
}
