/**
 * Exceptions, debug traps and NMIs that wait for the boundary between two instructions, and what holds them off (SDM vol. 3A
 * §6.7, §6.8, §6.9). They stand in registers of the table, so that a debugger sees, raises and drops them.
 */
import type { GuestFault } from '../cpu/cpu.ts';
import type { CpuEvent } from '../cpu/interrupt-entry.ts';
import type { Address } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { SHADOW_MOV_SS, slot } from '../state/layout.ts';
import { IF } from '../state/lazy-flags.ts';

const VECTOR_MASK = 0xff;
const HAS_ERROR_CODE = 1 << 11;
const IS_VALID = 0x8000_0000;

export class PendingEvents {
  readonly #state: CpuState;
  readonly #interruptPending: () => boolean;
  /** The exception that was shown to the embedder, and where: it goes to the guest only from there. */
  #shown: { readonly value: number; readonly linearAddress: Address } | undefined;

  /** `interruptPending` asks the interrupt controller. */
  constructor(state: CpuState, interruptPending: () => boolean) {
    this.#state = state;
    this.#interruptPending = interruptPending;
  }

  /** Keeps an exception that the embedder is shown before the guest gets it. */
  show({ vector, errorCode }: GuestFault, linearAddress: Address): void {
    const value = (IS_VALID | vector | (errorCode === undefined ? 0 : HAS_ERROR_CODE)) >>> 0;
    this.#state.write32(slot.PENDING_EXCEPTION, value);
    this.#state.write32(slot.PENDING_ERROR_CODE, errorCode ?? 0);
    this.#shown = { value, linearAddress };
  }

  /** Takes the exception that waits. An embedder that has moved EIP since it was shown does not want it any more. */
  takeException(place: { readonly linearEip: Address }): CpuEvent | undefined {
    const value = this.#state.read32(slot.PENDING_EXCEPTION);
    const shown = this.#shown;
    this.#shown = undefined;
    if ((value & IS_VALID) === 0) return undefined;
    this.#state.write32(slot.PENDING_EXCEPTION, 0);
    if (shown?.value === value && shown.linearAddress !== place.linearEip) return undefined;
    const errorCode = (value & HAS_ERROR_CODE) === 0 ? undefined : this.#state.read32(slot.PENDING_ERROR_CODE);
    return { vector: value & VECTOR_MASK, errorCode, kind: 'exception' };
  }

  /** True if a debug trap is due. One that a load of SS met waits as interrupts do (SDM vol. 3A §6.8.3). */
  isTrapDue(): boolean {
    const isHeld = (this.#state.read8(slot.INTERRUPT_SHADOW) & SHADOW_MOV_SS) !== 0;
    return !isHeld && this.#state.read32(slot.PENDING_DEBUG) !== 0;
  }

  /** Takes the NMI that waits, unless one is being handled or an instruction holds it off. */
  takeNmi(): boolean {
    if (!this.#isNmiReady() || this.#state.read8(slot.INTERRUPT_SHADOW) !== 0) return false;
    this.#state.write8(slot.NMI_PENDING, 0);
    return true;
  }

  /** True if a maskable interrupt is to be taken now. */
  isInterruptDue(): boolean {
    return this.#state.read8(slot.INTERRUPT_SHADOW) === 0 && this.#isInterruptReady();
  }

  /** True if an INIT is to be carried out. */
  get isInitDue(): boolean {
    return this.#state.read8(slot.INIT_PENDING) !== 0;
  }

  /** True if HLT is over. */
  get endsHalt(): boolean {
    const exception = this.#state.read32(slot.PENDING_EXCEPTION) & IS_VALID;
    return exception !== 0 || this.isInitDue || this.#isNmiReady() || this.#isInterruptReady();
  }

  /** Brings what the interrupt controller asks into its register. */
  noteRequest(): void {
    this.#state.write8(slot.INTERRUPT_REQUESTED, this.#interruptPending() ? 1 : 0);
  }

  /** Forgets what was on its way; after RESET. */
  reset(): void {
    this.#shown = undefined;
    for (const offset of [slot.PENDING_EXCEPTION, slot.PENDING_DEBUG, slot.NMI_PENDING, slot.INIT_PENDING])
      this.#state.write32(offset, 0);
  }

  #isNmiReady(): boolean {
    return this.#state.read8(slot.NMI_PENDING) !== 0 && this.#state.read8(slot.NMI_BLOCKED) === 0;
  }

  #isInterruptReady(): boolean {
    return (this.#state.read32(slot.EFLAGS) & IF) !== 0 && this.#interruptPending();
  }
}
