/**
 * Instructions that ask about selectors without loading them: ARPL, LAR, LSL, VERR, VERW (SDM vol. 2; the types that LAR
 * accepts are those of the 80386 manual).
 */
import { ZF } from '../../state/lazy-flags.ts';
import { type Cpu, type Instruction, NEXT, type Outcome, type SystemOperation } from '../cpu.ts';
import {
  type Descriptor,
  findDescriptor,
  isConforming,
  isNull,
  isReadable,
  isWritableData,
  limitOf,
  privilegeOf,
  systemTypeOf,
  TYPE_CALL_GATE_16,
  TYPE_CALL_GATE_32,
  TYPE_INTERRUPT_GATE_16,
  TYPE_INTERRUPT_GATE_32,
  TYPE_LDT,
  TYPE_TASK_GATE,
  TYPE_TRAP_GATE_16,
  TYPE_TRAP_GATE_32,
  TYPE_TSS_16_AVAILABLE,
  TYPE_TSS_16_BUSY,
  TYPE_TSS_32_AVAILABLE,
  TYPE_TSS_32_BUSY,
} from '../descriptors.ts';
import { privilegeLevel, requireDescriptors } from '../mode.ts';
import { readWordOperand } from '../operands.ts';
import { writeDoubleWord } from '../register-writes.ts';

/** System descriptors that have a limit. */
const typesWithLimit: ReadonlySet<number> = new Set([
  TYPE_TSS_16_AVAILABLE,
  TYPE_LDT,
  TYPE_TSS_16_BUSY,
  TYPE_TSS_32_AVAILABLE,
  TYPE_TSS_32_BUSY,
]);

const typesWithRights: ReadonlySet<number> = new Set([
  ...typesWithLimit,
  TYPE_CALL_GATE_16,
  TYPE_TASK_GATE,
  TYPE_INTERRUPT_GATE_16,
  TYPE_TRAP_GATE_16,
  TYPE_CALL_GATE_32,
  TYPE_INTERRUPT_GATE_32,
  TYPE_TRAP_GATE_32,
]);

/** From the Pentium on LAR knows only gates that a selector can name (SDM vol. 2A LAR). */
const typesWithRightsLater: ReadonlySet<number> = new Set([
  ...typesWithLimit,
  TYPE_CALL_GATE_16,
  TYPE_TASK_GATE,
  TYPE_CALL_GATE_32,
]);

const ACCESS_RIGHTS_MASK = 0x00f0_ff00;

/** The descriptor, or undefined where it does not exist or CPL or RPL may not see it. */
function visibleDescriptor(cpu: Cpu, selector: number): Descriptor | undefined {
  const descriptor = isNull(selector) ? undefined : findDescriptor(cpu, selector);
  if (!descriptor || isConforming(descriptor.attributes)) return descriptor;
  const level = Math.max(privilegeLevel(cpu.state), selector & 3);
  return level > privilegeOf(descriptor.attributes) ? undefined : descriptor;
}

function answer(cpu: Cpu, yes: boolean): Outcome {
  const flags = cpu.state.eflags;
  cpu.state.eflags = yes ? flags | ZF : flags & ~ZF;
  return NEXT;
}

function loadFact(
  cpu: Cpu,
  instruction: Instruction,
  systemTypes: ReadonlySet<number>,
  fact: (descriptor: Descriptor) => number,
): Outcome {
  requireDescriptors(cpu);
  const descriptor = visibleDescriptor(cpu, readWordOperand(cpu, instruction));
  const type = descriptor ? systemTypeOf(descriptor.attributes) : undefined;
  if (!descriptor || (type !== undefined && !systemTypes.has(type))) return answer(cpu, false);
  if (instruction.operandSize === 16) cpu.state.write16(instruction.regSlot, fact(descriptor));
  else writeDoubleWord(cpu.state, instruction.regSlot, fact(descriptor));
  return answer(cpu, true);
}

const rightsOf = ({ model }: Cpu) => (model.features.has('TSC') ? typesWithRightsLater : typesWithRights);

export const LAR: SystemOperation = (cpu, instruction) =>
  loadFact(cpu, instruction, rightsOf(cpu), (descriptor) => descriptor.high & ACCESS_RIGHTS_MASK);

export const LSL: SystemOperation = (cpu, instruction) => loadFact(cpu, instruction, typesWithLimit, limitOf);

export const VERR: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  const descriptor = visibleDescriptor(cpu, readWordOperand(cpu, instruction));
  return answer(cpu, descriptor !== undefined && isReadable(descriptor.attributes));
};

export const VERW: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  const descriptor = visibleDescriptor(cpu, readWordOperand(cpu, instruction));
  return answer(cpu, descriptor !== undefined && isWritableData(descriptor.attributes));
};

/** Raises the RPL of the selector in r/m16 to that of the one in r16. */
export const ARPL: SystemOperation = (cpu, instruction) => {
  requireDescriptors(cpu);
  const selector = readWordOperand(cpu, instruction);
  const level = cpu.state.read16(instruction.regSlot) & 3;
  if ((selector & 3) >= level) return answer(cpu, false);
  const raised = (selector & ~3) | level;
  if (instruction.isMemory) cpu.memory.writeSegment(instruction.segment, instruction.offset(), 2, raised);
  else cpu.state.write16(instruction.rmSlot, raised);
  return answer(cpu, true);
};
