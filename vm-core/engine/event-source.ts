/** The machine around a processor, as the loop between instructions needs it. */
import type { MachineRequest } from '../devices/device.ts';
import type { EventQueue } from '../devices/event-queue.ts';

/** What the loop needs of the machine around the processor. */
export interface EventSource {
  readonly events: EventQueue;
  /** A request of a device that has not been reported yet; reading it takes it away. */
  takeRequest(): MachineRequest | undefined;
  /** FERR#. */
  raiseFloatError?(): void;
  hasFirmwareHook(physicalAddress: number): boolean;
  /** Runs the firmware's hook at a physical address, if there is one. */
  firmwareHook(physicalAddress: number): undefined | Promise<void>;
}
