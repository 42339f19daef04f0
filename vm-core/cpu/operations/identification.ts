/** CPUID (SDM vol. 2A). */
import { internal, slot } from '../../state/layout.ts';
import { NEXT, type SystemOperation } from '../cpu.ts';
import { cpuid } from '../cpuid.ts';
import { isApicOff } from '../local-apic/apic-base.ts';
import { is64BitMode } from '../mode.ts';
import { writeDoubleWord } from '../register-writes.ts';

/** The revision that leaf 1 leaves in IA32_BIOS_SIGN_ID. */
const MICROCODE_REVISION = 1;

export const CPUID: SystemOperation = ({ state, model, ticksPerSecond, topology }) => {
  if (state.read32(slot.EAX) === 1) state.write32(slot.BIOS_SIGN_ID + 4, MICROCODE_REVISION);
  const control4 = state.read32(slot.CR4);
  const answer = cpuid(model, state.read32(slot.EAX), state.read32(slot.ECX), {
    control4,
    extendedControl0: state.read32(slot.XCR0),
    miscEnable: state.read64(slot.MISC_ENABLE),
    ticksPerSecond,
    topology,
    apicNumber: state.read32(internal.APIC_NUMBER),
    isApicOff: isApicOff(state),
    is64BitMode: is64BitMode(state),
  });
  writeDoubleWord(state, slot.EAX, answer.EAX);
  writeDoubleWord(state, slot.EBX, answer.EBX);
  writeDoubleWord(state, slot.ECX, answer.ECX);
  writeDoubleWord(state, slot.EDX, answer.EDX);
  return NEXT;
};
