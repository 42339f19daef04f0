/** The debug registers at work (SDM vol. 3B §18.2): which breakpoints are on, which pages they watch, what they met. */
import { GuestFault, VECTOR_DB } from '../cpu/cpu.ts';
import {
  activeBreakpoints,
  DR7_ENABLES,
  type HardwareBreakpoint,
  matchBreakpoints,
  reportDebugReasons,
} from '../cpu/debug-registers.ts';
import { type Address, pageStart } from '../state/address.ts';
import { CR4_DE } from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { RF } from '../state/lazy-flags.ts';
import { SLOT_SIZE } from '../state/register-table.ts';

export class HardwareBreakpoints {
  readonly #state: CpuState;
  #active: readonly HardwareBreakpoint[] = [];
  #key = '';

  constructor(state: CpuState) {
    this.#state = state;
  }

  /** Bits as DR6 has them of what was met since it was last reported: a register of the table. */
  get pending(): number {
    return this.#state.read32(slot.PENDING_DEBUG);
  }

  set pending(reasons: number) {
    this.#state.write32(slot.PENDING_DEBUG, reasons);
  }

  /** Reads DR0–DR3 and DR7 again; true if that changed what is watched. */
  refresh(): boolean {
    const state = this.#state;
    const control = state.read32(slot.DR7);
    if ((control & DR7_ENABLES) === 0 && this.#key === '') return false;
    const addresses = [0, 1, 2, 3].map((index) => state.readExact(slot.DR0 + index * SLOT_SIZE));
    const key = (control & DR7_ENABLES) === 0 ? '' : [control, ...addresses].join();
    if (key === this.#key) return false;
    this.#key = key;
    this.#active = activeBreakpoints(state);
    return true;
  }

  /** B0–B3 of the breakpoints on execution at an address. */
  metByExecution(linearAddress: Address): number {
    return this.#active.length === 0 ? 0 : matchBreakpoints(this.#active, 'execute', linearAddress, 1);
  }

  /**
   * Fetches the code at an address. Where that faults and a breakpoint on its execution is met, the breakpoint comes first
   * (SDM vol. 3A table 6-2), and the fault not until the instruction is tried again.
   */
  fetching<Result>(state: CpuState, linear: Address, read: (linear: Address) => Result): Result {
    const met = (state.read32(slot.EFLAGS) & RF) === 0 ? this.metByExecution(linear) : 0;
    if (met === 0) return read(linear);
    const faultAddress = state.read64(slot.CR2);
    try {
      return read(linear);
    } catch (error) {
      if (!(error instanceof GuestFault)) throw error;
      state.write64(slot.CR2, faultAddress);
      reportDebugReasons(state, met);
      throw new GuestFault(VECTOR_DB);
    }
  }

  /** True if the page holds a data breakpoint. */
  watchesPageOf(linearAddress: number): boolean {
    for (const { kind, linearAddress: watched } of this.#active) {
      if (kind !== 'execute' && kind !== 'io' && pageStart(watched) === pageStart(linearAddress)) return true;
    }
    return false;
  }

  /** Notes an access of ports, on which there are breakpoints with CR4.DE; true if it met a breakpoint on them, which is then pending. */
  noteIo(port: number, size: number): boolean {
    if ((this.#state.read32(slot.CR4) & CR4_DE) === 0) return false;
    const met = matchBreakpoints(this.#active, 'io', port, size);
    this.pending |= met;
    return met !== 0;
  }

  /** Notes an access; true if it met a data breakpoint, which is then pending. */
  note(kind: 'read' | 'write', linearAddress: Address, size: number): boolean {
    const met = matchBreakpoints(this.#active, kind, linearAddress, size);
    this.pending |= met;
    return met !== 0;
  }
}
