/**
 * The descriptor tables as variables: interrupt vectors or gates, GDT, LDT, and the fields of the task-state segment, in
 * every mode as that mode reads them. Gates lead to the source line of their code, or to its instructions.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatHex } from '../expressions/format.ts';
import { ATTRIBUTE_PRESENT, addressRegister, DESCRIPTOR_SIZE, isCanonical, isLongMode } from './descriptors.ts';
import {
  type DescribedEntry,
  NULL_TEXT,
  readDescriptor,
  readGate,
  UNMAPPED_TEXT,
  vectorCount,
  vectorSize,
} from './gates.ts';
import type { Guest } from './guest.ts';
import { linearReference } from './places.ts';
import { locationOf } from './source-lines.ts';
import { taskVariables } from './task-view.ts';

/** Reference of the scope; the tables follow. */
export const TABLES_REFERENCE = 3_000_000;
const TABLE_REFERENCE: number = TABLES_REFERENCE + 1;

/** Selectors have thirteen bits for the index. */
const ENTRIES_MAX = 0x2000;
/** So many entries in a row that say nothing become one row. */
const RUN_MIN = 3;
const RESET_LIMIT = 0xffff;

/** A table, or in words why there is none. */
interface Table {
  readonly name: string;
  readonly base: number;
  readonly limit: number;
  /** Stands behind base and limit. */
  readonly remark: string;
  readonly none: string | undefined;
  readonly rows: (guest: Guest) => readonly DebugProtocol.Variable[];
}

/** The tables, in a fixed order. Real mode uses the vectors only; a GDT that was loaded there is for what comes. */
function tables(guest: Guest): readonly Table[] {
  const isReal = guest.vcpu.mode === 'real';
  const register = (name: string) => ({
    base: addressRegister(guest, `${name}.base`),
    limit: guest.register(`${name}.limit`),
    remark: '',
    none: isReal ? 'not in real mode' : undefined,
  });
  const [idtr, gdtr, ldtr, tr] = ['IDTR', 'GDTR', 'LDTR', 'TR'].map(register) as [Base, Base, Base, Base];
  const isLoaded = gdtr.base !== 0 || gdtr.limit !== RESET_LIMIT;
  const forLater = isReal && isLoaded ? { none: undefined, remark: ', for protected mode' } : {};
  return [
    { name: isReal ? 'IVT' : 'IDT', ...idtr, none: undefined, rows: gateRows },
    { name: 'GDT', ...gdtr, ...forLater, rows: (of) => descriptorRows(of, 'GDT') },
    { name: 'LDT', ...ldtr, none: ldtr.none ?? absence(guest, 'LDTR'), rows: (of) => descriptorRows(of, 'LDT') },
    { name: 'TSS', ...tr, none: tr.none ?? absence(guest, 'TR'), rows: taskVariables },
  ];
}

type Base = Pick<Table, 'base' | 'limit' | 'remark' | 'none'>;

function absence(guest: Guest, name: string): string | undefined {
  if ((guest.register(name) & ~3) === 0) return `${name} is null`;
  return (guest.register(`${name}.attributes`) & ATTRIBUTE_PRESENT) === 0 ? `${name} is not usable` : undefined;
}

/** A table by its name as one row, and its rows. */
export function tableByName(
  guest: Guest,
  name: 'GDT' | 'LDT' | 'TSS',
): { readonly head: DebugProtocol.Variable; readonly rows: readonly DebugProtocol.Variable[] } {
  const table = tables(guest).find((candidate) => candidate.name === name);
  if (!table) throw new Error(`no table ${name}`);
  return { head: describeTable(guest, table, 0), rows: table.none === undefined ? table.rows(guest) : [] };
}

/** The children of a reference, or undefined if it is none of ours. */
export function tableVariables(guest: Guest, reference: number): readonly DebugProtocol.Variable[] | undefined {
  const all = tables(guest);
  if (reference === TABLES_REFERENCE) return all.map((table, n) => describeTable(guest, table, TABLE_REFERENCE + n));
  const table = all[reference - TABLE_REFERENCE];
  return table && (table.none === undefined ? table.rows(guest) : []);
}

