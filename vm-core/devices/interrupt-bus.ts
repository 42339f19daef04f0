/**
 * The bus on which I/O APICs and local APICs send each other interrupts (SDM vol. 3A §11.2; 82093AA data sheet 290566 §3.4).
 * A message reaches every local APIC that finds itself addressed; the end of a level-triggered interrupt reaches every
 * I/O APIC.
 */

/** How an interrupt is delivered, as the ICR, the LVT and redirection entries encode it. */
export const DELIVER_FIXED = 0;
export const DELIVER_LOWEST = 1;
export const DELIVER_SMI = 2;
export const DELIVER_NMI = 4;
export const DELIVER_INIT = 5;
export const DELIVER_STARTUP = 6;
export const DELIVER_EXTINT = 7;

/** A physical destination that is everybody. */
export const EVERYBODY = 0xffff_ffff;

export interface InterruptMessage {
  /** A number of a local APIC or a set of them; 8 bits wide ones stand in the low bits, FFh becomes `EVERYBODY`. */
  readonly destination: number;
  readonly isLogical: boolean;
  /** One of the constants above. */
  readonly mode: number;
  readonly vector: number;
  readonly isLevel: boolean;
}

/** A local APIC as the bus sees it. */
export interface LocalApicPort {
  isAddressed(message: InterruptMessage): boolean;
  /** By which a message for the lowest priority finds its way. */
  readonly priority: number;
  receive(message: InterruptMessage): void;
}

export class InterruptBus {
  readonly #receivers: LocalApicPort[] = [];
  readonly #listeners: ((vector: number) => void)[] = [];

  connect(receiver: LocalApicPort): void {
    this.#receivers.push(receiver);
  }

  /** An I/O APIC is told the vectors of level-triggered interrupts that have ended. */
  onEnd(listener: (vector: number) => void): void {
    this.#listeners.push(listener);
  }

  /** Delivers a message to all that it addresses, `except` left out; false if there are none. */
  send(message: InterruptMessage, except?: LocalApicPort): boolean {
    const addressed = this.#receivers.filter((receiver) => receiver !== except && receiver.isAddressed(message));
    const chosen = message.mode === DELIVER_LOWEST ? leastBusy(addressed) : addressed;
    for (const receiver of chosen) receiver.receive(message);
    return chosen.length > 0;
  }

  /** Tells I/O APICs that a level-triggered interrupt has ended. */
  end(vector: number): void {
    for (const listener of this.#listeners) listener(vector);
  }
}

function leastBusy(receivers: readonly LocalApicPort[]): readonly LocalApicPort[] {
  const lowest = Math.min(...receivers.map(({ priority }) => priority));
  return receivers.filter(({ priority }) => priority === lowest).slice(0, 1);
}
