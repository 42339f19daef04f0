/**
 * A debug session: messages in, messages out, whatever carries them. Requests are answered in the order in which they
 * come, each by its handler of requests/; between two slices of the run loop the machine is at rest, so no handler needs
 * a lock.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Host } from '../host.ts';
import type { BranchesRequest, BranchesUpdate } from '../protocol/branches.ts';
import type { CompiledCodeRequest, CompiledCodeUpdate } from '../protocol/compiled-code.ts';
import type { DevicesRequest, DevicesUpdate } from '../protocol/devices.ts';
import type { MemoryRequest, MemoryUpdate } from '../protocol/memory.ts';
import type { PageTablesRequest, PageTablesUpdate } from '../protocol/page-tables.ts';
import type { ScreenRequest, ScreenUpdate } from '../protocol/screen.ts';
import type { SerialRequest, SerialUpdate } from '../protocol/serial.ts';
import { BranchFeed } from './branch-feed.ts';
import { CompiledFeed } from './compiled-feed.ts';
import type { CreateMachine } from './boot-guest.ts';
import { Debuggee } from './debuggee.ts';
import { DeviceView } from './device-view.ts';
import { MemoryFeed } from './memory-feed.ts';
import { PageTableFeed } from './page-table-feed.ts';
import { mouseMessage } from './mouse-channel.ts';
import { handlers, isCommand, unsupportedRequests } from './requests/index.ts';
import { readArguments } from './requests/read-arguments.ts';
import type { RequestHandler } from './requests/request-handler.ts';
import { ScreenFeed } from './screen-feed.ts';
import { SerialFeed } from './serial-feed.ts';
import { SoundFeed } from './sound-feed.ts';
import { errorIds, UserError } from './user-error.ts';

export interface SessionOptions {
  readonly host: Host;
  /** Sends a response or an event to the client. */
  readonly send: (message: DebugProtocol.ProtocolMessage) => void;
  /** Sends to the screen view; without it nothing is drawn. */
  readonly sendScreen?: (update: ScreenUpdate) => void;
  /** Sends to the memory view of that number. */
  readonly sendMemory?: (view: number, update: MemoryUpdate) => void;
  /** Sends to the page-table view. */
  readonly sendPageTables?: (update: PageTablesUpdate) => void;
  /** Sends to the view of the last branches. */
  readonly sendBranches?: (update: BranchesUpdate) => void;
  /** Sends to the view of compiled code. */
  readonly sendCompiledCode?: (update: CompiledCodeUpdate) => void;
  /** Sends to the device tree. */
  readonly sendDevices?: (update: DevicesUpdate) => void;
  /** Sends to the terminals on serial ports. */
  readonly sendSerial?: (update: SerialUpdate) => void;
  readonly createMachine: CreateMachine;
}

export interface Session {
  /** Takes a message of the client. Never throws. */
  receive(message: DebugProtocol.ProtocolMessage): void;
  /** Takes a message of a screen view. Never throws. */
  receiveScreen(request: ScreenRequest): void;
  /** Takes a message of the memory view of that number. Never throws. */
  receiveMemory(view: number, request: MemoryRequest): void;
  /** Takes a message of the page-table view. Never throws. */
  receivePageTables(request: PageTablesRequest): void;
  /** Takes a message of the view of the last branches. Never throws. */
  receiveBranches(request: BranchesRequest): void;
  /** Takes a message of the view of compiled code. Never throws. */
  receiveCompiledCode(request: CompiledCodeRequest): void;
  /** Takes a message of the device tree. Never throws. */
  receiveDevices(request: DevicesRequest): void;
  /** Takes a message of a terminal on a serial port. Never throws. */
  receiveSerial(request: SerialRequest): void;
  /** Ends the machine; nothing is sent any more. */
  dispose(): void;
}

export function createSession(options: SessionOptions): Session {
  return new ProtocolSession(options);
}

