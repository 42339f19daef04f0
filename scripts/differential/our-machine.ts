/** Runs an image on our machine, booted from the reset vector with the image as its firmware. */
import { createMachine, type Machine } from '../../vm-core/index.ts';
import { CPU_MODEL, RAM_SIZE, RESULTS, RESULTS_SIZE, ROM_START } from './layout.ts';

/** More than the sequences of an image and the harness between them need. */
const INSTRUCTIONS_MAX = 60_000_000;

/** What our machine made of an image; `ended` is false if the guest did not ask for the end. */
export interface OurRun {
  readonly memory: Uint8Array;
  readonly ended: boolean;
  /** Why it came back. */
  readonly reason: string;
}

export class OurMachine {
  #machine: Machine | undefined;

  /** Of all instructions, those that compiled code has executed. */
  get compiledShare(): number {
    return (this.#machine?.compiledCode?.retired ?? 0) / (this.#machine?.retired || 1);
  }

  run(image: Uint8Array): OurRun {
    const machine = this.#booted(image);
    const result = machine.run({ instructionsMax: INSTRUCTIONS_MAX });
    const ended = result.reason === 'request' && result.request.kind === 'exit';
    const reason = result.reason === 'unsupported' ? result.what : result.reason;
    return { memory: machine.memory.read(RESULTS, RESULTS_SIZE), ended, reason };
  }

  /** One machine serves all images: a memory for each would exhaust the address space. */
  #booted(image: Uint8Array): Machine {
    if (this.#machine === undefined) {
      this.#machine = createMachine({
        machineType: 'isa-1',
        cpuModel: CPU_MODEL,
        memorySize: RAM_SIZE,
        firmware: image,
        exitDevice: true,
        startTimeMs: 0,
      });
      return this.#machine;
    }
    // RESET first: it puts the firmware back that the machine was made with.
    this.#machine.reset();
    this.#machine.memory.write(0, new Uint8Array(0xa0000));
    this.#machine.memory.write(RESULTS, new Uint8Array(RESULTS_SIZE));
    this.#machine.memory.write(ROM_START, image);
    return this.#machine;
  }
}
