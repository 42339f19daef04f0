/**
 * MOV of test registers: TR6 and TR7 on the 386 and the 486, TR3 to TR5 on the 486 (80386 manual §10.6; Intel486 manual
 * chapter 10). Later processors have none.
 */
import type { CpuFeature } from '../../isa/cpu-feature.ts';
import { slot } from '../../state/layout.ts';
import { SLOT_SIZE } from '../../state/register-table.ts';
import { type Cpu, GuestFault, NEXT, type SystemOperation, VECTOR_UD } from '../cpu.ts';
import { requirePrivilege } from '../mode.ts';
import { readTestData, testCache, testTranslation, writeTestData } from '../test-arrays.ts';

const FIRST = 3;
const [TR3, TR4, TR5, TR6, TR7] = [0, 1, 2, 3, 4].map((n) => slot.TR3 + n * SLOT_SIZE) as [
  number,
  number,
  number,
  number,
  number,
];

/** Bits that are there: of TR4 those that are not are zero. */
const TR4_BITS = 0xffff_fff8;
const TR5_BITS = 0x7ff;

function testSlot(cpu: Cpu, number: number): number {
  const feature: CpuFeature = number < 6 ? 'CacheTest' : 'BufferTest';
  if (number < FIRST || !cpu.model.features.has(feature)) throw new GuestFault(VECTOR_UD);
  requirePrivilege(cpu);
  return slot.TR3 + (number - FIRST) * SLOT_SIZE;
}

export const MOV_FROM_TR: SystemOperation = (cpu, { reg, rmSlot }) => {
  const from = testSlot(cpu, reg);
  const { state } = cpu;
  if (from === TR3) state.write32(TR3, readTestData(state, state.read32(TR5)));
  state.write32(rmSlot, state.read32(from));
  return NEXT;
};

/** A write of TR5 or TR6 is a command. */
export const MOV_TO_TR: SystemOperation = (cpu, { reg, rmSlot }) => {
  const to = testSlot(cpu, reg);
  const { state } = cpu;
  const value = state.read32(rmSlot);
  if (to === TR4) state.write32(to, value & TR4_BITS);
  else if (to === TR5) state.write32(to, value & TR5_BITS);
  else state.write32(to, value);
  if (to === TR3) writeTestData(state, state.read32(TR5), value);
  else if (to === TR5) state.write32(TR4, testCache(state, state.read32(TR4), value));
  else if (to === TR6) {
    const is486 = cpu.model.features.has('CacheTest');
    state.write32(TR7, testTranslation(state, value, state.read32(TR7), is486));
  }
  return NEXT;
};
