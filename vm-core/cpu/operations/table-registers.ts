/**
 * GDTR, IDTR, LDTR and TR: LGDT, LIDT, SGDT, SIDT, LLDT, SLDT, LTR, STR (SDM vol. 2).
 */
import { addressFrom, plus } from '../../state/address.ts';
import type { NewSegmentState } from '../../state/cpu-state.ts';
import { slot } from '../../state/layout.ts';
import {
  type Cpu,
  EXIT,
  GuestFault,
  type Instruction,
  NEXT,
  type Outcome,
  type SystemOperation,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_UD,
} from '../cpu.ts';
import {
  type Descriptor,
  isNull,
  isPresent,
  readUpperHalf,
  requireDescriptor,
  segmentFrom,
  selectorError,
  systemTypeOf,
  TYPE_BIT_BUSY,
  TYPE_LDT,
  TYPE_TSS_16_AVAILABLE,
  TYPE_TSS_32_AVAILABLE,
} from '../descriptors.ts';
import {
  dataOffset,
  requireDescriptors,
  requireInformation,
  requirePrivilege,
  is64BitMode,
  isCanonical,
  isLongMode,
  linearAddressOf,
} from '../mode.ts';
import { readWordOperand, writeWordOperand } from '../operands.ts';

/** With 16-bit operands only 24 bits of the base are loaded or stored, as on an 80286. */
const BASE_MASK_16 = 0x00ff_ffff;

export const LGDT: SystemOperation = (cpu, instruction) => loadTable(cpu, instruction, slot.GDTR_BASE, slot.GDTR_LIMIT);

export const LIDT: SystemOperation = (cpu, instruction) => loadTable(cpu, instruction, slot.IDTR_BASE, slot.IDTR_LIMIT);

export const SGDT: SystemOperation = (cpu, instruction) =>
  storeTable(cpu, instruction, slot.GDTR_BASE, slot.GDTR_LIMIT);

export const SIDT: SystemOperation = (cpu, instruction) =>
  storeTable(cpu, instruction, slot.IDTR_BASE, slot.IDTR_LIMIT);

function loadTable(cpu: Cpu, instruction: Instruction, baseSlot: number, limitSlot: number): Outcome {
  if (!instruction.isMemory) throw new GuestFault(VECTOR_UD);
  requirePrivilege(cpu);
  const { state, memory } = cpu;
  const at = instruction.offset();
  const limit = memory.readSegment(instruction.segment, at, 2);
  if (is64BitMode(state)) {
    const base = memory.readSegment(instruction.segment, plus(at, 2), 8);
    if (!isCanonical(state, base)) throw new GuestFault(VECTOR_GP, 0);
    state.write16(limitSlot, limit);
    state.writeAddress(baseSlot, base);
    return EXIT;
  }
  const base = memory.readSegment(instruction.segment, dataOffset(state, plus(at, 2)), 4);
  state.write16(limitSlot, limit);
  state.writeAddress(baseSlot, instruction.operandSize === 16 ? base & BASE_MASK_16 : base);
  return EXIT;
}

function storeTable(cpu: Cpu, instruction: Instruction, baseSlot: number, limitSlot: number): Outcome {
  if (!instruction.isMemory) throw new GuestFault(VECTOR_UD);
  requireInformation(cpu);
  const { state, memory } = cpu;
  const at = instruction.offset();
  memory.requireWritable(instruction.segment, at, 2);
  if (is64BitMode(state)) {
    memory.writeSegment(instruction.segment, plus(at, 2), 8, state.readExact(baseSlot));
    memory.writeSegment(instruction.segment, at, 2, state.read16(limitSlot));
    return NEXT;
  }
  const base = state.read32(baseSlot);
  // The far end goes first: if it can be written, so can the rest.
  memory.writeSegment(
    instruction.segment,
    dataOffset(state, plus(at, 2)),
    4,
    instruction.operandSize === 16 ? base & BASE_MASK_16 : base,
  );
  memory.writeSegment(instruction.segment, at, 2, state.read16(limitSlot));
  return NEXT;
}

export const LLDT: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  requirePrivilege(cpu);
  const selector = readWordOperand(cpu, instruction);
  if (isNull(selector)) {
    cpu.state.setSegmentAt(slot.LDTR, { selector, base: 0, limit: 0, attributes: 0 });
    return EXIT;
  }
  const descriptor = requireGlobal(cpu, selector, [TYPE_LDT]);
  cpu.state.setSegmentAt(slot.LDTR, systemSegment(cpu, descriptor, selector));
  return EXIT;
};

export const LTR: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  requirePrivilege(cpu);
  const selector = readWordOperand(cpu, instruction);
  if (isNull(selector)) throw new GuestFault(VECTOR_GP, 0);
  const types = isLongMode(cpu.state) ? [TYPE_TSS_32_AVAILABLE] : [TYPE_TSS_16_AVAILABLE, TYPE_TSS_32_AVAILABLE];
  const descriptor = requireGlobal(cpu, selector, types);
  const segment = systemSegment(cpu, descriptor, selector);
  const attributes = descriptor.attributes | TYPE_BIT_BUSY;
  cpu.memory.writeLinear(linearAddressOf(cpu.state, plus(descriptor.linearAddress, 5)), 1, attributes & 0xff);
  cpu.state.setSegmentAt(slot.TR, { ...segment, attributes });
  return EXIT;
};

/** LDTR or TR: in long mode the base has 64 bits, which must be canonical. */
function systemSegment(cpu: Cpu, descriptor: Descriptor, selector: number): NewSegmentState {
  const segment = segmentFrom(descriptor, selector);
  if (!isLongMode(cpu.state)) return segment;
  const base = addressFrom(readUpperHalf(cpu, descriptor, selector) | 0, segment.base);
  if (!isCanonical(cpu.state, base)) throw new GuestFault(VECTOR_GP, selectorError(selector));
  return { ...segment, base };
}

/** A present system descriptor of one of `types`, which must lie in the GDT. */
function requireGlobal(cpu: Cpu, selector: number, types: readonly number[]): Descriptor {
  if ((selector & 4) !== 0) throw new GuestFault(VECTOR_GP, selectorError(selector));
  const descriptor = requireDescriptor(cpu, selector, VECTOR_GP);
  const type = systemTypeOf(descriptor.attributes);
  if (type === undefined || !types.includes(type)) throw new GuestFault(VECTOR_GP, selectorError(selector));
  if (!isPresent(descriptor.attributes)) throw new GuestFault(VECTOR_NP, selectorError(selector));
  return descriptor;
}

export const SLDT: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  requireInformation(cpu);
  return writeWordOperand(cpu, instruction, cpu.state.read16(slot.LDTR));
};

export const STR: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  requireInformation(cpu);
  return writeWordOperand(cpu, instruction, cpu.state.read16(slot.TR));
};