class ProtocolSession implements Session {
  readonly #options: SessionOptions;
  readonly #debuggee: Debuggee;
  readonly #screen: ScreenFeed;
  readonly #memory: MemoryFeed;
  readonly #pageTables: PageTableFeed;
  readonly #branches: BranchFeed;
  readonly #compiled: CompiledFeed;
  readonly #devices: DeviceView;
  readonly #serial: SerialFeed;
  readonly #sound: SoundFeed;
  /** The request that is being answered; the next waits for it. */
  #queue: Promise<void> = Promise.resolve();
  #pending = 0;
  /** Sequence numbers of the requests in the queue that nobody has cancelled. */
  readonly #waiting = new Set<number>();
  #sequence = 1;
  #disposed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#screen = new ScreenFeed(options.host, (update) => {
      if (!this.#disposed) options.sendScreen?.(update);
    });
    this.#memory = new MemoryFeed({
      host: options.host,
      send: (view, update) => {
        if (!this.#disposed) options.sendMemory?.(view, update);
      },
      // Who types into a memory view wants to stay there.
      written: (written) => this.#debuggee.stateWritten(written, 'variables'),
    });
    this.#pageTables = new PageTableFeed({
      host: options.host,
      send: (update) => {
        if (!this.#disposed) options.sendPageTables?.(update);
      },
      breakpoints: () => this.#debuggee.breakpoints,
      written: (written) => this.#debuggee.stateWritten(written, 'variables'),
    });
    this.#branches = new BranchFeed((update) => {
      if (!this.#disposed) options.sendBranches?.(update);
    });
    this.#compiled = new CompiledFeed((update) => {
      if (!this.#disposed) options.sendCompiledCode?.(update);
    });
    this.#devices = new DeviceView(options.host, (update) => {
      if (!this.#disposed) options.sendDevices?.(update);
    });
    this.#serial = new SerialFeed({
      send: (update) => {
        if (!this.#disposed) options.sendSerial?.(update);
      },
      input: (port, bytes) => this.#debuggee.input(port, 'serial', bytes),
    });
    this.#sound = new SoundFeed(options.host, (update) => {
      if (!this.#disposed) options.sendScreen?.(update);
    });
    this.#debuggee = new Debuggee({
      host: options.host,
      createMachine: options.createMachine,
      screen: this.#screen,
      views: [
        ...[this.#memory, this.#pageTables, this.#branches, this.#compiled],
        ...[this.#devices, this.#serial, this.#sound],
      ],
      sendEvent: (event, body) => this.#send({ type: 'event', event, ...(body === undefined ? {} : { body }) }),
    });
  }

  receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type !== 'request') return;
    const request = message as DebugProtocol.Request;
    if (request.command === 'cancel') this.#cancel(request);
    // Who leaves does not wait for an assembler that hangs; what was asked before is not wanted any more.
    if (request.command === 'disconnect') {
      this.#waiting.clear();
      this.#track(this.#answer(request));
      return;
    }
    // A request that can be answered at once is; only behind one that takes its time the others line up.
    if (this.#pending === 0) this.#track(this.#answer(request));
    else {
      this.#waiting.add(request.seq);
      this.#track(this.#queue.then(() => this.#answerUnlessCancelled(request)));
    }
  }

  /** Only what still waits can be taken back: what is being answered is done before anybody could stop it. */
  #cancel(request: DebugProtocol.Request): void {
    const requestId = (request.arguments as DebugProtocol.CancelArguments | null | undefined)?.requestId;
    if (requestId !== undefined) this.#waiting.delete(requestId);
  }

  #answerUnlessCancelled(request: DebugProtocol.Request): Promise<void> | undefined {
    if (this.#waiting.delete(request.seq)) return this.#answer(request);
    this.#respond(request, { success: false, message: 'cancelled' });
    return undefined;
  }

  #track(work: Promise<void> | undefined): void {
    if (!work) return;
    this.#pending++;
    this.#queue = work.finally(() => {
      this.#pending--;
    });
  }

  receiveScreen(request: ScreenRequest): void {
    this.#guard(() => {
      if (request.type === 'visible') this.#screen.setVisible(request.visible);
      else if (request.type === 'keys') this.#debuggee.pressKeys(request.scanCodes);
      else if (request.type === 'mouse') this.#moveMouse(request);
      else if (request.type === 'listen') this.#sound.setListening(request.on);
      else this.#debuggee.pressReset();
    });
  }

  #moveMouse(request: Extract<ScreenRequest, { type: 'mouse' }>): void {
    const { device, channel, bytes } = mouseMessage(request, this.#debuggee.running);
    this.#debuggee.input(device, channel, bytes);
    this.#screen.noteActivity();
  }

  receivePageTables(request: PageTablesRequest): void {
    this.#guard(() => this.#pageTables.receive(request));
  }

  receiveBranches(request: BranchesRequest): void {
    this.#guard(() => this.#branches.receive(request));
  }

  receiveCompiledCode(request: CompiledCodeRequest): void {
    this.#guard(() => this.#compiled.receive(request));
  }

  receiveMemory(view: number, request: MemoryRequest): void {
    this.#guard(() => this.#memory.receive(view, request));
  }

  receiveDevices(request: DevicesRequest): void {
    this.#guard(() => this.#devices.setVisible(request.visible));
  }

  receiveSerial(request: SerialRequest): void {
    this.#guard(() => this.#serial.receive(request));
  }

  /** What a view asked for has no answer that could carry a failure. */
  #guard(work: () => void): void {
    if (this.#disposed) return;
    try {
      work();
    } catch (error) {
      this.#debuggee.output.writeFailure(error);
    }
  }

  dispose(): void {
    this.#disposed = true;
    this.#debuggee.dispose();
  }

  /** Answers a request; gives a promise only when the answer is not there yet. */
  #answer(request: DebugProtocol.Request): Promise<void> | undefined {
    try {
      const body = carryOut(this.#debuggee, request);
      if (!(body instanceof Promise)) {
        this.#succeed(request, body);
        return undefined;
      }
      return body.then(
        (settled) => this.#succeed(request, settled),
        (error: unknown) => this.#fail(request, error),
      );
    } catch (error) {
      this.#fail(request, error);
      return undefined;
    }
  }

  #succeed(request: DebugProtocol.Request, body: unknown): void {
    this.#respond(request, { success: true, ...(body === undefined ? {} : { body }) });
    this.#afterResponse();
  }

  #fail(request: DebugProtocol.Request, error: unknown): void {
    const isUsers = error instanceof UserError;
    const text = error instanceof Error ? error.message : String(error);
    if (!isUsers) this.#debuggee.output.writeFailure(error);
    const format = isUsers ? text : `internal error in ${request.command}: ${text}`;
    this.#respond(request, {
      success: false,
      message: format,
      body: { error: { id: errorIds[isUsers ? error.code : 'internal'], format } },
    });
    this.#afterResponse();
  }

  #afterResponse(): void {
    try {
      this.#debuggee.runAfterResponse();
    } catch (error) {
      this.#debuggee.output.writeFailure(error);
    }
  }

  #respond(request: DebugProtocol.Request, rest: { success: boolean; message?: string; body?: unknown }): void {
    this.#send({ type: 'response', request_seq: request.seq, command: request.command, ...rest });
  }

  #send(message: { readonly type: string; readonly [key: string]: unknown }): void {
    if (!this.#disposed) this.#options.send({ ...message, seq: this.#sequence++ });
  }
}

function carryOut(debuggee: Debuggee, { command, arguments: given }: DebugProtocol.Request): unknown {
  if (isCommand(command)) {
    const handler = handlers[command] as RequestHandler<unknown, unknown>;
    return handler.handle(debuggee, readArguments(command, given));
  }
  const reason = Object.hasOwn(unsupportedRequests, command) ? unsupportedRequests[command] : undefined;
  throw new UserError(
    'unknown-request',
    reason === undefined ? `unknown request ${command}` : `${command} is not supported: ${reason}`,
  );
}
