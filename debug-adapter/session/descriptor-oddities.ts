/**
 * What is odd about entries of descriptor tables, in words: what the processor would refuse, or what hardly anybody means
 * (SDM vol. 3A §3.4.5.1, §3.5, §5.2.1, §6.11, §6.14.1, §7.2.2).
 */
import {
  ATTRIBUTE_BIG,
  ATTRIBUTE_CODE,
  ATTRIBUTE_LONG,
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_S,
  codeSizeOf,
  descriptorOf,
  isCanonical,
  isLongMode,
  systemTypeName,
} from './descriptors.ts';
import type { Guest } from './guest.ts';

export type TableName = 'GDT' | 'LDT' | 'IDT';

const ADDRESS_END = 2n ** 32n;
const TYPE_LDT = 2;
const TYPE_BUSY = 2;
const TYPE_TSS_32 = 9;
const TSS_LIMIT_MIN = 0x67;
const TSS_16_LIMIT_MIN = 0x2b;
/** Where the type of a descriptor would lie in the upper half of one of 16 bytes. */
const UPPER_TYPE = 0x1f00;

/** System types that each table may hold; LDT and IDT of long mode are told apart by the names that there are. */
const ALLOWED: Readonly<Record<TableName, ReadonlySet<number>>> = {
  GDT: new Set([1, 2, 3, 4, 5, 9, 11, 12]),
  LDT: new Set([4, 5, 12]),
  IDT: new Set([5, 6, 7, 14, 15]),
};

/** Behind the text of an entry; empty where nothing is odd. */
export function describeOddities(oddities: readonly string[]): string {
  return oddities.length === 0 ? '' : ` ← ${oddities.join('; ')}`;
}

interface Descriptor {
  readonly base: bigint;
  readonly limit: number;
  readonly attributes: number;
}

/** Of a descriptor by itself, in its table. */
export function tableOddities(guest: Guest, table: TableName, descriptor: Descriptor): readonly string[] {
  const isSystem = (descriptor.attributes & ATTRIBUTE_S) === 0;
  return isSystem ? systemOddities(guest, table, descriptor) : segmentOddities(guest, table, descriptor);
}

function systemOddities(guest: Guest, table: TableName, { base, limit, attributes }: Descriptor): readonly string[] {
  const isLong = isLongMode(guest);
  const type = attributes & 0xf;
  const name = systemTypeName(attributes, isLong);
  if (name === undefined) return [`type ${type} is reserved${isLong ? ' in long mode' : ''}`];
  if (!ALLOWED[table].has(type)) return [`the ${table} cannot hold this`];
  const odd: string[] = [];
  const isTask = (type & ~TYPE_BUSY & ~8) === 1;
  const limitMin = (type & ~TYPE_BUSY) === TYPE_TSS_32 ? TSS_LIMIT_MIN : TSS_16_LIMIT_MIN;
  if (isTask && limit < limitMin) odd.push(`its limit is below 0x${limitMin.toString(16)}`);
  if (!isTask && type !== TYPE_LDT) return odd;
  if (isLong && !isCanonical(guest, base)) odd.push('its base is not canonical');
  if (!isLong && base + BigInt(limit) >= ADDRESS_END) odd.push('it reaches beyond 4 GiB');
  return odd;
}

function segmentOddities(guest: Guest, table: TableName, { base, limit, attributes }: Descriptor): readonly string[] {
  if (table === 'IDT') return ['the IDT holds gates only'];
  const both = ATTRIBUTE_LONG | ATTRIBUTE_BIG;
  const isCode = (attributes & ATTRIBUTE_CODE) !== 0;
  if (isCode && isLongMode(guest) && (attributes & both) === both) return ['L and D are both set, which is reserved'];
  const isFlat = isLongMode(guest) && (!isCode || (attributes & ATTRIBUTE_LONG) !== 0);
  return !isFlat && base + BigInt(limit) >= ADDRESS_END ? ['it reaches beyond 4 GiB'] : [];
}

/** Of the upper half of a descriptor of 16 bytes. `isCut` when there is no room for one. */
export function upperHalfOddities({ reserved }: { readonly reserved: number }, isCut: boolean): readonly string[] {
  if (isCut) return ['its upper half lies beyond the table'];
  return (reserved & UPPER_TYPE) === 0 ? [] : ['its upper half looks like a descriptor of its own'];
}

/** What a gate leads to, and what is odd about that. */
export interface GateTarget {
  readonly oddities: readonly string[];
  /** The code segment, where the selector names one. */
  readonly code?: { readonly base: number; readonly codeSize: 16 | 32 | 64 };
}

/** `offset` is undefined for a task gate. */
export function gateTarget(guest: Guest, selector: number, offset: bigint | undefined): GateTarget {
  const found = descriptorOf(guest, selector);
  if (typeof found === 'string') return { oddities: [found] };
  const { base, limit, attributes } = found;
  if (offset === undefined) return { oddities: taskOddities(attributes, selector) };
  const needed = ATTRIBUTE_S | ATTRIBUTE_CODE;
  if ((attributes & needed) !== needed) return { oddities: ['its selector names no code segment'] };
  const isLong = isLongMode(guest);
  const codeSize = codeSizeOf(guest, attributes);
  const odd = (attributes & ATTRIBUTE_PRESENT) === 0 ? ['its code segment is not present'] : [];
  if (isLong && (codeSize !== 64 || (attributes & ATTRIBUTE_BIG) !== 0)) {
    odd.push('its code segment is not 64-bit code');
  }
  if (isLong && !isCanonical(guest, offset)) odd.push('its offset is not canonical');
  if (!isLong && offset > BigInt(limit)) odd.push('its offset lies beyond the limit of its segment');
  return { oddities: odd, code: { base, codeSize } };
}

function taskOddities(attributes: number, selector: number): readonly string[] {
  const type = attributes & 0xf;
  const isTask = (attributes & ATTRIBUTE_S) === 0 && (type & ~TYPE_BUSY & ~8) === 1;
  if (!isTask || (selector & 4) !== 0) return ['its selector names no TSS of the GDT'];
  if ((attributes & ATTRIBUTE_PRESENT) === 0) return ['its TSS is not present'];
  return (type & TYPE_BUSY) !== 0 ? ['its task is busy'] : [];
}
