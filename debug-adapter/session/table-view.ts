/**
 * The descriptor tables as variables: interrupt vectors or gates, GDT, LDT, and the fields of the task-state segment.
 * Gates lead to the source line of their code.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatHex } from '../expressions/format.ts';
import { DESCRIPTOR_SIZE, type DescribedEntry, readDescriptor, readVector, VECTOR_SIZE } from './gates.ts';
import type { Guest } from './guest.ts';
import { linearReference } from './places.ts';
import { locationOf } from './source-lines.ts';
import { taskFields } from './task-fields.ts';

/** Reference of the scope; the tables follow. */
export const TABLES_REFERENCE = 3_000_000;
const TABLE_REFERENCE: number = TABLES_REFERENCE + 1;

const VECTORS_MAX = 256;

/** A table that there is at the moment. */
interface Table {
  readonly name: string;
  readonly base: number;
  readonly limit: number;
  readonly children: (guest: Guest, table: Table) => readonly DebugProtocol.Variable[];
}

/** The tables, in a fixed order; those that the mode does not have are empty. */
function tables(guest: Guest): readonly Table[] {
  const register = (name: string): Pick<Table, 'base' | 'limit'> => ({
    base: guest.register(`${name}.base`),
    limit: guest.register(`${name}.limit`),
  });
  const isReal = guest.vcpu.mode === 'real';
  const none = { base: 0, limit: -1 };
  return [
    { name: isReal ? 'IVT' : 'IDT', ...register('IDTR'), children: isReal ? vectors : gates },
    { name: 'GDT', ...(isReal ? none : register('GDTR')), children: descriptors },
    { name: 'LDT', ...(isReal || isNull(guest, 'LDTR') ? none : register('LDTR')), children: descriptors },
    { name: 'TSS', ...(isReal || isNull(guest, 'TR') ? none : register('TR')), children: task },
  ];
}

const isNull = (guest: Guest, name: string): boolean => (guest.register(name) & ~3) === 0;

/** The children of a reference, or undefined if it is none of ours. */
export function tableVariables(guest: Guest, reference: number): readonly DebugProtocol.Variable[] | undefined {
  const all = tables(guest);
  if (reference === TABLES_REFERENCE) {
    return all.flatMap((table, n) => (table.limit < 0 ? [] : [describeTable(table, TABLE_REFERENCE + n)]));
  }
  const table = all[reference - TABLE_REFERENCE];
  return table?.children(guest, table);
}

function describeTable({ name, base, limit }: Table, variablesReference: number): DebugProtocol.Variable {
  const value = `base ${formatHex(base, 32)}, limit ${formatHex(limit, limit > 0xffff ? 32 : 16)}`;
  return { name, value, variablesReference, memoryReference: linearReference(base) };
}

function vectors(guest: Guest, { base, limit }: Table): readonly DebugProtocol.Variable[] {
  const count = Math.min(Math.floor((limit + 1) / VECTOR_SIZE), VECTORS_MAX);
  return Array.from({ length: count }, (_, n) => {
    const address = (base + n * VECTOR_SIZE) >>> 0;
    return describeEntry(guest, vectorName(n), address, readVector(guest, address));
  });
}

function gates(guest: Guest, { base, limit }: Table): readonly DebugProtocol.Variable[] {
  const count = Math.min(Math.floor((limit + 1) / DESCRIPTOR_SIZE), VECTORS_MAX);
  return Array.from({ length: count }, (_, n) => {
    const address = (base + n * DESCRIPTOR_SIZE) >>> 0;
    return describeEntry(guest, vectorName(n), address, readDescriptor(guest, address));
  });
}

/** By selector. */
function descriptors(guest: Guest, { base, limit, name }: Table): readonly DebugProtocol.Variable[] {
  return Array.from({ length: Math.floor((limit + 1) / DESCRIPTOR_SIZE) }, (_, n) => {
    const address = (base + n * DESCRIPTOR_SIZE) >>> 0;
    const selector = n * DESCRIPTOR_SIZE + (name === 'LDT' ? 4 : 0);
    return describeEntry(guest, formatHex(selector, 16), address, readDescriptor(guest, address));
  });
}

function task(guest: Guest, { base, limit }: Table): readonly DebugProtocol.Variable[] {
  return taskFields(guest.register('TR.attributes')).flatMap(({ name, offset, size }) => {
    const value = offset + size - 1 > limit ? undefined : guest.readInteger((base + offset) >>> 0, size);
    const shown = value === undefined ? 'beyond the limit, or not mapped' : formatHex(value, size * 8);
    return [{ name, value: shown, variablesReference: 0, memoryReference: linearReference((base + offset) >>> 0) }];
  });
}

function describeEntry(
  guest: Guest,
  name: string,
  address: number,
  { text, target }: DescribedEntry,
): DebugProtocol.Variable {
  const location = target === undefined ? undefined : locationOf(guest, target);
  return {
    name,
    value: text,
    variablesReference: 0,
    memoryReference: linearReference(target ?? address),
    presentationHint: { attributes: ['readOnly'] },
    ...(location === undefined ? {} : { valueLocationReference: location }),
  };
}

const vectorName = (vector: number): string => `${vector.toString(16).toUpperCase().padStart(2, '0')}h`;
