/** SYSENTER and SYSEXIT (SDM vol. 2B; AMD64 manual vol. 3): flat segments at fixed distances from one selector. */
import { CS, SS, slot } from '../../state/layout.ts';
import { IF, RF, VM } from '../../state/lazy-flags.ts';
import { CR0_PE } from '../../state/control-bits.ts';
import { type Cpu, EXIT, GuestFault, type Outcome, type SystemOperation, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { isCanonical, isLongMode, requirePrivilege, setPrivilegeLevel } from '../mode.ts';

/** Present, accessed, 32-bit, with a limit in pages: readable code and writable data at level 0. */
const FLAT_CODE = 0xc9b;
const FLAT_DATA = 0xc93;
/** The code segment of 64-bit mode. */
const FLAT_CODE_64 = 0xa9b;

/** AMD has these instructions in legacy mode only. */
function requireFastCalls({ state, model }: Cpu): void {
  if (model.vendor === 'AuthenticAMD' && isLongMode(state)) throw new GuestFault(VECTOR_UD);
}

/** IA32_SYSENTER_CS without its RPL; #GP(0) if it is null or in real mode. */
function baseSelector(cpu: Cpu): number {
  requireFastCalls(cpu);
  const { state } = cpu;
  const selector = state.read32(slot.SYSENTER_CS) & 0xfffc;
  if ((state.read32(slot.CR0) & CR0_PE) === 0 || selector === 0) throw new GuestFault(VECTOR_GP, 0);
  return selector;
}

function enterFlat({ state }: Cpu, code: number, stack: number, level: 0 | 3, isLong: boolean): Outcome {
  const flat = { base: 0, limit: 0xffff_ffff };
  const privilege = level << 5;
  const attributes = (isLong ? FLAT_CODE_64 : FLAT_CODE) | privilege;
  setPrivilegeLevel(state, level);
  state.setSegment(CS, { ...flat, selector: (code & 0xffff) | level, attributes });
  state.setSegment(SS, { ...flat, selector: (stack & 0xffff) | level, attributes: FLAT_DATA | privilege });
  return EXIT;
}

/** In long mode it always enters 64-bit code. */
export const SYSENTER: SystemOperation = (cpu) => {
  const { state } = cpu;
  const selector = baseSelector(cpu);
  state.eflags = state.eflags & ~(VM | IF | RF);
  state.onDerivedChange(slot.EFLAGS);
  const isLong = isLongMode(state);
  const bits = isLong ? 64 : 32;
  state.write64(slot.EIP, BigInt.asUintN(bits, state.read64(slot.SYSENTER_EIP)));
  state.write64(slot.ESP, BigInt.asUintN(bits, state.read64(slot.SYSENTER_ESP)));
  return enterFlat(cpu, selector, selector + 8, 0, isLong);
};

/** With operands of 64 bits it goes to 64-bit code, whose selectors are the next two. */
export const SYSEXIT: SystemOperation = (cpu, { operandSize }) => {
  const { state } = cpu;
  const selector = baseSelector(cpu);
  requirePrivilege(cpu);
  if (operandSize !== 64) {
    state.eip = state.read32(slot.EDX);
    state.writeAddress(slot.ESP, state.read32(slot.ECX));
    return enterFlat(cpu, selector + 16, selector + 24, 3, false);
  }
  const [target, stack] = [state.readExact(slot.EDX), state.readExact(slot.ECX)];
  if (!isCanonical(state, target) || !isCanonical(state, stack)) throw new GuestFault(VECTOR_GP, 0);
  state.write64(slot.EIP, state.read64(slot.EDX));
  state.write64(slot.ESP, state.read64(slot.ECX));
  return enterFlat(cpu, selector + 32, selector + 40, 3, true);
};