const readOnly = { presentationHint: { attributes: ['readOnly'] } } satisfies Partial<DebugProtocol.Variable>;

function describeTable(
  guest: Guest,
  { name, base, limit, none, remark }: Table,
  variablesReference: number,
): DebugProtocol.Variable {
  if (none !== undefined) return { name, value: `none: ${none}`, variablesReference: 0, ...readOnly };
  const isLong = isLongMode(guest);
  const odd = isLong && !isCanonical(guest, BigInt(base)) ? ' ← its base is not canonical' : '';
  const shownLimit = formatHex(limit, limit > 0xffff ? 32 : 16);
  const value = `base ${formatHex(base, isLong ? 64 : 32)}, limit ${shownLimit}${remark}${odd}`;
  return { name, value, variablesReference, memoryReference: linearReference(guest, base), ...readOnly };
}

/** An entry of a table where it lies. */
interface Entry extends DescribedEntry {
  readonly name: string;
  readonly address: number;
}

function gateRows(guest: Guest): readonly DebugProtocol.Variable[] {
  const base = addressRegister(guest, 'IDTR.base');
  const size = vectorSize(guest);
  const entries = Array.from({ length: vectorCount(guest) }, (_, n): Entry => {
    const address = wrap(guest, base + n * size);
    return { name: vectorName(n), address, ...readGate(guest, address) };
  });
  return rowsOf(guest, entries, guest.register('IDTR.limit'));
}

/** By selector. */
function descriptorRows(guest: Guest, table: 'GDT' | 'LDT'): readonly DebugProtocol.Variable[] {
  const register = table === 'GDT' ? 'GDTR' : 'LDTR';
  const base = addressRegister(guest, `${register}.base`);
  const limit = guest.register(`${register}.limit`);
  const end = Math.min(limit + 1, ENTRIES_MAX * DESCRIPTOR_SIZE);
  const entries: Entry[] = [];
  for (let at = 0; at + DESCRIPTOR_SIZE <= end; ) {
    const address = wrap(guest, base + at);
    const entry = readDescriptor(guest, table, address, end - at);
    entries.push({ name: formatHex(at + (table === 'LDT' ? 4 : 0), 16), address, ...entry });
    at += entry.size;
  }
  return rowsOf(guest, entries, limit);
}

function wrap(guest: Guest, linearAddress: number): number {
  return isLongMode(guest) ? linearAddress : linearAddress >>> 0;
}

/** Runs of entries that are null or not mapped are told of once. */
function rowsOf(guest: Guest, entries: readonly Entry[], limit: number): readonly DebugProtocol.Variable[] {
  const rows: DebugProtocol.Variable[] = [];
  for (let n = 0; n < entries.length; ) {
    const entry = entries[n] as Entry;
    const count = runLength(entries, n);
    if (count < RUN_MIN) {
      rows.push(describeEntry(guest, entry));
      n++;
      continue;
    }
    const last = entries[n + count - 1] as Entry;
    const value = `${entry.text} (${count} entries)`;
    rows.push({ ...describeEntry(guest, entry), name: `${entry.name}–${last.name}`, value });
    n += count;
  }
  if (rows.length > 0) return rows;
  const value = `the limit ${formatHex(limit, 16)} leaves no room for an entry`;
  return [{ name: '(empty)', value, variablesReference: 0, ...readOnly }];
}

function runLength(entries: readonly Entry[], first: number): number {
  const text = entries[first]?.text;
  if (text !== NULL_TEXT && text !== UNMAPPED_TEXT) return 1;
  let end = first + 1;
  while (entries[end]?.text === text) end++;
  return end - first;
}

function describeEntry(guest: Guest, { name, address, text, target }: Entry): DebugProtocol.Variable {
  const location = target && locationOf(guest, target);
  return {
    name,
    value: text,
    variablesReference: 0,
    memoryReference: linearReference(guest, target?.linearAddress ?? address),
    ...readOnly,
    ...(location === undefined ? {} : { valueLocationReference: location }),
  };
}

const vectorName = (vector: number): string => `${vector.toString(16).toUpperCase().padStart(2, '0')}h`;
