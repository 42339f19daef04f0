/** SYSENTER and SYSEXIT outside long mode (SDM vol. 2B): flat segments at fixed distances from one selector. */
import { CS, SS, slot } from '../../state/layout.ts';
import { IF, RF, VM } from '../../state/lazy-flags.ts';
import { CR0_PE } from '../../state/control-bits.ts';
import { type Cpu, EXIT, GuestFault, type Outcome, type SystemOperation, VECTOR_GP } from '../cpu.ts';
import { requirePrivilege, setPrivilegeLevel } from '../mode.ts';

/** Present, accessed, 32-bit, with a limit in pages: readable code and writable data at level 0. */
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;

/** IA32_SYSENTER_CS without its RPL; #GP(0) if it is null or in real mode. */
function baseSelector({ state }: Cpu): number {
  const selector = state.read32(slot.SYSENTER_CS) & 0xfffc;
  if ((state.read32(slot.CR0) & CR0_PE) === 0 || selector === 0) throw new GuestFault(VECTOR_GP, 0);
  return selector;
}

function enterFlat({ state }: Cpu, codeSelector: number, stackSelector: number, level: 0 | 3): Outcome {
  const flat = { base: 0, limit: 0xffff_ffff };
  const privilege = level << 5;
  setPrivilegeLevel(state, level);
  state.setSegment(CS, { ...flat, selector: (codeSelector & 0xffff) | level, attributes: FLAT_CODE | privilege });
  state.setSegment(SS, { ...flat, selector: (stackSelector & 0xffff) | level, attributes: FLAT_DATA | privilege });
  return EXIT;
}

export const SYSENTER: SystemOperation = (cpu) => {
  const { state } = cpu;
  const selector = baseSelector(cpu);
  state.eflags = state.eflags & ~(VM | IF | RF);
  state.onDerivedChange(slot.EFLAGS);
  state.eip = state.read32(slot.SYSENTER_EIP);
  state.write32(slot.ESP, state.read32(slot.SYSENTER_ESP));
  return enterFlat(cpu, selector, selector + 8, 0);
};

export const SYSEXIT: SystemOperation = (cpu) => {
  const { state } = cpu;
  const selector = baseSelector(cpu);
  requirePrivilege(cpu);
  state.eip = state.read32(slot.EDX);
  state.write32(slot.ESP, state.read32(slot.ECX));
  return enterFlat(cpu, selector + 16, selector + 24, 3);
};
