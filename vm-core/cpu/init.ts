/** The state of a processor after INIT (SDM vol. 3A table 10-1): as after RESET, but for what INIT leaves alone. */
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import { CR0_CD, CR0_NW } from '../state/control-bits.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { registers, type RegisterSet } from '../state/register-table.ts';
import { resetCpu } from './reset.ts';

/** Registers of these sets keep what they hold. */
const KEPT: ReadonlySet<RegisterSet> = new Set([
  ...(['x87', 'mmx', 'vector', 'msr', 'mtrr', 'machine-check', 'performance', 'branches'] as const),
]);
const CACHE_BITS = CR0_CD | CR0_NW;

const kept = registers.filter(({ set, name }) => KEPT.has(set) || name === 'PKRU' || name === 'APIC_ID');

/** Carries out an INIT. */
export function initCpu(state: CpuState, model: CpuModelFacts): void {
  const values = kept.map((register) => ({ register, value: state.readRegister(register) }));
  const control0 = state.read32(slot.CR0);
  resetCpu(state, model);
  for (const { register, value } of values) state.writeRegister(register, value);
  state.write32(slot.CR0, ((state.read32(slot.CR0) & ~CACHE_BITS) | (control0 & CACHE_BITS)) >>> 0);
  state.onDerivedChange(slot.CR0);
}
