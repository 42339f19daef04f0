/**
 * Control and debug registers: MOV CRn, DRn, LMSW, SMSW, CLTS (SDM vol. 2; 80386 manual for the registers that
 * exist). ModR/M's r/m field always names a general register here, whatever its mod field says.
 */
import { sumOf } from '../../state/address.ts';
import {
  CR4_DE,
  CR0_AM,
  CR0_CD,
  CR0_EM,
  CR0_ET,
  CR0_MP,
  CR0_NE,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR0_TS,
  CR0_WP,
} from '../../state/control-bits.ts';
import type { CpuState } from '../../state/cpu-state.ts';
import { FS, segmentSlots, slot } from '../../state/layout.ts';
import { SLOT_SIZE } from '../../state/register-table.ts';
import {
  BRANCH,
  EXIT,
  GuestFault,
  NEXT,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_UD,
  type Cpu,
  type Instruction,
  type Outcome,
  type SystemOperation,
} from '../cpu.ts';
import {
  DR6_BD,
  DR6_ONES,
  DR6_WRITABLE,
  DR7_GD,
  DR7_ONES,
  DR7_WRITABLE,
  reportDebugReasons,
} from '../debug-registers.ts';
import { is64BitMode, isCanonical, requireInformation, requirePrivilege } from '../mode.ts';
import { writeCr0, writeCr3, writeCr4 } from '../paging-registers.ts';
import { emptyTestCache } from '../test-arrays.ts';
import { readWordOperand, writeWordOperand } from '../operands.ts';

const CR0_OF_386 = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_PG;
const CR0_OF_486 = CR0_OF_386 | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD;
const MSW_WRITABLE = CR0_PE | CR0_MP | CR0_EM | CR0_TS;

const controlSlots: ReadonlyMap<number, number> = new Map([
  [0, slot.CR0],
  [2, slot.CR2],
  [3, slot.CR3],
  [4, slot.CR4],
  [8, slot.CR8],
]);

/** Processors that know CPUID have CR4. */
function controlSlot(cpu: Cpu, number: number): number {
  const offset = controlSlots.get(number);
  const exists = offset !== slot.CR4 || cpu.model.features.has('CPUID');
  if (offset === undefined || !exists) throw new GuestFault(VECTOR_UD);
  return offset;
}

export const MOV_FROM_CR: SystemOperation = (cpu, instruction) => {
  const from = controlSlot(cpu, instruction.reg);
  requirePrivilege(cpu);
  readInto(cpu.state, instruction, from);
  return NEXT;
};

export const MOV_TO_CR: SystemOperation = (cpu, instruction) => {
  const to = controlSlot(cpu, instruction.reg);
  requirePrivilege(cpu);
  const value = cpu.state.read32(instruction.rmSlot);
  const high = instruction.operandSize === 64 ? cpu.state.read32(instruction.rmSlot + 4) : 0;
  if (to === slot.CR2) {
    cpu.state.write32(to, value);
    cpu.state.write32(to + 4, high);
    return NEXT;
  }
  if (to === slot.CR3) {
    writeCr3(cpu, value, high);
    // The next instruction is found anew, and nothing else depends on it.
    return BRANCH;
  }
  if (high !== 0) throw new GuestFault(VECTOR_GP, 0);
  if (to === slot.CR8) return writeTaskPriority(cpu, value);
  // What the segment registers cache stays when the mode changes, so the next instruction is fetched as before.
  if (to === slot.CR0) writeCr0(cpu, cr0Of(cpu, value));
  else writeCr4(cpu, value);
  return EXIT;
};

/** All 64 bits in 64-bit mode, 32 elsewhere. */
function readInto(state: CpuState, { rmSlot, operandSize }: Instruction, from: number): void {
  if (operandSize === 64) state.write64(rmSlot, state.read64(from));
  else state.write32(rmSlot, state.read32(from));
}

/** CR8 has four bits. */
function writeTaskPriority(cpu: Cpu, value: number): Outcome {
  if (value > 15) throw new GuestFault(VECTOR_GP, 0);
  cpu.state.write32(slot.CR8, value);
  cpu.state.onDerivedChange(slot.CR8);
  return EXIT;
}

