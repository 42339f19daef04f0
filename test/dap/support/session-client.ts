/** A client of a session in the same thread, which writes down everything that is said. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { BranchesUpdate } from '../../../debug-adapter/protocol/branches.ts';
import type { CompiledCodeUpdate } from '../../../debug-adapter/protocol/compiled-code.ts';
import type { DevicesUpdate } from '../../../debug-adapter/protocol/devices.ts';
import type { PageTablesUpdate } from '../../../debug-adapter/protocol/page-tables.ts';
import type { MemoryUpdate } from '../../../debug-adapter/protocol/memory.ts';
import type { ScreenUpdate } from '../../../debug-adapter/protocol/screen.ts';
import type { SerialUpdate } from '../../../debug-adapter/protocol/serial.ts';
import { createSession, type Session } from '../../../debug-adapter/session/session.ts';
import { createMachine, type Machine, type MachineConfig } from '../../../vm-core/index.ts';
import { FakeHost } from './fake-host.ts';

/** More deferred work than any test needs; a session that does not come to rest fails instead of hanging. */
const PUMPS_MAX = 100_000;

/** The pace of the test's clock: a slice of the run loop is a fraction of a second of the real machine. */
const INSTRUCTIONS_PER_MS = 20_000;

export type Body = Readonly<Record<string, unknown>>;

export const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url))));

export class SessionClient {
  readonly host = new FakeHost();
  readonly session: Session;
  readonly screen: ScreenUpdate[] = [];
  /** To all memory views. */
  readonly memory: MemoryUpdate[] = [];
  readonly pageTables: PageTablesUpdate[] = [];
  readonly branches: BranchesUpdate[] = [];
  readonly compiledCode: CompiledCodeUpdate[] = [];
  readonly devices: DevicesUpdate[] = [];
  readonly serial: SerialUpdate[] = [];
  /** One line per message, in the order in which they were sent. */
  readonly transcript: string[] = [];
  machine: Machine | undefined;
  #sequence = 1;
  readonly #messages: DebugProtocol.ProtocolMessage[] = [];
  #eventsSeen = 0;

  constructor(create: (config: MachineConfig) => Machine = createMachine) {
    for (const name of ['guest.asm', 'guest.lst', 'guest.img']) this.host.files.set(`/guest/${name}`, fixture(name));
    this.session = createSession({
      host: this.host,
      createMachine: (config) => {
        const machine = create(config);
        this.machine = machine;
        this.host.workMs = () => machine.retired / INSTRUCTIONS_PER_MS;
        return machine;
      },
      send: (message) => this.#receive(message),
      sendScreen: (update) => this.screen.push(update),
      sendMemory: (_view, update) => this.memory.push(update),
      sendPageTables: (update) => this.pageTables.push(update),
      sendBranches: (update) => this.branches.push(update),
      sendCompiledCode: (update) => this.compiledCode.push(update),
      sendDevices: (update) => this.devices.push(update),
      sendSerial: (update) => this.serial.push(update),
    });
  }

  /** Sends a request and gives its response, whether success or error. */
  async send(command: string, given?: object): Promise<DebugProtocol.Response> {
    const seq = this.#sequence++;
    this.transcript.push(`→ ${command}${given ? ` ${JSON.stringify(given)}` : ''}`);
    this.session.receive({ seq, type: 'request', command, arguments: given } as DebugProtocol.Request);
    for (let pump = 0; pump < PUMPS_MAX; pump++) {
      const response = this.#messages.find(
        (message) => message.type === 'response' && (message as DebugProtocol.Response).request_seq === seq,
      );
      if (response) return response as DebugProtocol.Response;
      await Promise.resolve();
    }
    throw new Error(`no response to ${command}`);
  }

  /** Sends a request that must succeed; gives the body. */
  async request(command: string, given?: object): Promise<Body> {
    const response = await this.send(command, given);
    if (!response.success) throw new Error(`${command} failed: ${response.message}`);
    return response.body ?? {};
  }

  /** Lets the machine run until an event of this name comes that was not waited for before; gives its body. */
  async event(name: string): Promise<Body> {
    for (let pump = 0; pump < PUMPS_MAX; pump++) {
      for (; this.#eventsSeen < this.#messages.length; this.#eventsSeen++) {
        const message = this.#messages[this.#eventsSeen] as DebugProtocol.Event;
        if (message.type !== 'event' || message.event !== name) continue;
        this.#eventsSeen++;
        return message.body ?? {};
      }
      this.host.runOne();
      await Promise.resolve();
    }
    throw new Error(`no event ${name}`);
  }

  /** A request that lets the machine run, and where it stops: `reason file:line label`. */
  async run(command: string, given: object = { threadId: 1 }): Promise<string> {
    await this.request(command, given);
    return this.stop();
  }

  /** Waits for the next stop. */
  async stop(): Promise<string> {
    const { reason } = await this.event('stopped');
    return `${reason} ${await this.place()}`;
  }

  /** Where the machine stands: `line label (seg:off)`. */
  async place(): Promise<string> {
    const { stackFrames } = await this.request('stackTrace', { threadId: 1, levels: 1 });
    const [frame] = stackFrames as DebugProtocol.StackFrame[];
    return `${frame?.line} ${frame?.name}`;
  }

  async evaluate(expression: string): Promise<string> {
    return String((await this.request('evaluate', { expression, context: 'clipboard' }))['result']);
  }

  /** initialize and launch, with the fixture unless told otherwise; breakpoints come from `configure`. */
  async launch(given: object = {}, configure: () => Promise<unknown> = async () => {}): Promise<void> {
    await this.request('initialize', { adapterID: 'x86vm', linesStartAt1: true, supportsInvalidatedEvent: true });
    await this.request('launch', { ...FIXTURE, ...given });
    await configure();
    await this.request('configurationDone');
  }

  #receive(message: DebugProtocol.ProtocolMessage): void {
    this.#messages.push(message);
    this.transcript.push(describeMessage(message));
  }
}

/** The fixture as launch arguments. */
export const FIXTURE = { program: '/guest/guest.img', listing: '/guest/guest.lst', exitDevice: true };

function describeMessage(message: DebugProtocol.ProtocolMessage): string {
  if (message.type === 'event') {
    const { event, body } = message as DebugProtocol.Event;
    return `← event ${event}${body ? ` ${JSON.stringify(body)}` : ''}`;
  }
  const { command, success, body, message: text } = message as DebugProtocol.Response;
  if (!success) return `← ${command} failed: ${text}`;
  return `← ${command}${body ? ` ${JSON.stringify(body)}` : ''}`;
}
