/**
 * `dap`: serves the Debug Adapter Protocol to other editors, on standard input and output or on a TCP port of this
 * computer. Every connection is a session of its own.
 */
import { createServer, type Socket } from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { createMachine } from '../../vm-core/index.ts';
import { createSession } from '../session/session.ts';
import { encodeMessage, MessageDecoder } from './dap-framing.ts';
import { createNodeHost } from './node-host.ts';
import type { Streams } from './run-command.ts';
import { type DapOptions, UsageError } from './run-options.ts';

/** Nobody else's computer may connect: a session can read every file of this user. */
const LISTEN_ADDRESS = '127.0.0.1';

/** Serves until the client goes away, or, on a port, until the process is ended. Returns the exit status. */
export async function dapCommand({ port }: DapOptions, streams: Streams): Promise<number> {
  if (port === undefined) {
    await serveClient(streams.stdin, streams.stdout, streams.stderr);
    return 0;
  }
  return serveOnPort(port, streams);
}

/** One session on a pair of streams; settles when the client closes its side or breaks the protocol. */
function serveClient(
  input: Readable,
  output: Writable | NodeJS.WritableStream,
  log: NodeJS.WritableStream,
): Promise<void> {
  return new Promise((settle) => {
    let open = true;
    const session = createSession({
      host: createNodeHost(),
      createMachine,
      send: (message) => {
        if (open) output.write(encodeMessage(message));
      },
    });
    const end = (): void => {
      if (!open) return;
      open = false;
      session.dispose();
      settle();
    };
    const decoder = new MessageDecoder();
    input.on('data', (bytes: Buffer) => {
      if (!open) return;
      try {
        for (const message of decoder.decode(bytes)) session.receive(message);
      } catch (error) {
        log.write(`x86vm: ${(error as Error).message}\n`);
        input.destroy();
        end();
      }
    });
    input.once('end', end).once('close', end).once('error', end);
    output.once('error', end).once('close', end);
  });
}

function serveOnPort(port: number, { stdout, stderr }: Streams): Promise<number> {
  return new Promise((settle, reject) => {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      socket.setNoDelay(true);
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
      void serveClient(socket, socket, stderr).then(() => socket.end());
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
