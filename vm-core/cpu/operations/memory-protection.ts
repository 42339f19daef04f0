/**
 * Protection keys and process contexts: RDPKRU, WRPKRU, INVPCID (SDM vol. 2A, 2B; vol. 3A §4.6.2, §4.10.4.1).
 */
import { addressFrom, plus } from '../../state/address.ts';
import { CR4_PCIDE, CR4_PKE } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import { type Cpu, GuestFault, type Instruction, NEXT, type SystemOperation, VECTOR_GP, VECTOR_UD } from '../cpu.ts';
import { is64BitMode, isCanonical, requirePrivilege } from '../mode.ts';

/** #UD unless CR4.PKE is set; #GP(0) if a register that must be zero is not. */
function requireKeys(cpu: Cpu, ...zeros: readonly number[]): void {
  if ((cpu.state.read32(slot.CR4) & CR4_PKE) === 0) throw new GuestFault(VECTOR_UD);
  if (zeros.some((offset) => cpu.state.read32(offset) !== 0)) throw new GuestFault(VECTOR_GP, 0);
}

export const RDPKRU: SystemOperation = (cpu) => {
  requireKeys(cpu, slot.ECX);
  cpu.state.writeAddress(slot.EAX, cpu.state.read32(slot.PKRU));
  cpu.state.writeAddress(slot.EDX, 0);
  return NEXT;
};

export const WRPKRU: SystemOperation = (cpu) => {
  requireKeys(cpu, slot.ECX, slot.EDX);
  cpu.state.write32(slot.PKRU, cpu.state.read32(slot.EAX));
  cpu.translations.rulesChanged();
  return NEXT;
};

/** What INVPCID is to forget, by its register operand. */
const ONE_ADDRESS = 0;
const ONE_CONTEXT = 1;
const EVERYTHING = 2;
const ALL_CONTEXTS = 3;

const PCID = 0xfff;

export const INVPCID: SystemOperation = (cpu, instruction) => {
  requirePrivilege(cpu);
  const { state, translations } = cpu;
  const type = state.read32(instruction.regSlot);
  const typeHigh = is64BitMode(state) ? state.read32(instruction.regSlot + 4) : 0;
  if (type > ALL_CONTEXTS || typeHigh !== 0) throw new GuestFault(VECTOR_GP, 0);
  const [low, high, linear, linearHigh] = readDescriptor(cpu, instruction);
  const pcid = low & PCID;
  if ((low & ~PCID) !== 0 || high !== 0) throw new GuestFault(VECTOR_GP, 0);
  if (type <= ONE_CONTEXT && pcid !== 0 && (state.read32(slot.CR4) & CR4_PCIDE) === 0) {
    throw new GuestFault(VECTOR_GP, 0);
  }
  if (type === ONE_ADDRESS) {
    const address = addressFrom(linearHigh | 0, linear);
    if (!isCanonical(state, address)) throw new GuestFault(VECTOR_GP, 0);
    translations.invalidatePage(address, pcid, false);
  } else if (type === ONE_CONTEXT) translations.flushContext(pcid);
  else if (type === EVERYTHING) translations.flushAll();
  else translations.flushContexts();
  return NEXT;
};

/** The four double words of the memory operand. */
function readDescriptor(cpu: Cpu, instruction: Instruction): readonly [number, number, number, number] {
  const read = (n: number) => cpu.memory.readSegment(instruction.segment, plus(instruction.offset(), n * 4), 4);
  return [read(0), read(1), read(2), read(3)];
}