/** What a write leaves in CR0. The 386 lets software change ET; later processors, which have their x87 within, do not. */
function cr0Of(cpu: Cpu, value: number): number {
  const kept = cpu.model.features.has('486') ? (value & CR0_OF_486) | CR0_ET : value & (CR0_OF_386 | CR0_ET);
  return kept >>> 0;
}

/** LMSW can enter protected mode but not leave it. */
export const LMSW: SystemOperation = (cpu, instruction) => {
  requirePrivilege(cpu);
  const current = cpu.state.read32(slot.CR0);
  const word = readWordOperand(cpu, instruction) | (current & CR0_PE);
  writeCr0(cpu, ((current & ~MSW_WRITABLE) | (word & MSW_WRITABLE)) >>> 0);
  return EXIT;
};

export const SMSW: SystemOperation = (cpu, instruction) => {
  requireInformation(cpu);
  return writeWordOperand(cpu, instruction, cpu.state.read32(slot.CR0));
};

/** There are no caches whose contents could differ from memory, only what a test of the 486's cache has put there. */
export const INVD: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  if (cpu.model.features.has('CacheTest')) emptyTestCache(cpu.state);
  return NEXT;
};

export const WBINVD: SystemOperation = INVD;

/** The address is not accessed, so no segment limit holds. */
export const INVLPG: SystemOperation = (cpu, instruction) => {
  requirePrivilege(cpu);
  const base = cpu.state.baseAt(segmentSlots[instruction.segment] as number);
  if (!is64BitMode(cpu.state)) cpu.translations.invalidatePage(Number(sumOf(base, instruction.offset())) >>> 0);
  else {
    const linear = sumOf(instruction.segment >= FS ? base : 0, instruction.offset());
    if (isCanonical(cpu.state, linear)) cpu.translations.invalidatePage(linear);
  }
  return NEXT;
};

export const CLTS: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  cpu.state.write32(slot.CR0, cpu.state.read32(slot.CR0) & ~CR0_TS);
  cpu.state.onDerivedChange(slot.CR0);
  return EXIT;
};

/** DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE makes them invalid. */
const debugNumbers = [0, 1, 2, 3, 6, 7, 6, 7] as const;

function debugSlot(number: number): number {
  const canonical = debugNumbers[number & 7] as number;
  if (canonical < 4) return slot.DR0 + canonical * SLOT_SIZE;
  return canonical === 6 ? slot.DR6 : slot.DR7;
}

/** Debug registers are for level 0, and for nobody while DR7.GD guards them. */
function requireDebugAccess(cpu: Cpu, number: number): void {
  requirePrivilege(cpu);
  const isAlias = number === 4 || number === 5;
  if (isAlias && (cpu.state.read32(slot.CR4) & CR4_DE) !== 0) throw new GuestFault(VECTOR_UD);
  if ((cpu.state.read32(slot.DR7) & DR7_GD) === 0) return;
  reportDebugReasons(cpu.state, DR6_BD);
  throw new GuestFault(VECTOR_DB);
}

export const MOV_FROM_DR: SystemOperation = (cpu, instruction) => {
  requireDebugAccess(cpu, instruction.reg);
  readInto(cpu.state, instruction, debugSlot(instruction.reg));
  return NEXT;
};

export const MOV_TO_DR: SystemOperation = (cpu, instruction) => {
  requireDebugAccess(cpu, instruction.reg);
  const to = debugSlot(instruction.reg);
  const value = cpu.state.read32(instruction.rmSlot);
  const isLong = instruction.operandSize === 64;
  const isStatus = to === slot.DR6 || to === slot.DR7;
  if (isLong && isStatus && cpu.state.read32(instruction.rmSlot + 4) !== 0) throw new GuestFault(VECTOR_GP, 0);
  if (to === slot.DR6) cpu.state.write32(to, (value & DR6_WRITABLE) | DR6_ONES);
  else if (to === slot.DR7) cpu.state.write32(to, (value & DR7_WRITABLE) | DR7_ONES);
  // Addresses may be anything: those that nothing can have are never met (SDM vol. 3B §18.2.6).
  else cpu.state.write64(to, isLong ? cpu.state.read64(instruction.rmSlot) : BigInt(value));
  cpu.state.onDerivedChange(to);
  return EXIT;
};
