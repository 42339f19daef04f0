/**
 * Which memory an instruction is about to touch, and whether segment limits and rights allow it (SDM vol. 3A §5.3, §5.5):
 * worked out from iced-x86's facts and the registers, without any code of our processor.
 */
import {
  type Instruction,
  type InstructionInfo,
  MemorySizeExt,
  Mnemonic,
  OpAccess,
  OpKind,
  Register,
  RegisterExt,
  type UsedMemory,
} from 'iced-x86';
import type { CpuState, SegmentState } from '../../vm-core/state/cpu-state.ts';
import { generalSlots, SS, slot } from '../../vm-core/state/layout.ts';

/** Bytes that an instruction touches. */
export interface Access {
  readonly segment: number;
  readonly offset: number;
  readonly linear: number;
  readonly size: number;
  readonly isWrite: boolean;
  readonly isRead: boolean;
  /** False where the segment's limit or rights forbid it. */
  readonly allowed: boolean;
  /** The place is only checked, not touched. */
  readonly isCheck?: true;
}

const BIG = 1 << 10;
const PRESENT_AND_S = 0x90;
const CODE = 1 << 3;
const EXPAND_DOWN = 1 << 2;
const READABLE_OR_WRITABLE = 1 << 1;

/** More elements than this are not looked at one by one. */
export const REPEATS_MAX = 300;

const bitTests: ReadonlySet<number> = new Set([Mnemonic.Bt, Mnemonic.Bts, Mnemonic.Btr, Mnemonic.Btc]);

/** ENTER and LEAVE address their frames by the stack's size. */
const FRAME_REGISTERS: ReadonlySet<number> = new Set([Register.SP, Register.ESP, Register.BP, Register.EBP]);

