/**
 * The built-in BIOS loads the boot sector, or a kernel, over what a data breakpoint in it watches. That happens in every
 * session before the guest's first instruction, and is no news to anybody.
 */
import type { Breakpoint, Machine, MemoryAccess } from '../../vm-core/index.ts';
import { isInBios } from './bios-place.ts';

const SECTOR_SIZE = 512;

export class BootSectorLoad {
  readonly #machine: Machine;
  /** Holds until the sector is entered; undefined when there is nothing to wait for. */
  #entry: Breakpoint | undefined;
  #isOver = false;

  constructor(machine: Machine) {
    this.#machine = machine;
    this.#isOver = machine.retired > 0 || machine.config.firmware !== 'builtin';
    if (this.#isOver) return;
    this.#entry = { address: machine.boot.entry, space: 'linear', reached: () => this.#entered() };
    machine.addBreakpoint(this.#entry);
  }

  /** True for an access that is part of the loading. */
  makes({ kind, physicalAddress, instruction }: MemoryAccess): boolean {
    if (this.#isOver || kind !== 'write' || !isInBios(instruction)) return false;
    const { config, boot } = this.#machine;
    if (config.kernel !== undefined) return true;
    return physicalAddress >= boot.entry && physicalAddress < boot.entry + SECTOR_SIZE;
  }

  /** Between two runs: what has been waited for is not waited for any more. */
  refresh(): void {
    if (this.#isOver) this.remove();
  }

  remove(): void {
    if (this.#entry) this.#machine.removeBreakpoint(this.#entry);
    this.#entry = undefined;
  }

  #entered(): boolean {
    this.#isOver = true;
    return false;
  }
}
