/**
 * The r/m16 operand of system instructions: always a word in memory, in a register as wide as the operand size.
 */
import { type Address, lowHalf } from '../state/address.ts';
import type { OperandSize } from '../isa/operand.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { type Cpu, type Instruction, NEXT, type Outcome } from './cpu.ts';
import { writeDoubleWord } from './register-writes.ts';

/** Writes 32 or 64 bits of a general register; what is written to 64 bits is signed. */
export function writeGeneral(state: CpuState, register: number, bits: number, value: Address): void {
  if (bits === 64) state.writeAddress(register, value);
  else writeDoubleWord(state, register, lowHalf(value));
}

/** A count, index or address register by the address size. */
export function readAddressRegister(state: CpuState, offset: number, addressSize: OperandSize): Address {
  if (addressSize === 64) return state.readExact(offset);
  return addressSize === 16 ? state.read16(offset) : state.read32(offset);
}

/** Reads the 16-bit operand that ModR/M names, in a register or in memory. */
export function readWordOperand(cpu: Cpu, instruction: Instruction): number {
  if (!instruction.isMemory) return cpu.state.read16(instruction.rmSlot);
  return cpu.memory.readSegment(instruction.segment, instruction.offset(), 2);
}

/** Writes to the operand: 16 bits to memory, all of `value` to a 32-bit register. */
export function writeWordOperand(cpu: Cpu, instruction: Instruction, value: number): Outcome {
  if (instruction.isMemory) cpu.memory.writeSegment(instruction.segment, instruction.offset(), 2, value & 0xffff);
  else if (instruction.operandSize === 16) cpu.state.write16(instruction.rmSlot, value);
  else writeGeneral(cpu.state, instruction.rmSlot, 32, value);
  return NEXT;
}
