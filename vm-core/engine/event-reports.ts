/** Events on their way to the embedder: told as they happen, and kept until the run loop has come back. */
import type { PortSpace } from '../cpu/cpu.ts';
import type { GuestEvent, MachineEvent } from '../machine/machine.ts';

export class EventReports {
  onEvent: ((event: MachineEvent) => boolean) | undefined;
  #pending: MachineEvent | undefined;
  /** Events of the current instruction that were told, and how many of them it comes to again after a stop in its middle. */
  #told = 0;
  #again = 0;
  readonly #cpu: number;

  /** `cpu` is the index of the vCPU that reports. */
  constructor(cpu: number) {
    this.#cpu = cpu;
  }

  /** Tells the embedder; true if it wants to stop. Nothing is made while nobody listens: pass a function. */
  report(makeEvent: () => GuestEvent): boolean {
    if (!this.onEvent) return false;
    if (this.#again > 0) {
      this.#again--;
      return false;
    }
    this.#told++;
    const event = { ...makeEvent(), cpu: this.#cpu };
    if (!this.onEvent(event)) return false;
    this.#pending ??= event;
    return true;
  }

  /** What is told from now on belongs to another instruction than before. */
  instructionBegins(): void {
    this.#told = 0;
    this.#again = 0;
  }

  /** The instruction begins again; nothing is told twice. */
  instructionRestarts(): void {
    this.#again = this.#told;
  }

  /** The first event that asked for a stop since the last call. */
  take(): MachineEvent | undefined {
    const event = this.#pending;
    this.#pending = undefined;
    return event;
  }
}

/** The processor's ports, each access told after it was made, and to `met`, which says whether a breakpoint waited for it. */
export function reportingPorts(
  ports: PortSpace,
  reports: EventReports,
  met: (port: number, size: number) => boolean,
  requestExit: () => void,
): PortSpace {
  const report = (port: number, size: number, value: number, isWrite: boolean) => {
    const stops = reports.report(() => ({ kind: 'port', port, size, value, isWrite }));
    if (met(port, size) || stops) requestExit();
  };
  return {
    read: (port, size) => {
      const value = ports.read(port, size);
      report(port, size, value, false);
      return value;
    },
    write: (port, size, value) => {
      ports.write(port, size, value);
      report(port, size, value, true);
    },
  };
}
