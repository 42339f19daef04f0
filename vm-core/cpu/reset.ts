/**
 * The state of an 80386 after RESET (80386 manual §10.1; where that leaves values undefined, SDM vol. 3A table 10-1).
 * No 80387 is present, so a 386's CR0.ET is clear; that of later processors is always set, and their cache is off.
 */
import type { CpuModelFacts } from '../isa/cpu-model.ts';
import type { CpuState, SegmentState } from '../state/cpu-state.ts';
import { CR0_CD, CR0_ET, CR0_NW } from '../state/control-bits.ts';
import { apicSlot, CS, internal, segmentSlots, slot } from '../state/layout.ts';
import { registers } from '../state/register-table.ts';
import { MXCSR_RESET, STATE_X87 } from './extended-state.ts';
import { DR6_ONES, DR7_ONES } from './debug-registers.ts';
import { TYPE_LDT, TYPE_TSS_32_BUSY } from './descriptors.ts';
import { resetLocalApic } from './local-apic/apic-base.ts';
import { resetModelSpecificRegisters } from './model-specific-registers.ts';
import { controlSlots } from './performance/counter-facts.ts';
import { REAL_MODE_CODE, REAL_MODE_DATA } from './segments.ts';

const SYSTEM_PRESENT = 0x80;

const data: SegmentState = { selector: 0, base: 0, limit: 0xffff, attributes: REAL_MODE_DATA };
const code: SegmentState = { selector: 0xf000, base: 0xffff_0000, limit: 0xffff, attributes: REAL_MODE_CODE };
const localTable: SegmentState = { selector: 0, base: 0, limit: 0xffff, attributes: SYSTEM_PRESENT | TYPE_LDT };
const task: SegmentState = { selector: 0, base: 0, limit: 0xffff, attributes: SYSTEM_PRESENT | TYPE_TSS_32_BUSY };

/** Puts every register to its value after RESET; execution starts at physical FFFFFFF0h. */
export function resetCpu(state: CpuState, model: CpuModelFacts): void {
  const pins = state.read8(apicSlot.PINS);
  for (const register of registers) state.writeRegister(register, 0n);
  state.write8(apicSlot.PINS, pins);
  for (let index = 0; index < segmentSlots.length; index++) state.setSegment(index, index === CS ? code : data);
  state.setSegmentAt(slot.LDTR, localTable);
  state.setSegmentAt(slot.TR, task);
  state.eip = 0xfff0;
  state.eflags = 2;
  if (model.features.has('486')) state.write32(slot.CR0, CR0_ET | CR0_CD | CR0_NW);
  state.write32(slot.EDX, model.signature);
  state.write16(slot.GDTR_LIMIT, 0xffff);
  state.write16(slot.IDTR_LIMIT, 0x3ff);
  resetModelSpecificRegisters({ state, model });
  resetLocalApic(state, model);
  resetUnits(state);
  state.write32(slot.DR6, DR6_ONES);
  state.write32(slot.DR7, DR7_ONES);
  for (const offset of [slot.EIP, slot.CR0, slot.DR7, slot.CPL, controlSlots.GLOBAL]) state.onDerivedChange(offset);
}

/** SDM vol. 3A table 10-1: all x87 registers hold +0.0, none is empty. */
function resetUnits(state: CpuState): void {
  state.write16(slot.FCW, 0x40);
  state.write8(slot.FTW, 0xff);
  state.write32(slot.MXCSR, MXCSR_RESET);
  state.write64(slot.XCR0, BigInt(STATE_X87));
  state.write32(internal.FLOAT_ERRORS_IGNORED, 0);
}
