/**
 * Control, debug and test registers: MOV CRn, DRn, TRn, LMSW, SMSW, CLTS (SDM vol. 2; 80386 manual for the registers that
 * exist). ModR/M's r/m field always names a general register here, whatever its mod field says.
 */
import { control4Bits } from '../../isa/cpu-feature.ts';
import { CR0_EM, CR0_ET, CR0_MP, CR0_PE, CR0_PG, CR0_TS } from '../../state/control-bits.ts';
import { slot } from '../../state/layout.ts';
import { SLOT_SIZE } from '../../state/register-table.ts';
import {
  type Cpu,
  EXIT,
  GuestFault,
  NEXT,
  type Outcome,
  REPEAT,
  type SystemOperation,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_UD,
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
import { requirePrivilege } from '../mode.ts';
import { readWordOperand, writeWordOperand } from '../operands.ts';

const CR0_WRITABLE = (CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_PG) >>> 0;
const MSW_WRITABLE = CR0_PE | CR0_MP | CR0_EM | CR0_TS;
const CR3_WRITABLE = 0xffff_f000;

const controlSlots: readonly (number | undefined)[] = [slot.CR0, undefined, slot.CR2, slot.CR3, slot.CR4];

/** Processors that know CPUID have CR4. */
function controlSlot(cpu: Cpu, number: number): number {
  const offset = controlSlots[number];
  const exists = offset !== slot.CR4 || cpu.model.features.has('CPUID');
  if (offset === undefined || !exists) throw new GuestFault(VECTOR_UD);
  return offset;
}

export const MOV_FROM_CR: SystemOperation = (cpu, instruction) => {
  const from = controlSlot(cpu, instruction.reg);
  requirePrivilege(cpu);
  cpu.state.write32(instruction.rmSlot, cpu.state.read32(from));
  return NEXT;
};

export const MOV_TO_CR: SystemOperation = (cpu, instruction) => {
  const to = controlSlot(cpu, instruction.reg);
  requirePrivilege(cpu);
  const value = cpu.state.read32(instruction.rmSlot);
  if (to === slot.CR0) return writeCr0(cpu, (value & CR0_WRITABLE) >>> 0);
  if (to === slot.CR2) {
    cpu.state.write32(to, value);
    return NEXT;
  }
  if (to === slot.CR4) return writeCr4(cpu, value);
  cpu.state.write32(to, value & CR3_WRITABLE);
  cpu.state.onDerivedChange(to);
  cpu.flushTranslations();
  return EXIT;
};

/** The mode changes at once; what the segment registers cache stays, so the next instruction is fetched as before. */
function writeCr0(cpu: Cpu, value: number): Outcome {
  if ((value & CR0_PG) !== 0) {
    if ((value & CR0_PE) === 0) throw new GuestFault(VECTOR_GP, 0);
    cpu.unsupported('paging (CR0.PG set)');
    return REPEAT;
  }
  cpu.state.write32(slot.CR0, value);
  cpu.state.onDerivedChange(slot.CR0);
  return EXIT;
}

/** #GP(0) for bits of features that the processor does not have. */
function writeCr4(cpu: Cpu, value: number): Outcome {
  if ((value & ~control4Bits(cpu.model.features)) !== 0) throw new GuestFault(VECTOR_GP, 0);
  cpu.state.write32(slot.CR4, value);
  cpu.state.onDerivedChange(slot.CR4);
  cpu.flushTranslations();
  return EXIT;
}

/** LMSW can enter protected mode but not leave it. */
export const LMSW: SystemOperation = (cpu, instruction) => {
  requirePrivilege(cpu);
  const current = cpu.state.read32(slot.CR0);
  const word = readWordOperand(cpu, instruction) | (current & CR0_PE);
  return writeCr0(cpu, ((current & ~MSW_WRITABLE) | (word & MSW_WRITABLE)) >>> 0);
};

export const SMSW: SystemOperation = (cpu, instruction) =>
  writeWordOperand(cpu, instruction, cpu.state.read32(slot.CR0));

/** There are no caches whose contents could differ from memory. */
export const INVD: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  return NEXT;
};

export const WBINVD: SystemOperation = INVD;

export const INVLPG: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  cpu.flushTranslations();
  return EXIT;
};

export const CLTS: SystemOperation = (cpu) => {
  requirePrivilege(cpu);
  cpu.state.write32(slot.CR0, cpu.state.read32(slot.CR0) & ~CR0_TS);
  cpu.state.onDerivedChange(slot.CR0);
  return EXIT;
};

/** DR4 and DR5 are other names of DR6 and DR7. */
const debugNumbers = [0, 1, 2, 3, 6, 7, 6, 7] as const;

function debugSlot(number: number): number {
  const canonical = debugNumbers[number & 7] as number;
  if (canonical < 4) return slot.DR0 + canonical * SLOT_SIZE;
  return canonical === 6 ? slot.DR6 : slot.DR7;
}

/** Debug registers are for level 0, and for nobody while DR7.GD guards them. */
function requireDebugAccess(cpu: Cpu): void {
  requirePrivilege(cpu);
  if ((cpu.state.read32(slot.DR7) & DR7_GD) === 0) return;
  reportDebugReasons(cpu.state, DR6_BD);
  throw new GuestFault(VECTOR_DB);
}

export const MOV_FROM_DR: SystemOperation = (cpu, instruction) => {
  requireDebugAccess(cpu);
  cpu.state.write32(instruction.rmSlot, cpu.state.read32(debugSlot(instruction.reg)));
  return NEXT;
};

export const MOV_TO_DR: SystemOperation = (cpu, instruction) => {
  requireDebugAccess(cpu);
  const to = debugSlot(instruction.reg);
  const value = cpu.state.read32(instruction.rmSlot);
  if (to === slot.DR6) cpu.state.write32(to, (value & DR6_WRITABLE) | DR6_ONES);
  else if (to === slot.DR7) cpu.state.write32(to, (value & DR7_WRITABLE) | DR7_ONES);
  else cpu.state.write32(to, value);
  cpu.state.onDerivedChange(to);
  return EXIT;
};

const moveTestRegister: SystemOperation = (cpu, instruction) => {
  if (instruction.reg !== 6 && instruction.reg !== 7) throw new GuestFault(VECTOR_UD);
  requirePrivilege(cpu);
  cpu.unsupported(`test register TR${instruction.reg} (tests of the translation look-aside buffer)`);
  return REPEAT;
};

export const MOV_FROM_TR: SystemOperation = moveTestRegister;
export const MOV_TO_TR: SystemOperation = moveTestRegister;
