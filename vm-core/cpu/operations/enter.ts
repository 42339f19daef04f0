/**
 * ENTER: builds a stack frame with copies of the enclosing procedures' frame pointers (SDM vol. 2A ENTER).
 */
import { SS, slot } from '../../state/layout.ts';
import { NEXT, type SystemOperation } from '../cpu.ts';
import { Stack, stackMask } from '../stack.ts';

export const ENTER: SystemOperation = (cpu, instruction) => {
  const { state } = cpu;
  const size = instruction.operandSize === 16 ? 2 : 4;
  const level = instruction.immediate2 & 0x1f;
  const mask = stackMask(state);
  const stack = Stack.current(cpu);
  const enclosing = state.read32(slot.EBP);
  const framePointer = state.read32(slot.ESP) - size;
  const frame = mask === 0xffff ? mergeLow(state.read32(slot.ESP), framePointer) : framePointer >>> 0;
  stack.push(size, enclosing);
  for (let index = 1; index < level; index++) {
    stack.push(size, cpu.memory.readSegment(SS, ((enclosing - index * size) & mask) >>> 0, size));
  }
  if (level > 0) stack.push(size, frame);
  stack.skip(-(instruction.immediate & 0xffff));
  stack.requireRoom(size);
  stack.commit();
  if (size === 2) state.write16(slot.EBP, frame);
  else state.write32(slot.EBP, frame);
  return NEXT;
};

/** ESP of a 16-bit stack: the upper half stays. */
function mergeLow(register: number, value: number): number {
  return ((register & 0xffff_0000) | (value & 0xffff)) >>> 0;
}
