/**
 * A processor for tests of system code: flat memory, ports that remember, and the segment checks of SDM vol. 3A §5.3 and
 * §5.4 done plainly. `protectedCpu` has a descriptor table with one descriptor of each interesting kind.
 */
import { type CpuModel, type CpuModelFacts, modelFacts } from '../isa/cpu-model.ts';
import type { GuestEvent } from '../machine/machine.ts';
import { CS, DS, ES, type SegmentIndex, SS, slot } from '../state/layout.ts';
import { CpuState } from '../state/cpu-state.ts';
import {
  type Cpu,
  type CpuMemory,
  GuestFault,
  type Instruction,
  type MemorySize,
  type Outcome,
  type PortSpace,
  type Translations,
  VECTOR_GP,
  VECTOR_SS,
} from './cpu.ts';
import { isPresent, isReadable, isWritableData } from './descriptors.ts';
import { resetModelSpecificRegisters } from './model-specific-registers.ts';
import { setPrivilegeLevel, usesDescriptors } from './mode.ts';
import { resetCpu } from './reset.ts';
import { isWithinLimit, loadSegment } from './segments.ts';
import { systemOperations } from './system-operations.ts';
import { TEST_ARRAYS_END } from './test-arrays.ts';

const MEMORY_SIZE = 1 << 20;

/** One port access; for reads, `value` is what the port answered. */
export interface PortAccess {
  readonly direction: 'read' | 'write';
  readonly port: number;
  readonly size: number;
  readonly value: number;
}

export class FakeCpu implements Cpu, CpuMemory, PortSpace {
  readonly state: CpuState;
  readonly bytes: Uint8Array = new Uint8Array(MEMORY_SIZE);
  readonly view: DataView = new DataView(this.bytes.buffer);
  readonly portAccesses: PortAccess[] = [];
  readonly unsupportedUses: string[] = [];
  readonly derivedChanges: number[] = [];
  readonly events: GuestEvent[] = [];
  readonly messages: string[] = [];
  readonly traps: number[] = [];
  randomValues: number[] = [];
  time = 0;
  model: CpuModelFacts = modelFacts('386');
  readonly ticksPerSecond = 200_000_000;
  /** What the next port reads answer, in order; then all ones. */
  portValues: number[] = [];

  constructor() {
    const pages = Math.ceil(TEST_ARRAYS_END / 65536);
    this.state = new CpuState(new WebAssembly.Memory({ initial: pages }), 0);
    resetCpu(this.state, this.model);
    this.state.onDerivedChange = (offset) => this.derivedChanges.push(offset);
  }

  get memory(): CpuMemory {
    return this;
  }

  get ports(): PortSpace {
    return this;
  }

  acknowledgeInterrupt(): number {
    return 0x20;
  }

  /** An interrupt waits, and is taken when it can be. */
  interruptPending(): boolean {
    return true;
  }

  /** What was asked of the translations, in order. */
  readonly translationCalls: string[] = [];
  readonly translations: Translations = {
    rulesChanged: () => this.translationCalls.push('rules'),
    flushAll: () => this.translationCalls.push('all'),
    flushContext: (pcid = -1) => this.translationCalls.push(`context ${pcid}`),
    flushContexts: () => this.translationCalls.push('contexts'),
    invalidatePage: (linear, pcid = -1, global = true) =>
      this.translationCalls.push(`page ${linear.toString(16)} ${pcid} ${global}`),
  };

  now(): number {
    return this.time;
  }

  trap(reasons: number): void {
    this.traps.push(reasons);
  }

  random(): number {
    return this.randomValues.shift() ?? 0;
  }

  report(makeEvent: () => GuestEvent): void {
    this.events.push(makeEvent());
  }

  log(message: string): void {
    this.messages.push(message);
  }

  unsupported(what: string): void {
    this.unsupportedUses.push(what);
  }

  readLinear(linearAddress: number, size: MemorySize): number {
    const at = linearAddress % MEMORY_SIZE;
    if (size === 8) return Number(this.view.getBigInt64(at, true));
    if (size === 1) return this.view.getUint8(at);
    return size === 2 ? this.view.getUint16(at, true) : this.view.getUint32(at, true);
  }

  readPhysical(physicalAddress: number): number {
    return this.readLinear(physicalAddress, 4);
  }

  writeLinear(linearAddress: number, size: MemorySize, value: number): void {
    const at = linearAddress % MEMORY_SIZE;
    if (size === 1) this.view.setUint8(at, value);
    else if (size === 2) this.view.setUint16(at, value, true);
    else if (size === 8) this.view.setBigInt64(at, BigInt(value), true);
    else this.view.setUint32(at, value, true);
  }

  readSegment(segment: SegmentIndex, offset: number, size: MemorySize): number {
    this.check(segment, offset, size, isReadable);
    return this.readLinear((this.state.segment(segment).base + offset) >>> 0, size);
  }

