/**
 * The task-state segment that TR names, as variables: its fields, with where they lead, and what its bitmaps allow (SDM vol. 3A
 * §7.2.1, §7.6, §7.7, §20.3.3; vol. 1 §19.5.2).
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { formatHex } from '../expressions/format.ts';
import type { CodePlace } from './code-locations.ts';
import {
  addressRegister,
  codeSizeOf,
  type decodeSegment,
  describeRights,
  descriptorOf,
  isCanonical,
  isLongMode,
  readSystemMemory,
} from './descriptors.ts';
import type { Guest } from './guest.ts';
import { linearReference } from './places.ts';
import { locationOf } from './source-lines.ts';
import { type TaskField, type TaskLayout, taskLayout } from './task-fields.ts';

const PORTS = 0x10000;
const REDIRECTION_SIZE = 32;
/** Bits 12–31 of CR3. */
const TABLE_MASK = 0xffff_f000;
const EFLAGS_VM = 1 << 17;
const REAL_MODE_CODE = { limit: 0xffff, attributes: 0x9b } as const;
/** A list of runs is cut behind so many. */
const RUNS_MAX = 24;

/** The segment with what of it can be read: the values of its fields, by name. */
interface Task {
  readonly guest: Guest;
  readonly base: number;
  readonly limit: number;
  readonly layout: TaskLayout;
  readonly values: ReadonlyMap<string, bigint | undefined>;
}

/** One row for each field, then what the bitmaps say. */
export function taskVariables(guest: Guest): readonly DebugProtocol.Variable[] {
  const layout = taskLayout(guest.register('TR.attributes'), isLongMode(guest));
  const base = addressRegister(guest, 'TR.base');
  const limit = guest.register('TR.limit');
  const read = ({ name, offset, size }: TaskField) => [name, readField(guest, base, limit, offset, size)] as const;
  const task: Task = { guest, base, limit, layout, values: new Map(layout.fields.map(read)) };
  return [...layout.fields.map((field) => describeField(task, field)), ...bitmaps(task)];
}

function readField(guest: Guest, base: number, limit: number, offset: number, size: number): bigint | undefined {
  if (offset + size - 1 > limit) return undefined;
  const words = readSystemMemory(guest, base + offset, size);
  if (words.byteLength < size) return undefined;
  if (size === 8) return words.getBigUint64(0, true);
  return BigInt(size === 4 ? words.getUint32(0, true) : words.getUint16(0, true));
}

function describeField(task: Task, field: TaskField): DebugProtocol.Variable {
  const { guest, base, limit, values } = task;
  const { name, offset, size } = field;
  const value = values.get(name);
  const row = (shown: string, rest: Partial<DebugProtocol.Variable> = {}): DebugProtocol.Variable => ({
    ...{ name, value: shown, variablesReference: 0, memoryReference: linearReference(guest, base + offset) },
    presentationHint: { attributes: ['readOnly'] },
    ...rest,
  });
  if (value === undefined) {
    return row(offset + size - 1 > limit ? 'beyond the limit' : 'nothing is mapped there');
  }
  const shown = formatHex(value, size * 8);
  switch (field.kind) {
    case 'page-tables':
      return row(shown, { memoryReference: `p:${formatHex(Number(value) & TABLE_MASK, 32)}` });
    case 'stack': {
      const at = stackAddress(task, field, value);
      if (at === undefined) return row(shown);
      return isLongMode(guest) && !isCanonical(guest, value)
        ? row(`${shown} ← not canonical`)
        : row(shown, { memoryReference: linearReference(guest, at) });
    }
    case 'code':
      return codeRow(row, shown, guest, codePlace(task, field, value));
    case 'plain':
      return row(shown + explain(task, field, value));
  }
}

type Row = (shown: string, rest?: Partial<DebugProtocol.Variable>) => DebugProtocol.Variable;

function codeRow(row: Row, shown: string, guest: Guest, place: CodePlace | undefined): DebugProtocol.Variable {
  if (!place) return row(shown);
  const symbol = guest.describeSymbol(place.linearAddress);
  const location = locationOf(guest, place);
  return row(symbol === undefined ? shown : `${shown} ${symbol}`, {
    memoryReference: linearReference(guest, place.linearAddress),
    ...(location === undefined ? {} : { valueLocationReference: location }),
  });
}

