/**
 * Connects terminals to the serial ports of the guest. Neither side can flood the other: output waits until the terminal
 * has shown what it got, input until the port takes it, and what does not fit into a bounded buffer is counted and told.
 */
import type { Machine } from '../../vm-core/index.ts';
import { IN_FLIGHT_MAX, type SerialPort, type SerialRequest, type SerialUpdate } from '../protocol/serial.ts';
import { ByteQueue } from './byte-queue.ts';
import type { Guest } from './guest.ts';
import type { ScreenState } from '../protocol/screen.ts';
import type { SessionView } from './session-view.ts';

/** Bytes that wait for the terminal, or that a port said before there was one. */
const OUTPUT_MAX = 256 * 1024;
/** Bytes that wait for the port. */
const INPUT_WAITING_MAX = 256 * 1024;
/** Bytes in the port's own queue beyond which it gets no more. */
const PORT_AHEAD_MAX = 4096;

export interface SerialFeedOptions {
  readonly send: (update: SerialUpdate) => void;
  /** Hands bytes to a port of the guest, which may be waiting for them. */
  readonly input: (port: SerialPort, bytes: Uint8Array) => void;
}

/** One port with what is on its way. */
interface Line {
  readonly port: SerialPort;
  readonly output: ByteQueue;
  readonly input: ByteQueue;
  isOpen: boolean;
  /** Bytes that the terminal has not acknowledged. */
  inFlight: number;
}

export class SerialFeed implements SessionView {
  readonly #options: SerialFeedOptions;
  readonly #lines: ReadonlyMap<SerialPort, Line>;
  #machine: Machine | undefined;
  #ended: string | undefined;

  constructor(options: SerialFeedOptions) {
    this.#options = options;
    const ports: readonly SerialPort[] = ['uart-1', 'uart-2'];
    this.#lines = new Map(ports.map((port) => [port, makeLine(port)]));
  }

  /** Listens to the ports beside whoever listens already. */
  attach({ machine }: Guest): void {
    const restarted = this.#machine !== undefined || this.#ended !== undefined;
    this.#machine = machine;
    this.#ended = undefined;
    for (const { input, output } of this.#lines.values()) {
      input.clear();
      output.clear();
    }
    const heard = machine.onOutput;
    machine.onOutput = (device, channel, bytes) => {
      heard(device, channel, bytes);
      if (channel === 'serial' && this.#machine === machine) this.#lines.get(device as SerialPort)?.output.push(bytes);
    };
    if (restarted) this.#options.send({ type: 'restarted' });
  }

  receive(request: SerialRequest): void {
    const line = this.#lines.get(request.port);
    if (!line) throw new Error(`no serial port ${request.port}`);
    switch (request.type) {
      case 'open':
        line.isOpen = true;
        line.inFlight = 0;
        // What was left out before there was a terminal is no news to it.
        line.output.takeLost();
        break;
      case 'close':
        line.isOpen = false;
        break;
      case 'input':
        line.input.push(request.bytes);
        break;
      case 'shown':
        line.inFlight = Math.max(0, line.inFlight - request.count);
    }
    this.#move(line);
    if (request.type === 'open' && this.#ended !== undefined) this.#sendEnded(this.#ended);
  }

  setState(state: ScreenState, detail: string): void {
    this.refresh();
    if (state !== 'ended' || this.#ended !== undefined) return;
    this.#ended = detail;
    this.#sendEnded(detail);
  }

  sliceDone(): void {
    this.refresh();
  }

  refresh(): void {
    for (const line of this.#lines.values()) this.#move(line);
  }

  detach(): void {
    this.#machine = undefined;
  }

  #sendEnded(detail: string): void {
    this.#options.send({ type: 'ended', detail });
  }

  #move(line: Line): void {
    this.#moveInput(line);
    if (line.isOpen) this.#moveOutput(line);
  }

  #moveInput({ port, input }: Line): void {
    const lost = input.takeLost();
    if (lost > 0) this.#options.send({ type: 'input-lost', port, count: lost });
    if (input.length === 0 || !this.#machine || this.#ended !== undefined) return;
    const room = PORT_AHEAD_MAX - waitingAt(this.#machine, port);
    if (room > 0) this.#options.input(port, input.take(room));
  }

  #moveOutput(line: Line): void {
    const { port, output } = line;
    const room = IN_FLIGHT_MAX - line.inFlight;
    if (room <= 0) return;
    const lost = output.takeLost();
    if (lost > 0) this.#options.send({ type: 'output-lost', port, count: lost });
    if (output.length === 0) return;
    const bytes = output.take(room);
    line.inFlight += bytes.length;
    this.#options.send({ type: 'output', port, bytes: bytes.buffer });
  }
}

function makeLine(port: SerialPort): Line {
  const [output, input] = [new ByteQueue(OUTPUT_MAX, 'oldest'), new ByteQueue(INPUT_WAITING_MAX, 'newest')];
  return { port, output, input, isOpen: false, inFlight: 0 };
}

/** Bytes that the port has not put on the line yet; looking has no side effects. */
function waitingAt(machine: Machine, port: SerialPort): number {
  const incoming = machine.devices.get(port)?.state['incoming'];
  return Array.isArray(incoming) ? incoming.length : 0;
}
