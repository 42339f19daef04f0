/**
 * Descriptors as text, and the code that gates lead to: vectors of real mode, gates, and the descriptors of GDT and LDT, of
 * long mode too. What is odd about an entry, so that the processor would refuse it, is said behind an arrow (SDM vol. 3A
 * §3.4.5, §3.5, §5.8.3, §6.11, §6.14, §7.2.2, §20.1.4).
 */
import { formatFar, formatHex } from '../expressions/format.ts';
import type { CodePlace } from './code-locations.ts';
import {
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_S,
  addressRegister,
  decodeSegment,
  DESCRIPTOR_SIZE,
  describeKind,
  isCanonical,
  isLongMode,
  LONG_DESCRIPTOR_SIZE,
  readSystemMemory,
  systemTypeName,
} from './descriptors.ts';
import {
  describeOddities,
  gateTarget,
  type TableName,
  tableOddities,
  upperHalfOddities,
} from './descriptor-oddities.ts';
import type { Guest } from './guest.ts';

export const VECTOR_SIZE = 4;
const VECTORS_MAX = 256;
const TYPE_TASK_GATE = 5;
const TYPE_CALL_GATE_16 = 4;
const TYPE_CALL_GATE = 12;
const TYPE_WIDE = 8;
const GATE_TYPES: ReadonlySet<number> = new Set([4, 5, 6, 7, 12, 14, 15]);

export const NULL_TEXT = 'null';
export const UNMAPPED_TEXT = 'nothing is mapped there';

/** An entry of a table in words, and the code that it leads to. */
export interface DescribedEntry {
  readonly text: string;
  /** Bytes that it takes. */
  readonly size: number;
  readonly target?: CodePlace;
}

/** `IVT[6] at 0x00000018: 0000:7C54 invalid`, or the gate of the IDT, or why there is none. */
export function describeGate(guest: Guest, vector: number): string {
  const isReal = guest.vcpu.mode === 'real';
  const size = vectorSize(guest);
  const address = addressRegister(guest, 'IDTR.base') + vector * size;
  const limit = guest.register('IDTR.limit');
  const name = `${isReal ? 'IVT' : 'IDT'}[${vector}] at ${formatHex(address, 32)}`;
  if (vector * size + size - 1 > limit) return `${name}: beyond IDTR.limit ${formatHex(limit, 16)}`;
  return `${name}: ${readGate(guest, address).text}`;
}

/** Bytes of an entry of the IDT, or of the table of vectors in real mode. */
export function vectorSize(guest: Guest): number {
  if (guest.vcpu.mode === 'real') return VECTOR_SIZE;
  return isLongMode(guest) ? LONG_DESCRIPTOR_SIZE : DESCRIPTOR_SIZE;
}

/** How many entries of the IDT lie within its limit; those that no vector names are not counted. */
export function vectorCount(guest: Guest): number {
  return Math.min(Math.floor((guest.register('IDTR.limit') + 1) / vectorSize(guest)), VECTORS_MAX);
}

/** An entry of the IDT, or of the table of vectors in real mode. */
export function readGate(guest: Guest, address: number): DescribedEntry {
  if (guest.vcpu.mode === 'real') return readVector(guest, address);
  return readDescriptor(guest, 'IDT', address, LONG_DESCRIPTOR_SIZE);
}

function readVector(guest: Guest, address: number): DescribedEntry {
  const words = readSystemMemory(guest, address, VECTOR_SIZE);
  if (words.byteLength < VECTOR_SIZE) return { text: UNMAPPED_TEXT, size: VECTOR_SIZE };
  const [offset, selector] = [words.getUint16(0, true), words.getUint16(2, true)];
  const target = { linearAddress: (selector << 4) + offset, offset, codeSize: 16 } as const;
  return { text: formatFar(selector, offset, 16) + symbolText(guest, target), size: VECTOR_SIZE, target };
}

/** The words of an entry; those of the upper half of a 16-byte one are undefined where it has none. */
interface RawEntry {
  readonly low: number;
  readonly high: number;
  readonly upper: number | undefined;
  readonly reserved: number;
  readonly attributes: number;
  readonly table: TableName;
  readonly isLong: boolean;
  /** All of it as a number, the way a listing of `dq` shows it. */
  readonly raw: string;
}

/** A descriptor of a table in protected or long mode; `room` is what is left of its table from there on. */
export function readDescriptor(guest: Guest, table: TableName, address: number, room: number): DescribedEntry {
  const words = readSystemMemory(guest, address, LONG_DESCRIPTOR_SIZE);
  const isLong = isLongMode(guest);
  const whole = isLong && table === 'IDT' ? LONG_DESCRIPTOR_SIZE : DESCRIPTOR_SIZE;
  if (words.byteLength < DESCRIPTOR_SIZE) return { text: UNMAPPED_TEXT, size: whole };
  const word = (n: number): number => (words.byteLength < n * 4 + 4 ? 0 : words.getUint32(n * 4, true));
  const [low, high] = [word(0), word(1)];
  const isSystem = (high & (ATTRIBUTE_S << 8)) === 0;
  const hasUpper = isLong && (table === 'IDT' || (isSystem && (low !== 0 || high !== 0)));
  const isCut = hasUpper && (room < LONG_DESCRIPTOR_SIZE || words.byteLength < LONG_DESCRIPTOR_SIZE);
  const upper = hasUpper && !isCut ? word(2) : undefined;
  const reserved = upper === undefined ? 0 : word(3);
  const size = upper === undefined ? whole : LONG_DESCRIPTOR_SIZE;
  if (low === 0 && high === 0 && (upper ?? 0) === 0 && reserved === 0 && !isCut) return { text: NULL_TEXT, size };
  const { attributes } = decodeSegment(0, low, high);
  const shownWords = upper === undefined ? [high, low] : [reserved, upper, high, low];
  const raw = `${shownWords.map((each) => formatHex(each, 32).slice(2)).join('')}h`;
  const entry: RawEntry = { low, high, upper, reserved, attributes, table, isLong, raw };
  const isGate = isSystem && GATE_TYPES.has(attributes & 0xf) && systemTypeName(attributes, isLong) !== undefined;
  return { size, ...(isGate ? gateText(guest, entry, isCut) : segmentText(guest, entry, isCut)) };
}