/** What a selector's segment or the base of the bitmap comes to. */
function explain({ guest, limit, values }: Task, { name }: TaskField, value: bigint): string {
  if (name === 'I/O map base') {
    return Number(value) > limit ? ' · beyond the limit: no port is allowed above IOPL' : '';
  }
  if (!/^(SS[012]|[CDEFGS]S|LDT selector)$/.test(name) || value === 0n || isVirtual8086(values)) return '';
  const found = descriptorOf(guest, Number(value));
  return typeof found === 'string' ? ` ← ${found}` : ` · ${describeRights(found.attributes)}`;
}

function isVirtual8086(values: Task['values']): boolean {
  return (Number(values.get('EFLAGS') ?? 0n) & EFLAGS_VM) !== 0;
}

/** The segment of an offset as the task has it; only the stacks of inner levels are always protected mode's. */
function segmentIn(
  { guest, values }: Task,
  { selector = '' }: TaskField,
): ReturnType<typeof decodeSegment> | undefined {
  const number = Number(values.get(selector) ?? 0n);
  if (isVirtual8086(values) && !/\d$/.test(selector)) return { selector: number, base: number << 4, ...REAL_MODE_CODE };
  const found = descriptorOf(guest, number);
  return typeof found === 'string' ? undefined : found;
}

function stackAddress(task: Task, field: TaskField, value: bigint): number | undefined {
  if (field.selector === undefined) return Number(BigInt.asIntN(64, value));
  const segment = segmentIn(task, field);
  return segment && (segment.base + Number(value)) >>> 0;
}

function codePlace(task: Task, field: TaskField, value: bigint): CodePlace | undefined {
  const segment = segmentIn(task, field);
  if (!segment) return undefined;
  const codeSize = codeSizeOf(task.guest, segment.attributes);
  return { linearAddress: (segment.base + Number(value)) >>> 0, offset: Number(value), codeSize };
}

/** What the bitmaps allow: ports for levels beyond IOPL, and interrupts that programs in virtual-8086 mode keep. */
function bitmaps(task: Task): readonly DebugProtocol.Variable[] {
  const { layout, limit, values } = task;
  const base = values.get('I/O map base');
  if (layout.mapBase === undefined || base === undefined || Number(base) > limit) return [];
  const at = Number(base);
  const size = Math.min(PORTS / 8, limit + 1 - at);
  const ports = bitmapRow(task, 'ports allowed', at, size, 4);
  if (!layout.hasRedirection || at < REDIRECTION_SIZE) return [ports];
  return [ports, bitmapRow(task, 'INT n kept in virtual-8086 mode', at - REDIRECTION_SIZE, REDIRECTION_SIZE, 2)];
}

/** The clear bits of a bitmap in the segment. */
function bitmapRow(
  { guest, base }: Task,
  name: string,
  at: number,
  size: number,
  digits: number,
): DebugProtocol.Variable {
  const words = readSystemMemory(guest, base + at, size);
  const runs = clearRuns(words, digits);
  const more = runs.length > RUNS_MAX ? `, and ${runs.length - RUNS_MAX} more` : '';
  const cut = words.byteLength < size ? ' (the rest is not mapped)' : '';
  return {
    name,
    value: `${runs.slice(0, RUNS_MAX).join(', ') || 'none'}${more}${cut}`,
    variablesReference: 0,
    memoryReference: linearReference(guest, base + at),
    presentationHint: { attributes: ['readOnly'] },
  };
}

function clearRuns(words: DataView, digits: number): readonly string[] {
  const isClear = (bit: number): boolean => ((words.getUint8(bit >> 3) >> (bit & 7)) & 1) === 0;
  const shown = (bit: number): string => formatHex(bit, digits * 4);
  const runs: string[] = [];
  const count = words.byteLength * 8;
  for (let first = 0; first < count; first++) {
    if (!isClear(first)) continue;
    let last = first;
    while (last + 1 < count && isClear(last + 1)) last++;
    runs.push(first === last ? shown(first) : `${shown(first)}–${shown(last)}`);
    first = last;
  }
  return runs;
}
