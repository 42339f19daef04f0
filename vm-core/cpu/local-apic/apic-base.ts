/** IA32_APIC_BASE: the modes of the local APIC, the ways between them, and its registers after RESET (SDM vol. 3A §11.4, §11.12.5). */
import type { CpuModelFacts } from '../../isa/cpu-model.ts';
import { apicRows } from '../../state/apic-table.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { apicSlot, internal, slot } from '../../state/layout.ts';
import { findRegister, type Register } from '../../state/register-table.ts';

/** EXTD: x2APIC mode. */
export const APIC_X2: number = 1 << 10;
/** BSP: this is the processor that begins at RESET. */
export const APIC_BOOTSTRAP: number = 1 << 8;
/** EN. */
export const APIC_ENABLED: number = 1 << 11;

/** Whether IA32_APIC_BASE has the local APIC off. */
export function isApicOff(state: CpuState): boolean {
  return (state.read32(slot.APIC_BASE) & APIC_ENABLED) === 0;
}

const MODE: number = APIC_X2 | APIC_ENABLED;

/** The registers of the table with their rows. */
export const apicRegisters: readonly { readonly row: (typeof apicRows)[number]; readonly register: Register }[] =
  apicRows.map((row) => ({ row, register: findRegister(row.name) as Register }));

/** Whether a write may bring the local APIC from one mode to another: x2APIC mode is entered from xAPIC mode, and left by off. */
export function mayChangeMode(from: bigint, to: bigint, hasX2: boolean): boolean {
  const [before, after] = [Number(from) & MODE, Number(to) & MODE];
  if (after === APIC_X2 || (!hasX2 && (after & APIC_X2) !== 0)) return false;
  if (before === MODE) return after !== APIC_ENABLED;
  return after !== MODE || before === APIC_ENABLED;
}

/** What follows from a write of IA32_APIC_BASE: off loses what the registers held; x2APIC mode has a number of its own. */
export function modeChanged(state: CpuState, model: CpuModelFacts, from: bigint, to: bigint): void {
  const [before, after] = [Number(from) & MODE, Number(to) & MODE];
  if (before === after) return;
  if ((after & APIC_ENABLED) === 0) resetLocalApic(state, model);
  else if (after === MODE) {
    setX2Number(state, state.read32(apicSlot.ID) >>> 24);
    state.write32(apicSlot.ICR + 4, 0);
  }
}

/** In x2APIC mode the logical destination follows from the number. */
export function setX2Number(state: CpuState, number: number): void {
  state.write32(apicSlot.ID, number);
  state.write32(apicSlot.LDR, ((number >>> 4) << 16) | (1 << (number & 15)));
}

/** Version and number of the last LVT entry; P6 processors brought the counters', the Pentium 4 the thermal sensor's. */
export function versionOf({ features }: CpuModelFacts): number {
  if (!features.has('MTRR')) return 0x03_0010;
  return features.has('CLFSH') ? 0x05_0014 : 0x04_0011;
}

/** Puts the registers to their values after RESET; the pins are whose they are. */
export function resetLocalApic(state: CpuState, model: CpuModelFacts): void {
  if (!model.features.has('APIC')) return;
  const pins = state.read8(apicSlot.PINS);
  for (const { row, register } of apicRegisters) state.write64(register.offset, BigInt(row.reset));
  state.write8(apicSlot.PINS, pins);
  state.write32(apicSlot.ID, (state.read32(internal.APIC_NUMBER) << 24) >>> 0);
  state.write32(apicSlot.VERSION, versionOf(model));
  state.write64(apicSlot.TIMER_START, 0xffff_ffff_ffff_ffffn);
  state.write32(slot.CR8, 0);
  state.onDerivedChange(apicSlot.SVR);
}
