/**
 * RDMSR and WRMSR by the table of model-specific registers: which of them a model has, and how each answers and takes
 * values (SDM vol. 4; vol. 3A §11.11 for the memory types, §15.3 for machine checks).
 */
import type { CpuFeature } from '../isa/cpu-feature.ts';
import { type CpuModelFacts, hasRegister } from '../isa/cpu-model.ts';
import { CR0_PG } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { type MsrRow, msrRows } from '../state/msr-table.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import { branchLayout } from './branches/branch-layout.ts';
import { type Cpu, GuestFault, VECTOR_GP } from './cpu.ts';
import { mayChangeMode, modeChanged } from './local-apic/apic-base.ts';
import { isX2Register } from './local-apic/apic-page.ts';
import { MISC_COUNTERS, MISC_MONITOR, MISC_NO_EXECUTE_OFF } from './cpuid.ts';
import { counterReset, takenByCounters, writtenSlot } from './performance/counter-registers.ts';

/** A row with the register that holds its value. */
interface ModelSpecificRegister extends MsrRow {
  readonly feature: CpuFeature;
  readonly state: Register;
}

const all: readonly ModelSpecificRegister[] = msrRows.map((row) => ({ ...row, state: stateOf(row) }));

function stateOf({ name, register }: MsrRow): Register {
  const found = findRegister(register ?? name);
  if (!found) throw new Error(`no register for ${name}`);
  return found;
}

const byModel = new Map<CpuModelFacts, ReadonlyMap<number, ModelSpecificRegister>>();

/** The registers of a model by number. */
export function modelSpecificRegisters(model: CpuModelFacts): ReadonlyMap<number, ModelSpecificRegister> {
  const known = byModel.get(model);
  if (known) return known;
  const isThere = ({ feature, unless, vendor, state }: ModelSpecificRegister) =>
    model.features.has('MSR') &&
    model.features.has(feature) &&
    !model.features.has(unless as CpuFeature) &&
    hasRegister(model, state) &&
    (vendor ?? model.vendor) === model.vendor;
  const made = new Map(all.filter(isThere).map((row) => [row.number, { ...row, reset: resetOf(row, model) }]));
  byModel.set(model, made);
  return made;
}

/** Of bits for a feature that the model has not, none is set. */
function resetOf({ behaviour, number, reset }: MsrRow, model: CpuModelFacts): bigint {
  const { features } = model;
  if (behaviour === 'performance') return counterReset(model, number);
  if (behaviour !== 'miscellaneous') return reset;
  return reset | (features.has('MONITOR') ? MISC_MONITOR : 0n) | (features.has('PMC2') ? MISC_COUNTERS : 0n);
}

function find(cpu: Cpu, number: number, verb: string): ModelSpecificRegister {
  const row = modelSpecificRegisters(cpu.model).get(number);
  if (row) return row;
  const name = number.toString(16).toUpperCase();
  cpu.log(`the guest ${verb} model-specific register ${name}h, which the model ${cpu.model.name} does not have`);
  throw new GuestFault(VECTOR_GP, 0);
}

function found(value: bigint | undefined): bigint {
  if (value === undefined) throw new GuestFault(VECTOR_GP, 0);
  return value;
}

/** What RDMSR gives. */
export function readMsr(cpu: Cpu, number: number): bigint {
  if (cpu.localApic?.apic.isX2Capable && isX2Register(number)) return found(cpu.localApic.registers.readX2(number));
  const row = find(cpu, number, 'reads');
  if (row.behaviour === 'performance') cpu.counters?.settle();
  const value = cpu.state.read64(row.state.offset);
  if (row.behaviour === 'write-only') throw new GuestFault(VECTOR_GP, 0);
  if (row.behaviour === 'apic-deadline') return readDeadline(cpu);
  return row.behaviour === 'time-stamp' ? BigInt.asUintN(64, value + BigInt(cpu.now())) : value;
}

/** What WRMSR does; #GP(0) for values that the register does not take. */
export function writeMsr(cpu: Cpu, number: number, value: bigint): void {
  if (cpu.localApic?.apic.isX2Capable && isX2Register(number)) {
    if (!cpu.localApic.registers.writeX2(number, value)) throw new GuestFault(VECTOR_GP, 0);
    return;
  }
  const row = find(cpu, number, 'writes');
  if (row.behaviour === 'performance') {
    writeCounters(cpu, row, value);
    return;
  }
  const current = readAsWritten(cpu, row);
  const kept = row.behaviour === 'extended-features' ? (value & ~LMA) | (current & LMA) : value;
  if (((kept ^ current) & ~writableBits(cpu, row)) !== 0n || !takes(cpu, row, current, kept)) {
    throw new GuestFault(VECTOR_GP, 0);
  }
  commit(cpu, row, current, kept);
}

function writeCounters(cpu: Cpu, row: ModelSpecificRegister, value: bigint): void {
  const taken = found(takenByCounters(cpu, row.number, value));
  const offset = writtenSlot(row.number, row.state.offset);
  cpu.counters?.settle(true);
  cpu.state.write64(offset, taken);
  cpu.state.onDerivedChange(offset);
}

function readDeadline({ localApic, state }: Cpu): bigint {
  localApic?.apic.timer.settleDeadline();
  return state.read64(slot.TSC_DEADLINE);
}

