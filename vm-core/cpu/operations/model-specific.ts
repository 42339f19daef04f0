/** RDMSR, WRMSR, RDPMC, RDTSC, RDTSCP, RDPID, RDRAND, RDSEED (SDM vol. 2B, 2C). */
import { CR4_PCE, CR4_TSD } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import { ARITHMETIC_FLAGS, CF } from '../../state/lazy-flags.ts';
import { type Cpu, EXIT, GuestFault, NEXT, type SystemOperation, VECTOR_GP } from '../cpu.ts';
import { privilegeLevel, requirePrivilege } from '../mode.ts';
import { readMsr, writeMsr } from '../model-specific-registers.ts';
import { counterByNumber } from '../performance/counter-registers.ts';
import { writeDoubleWord } from '../register-writes.ts';

const TWO_32 = 2 ** 32;

export const RDMSR: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  const { state } = cpu;
  const number = state.read32(slot.ECX);
  const value = readMsr(cpu, number);
  writeDoubleWord(state, slot.EAX, Number(value & 0xffff_ffffn));
  writeDoubleWord(state, slot.EDX, Number(value >> 32n));
  cpu.report(() => ({ kind: 'msr', number, value, isWrite: false }));
  return NEXT;
};

export const WRMSR: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  const { state } = cpu;
  const number = state.read32(slot.ECX);
  const value = (BigInt(state.read32(slot.EDX)) << 32n) | BigInt(state.read32(slot.EAX));
  writeMsr(cpu, number, value);
  cpu.report(() => ({ kind: 'msr', number, value, isWrite: true }));
  return EXIT;
};

export const RDPMC: SystemOperation = (cpu) => {
  const { state } = cpu;
  if ((state.read32(slot.CR4) & CR4_PCE) === 0) requirePrivilege(cpu);
  cpu.counters?.settle();
  const value = counterByNumber(cpu.model, state, state.read32(slot.ECX));
  if (value === undefined) throw new GuestFault(VECTOR_GP, 0);
  writeDoubleWord(state, slot.EAX, Number(value & 0xffff_ffffn));
  writeDoubleWord(state, slot.EDX, Number(value >> 32n));
  return NEXT;
};

/** The counter counts virtual time from where software has put it. */
function readTimeStamp(cpu: Cpu): void {
  const { state } = cpu;
  if ((state.read32(slot.CR4) & CR4_TSD) !== 0 && privilegeLevel(state) !== 0) throw new GuestFault(VECTOR_GP, 0);
  const now = cpu.now();
  const low = (now >>> 0) + state.read32(slot.TIME_STAMP_OFFSET);
  const high = Math.floor(now / TWO_32) + state.read32(slot.TIME_STAMP_OFFSET + 4) + (low >= TWO_32 ? 1 : 0);
  writeDoubleWord(state, slot.EAX, low);
  writeDoubleWord(state, slot.EDX, high);
}

export const RDTSC: SystemOperation = (cpu) => {
  readTimeStamp(cpu);
  return NEXT;
};

export const RDTSCP: SystemOperation = (cpu) => {
  readTimeStamp(cpu);
  writeDoubleWord(cpu.state, slot.ECX, cpu.state.read32(slot.TSC_AUX));
  return NEXT;
};

export const RDPID: SystemOperation = (cpu, instruction) => {
  writeDoubleWord(cpu.state, instruction.rmSlot, cpu.state.read32(slot.TSC_AUX));
  return NEXT;
};

/** There are always random bits: the carry is set, the other flags are clear. */
const readRandom: SystemOperation = (cpu, { rmSlot, operandSize }) => {
  const { state } = cpu;
  if (operandSize === 16) state.write16(rmSlot, cpu.random() & 0xffff);
  else writeDoubleWord(state, rmSlot, cpu.random());
  if (operandSize === 64) state.write32(rmSlot + 4, cpu.random());
  state.eflags = (state.eflags & ~ARITHMETIC_FLAGS) | CF;
  return NEXT;
};

export const RDRAND: SystemOperation = readRandom;
export const RDSEED: SystemOperation = readRandom;