  writeSegment(segment: SegmentIndex, offset: number, size: MemorySize, value: number): void {
    this.check(segment, offset, size, isWritableData);
    this.writeLinear((this.state.segment(segment).base + offset) >>> 0, size, value);
  }

  requireWritable(segment: SegmentIndex, offset: number, size: MemorySize): void {
    this.check(segment, offset, size, isWritableData);
  }

  requireReadable(segment: SegmentIndex, offset: number, size: number): void {
    this.check(segment, offset, size, isReadable);
  }

  private check(index: SegmentIndex, offset: number, size: number, allows: (attributes: number) => boolean): void {
    const segment = this.state.segment(index);
    const hasRights = !usesDescriptors(this.state) || (isPresent(segment.attributes) && allows(segment.attributes));
    if (hasRights && isWithinLimit(segment, offset, size)) return;
    throw new GuestFault(index === SS ? VECTOR_SS : VECTOR_GP, 0);
  }

  read(port: number, size: 1 | 2 | 4): number {
    const value = this.portValues.shift() ?? 0xffff_ffff >>> (32 - size * 8);
    this.portAccesses.push({ direction: 'read', port, size, value });
    return value;
  }

  write(port: number, size: 1 | 2 | 4, value: number): void {
    this.portAccesses.push({ direction: 'write', port, size, value });
  }

  /** Words from memory upwards, as a test expects to find them pushed. */
  words(linearAddress: number, count: number): number[] {
    return Array.from({ length: count }, (_, index) => this.readLinear(linearAddress + index * 2, 2));
  }

  doubleWords(linearAddress: number, count: number): number[] {
    return Array.from({ length: count }, (_, index) => this.readLinear(linearAddress + index * 4, 4));
  }
}

/** An instruction for `execute`; what a test does not give is zero, 16-bit and a register form. */
export type InstructionFields = Partial<Omit<Instruction, 'offset'>> & { readonly at?: number };

/** Runs the operation `name` as the engine would; EIP already points behind the instruction. */
export function execute(cpu: FakeCpu, name: string, fields: InstructionFields = {}): Outcome {
  const operation = systemOperations[name];
  if (!operation) throw new Error(`no operation ${name}`);
  const { at, ...given } = fields;
  return operation(cpu, {
    name,
    length: 2,
    operandSize: 16,
    addressSize: 16,
    immediate: 0,
    immediate2: 0,
    reg: 0,
    regSlot: slot.EAX,
    isMemory: at !== undefined,
    rmSlot: slot.EAX,
    segment: DS,
    offset: () => at ?? 0,
    repeat: false,
    ...given,
  });
}

/** What `action` raised, as [vector, error code]; undefined if nothing. */
export function faultOf(action: () => unknown): readonly [number, number | undefined] | undefined {
  try {
    action();
    return undefined;
  } catch (error) {
    if (error instanceof GuestFault) return [error.vector, error.errorCode];
    throw error;
  }
}

/** The processor as another model; its registers stay. */
export function withModel(cpu: FakeCpu, model: CpuModel): FakeCpu {
  cpu.model = modelFacts(model);
  resetModelSpecificRegisters(cpu);
  return cpu;
}

/** A processor in real mode: CS 1000h, SS 2000h:0100h, DS 3000h, ES 4000h, EIP 0200h. */
export function realCpu(): FakeCpu {
  const cpu = new FakeCpu();
  cpu.state.setSegment(CS, { ...cpu.state.segment(CS), selector: 0x1000, base: 0x10000 });
  loadSegment(cpu, SS, 0x2000);
  loadSegment(cpu, DS, 0x3000);
  loadSegment(cpu, ES, 0x4000);
  cpu.state.write32(slot.ESP, 0x100);
  cpu.state.eip = 0x200;
  cpu.derivedChanges.length = 0;
  return cpu;
}

export const GDT = 0x1000;
export const TSS = 0x2000;
export const IDT = 0x3000;
export const LDT = 0x4000;

/** Selectors of the descriptor table that `protectedCpu` sets up. */
export const selectors = {
  code: 0x08,
  data: 0x10,
  code16: 0x18,
  data16: 0x20,
  userCode: 0x2b,
  userData: 0x33,
  tss: 0x38,
  gate: 0x40,
  absentCode: 0x48,
  conforming: 0x50,
  ldt: 0x58,
  readOnly: 0x60,
  executeOnly: 0x68,
  taskGate: 0x70,
  absentData: 0x78,
  expandDown: 0x80,
  smallCode: 0x88,
  gate16: 0x90,
  tss16: 0x98,
  userConforming: 0xa3,
  gateToUser: 0xa8,
} as const;

type DescriptorRow = readonly [selector: number, base: number, limit: number, attributes: number];