/** The value that a write replaces; of a write-only register zero. */
function readAsWritten(cpu: Cpu, row: ModelSpecificRegister): bigint {
  return row.behaviour === 'write-only' ? 0n : readMsr(cpu, row.number);
}

const SCE = 1n << 0n;
const LME = 1n << 8n;
const LMA = 1n << 10n;
const NXE = 1n << 11n;
const FFXSR = 1n << 14n;

function writableBits(cpu: Cpu, { behaviour, writable }: MsrRow): bigint {
  const { features, physicalBits } = cpu.model;
  const hasNoExecute = features.has('NX') && (cpu.state.read64(slot.MISC_ENABLE) & MISC_NO_EXECUTE_OFF) === 0n;
  switch (behaviour) {
    case 'apic-base':
    case 'range-base':
    case 'physical-address':
      return writable & ((1n << BigInt(physicalBits)) - 1n);
    case 'extended-features':
      return (
        (features.has('SYSCALL') ? SCE : 0n) |
        (features.has('LM') ? LME : 0n) |
        (hasNoExecute ? NXE : 0n) |
        (features.has('FFXSR') ? FFXSR : 0n)
      );
    case 'miscellaneous':
      return (
        writable & ~((features.has('MONITOR') ? 0n : MISC_MONITOR) | (features.has('NX') ? 0n : MISC_NO_EXECUTE_OFF))
      );
    case 'debug-control':
      return branchLayout(cpu.model)?.writable ?? 0n;
    case 'branch-top':
      return BigInt((branchLayout(cpu.model)?.depth ?? 1) - 1);
    case 'branch-select':
      return features.has('LBRCallStack') ? 0x3ffn : 0x1ffn;
    default:
      return writable;
  }
}

/** Memory types of ranges (WB, WP, WT, WC, UC) and of the page-attribute table, which has UC- too. */
const RANGE_TYPES: ReadonlySet<number> = new Set([0, 1, 4, 5, 6]);
const PAGE_TYPES: ReadonlySet<number> = new Set([...RANGE_TYPES, 7]);

function bytesOf(value: bigint): readonly number[] {
  return [0n, 8n, 16n, 24n, 32n, 40n, 48n, 56n].map((shift) => Number((value >> shift) & 0xffn));
}

function takes(cpu: Cpu, row: ModelSpecificRegister, current: bigint, value: bigint): boolean {
  switch (row.behaviour) {
    case 'read-only':
      return false;
    case 'clear-only':
      return value === 0n;
    case 'error-details':
      return value === 0n || cpu.model.vendor === 'AuthenticAMD';
    case 'memory-types':
      return bytesOf(value).every((type) => PAGE_TYPES.has(type));
    case 'range-types':
      return bytesOf(value).every((type) => RANGE_TYPES.has(type));
    case 'range-base':
      return RANGE_TYPES.has(Number(value & 0xffn));
    case 'apic-base':
      return mayChangeMode(current, value, cpu.model.features.has('x2APIC'));
    case 'linear-address':
      return !cpu.model.features.has('LM') || isCanonical(cpu, value);
    case 'branch-source':
      return isCanonical(cpu, BigInt.asUintN(64, BigInt.asIntN(branchLayout(cpu.model)?.sourceBits ?? 64, value)));
    case 'extended-features':
      return ((value ^ current) & LME) === 0n || (cpu.state.read32(slot.CR0) & CR0_PG) === 0;
    default:
      return true;
  }
}

function isCanonical(cpu: Cpu, value: bigint): boolean {
  const bits = cpu.model.features.has('LA57') ? 57 : 48;
  return BigInt.asUintN(64, BigInt.asIntN(bits, value)) === value;
}

function commit(cpu: Cpu, row: ModelSpecificRegister, current: bigint, value: bigint): void {
  const { state } = cpu;
  switch (row.behaviour) {
    case 'write-only':
      return;
    case 'time-stamp':
      addTo(cpu, 'IA32_TIME_STAMP_COUNTER', value - current);
      addTo(cpu, 'IA32_TSC_ADJUST', value - current);
      return;
    case 'time-stamp-adjust':
      addTo(cpu, 'IA32_TIME_STAMP_COUNTER', value - current);
      break;
    case 'apic-deadline':
      if (!cpu.localApic?.apic.timer.isDeadlineMode) return;
      break;
    case 'linear-address':
      if (!cpu.model.features.has('LM')) {
        state.writeRegister(row.state, value & 0xffff_ffffn);
        return;
      }
      break;
    default:
  }
  state.write64(row.state.offset, value);
  if (row.behaviour === 'apic-base') modeChanged(state, cpu.model, current, value);
  state.onDerivedChange(row.state.offset);
  if (CHANGES_RULES.has(row.behaviour)) cpu.translations.rulesChanged();
}

/** Registers that say how translations are made or used. */
const CHANGES_RULES: ReadonlySet<MsrRow['behaviour']> = new Set(['extended-features', 'protection-keys'] as const);

function addTo(cpu: Cpu, name: string, distance: bigint): void {
  const register = findRegister(name) as Register;
  cpu.state.writeRegister(register, BigInt.asUintN(64, cpu.state.readRegister(register) + distance));
}

/** Puts the registers of a model to their values after RESET; those that a processor has not are zero. */
export function resetModelSpecificRegisters(cpu: Pick<Cpu, 'state' | 'model'>): void {
  for (const row of modelSpecificRegisters(cpu.model).values()) {
    if (row.register === undefined) cpu.state.writeRegister(row.state, row.reset);
  }
}