function segmentText(guest: Guest, entry: RawEntry, isCut: boolean): Pick<DescribedEntry, 'text'> {
  const { low, high, upper, attributes, isLong, raw } = entry;
  const { base, limit } = decodeSegment(0, low, high);
  const isSystem = (attributes & ATTRIBUTE_S) === 0;
  const isReserved = isSystem && systemTypeName(attributes, isLong) === undefined;
  const kind = isReserved ? '' : `, ${describeKind(attributes, isLong)}`;
  const wholeBase = (BigInt(upper ?? 0) << 32n) | BigInt(base);
  const range = `base ${formatHex(wholeBase, isLong && isSystem ? 64 : 32)}, limit ${formatHex(limit, 32)}`;
  const odd = [
    ...tableOddities(guest, entry.table, { base: wholeBase, limit, attributes }),
    ...upperHalfOddities(entry, isCut),
  ];
  return { text: `${range}${kind}${presence(attributes)} (${raw})${describeOddities(odd)}` };
}

const presence = (attributes: number): string => ((attributes & ATTRIBUTE_PRESENT) === 0 ? ', not present' : '');

function gateText(guest: Guest, entry: RawEntry, isCut: boolean): Pick<DescribedEntry, 'text' | 'target'> {
  const { low, high, attributes, table, isLong, raw } = entry;
  const type = attributes & 0xf;
  const selector = low >>> 16;
  const rights = `${systemTypeName(attributes, isLong)}, DPL ${(attributes >>> 5) & 3}${details(entry)}${presence(attributes)}`;
  const belongs = tableOddities(guest, table, { base: 0n, limit: 0, attributes });
  if (type === TYPE_TASK_GATE) {
    const odd = describeOddities([...belongs, ...gateTarget(guest, selector, undefined).oddities]);
    return { text: `${formatHex(selector, 16)}, ${rights} (${raw})${odd}` };
  }
  const offset = offsetOf(entry);
  const { place, oddities } = leadsTo(guest, selector, offset, isLong);
  const width = isLong ? 64 : (type & TYPE_WIDE) !== 0 ? 32 : 16;
  const stack = isLong && table === 'IDT' ? stackOddities(guest, high & 7) : [];
  const odd = describeOddities([...belongs, ...oddities, ...stack, ...upperHalfOddities(entry, isCut)]);
  const far = `${formatHex(selector, 16).slice(2).toUpperCase()}:${formatHex(offset, width).slice(2).toUpperCase()}`;
  const text = `${far}${place ? symbolText(guest, place) : ''}, ${rights} (${raw})${odd}`;
  return place ? { text, target: place } : { text };
}

/** The stack that the gate asks for, or how many parameters it copies. */
function details({ high, attributes, table, isLong }: RawEntry): string {
  const type = attributes & 0xf;
  if (isLong) return table === 'IDT' && (high & 7) !== 0 ? `, IST ${high & 7}` : '';
  const count = type === TYPE_CALL_GATE || type === TYPE_CALL_GATE_16 ? high & 0x1f : 0;
  return count === 0 ? '' : `, ${count === 1 ? '1 parameter' : `${count} parameters`}`;
}

/** Unsigned, with 64 bits in long mode. */
function offsetOf({ low, high, upper, attributes }: RawEntry): bigint {
  const isWide = (attributes & TYPE_WIDE) !== 0;
  const lower = ((isWide ? high & 0xffff0000 : 0) | (low & 0xffff)) >>> 0;
  return (BigInt(upper ?? 0) << 32n) | BigInt(lower);
}

/** Code of another segment, as the descriptor tables have it now, and what keeps a gate from leading there. */
function leadsTo(
  guest: Guest,
  selector: number,
  offset: bigint,
  isLong: boolean,
): { readonly place: CodePlace | undefined; readonly oddities: readonly string[] } {
  const { code, oddities } = gateTarget(guest, selector, offset);
  if (!code || (isLong && !isCanonical(guest, offset))) return { place: undefined, oddities };
  const start = code.codeSize === 64 ? 0 : code.base;
  const sum = start + Number(BigInt.asIntN(64, offset));
  const linearAddress = isLong ? sum : sum >>> 0;
  return { place: { linearAddress, offset: linearAddress - start, codeSize: code.codeSize }, oddities };
}

const TSS_IST1 = 36;

/** What is wrong with a stack of the interrupt stack table; 0 asks for none. */
function stackOddities(guest: Guest, index: number): readonly string[] {
  if (index === 0) return [];
  const offset = TSS_IST1 + (index - 1) * 8;
  if (offset + 7 > guest.register('TR.limit')) return [`IST ${index} lies beyond the TSS`];
  const words = readSystemMemory(guest, addressRegister(guest, 'TR.base') + offset, 8);
  if (words.byteLength < 8) return [`IST ${index} is not mapped`];
  return isCanonical(guest, words.getBigInt64(0, true)) ? [] : [`the stack of IST ${index} is not canonical`];
}

function symbolText(guest: Guest, { linearAddress }: CodePlace): string {
  const symbol = guest.describeSymbol(linearAddress);
  return symbol === undefined ? '' : ` ${symbol}`;
}
