/**
 * `dap`: serves the Debug Adapter Protocol to other editors, on standard input and output or on a TCP port of this
 * computer. Every connection is a session of its own.
 */
import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { ProtocolServer } from '@vscode/debugadapter/lib/protocol.js';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createMachine } from '../../vm-core/index.ts';
import type { Host } from '../host.ts';
import { createSession, type Session } from '../session/session.ts';
import { createNodeHost } from './node-host.ts';
import type { Streams } from './run-command.ts';
import { type DapOptions, UsageError } from './run-options.ts';

/** Nobody else's computer may connect: a session can read every file of this user. */
const LISTEN_ADDRESS = '127.0.0.1';

/** Serves until the client disconnects or goes away, or, on a port, until the process is ended. Returns the exit status. */
export async function dapCommand({ port }: DapOptions, streams: Streams): Promise<number> {
  if (port === undefined) {
    await serveClient(streams.stdin, streams.stdout, streams.stderr);
    // A client may leave its end open; that must not keep the process.
    streams.stdin.destroy();
    return 0;
  }
  return serveOnPort(port, streams);
}

/** The protocol's framing is the library's; the session behind it speaks messages. */
class SessionServer extends ProtocolServer {
  readonly #session: Session;
  readonly #disconnected: () => void;

  /** `disconnected` is called once the client has its answer to `disconnect`. */
  constructor(host: Host, disconnected: () => void) {
    super();
    this.#disconnected = disconnected;
    this.#session = createSession({ host, createMachine, send: (message) => this.#forward(message) });
  }

  override dispose(): void {
    this.#session.dispose();
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    this.#session.receive(request);
  }

  /** The server numbers what it sends; a message that has a number already would be taken for one sent twice. */
  #forward(message: DebugProtocol.ProtocolMessage): void {
    const unnumbered = { ...message, seq: 0 };
    if (message.type !== 'response') {
      this.sendEvent(unnumbered as DebugProtocol.Event);
      return;
    }
    this.sendResponse(unnumbered as DebugProtocol.Response);
    if ((message as DebugProtocol.Response).command === 'disconnect') setImmediate(this.#disconnected);
  }
}

/** How every stream of this protocol begins. */
const HEADER = /^Content-/i;

/** One session on a pair of streams; settles when the client disconnects, closes its side or speaks something else. */
function serveClient(
  input: Readable,
  output: Writable | NodeJS.WritableStream,
  log: NodeJS.WritableStream,
): Promise<void> {
  return new Promise((settle) => {
    const leaving = new AbortController();
    const end = (): void => {
      leaving.abort();
      server.dispose();
      settle();
    };
    const server = new SessionServer(createNodeHost(leaving.signal), end);
    input.once('data', (bytes: Buffer) => {
      if (HEADER.test(bytes.toString('latin1', 0, HEADER.source.length))) return;
      log.write('x86vm: the client does not speak the Debug Adapter Protocol (no Content-Length)\n');
      input.destroy();
    });
    server.on('error', ({ body }: DebugProtocol.Event) => log.write(`x86vm: ${body}\n`));
    server.start(input, output as NodeJS.WritableStream);
    input.once('end', end).once('close', end);
    output.once('close', end);
  });
}

function serveOnPort(port: number, { stdout, stderr }: Streams): Promise<number> {
  return new Promise((settle, reject) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      void serveClient(socket, socket, stderr).then(() => socket.destroySoon());
    });
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.code ?? error.message})`;
      reject(new UsageError(`--port: ${port} ${reason}`));
    });
    server.listen(port, LISTEN_ADDRESS, () => {
      const address = server.address();
      const actual = typeof address === 'object' && address !== null ? address.port : port;
      stdout.write(`x86vm: serving the Debug Adapter Protocol on ${LISTEN_ADDRESS}:${actual}\n`);
    });
    const stop = (): void => {
      server.close();
      for (const socket of sockets) socket.destroy();
      settle(0);
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
  });
}
