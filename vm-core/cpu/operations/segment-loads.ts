/**
 * Instructions that load or push a segment register: MOV Sreg, PUSH, POP, LDS and its like (SDM vol. 2).
 */
import { lowHalf, plus } from '../../state/address.ts';
import { CS, DS, ES, FS, GS, type SegmentIndex, SS, SHADOW_MOV_SS, slot } from '../../state/layout.ts';
import { memoryPointer } from '../code-segments.ts';
import { type Cpu, EXIT, GuestFault, NEXT, type Outcome, type SystemOperation, VECTOR_UD } from '../cpu.ts';
import { usesDescriptors } from '../mode.ts';
import { readWordOperand, writeGeneral } from '../operands.ts';
import { loadSegment } from '../segments.ts';
import { push, stackPointer, type StackSize, stackWidth } from '../stack.ts';

export const MOV_SREG_RM: SystemOperation = (cpu, instruction) => {
  const index = instruction.reg;
  if (index === CS || index > GS) throw new GuestFault(VECTOR_UD);
  const selector = readWordOperand(cpu, instruction);
  loadSegment(cpu, index as SegmentIndex, selector);
  return index === SS ? holdInterrupts(cpu) : afterLoad(cpu);
};

/** Loads of SS hold interrupts off for one instruction, so that a load of ESP can follow. */
function holdInterrupts(cpu: Cpu): Outcome {
  cpu.state.write8(slot.INTERRUPT_SHADOW, SHADOW_MOV_SS);
  return EXIT;
}

/** A load through a descriptor may change what the engine assumes of the segment. */
function afterLoad(cpu: Cpu): Outcome {
  return usesDescriptors(cpu.state) ? EXIT : NEXT;
}

export const PUSH_SREG: SystemOperation = (cpu, instruction) => {
  const { selector } = cpu.state.segment(instruction.immediate);
  push(cpu, (instruction.operandSize / 8) as StackSize, selector);
  return NEXT;
};

export const POP_SREG: SystemOperation = (cpu, instruction) => {
  const { state } = cpu;
  const index = instruction.immediate as SegmentIndex;
  const size = (instruction.operandSize / 8) as StackSize;
  const pointer = stackPointer(state);
  const selector = lowHalf(cpu.memory.readSegment(SS, pointer, size)) & 0xffff;
  const width = stackWidth(state);
  loadSegment(cpu, index, selector);
  // The width is that of the stack from which the selector came.
  const moved = plus(pointer, size);
  if (width === 16) state.write16(slot.ESP, lowHalf(moved));
  else if (width === 32) state.write32(slot.ESP, lowHalf(moved));
  else state.writeAddress(slot.ESP, moved);
  return index === SS ? holdInterrupts(cpu) : afterLoad(cpu);
};

/** LES, LDS, LSS, LFS, LGS: a far pointer into a segment register and a general register. */
function loadPointer(index: SegmentIndex): SystemOperation {
  return (cpu, instruction) => {
    const { selector, offset } = memoryPointer(cpu, instruction);
    loadSegment(cpu, index, selector);
    if (instruction.operandSize === 16) cpu.state.write16(instruction.regSlot, lowHalf(offset));
    else writeGeneral(cpu.state, instruction.regSlot, instruction.operandSize, offset);
    return index === SS ? EXIT : afterLoad(cpu);
  };
}

export const LES: SystemOperation = loadPointer(ES);
export const LDS: SystemOperation = loadPointer(DS);
export const LSS: SystemOperation = loadPointer(SS);
export const LFS: SystemOperation = loadPointer(FS);
export const LGS: SystemOperation = loadPointer(GS);