const writes: ReadonlySet<number> = new Set([
  OpAccess.Write,
  OpAccess.CondWrite,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);
const reads: ReadonlySet<number> = new Set([
  OpAccess.Read,
  OpAccess.CondRead,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);

/** The value of a general register of any size, or 0 for none. */
export function registerValue(state: CpuState, register: Register): number {
  if (register === Register.None) return 0;
  const number = RegisterExt.number(register);
  switch (RegisterExt.size(register)) {
    case 1:
      return state.read8((generalSlots[number & 3] as number) + (number >> 2));
    case 2:
      return state.read16(generalSlots[number] as number);
    default:
      return state.read32(generalSlots[number] as number);
  }
}

/** The accesses of an instruction; undefined if they are too many to be listed. */
export function accessesOf(state: CpuState, instruction: Instruction, info: InstructionInfo): Access[] | undefined {
  const used = info.usedMemory();
  const explicit = used.find((memory) => isExplicit(instruction, memory));
  const accesses: Access[] = [];
  for (const memory of used) {
    if (memory.access === OpAccess.NoMemAccess || memory.access === OpAccess.None) continue;
    const elements = elementsOf(state, instruction, memory);
    if (elements === undefined) return undefined;
    const { first, mask } =
      memory === explicit ? operandAddress(state, instruction, memory) : implicitAddress(state, memory);
    const segment = segmentIndex(memory.segment);
    for (let n = 0; n < elements.count; n++) {
      accesses.push(
        makeAccess(state, segment, ((first + n * elements.step) & mask) >>> 0, elements.size, {
          isWrite: writes.has(memory.access),
          isRead: reads.has(memory.access),
        }),
      );
    }
  }
  for (const memory of used) memory.free();
  if (instruction.mnemonic === Mnemonic.Enter) accesses.push(newStackTop(state, instruction, accesses));
  return accesses;
}

/** ENTER checks that the stack could be written at its new top (SDM vol. 2A, ENTER). */
function newStackTop(state: CpuState, instruction: Instruction, pushes: readonly Access[]): Access {
  const pushed = pushes.reduce((total, { isWrite, size }) => (isWrite ? total + size : total), 0);
  const top = ((state.read32(slot.ESP) - pushed - Number(instruction.immediate(0))) & stackMask(state)) >>> 0;
  const size = pushes[0]?.size ?? 2;
  return { ...makeAccess(state, SS, top, size, { isWrite: true, isRead: false }), isCheck: true };
}

/** The bytes that an interrupt or exception would push: `size` of them below the stack pointer. */
export function frameAccesses(state: CpuState, wordSize: 2 | 4, words: number): Access[] {
  const mask = stackMask(state);
  const top = state.read32(slot.ESP);
  return Array.from({ length: words }, (_, n) =>
    makeAccess(state, SS, ((top - (n + 1) * wordSize) & mask) >>> 0, wordSize, { isWrite: true, isRead: false }),
  );
}

function makeAccess(
  state: CpuState,
  segment: number,
  offset: number,
  size: number,
  kind: { isWrite: boolean; isRead: boolean },
): Access {
  const cache = state.segment(segment);
  const linear = (cache.base + offset) >>> 0;
  const isProtected = (state.read32(slot.CR0) & 1) !== 0;
  const allowed = isInside(cache, offset, size) && (!isProtected || isPermitted(cache, kind.isWrite));
  return { segment, offset, linear, size, ...kind, allowed };
}

/** Whether a segment's bounds take `size` bytes at `offset`. */
export function isInside(segment: SegmentState, offset: number, size: number): boolean {
  const last = offset + size - 1;
  if ((segment.attributes & (CODE | EXPAND_DOWN)) !== EXPAND_DOWN) return last <= segment.limit;
  return offset > segment.limit && last <= ((segment.attributes & BIG) === 0 ? 0xffff : 0xffffffff);
}

/** Whether a segment's type allows an access in protected mode. */
export function isPermitted({ attributes }: SegmentState, isWrite: boolean): boolean {
  if ((attributes & PRESENT_AND_S) !== PRESENT_AND_S) return false;
  const second = (attributes & READABLE_OR_WRITABLE) !== 0;
  if ((attributes & CODE) !== 0) return second && !isWrite;
  return second || !isWrite;
}

export function stackMask(state: CpuState): number {
  return (state.segment(SS).attributes & BIG) === 0 ? 0xffff : 0xffffffff;
}

/** True for the operand that ModR/M, an offset or a string instruction names; others are the stack. */
function isExplicit(instruction: Instruction, memory: UsedMemory): boolean {
  if (!FRAME_REGISTERS.has(memory.base)) return true;
  for (let n = 0; n < instruction.opCount; n++) {
    if (instruction.opKind(n) !== OpKind.Memory) continue;
    const sameRegisters = instruction.memoryIndex === memory.index && instruction.memoryBase === memory.base;
    // POP's operand counts with the stack pointer already moved; iced-x86 adds that to the displacement.
    const isMoved = instruction.mnemonic === Mnemonic.Pop && memory.base === Register.ESP;
    const moved = isMoved ? MemorySizeExt.size(memory.memorySize) : 0;
    const displacement = BigInt.asUintN(32, instruction.memoryDisplacement + BigInt(moved));
    return sameRegisters && memory.memorySize === instruction.memorySize && memory.displacement === displacement;
  }
  return false;
}

/** Where an operand begins, before it is cut to the address size. */
interface Address {
  readonly first: number;
  readonly mask: number;
}

function operandAddress(state: CpuState, instruction: Instruction, memory: UsedMemory): Address {
  const first =
    Number(BigInt.asUintN(32, memory.displacement)) +
    registerValue(state, memory.base) +
    registerValue(state, memory.index) * memory.scale +
    extraDisplacement(state, instruction);
  return { first, mask: addressMask(instruction, memory) };
}

/** The stack and frames are addressed by the stack's size, string instructions by that of their registers. */
function implicitAddress(state: CpuState, memory: UsedMemory): Address {
  const wide = RegisterExt.size(memory.base) === 4;
  if (!FRAME_REGISTERS.has(memory.base)) {
    return { first: registerValue(state, memory.base), mask: wide ? 0xffffffff : 0xffff };
  }
  const displacement = Number(BigInt.asIntN(wide ? 32 : 16, memory.displacement));
  const register = state.read32(generalSlots[RegisterExt.number(memory.base)] as number);
  return { first: register + displacement, mask: stackMask(state) };
}

/** FFFFh or FFFFFFFFh by the address size of the instruction's operand. */
function addressMask(instruction: Instruction, memory: UsedMemory): number {
  const register = memory.base === Register.None ? memory.index : memory.base;
  const bytes = register === Register.None ? instruction.memoryDisplSize : RegisterExt.size(register);
  return bytes === 2 ? 0xffff : 0xffffffff;
}

/** Bit strings lie beyond their operand. */
function extraDisplacement(state: CpuState, instruction: Instruction): number {
  if (bitTests.has(instruction.mnemonic) && instruction.op1Kind === OpKind.Register) {
    const bits = RegisterExt.size(instruction.op1Register) * 8;
    const offset = registerValue(state, instruction.op1Register);
    const signed = bits === 16 ? (offset << 16) >> 16 : offset | 0;
    return (signed >> (bits === 16 ? 4 : 5)) * (bits / 8);
  }
  return 0;
}

/** How many elements, of which size, in which direction. */
function elementsOf(
  state: CpuState,
  instruction: Instruction,
  memory: UsedMemory,
): { count: number; size: number; step: number } | undefined {
  const fixed = MemorySizeExt.size(memory.memorySize);
  if (fixed !== 0) return { count: 1, size: fixed, step: 0 };
  const size = MemorySizeExt.size(instruction.memorySize);
  const down = (state.read32(slot.EFLAGS) & 0x400) !== 0;
  const wide = RegisterExt.size(memory.base) === 4;
  const count = wide ? state.read32(slot.ECX) : state.read16(slot.ECX);
  return count > REPEATS_MAX ? undefined : { count, size, step: down ? -size : size };
}

function segmentIndex(register: Register): number {
  const order = [Register.ES, Register.CS, Register.SS, Register.DS, Register.FS, Register.GS];
  const index = order.indexOf(register);
  if (index < 0) throw new Error(`segment register ${register}`);
  return index;
}
