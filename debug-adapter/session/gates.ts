/**
 * Descriptors as text, and the code that gates lead to: vectors of real mode, gates, and the descriptors of GDT and LDT
 * (SDM vol. 3A §3.4.5, §3.5, §6.11, §20.1.4).
 */
import { formatFar, formatHex } from '../expressions/format.ts';
import { decodeSegment, describeRights, segmentOf } from './descriptors.ts';
import type { Guest } from './guest.ts';

export const DESCRIPTOR_SIZE = 8;
export const VECTOR_SIZE = 4;
const PRESENT = 1 << 15;
const CODE_OR_DATA = 1 << 12;

const GATE_TYPES: Readonly<Record<number, string>> = {
  4: '16-bit call gate',
  5: 'task gate',
  6: '16-bit interrupt gate',
  7: '16-bit trap gate',
  12: '32-bit call gate',
  14: '32-bit interrupt gate',
  15: '32-bit trap gate',
};
const TASK_GATE = 5;

/** A descriptor, vector or gate in words, and the linear address of the code that it leads to. */
export interface DescribedEntry {
  readonly text: string;
  readonly target: number | undefined;
}

/** `IVT[6] at 0x00000018: 0000:7C54 invalid`, or the gate of the IDT, or why there is none. */
export function describeGate(guest: Guest, vector: number): string {
  const isReal = guest.vcpu.mode === 'real';
  const size = isReal ? VECTOR_SIZE : DESCRIPTOR_SIZE;
  const address = (guest.register('IDTR.base') + vector * size) >>> 0;
  const limit = guest.register('IDTR.limit');
  const name = `${isReal ? 'IVT' : 'IDT'}[${vector}] at ${formatHex(address, 32)}`;
  if (vector * size + size - 1 > limit) return `${name}: beyond IDTR.limit ${formatHex(limit, 16)}`;
  return `${name}: ${(isReal ? readVector(guest, address) : readDescriptor(guest, address)).text}`;
}

const UNMAPPED: DescribedEntry = { text: 'nothing is mapped there', target: undefined };

/** An interrupt vector of real mode. */
export function readVector(guest: Guest, address: number): DescribedEntry {
  const value = guest.readInteger(address, VECTOR_SIZE);
  if (value === undefined) return UNMAPPED;
  const [selector, offset] = [value >>> 16, value & 0xffff];
  const target = (selector << 4) + offset;
  return { text: formatFar(selector, offset, 16) + symbolText(guest, target), target };
}

/** A descriptor of the GDT, the LDT or the IDT. */
export function readDescriptor(guest: Guest, address: number): DescribedEntry {
  const low = guest.readInteger(address, 4);
  const high = guest.readInteger(address + 4, 4);
  if (low === undefined || high === undefined) return UNMAPPED;
  if (low === 0 && high === 0) return { text: 'null', target: undefined };
  const raw = `${formatHex(high, 32).slice(2)}${formatHex(low, 32).slice(2)}h`;
  const gate = (high & CODE_OR_DATA) === 0 ? GATE_TYPES[(high >>> 8) & 0xf] : undefined;
  if (gate !== undefined) return describeGateDescriptor(guest, { low, high, gate, raw });
  const { base, limit, attributes } = decodeSegment(0, low, high);
  const range = `base ${formatHex(base, 32)}, limit ${formatHex(limit, 32)}`;
  return { text: `${range}, ${describeRights(attributes)} (${raw})`, target: undefined };
}

interface RawGate {
  readonly low: number;
  readonly high: number;
  readonly gate: string;
  readonly raw: string;
}

function describeGateDescriptor(guest: Guest, { low, high, gate, raw }: RawGate): DescribedEntry {
  const selector = low >>> 16;
  const isTask = ((high >>> 8) & 0xf) === TASK_GATE;
  const isWide = ((high >>> 8) & 8) !== 0;
  const offset = ((isWide ? high & 0xffff0000 : 0) | (low & 0xffff)) >>> 0;
  const target = isTask ? undefined : targetOf(guest, selector, offset);
  const place = isTask ? formatHex(selector, 16) : formatFar(selector, offset, isWide ? 32 : 16);
  const present = (high & PRESENT) !== 0 ? '' : ', not present';
  const rights = `${gate}, DPL ${(high >>> 13) & 3}${present} (${raw})`;
  return { text: `${place}${target === undefined ? '' : symbolText(guest, target)}, ${rights}`, target };
}

/** Code of another segment, as the descriptor tables have it now. */
function targetOf(guest: Guest, selector: number, offset: number): number | undefined {
  const segment = segmentOf(guest, selector);
  return segment && (segment.base + offset) >>> 0;
}

function symbolText(guest: Guest, linearAddress: number): string {
  const symbol = guest.describeSymbol(linearAddress);
  return symbol === undefined ? '' : ` ${symbol}`;
}
