/**
 * IN, OUT, INS and OUTS (SDM vol. 2; vol. 1 §18.5 for who may use a port). Where a device raises an interrupt, changes
 * the memory map or asks to be called sooner than anybody else, the machine asks the engine to leave.
 */

import { CR0_PE, CR4_DE } from '../../state/control-bits.ts';
import { type Address, lowHalf, plus } from '../../state/address.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { ES, slot } from '../../state/layout.ts';
import { DF, TF } from '../../state/lazy-flags.ts';
import { type Cpu, EXIT, type Instruction, NEXT, type Outcome, REPEAT, type SystemOperation } from '../cpu.ts';
import { DR7_ENABLES } from '../debug-registers.ts';
import { ioPrivilegeLevel, isVirtual8086, privilegeLevel } from '../mode.ts';
import { readAddressRegister, writeGeneral } from '../operands.ts';
import type { OperandSize } from '../../isa/operand.ts';
import { checkIoPermissionMap } from '../task-state.ts';

/** How many iterations a repeated INS or OUTS makes before interrupts get a chance; a single step is one of them. */
const ITERATIONS_MAX = 64;

type PortSize = 1 | 2 | 4;

/** #GP(0) unless CPL is at most IOPL or the I/O permission bitmap allows the ports. */
function requirePort(cpu: Cpu, port: number, size: PortSize): void {
  const { state } = cpu;
  if ((state.read32(slot.CR0) & CR0_PE) === 0) return;
  if (isVirtual8086(state) || privilegeLevel(state) > ioPrivilegeLevel(state)) checkIoPermissionMap(cpu, port, size);
}

function input(cpu: Cpu, port: number, size: PortSize): Outcome {
  requirePort(cpu, port, size);
  const value = cpu.ports.read(port, size);
  if (size === 1) cpu.state.write8(slot.EAX, value);
  else if (size === 2) cpu.state.write16(slot.EAX, value);
  else writeGeneral(cpu.state, slot.EAX, 32, value);
  return NEXT;
}

function output(cpu: Cpu, port: number, size: PortSize): Outcome {
  requirePort(cpu, port, size);
  const { state } = cpu;
  const value = size === 1 ? state.read8(slot.EAX) : size === 2 ? state.read16(slot.EAX) : state.read32(slot.EAX);
  cpu.ports.write(port, size, value);
  return NEXT;
}

/** Operands of 64 bits are of 32 here. */
const sizeOf = (instruction: Instruction): PortSize => Math.min(instruction.immediate2, 4) as PortSize;

export const IN_IMMEDIATE: SystemOperation = (cpu, instruction) =>
  input(cpu, instruction.immediate & 0xff, sizeOf(instruction));

export const IN_DX: SystemOperation = (cpu, instruction) => input(cpu, cpu.state.read16(slot.EDX), sizeOf(instruction));

export const OUT_IMMEDIATE: SystemOperation = (cpu, instruction) =>
  output(cpu, instruction.immediate & 0xff, sizeOf(instruction));

export const OUT_DX: SystemOperation = (cpu, instruction) =>
  output(cpu, cpu.state.read16(slot.EDX), sizeOf(instruction));

export const INS: SystemOperation = (cpu, instruction) => transfer(cpu, instruction, slot.EDI, inputElement);

export const OUTS: SystemOperation = (cpu, instruction) => transfer(cpu, instruction, slot.ESI, outputElement);

type Element = (cpu: Cpu, instruction: Instruction, offset: Address, port: number, size: PortSize) => void;

/** What was read from a device is gone: all that forbids the write, page faults included, comes before the port is touched. */
const inputElement: Element = (cpu, _instruction, offset, port, size) => {
  cpu.memory.requireWritable(ES, offset, size);
  cpu.memory.writeSegment(ES, offset, size, cpu.ports.read(port, size));
};

const outputElement: Element = (cpu, instruction, offset, port, size) => {
  cpu.ports.write(port, size, cpu.memory.readSegment(instruction.segment, offset, size));
};

/** Runs one element, or as many as the count register says; each element commits its registers before the next. */
function transfer(cpu: Cpu, instruction: Instruction, indexSlot: number, element: Element): Outcome {
  const { state } = cpu;
  const size = sizeOf(instruction);
  const port = state.read16(slot.EDX);
  const step = (state.read32(slot.EFLAGS) & DF) === 0 ? size : -size;
  const { addressSize } = instruction;
  if (instruction.repeat && readAddressRegister(state, slot.ECX, addressSize) === 0) return EXIT;
  requirePort(cpu, port, size);
  const iterations = trapsAfterEach(state) ? 1 : ITERATIONS_MAX;
  for (let iteration = 0; iteration < iterations; iteration++) {
    const offset = readAddressRegister(state, indexSlot, addressSize);
    element(cpu, instruction, offset, port, size);
    writeAddressRegister(state, indexSlot, addressSize, plus(offset, step));
    if (!instruction.repeat) return EXIT;
    decrement(state, slot.ECX, addressSize);
    if (readAddressRegister(state, slot.ECX, addressSize) === 0) return EXIT;
  }
  return REPEAT;
}

/** A single step, or a breakpoint on ports, is due after each iteration. */
function trapsAfterEach(state: CpuState): boolean {
  if ((state.read32(slot.EFLAGS) & TF) !== 0) return true;
  return (state.read32(slot.CR4) & CR4_DE) !== 0 && (state.read32(slot.DR7) & DR7_ENABLES) !== 0;
}

function decrement(state: CpuState, offset: number, addressSize: OperandSize): void {
  const count = readAddressRegister(state, offset, addressSize);
  writeAddressRegister(state, offset, addressSize, plus(count, -1));
}

function writeAddressRegister(state: CpuState, offset: number, addressSize: OperandSize, value: Address): void {
  if (addressSize === 16) state.write16(offset, lowHalf(value));
  else writeGeneral(state, offset, addressSize, value);
}
