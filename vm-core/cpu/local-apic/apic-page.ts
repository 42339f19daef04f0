/**
 * The registers of the local APIC as software reaches them: by the page of xAPIC mode (SDM vol. 3A §11.4.1), and as the
 * model-specific registers of x2APIC mode (§11.12.1). They are wide 32 bits, 16 bytes apart.
 */
import type { Region } from '../../devices/device.ts';
import { apicSlot } from '../../state/layout.ts';
import { PAGE_SIZE } from '../../memory/layout.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { apicRegisters } from './apic-base.ts';
import { ERROR_REGISTER, type LocalApic } from './local-apic.ts';

/** Registers that are only written, and the ICR's upper half, which has no row of its own. */
const END_OF_INTERRUPT = 0xb0;
const COMMAND = 0x300;
const COMMAND_HIGH = 0x310;
const SELF_COMMAND = 0x3f0;
const FORMAT = 0xe0;

const MSR_FIRST = 0x800;
const MSR_LAST = 0x8ff;

const byOffset = new Map(
  apicRegisters.flatMap((entry) => (entry.row.offset === undefined ? [] : [[entry.row.offset, entry]])),
);
const LVT_PERF = 0x340;
const LVT_THERMAL = 0x330;

/** Whether a number is one of x2APIC mode's registers. */
export function isX2Register(number: number): boolean {
  return number >= MSR_FIRST && number <= MSR_LAST;
}

/** Access to the registers of one local APIC. */
export class ApicRegisters {
  readonly #state: CpuState;
  readonly #apic: LocalApic;

  constructor(state: CpuState, apic: LocalApic) {
    this.#state = state;
    this.#apic = apic;
  }

  /** RDMSR in x2APIC mode; undefined where it is #GP. */
  readX2(number: number): bigint | undefined {
    const offset = (number - MSR_FIRST) * 16;
    if (!this.#apic.isX2Mode || offset === FORMAT) return undefined;
    if (offset === COMMAND) return this.#state.read64(apicSlot.ICR);
    const value = offset === COMMAND_HIGH ? undefined : this.read(offset);
    return value === undefined ? undefined : BigInt(value);
  }

  /** WRMSR in x2APIC mode; false where it is #GP. */
  writeX2(number: number, value: bigint): boolean {
    const offset = (number - MSR_FIRST) * 16;
    const [low, high] = [Number(value & 0xffff_ffffn), Number(value >> 32n)];
    if (!this.#apic.isX2Mode) return false;
    if (offset === COMMAND) {
      // The delivery status is gone in x2APIC mode; its bit is reserved, as are others.
      if ((low & ~0xc_cfff) !== 0) return false;
      this.#apic.sendCommand(low, high);
      return true;
    }
    if (high !== 0) return false;
    if (offset === SELF_COMMAND) {
      if (low > 0xff) return false;
      this.#apic.sendCommand(low | 0x4_0000, 0);
      return true;
    }
    if (offset === END_OF_INTERRUPT || offset === 0x280) return low === 0 && this.write(offset, low);
    const isReadOnly = offset === 0x20 || offset === 0xd0 || offset === FORMAT || offset === COMMAND_HIGH;
    if (isReadOnly || (low & ~this.#writable(offset)) !== 0) return false;
    return this.write(offset, low);
  }

  /** The register at an offset in the page; undefined where none can be read. */
  read(offset: number): number | undefined {
    if (offset === 0x90) return this.#apic.arbitrationPriority;
    if (offset === 0x390) return this.#apic.timer.count;
    if (offset === COMMAND_HIGH) return this.#state.read32(apicSlot.ICR + 4);
    const entry = this.#isThere(offset) ? byOffset.get(offset) : undefined;
    return entry && this.#state.read32(entry.register.offset);
  }

  /** Writes a register; bits that cannot be written keep what they have. False where none can be written. */
  write(offset: number, value: number): boolean {
    if (offset === END_OF_INTERRUPT) this.#apic.endOfInterrupt();
    else if (offset === 0x280) this.#apic.latchErrors();
    else if (offset === COMMAND_HIGH) this.#state.write32(apicSlot.ICR + 4, (value & 0xff00_0000) >>> 0);
    else return this.#writeRow(offset, value);
    return true;
  }

  #writeRow(offset: number, value: number): boolean {
    const writable = this.#writable(offset);
    const entry = byOffset.get(offset);
    if (!entry || writable === 0) return false;
    const at = entry.register.offset;
    const taken = ((value & writable) | (this.#state.read32(at) & ~writable)) >>> 0;
    if (at === apicSlot.TPR) this.#apic.setTaskPriority(taken);
    else if (at === apicSlot.SVR) this.#apic.setSpurious(taken);
    else if (at === apicSlot.ICR) this.#apic.sendCommand(taken, this.#state.read32(at + 4));
    else if (at === apicSlot.TIMER_INITIAL) this.#apic.timer.setInitial(taken);
    else if (at === apicSlot.TIMER_DIVIDE) this.#apic.timer.setDivide(taken);
    else if (at >= apicSlot.LVT_TIMER && at <= apicSlot.LVT_ERROR) this.#apic.setEntry(at, taken);
    else this.#state.write32(at, taken);
    return true;
  }

  /** Bits that can be written here. */
  #writable(offset: number): number {
    const row = this.#isThere(offset) ? byOffset.get(offset)?.row : undefined;
    if (!row) return 0;
    return row.name === 'APIC_LVT_TIMER' && !this.#apic.hasDeadline ? row.writable & ~0x4_0000 : row.writable;
  }

  /** Whether the processor has a register that not all have. */
  #isThere(offset: number): boolean {
    const last = (this.#state.read32(apicSlot.VERSION) >>> 16) & 0xff;
    if (offset === LVT_PERF) return last >= 4;
    return offset !== LVT_THERMAL || last >= 5;
  }
}

/** The page of xAPIC mode. Software has to access whole registers; other reads give their part, other writes are lost. */
export function createApicPage(apic: LocalApic, registers: ApicRegisters, log: (message: string) => void): Region {
  const miss = (offset: number): void => {
    apic.noteError(ERROR_REGISTER);
    log(
      `the guest accesses a register that its local APIC does not have, at offset ${offset.toString(16)}h of the page`,
    );
  };
  return {
    size: PAGE_SIZE,
    width: 32,
    read(offset, size) {
      const register = offset & ~15;
      if ((offset & 15) >= 4) return 0;
      const value = register === END_OF_INTERRUPT ? 0 : registers.read(register);
      if (value === undefined) miss(register);
      const part = (value ?? 0) >>> ((offset & 3) * 8);
      return size === 4 ? part : part & ((1 << (size * 8)) - 1);
    },
    write(offset, size, value) {
      if (size !== 4 || (offset & 15) !== 0)
        log('the guest writes a part of a register of its local APIC, which is lost');
      else if (!registers.write(offset, value) && registers.read(offset) === undefined) miss(offset);
    },
  };
}