/** Attributes as in the register table: C00h is 4 KiB granularity and 32 bits, 400h 32 bits. */
const descriptorRows: readonly DescriptorRow[] = [
  [selectors.code, 0, 0xfffff, 0xc9a],
  [selectors.data, 0, 0xfffff, 0xc92],
  [selectors.code16, 0, 0xffff, 0x09a],
  [selectors.data16, 0x20000, 0xffff, 0x092],
  [selectors.userCode, 0, 0xfffff, 0xcfa],
  [selectors.userData, 0, 0xfffff, 0xcf2],
  [selectors.tss, TSS, 0x8f, 0x089],
  [selectors.absentCode, 0, 0xffff, 0x01a],
  [selectors.conforming, 0, 0xffff, 0x49e],
  [selectors.ldt, LDT, 0xf, 0x082],
  [selectors.readOnly, 0, 0xffff, 0x090],
  [selectors.executeOnly, 0, 0xffff, 0x098],
  [selectors.absentData, 0, 0xffff, 0x012],
  [selectors.expandDown, 0, 0x0fff, 0x496],
  [selectors.smallCode, 0, 0x0fff, 0x49a],
  [selectors.tss16, TSS, 0x2b, 0x081],
  [selectors.userConforming, 0, 0xffff, 0x4fe],
];

type GateRow = readonly [selector: number, target: number, offset: number, attributes: number, parameters: number];

const gateRows: readonly GateRow[] = [
  [selectors.gate, selectors.code, 0x12345, 0x0ec, 2],
  [selectors.gate16, selectors.code, 0x2345, 0x0e4, 0],
  [selectors.taskGate, selectors.tss, 0, 0x0e5, 0],
  [selectors.gateToUser, selectors.userCode, 0x3456, 0x0ec, 0],
];

/** Writes a segment descriptor at a linear address. */
export function writeDescriptor(cpu: FakeCpu, at: number, base: number, limit: number, attributes: number): void {
  cpu.writeLinear(at, 4, ((base << 16) | (limit & 0xffff)) >>> 0);
  const rights = ((attributes & 0xff) << 8) | ((attributes & 0xf00) << 12);
  cpu.writeLinear(at + 4, 4, ((base & 0xff00_0000) | ((base >>> 16) & 0xff) | (limit & 0xf0000) | rights) >>> 0);
}

/** Writes a call, interrupt, trap or task gate at a linear address. */
export function writeGate(
  cpu: FakeCpu,
  at: number,
  target: number,
  offset: number,
  attributes: number,
  parameters = 0,
): void {
  cpu.writeLinear(at, 4, ((target << 16) | (offset & 0xffff)) >>> 0);
  cpu.writeLinear(at + 4, 4, ((offset & 0xffff_0000) | (attributes << 8) | parameters) >>> 0);
}

/**
 * A processor in flat protected mode at privilege `level` (0 or 3), ESP 8000h, EIP 5000h, with TSS (ESP0 9000h) and LDT
 * loaded and an IDT of 256 absent gates.
 */
export function protectedCpu(level: 0 | 3 = 0): FakeCpu {
  const cpu = new FakeCpu();
  const { state } = cpu;
  for (const [selector, base, limit, attributes] of descriptorRows) {
    writeDescriptor(cpu, GDT + (selector & ~7), base, limit, attributes);
  }
  for (const [selector, target, offset, attributes, parameters] of gateRows) {
    writeGate(cpu, GDT + selector, target, offset, attributes, parameters);
  }
  writeDescriptor(cpu, LDT, 0, 0xffff, 0x492);
  state.write32(slot.GDTR_BASE, GDT);
  state.write16(slot.GDTR_LIMIT, 0xaf);
  state.write32(slot.IDTR_BASE, IDT);
  state.write16(slot.IDTR_LIMIT, 0x7ff);
  state.write32(slot.CR0, 1);
  execute(cpu, 'JMP_FAR_IMMEDIATE', { immediate: 0x5000, immediate2: selectors.code, operandSize: 32 });
  for (const index of [ES, SS, DS] as const) loadSegment(cpu, index, selectors.data);
  state.write16(slot.EAX, selectors.tss);
  execute(cpu, 'LTR');
  state.write16(slot.EAX, selectors.ldt);
  execute(cpu, 'LLDT');
  state.write32(slot.EAX, 0);
  state.write32(slot.EDX, 0);
  state.write32(slot.ESP, 0x8000);
  cpu.writeLinear(TSS + 4, 4, 0x9000);
  cpu.writeLinear(TSS + 8, 2, selectors.data);
  if (level === 3) enterUserLevel(cpu);
  cpu.derivedChanges.length = 0;
  return cpu;
}

function enterUserLevel(cpu: FakeCpu): void {
  const { state } = cpu;
  setPrivilegeLevel(state, 3);
  for (const index of [ES, SS, DS] as const) loadSegment(cpu, index, selectors.userData);
  const { base, limit } = state.segment(CS);
  state.setSegment(CS, { selector: selectors.userCode, base, limit, attributes: 0xcfb });
}
