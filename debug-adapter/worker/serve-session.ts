/** A session behind a message port: unwraps what comes, wraps what goes, and forwards the host's calls. */
import { translateBy } from '../protocol/localized.ts';
import type { MemoryUpdate } from '../protocol/memory.ts';
import type { FromWorker, HostCall, ToWorker } from '../protocol/worker.ts';
import type { AssemblerResult, Host } from '../host.ts';
import type { CreateMachine } from '../session/boot-guest.ts';
import { createSession, type Session } from '../session/session.ts';
import type { Clock, Port } from './surroundings.ts';

/** Listens on a port and makes the session when it is told to start. */
export function serveSession(port: Port, clock: Clock, createMachine: CreateMachine): void {
  const calls = new HostCalls(port);
  let session: Session | undefined;
  port.listen((message) => {
    switch (message.channel) {
      case 'start':
        if (message.texts) translateBy(message.texts);
        session ??= startSession(port, makeHost(message, clock, calls), createMachine);
        return;
      case 'dap':
        session?.receive(message.message);
        return;
      case 'screen':
        session?.receiveScreen(message.message);
        return;
      case 'memory':
        session?.receiveMemory(message.view, message.message);
        return;
      case 'devices':
        session?.receiveDevices(message.message);
        return;
      case 'serial':
        session?.receiveSerial(message.message);
        return;
      case 'page-tables':
        session?.receivePageTables(message.message);
        return;
      case 'branches':
        session?.receiveBranches(message.message);
        return;
      case 'compiled-code':
        session?.receiveCompiledCode(message.message);
        return;
      case 'host-reply':
        calls.reply(message);
    }
  });
}

function startSession(port: Port, host: Host, createMachine: CreateMachine): Session {
  return createSession({
    host,
    createMachine,
    send: (message) => port.post({ channel: 'dap', message }, []),
    sendScreen: (message) =>
      port.post({ channel: 'screen', message }, message.type === 'frame' ? [message.pixels] : []),
    sendMemory: (view, message) => port.post({ channel: 'memory', view, message }, buffersOf(message)),
    sendDevices: (message) => port.post({ channel: 'devices', message }, []),
    sendPageTables: (message) =>
      port.post({ channel: 'page-tables', message }, message.type === 'ranges' ? [message.ranges] : []),
    sendBranches: (message) => port.post({ channel: 'branches', message }, []),
    sendCompiledCode: (message) => port.post({ channel: 'compiled-code', message }, []),
    sendSerial: (message) =>
      port.post({ channel: 'serial', message }, message.type === 'output' ? [message.bytes] : []),
  });
}

/** What is handed over instead of copied. */
function buffersOf(update: MemoryUpdate): readonly ArrayBuffer[] {
  if (update.type !== 'block') return [];
  return [update.bytes, update.marks, ...(update.kept ? [update.kept] : [])];
}

function makeHost(start: Extract<ToWorker, { channel: 'start' }>, clock: Clock, calls: HostCalls): Host {
  const startedMs = clock.now();
  return {
    kind: start.hostKind,
    fileSize: (path) => calls.call({ method: 'fileSize', path }) as Promise<number>,
    readFile: (path, offset, length) => calls.call({ method: 'readFile', path, offset, length }) as Promise<Uint8Array>,
    assemble: (source) => calls.call({ method: 'assemble', source }) as Promise<AssemblerResult>,
    now: () => clock.now(),
    localTimeMs: () => start.localTimeMs + (clock.now() - startedMs),
    defer: (callback, delayMs) => clock.defer(callback, delayMs),
  };
}

/** Calls that leave the worker, until their reply comes. */
class HostCalls {
  readonly #port: Port;
  readonly #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #nextId = 1;

  constructor(port: Port) {
    this.#port = port;
  }

  call(call: HostCall): Promise<unknown> {
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject });
      const message: FromWorker = { channel: 'host', id, call };
      this.#port.post(message, []);
    });
  }

  reply({ id, value, error }: Extract<ToWorker, { channel: 'host-reply' }>): void {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (error === undefined) open?.resolve(value);
    else open?.reject(new Error(error));
  }
}
