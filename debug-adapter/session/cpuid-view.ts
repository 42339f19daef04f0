/** What CPUID answers, as variables that cannot be written: leaves, their registers, the fields of those. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import {
  apicNumberOf,
  type CpuidRow,
  type CpuidValue,
  cpuidRows,
  ONE_CPU,
  type Topology,
} from '../../vm-core/index.ts';
import { formatHex, formatValue, type Notation } from '../expressions/format.ts';
import type { Guest } from './guest.ts';

/** Reference of the group; leaves and registers follow, a leaf every `STEP` with its four registers behind it. */
export const CPUID_REFERENCE = 4_000_000;
const STEP = 8;
/** IA32_APIC_BASE.EN. */
const APIC_ENABLED = 0x800;

const readOnly = { presentationHint: { attributes: ['readOnly'] } } satisfies Partial<DebugProtocol.Variable>;

function rowsOf(guest: Guest): readonly CpuidRow[] {
  return cpuidRows(guest.model, {
    control4: guest.register('CR4'),
    extendedControl0: guest.register('XCR0'),
    is64BitMode: guest.is64Bit,
    miscEnable: BigInt(guest.register('IA32_MISC_ENABLE')),
    isApicOff: isApicOff(guest),
    ticksPerSecond: guest.machine.ticksPerSecond,
    ...placeOf(guest),
  });
}

/** What CPUID tells of the place of a vCPU among the others. */
export function placeOf({ machine, vcpu }: Guest): { readonly topology: Topology; readonly apicNumber: number } {
  const { topology = ONE_CPU } = machine.config;
  return { topology, apicNumber: apicNumberOf(topology, vcpu.index) };
}

/** Whether IA32_APIC_BASE has the local APIC off. */
export function isApicOff(guest: Guest): boolean {
  return (guest.register('IA32_APIC_BASE') & APIC_ENABLED) === 0;
}

/** Whether the model has CPUID. */
export function hasCpuid(guest: Guest): boolean {
  return guest.model.features.has('CPUID');
}

/** The children of a reference, or undefined if it is none of ours. */
export function cpuidVariables(
  guest: Guest,
  reference: number,
  notation: Notation = 'x',
): readonly DebugProtocol.Variable[] | undefined {
  if (reference < CPUID_REFERENCE) return undefined;
  const rows = rowsOf(guest);
  if (reference === CPUID_REFERENCE) return rows.map((row, n) => leafVariable(row, CPUID_REFERENCE + STEP * (n + 1)));
  const at = reference - CPUID_REFERENCE;
  const row = rows[Math.floor(at / STEP) - 1];
  if (!row) return undefined;
  if (at % STEP === 0)
    return row.registers.map((register, n) => registerVariable(register, notation, reference + n + 1));
  const register = row.registers[(at % STEP) - 1];
  return register?.fields.map(({ name, low, width, description }) => {
    const value = formatValue(partOf(register.value, low, width), width, notation);
    return { name, value, type: description, variablesReference: 0, ...readOnly };
  });
}

function partOf(value: number, low: number, width: number): number {
  return Math.floor(value / 2 ** low) % 2 ** width;
}

function leafVariable(
  { leaf, subleaf, title, registers }: CpuidRow,
  variablesReference: number,
): DebugProtocol.Variable {
  const values = registers.map(({ name, value }) => `${name} ${formatHex(value, 32)}`).join(', ');
  return {
    name: `${leaf.toString(16).toUpperCase().padStart(8, '0')}h.${subleaf}`,
    value: title === '' ? values : `${values} · ${title}`,
    variablesReference,
    ...readOnly,
  };
}

/** With the names of the bits that are set, and the values of fields that are not zero. */
function registerVariable(
  { name, value, fields }: CpuidValue,
  notation: Notation,
  reference: number,
): DebugProtocol.Variable {
  const told = fields.flatMap(({ name: each, low, width }) => {
    const part = partOf(value, low, width);
    return part === 0 ? [] : [width === 1 ? each : `${each}=${part}`];
  });
  const shown = formatValue(value, 32, notation);
  return {
    name,
    value: told.length === 0 ? shown : `${shown} · ${told.join(' ')}`,
    variablesReference: fields.length > 0 ? reference : 0,
    ...readOnly,
  };
}
