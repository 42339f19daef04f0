/**
 * ENTER: builds a stack frame with copies of the enclosing procedures' frame pointers (SDM vol. 2A ENTER).
 */
import { lowHalf, plus } from '../../state/address.ts';
import { SS, slot } from '../../state/layout.ts';
import { NEXT, type SystemOperation } from '../cpu.ts';
import { Stack, stackOffset, stackPointer, type StackSize, stackWidth } from '../stack.ts';

export const ENTER: SystemOperation = (cpu, instruction) => {
  const { state } = cpu;
  const size = (instruction.operandSize / 8) as StackSize;
  const level = instruction.immediate2 & 0x1f;
  const stack = Stack.current(cpu);
  const width = stackWidth(state);
  const enclosing = width === 64 ? state.readExact(slot.EBP) : state.read32(slot.EBP);
  const framePointer = plus(stackPointer(state), -size);
  const frame =
    width === 16 ? mergeLow(state.read32(slot.ESP), Number(framePointer)) : stackOffset(state, framePointer);
  stack.push(size, enclosing);
  for (let index = 1; index < level; index++) {
    stack.push(size, cpu.memory.readSegment(SS, stackOffset(state, plus(enclosing, -index * size)), size));
  }
  if (level > 0) stack.push(size, frame);
  stack.skip(-(instruction.immediate & 0xffff));
  stack.requireRoom(size);
  stack.commit();
  if (size === 2) state.write16(slot.EBP, lowHalf(frame));
  else if (size === 4) state.write32(slot.EBP, lowHalf(frame));
  else state.writeAddress(slot.EBP, frame);
  return NEXT;
};

/** ESP of a 16-bit stack: the upper half stays. */
function mergeLow(register: number, value: number): number {
  return ((register & 0xffff_0000) | (value & 0xffff)) >>> 0;
}
