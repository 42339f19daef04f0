/**
 * Alignment checks of programs at level 3 (SDM vol. 3A §6.15, #AC): CR0.AM and EFLAGS.AC ask for them. While they are on, no
 * page has an entry in the translation tables, so that every access of an instruction comes by here.
 */
import { GuestFault, VECTOR_AC } from '../cpu/cpu.ts';
import { privilegeLevel } from '../cpu/mode.ts';
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import { CR0_AM } from '../state/control-bits.ts';
import { type Address, lowHalf } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { AC } from '../state/lazy-flags.ts';

const BOUNDARY_MAX = 16;
const TEN_BYTES = 10;

export class AlignmentCheck {
  isOn = false;
  readonly #state: CpuState;
  readonly #isInstruction: () => boolean;
  readonly #checksVectors: boolean;

  /** `isInstruction` is false while an event is delivered, whose accesses are not checked. */
  constructor(state: CpuState, { vendor }: Pick<CpuModelFacts, 'vendor'>, isInstruction: () => boolean) {
    this.#state = state;
    this.#checksVectors = vendor === 'AuthenticAMD';
    this.#isInstruction = isInstruction;
  }

  /** Looks at the registers again; true if the checks were switched. */
  refresh(): boolean {
    const state = this.#state;
    const asked = (state.read32(slot.CR0) & CR0_AM) !== 0 && (state.read32(slot.EFLAGS) & AC) !== 0;
    const isOn = asked && privilegeLevel(state) === 3;
    if (isOn === this.isOn) return false;
    this.isOn = isOn;
    return true;
  }

  /**
   * Throws #AC(0) for an access that is not aligned to its size; of ten bytes to eight (SDM vol. 3A table 6-7). Vectors of 128
   * and 256 bits are not checked (SDM vol. 2A tables 2-18 to 2-25, none but for accesses of 8 bytes or less), except by AMD: to 16.
   */
  require(linear: Address, size: number): void {
    if (size > TEN_BYTES && !this.#checksVectors) return;
    const boundary = size === TEN_BYTES ? 8 : Math.min(size, BOUNDARY_MAX);
    if (this.isOn && (lowHalf(linear) & (boundary - 1)) !== 0 && this.#isInstruction())
      throw new GuestFault(VECTOR_AC, 0);
  }
}
