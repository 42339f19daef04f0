/** Interrupt gates as text: vectors of real mode, and gates of protected mode (SDM vol. 3A §6.11, §20.1.4). */
import { formatFar, formatHex } from '../expressions/format.ts';
import type { Guest } from './guest.ts';

const GATE_SIZE = 8;
const VECTOR_SIZE = 4;
const PRESENT = 1 << 15;

const GATE_TYPES: Readonly<Record<number, string>> = {
  5: 'task gate',
  6: '16-bit interrupt gate',
  7: '16-bit trap gate',
  14: '32-bit interrupt gate',
  15: '32-bit trap gate',
};

/** `IVT[6] at 0x00000018: 0000:7C54 invalid`, or the gate of the IDT, or why there is none. */
export function describeGate(guest: Guest, vector: number): string {
  const isReal = guest.vcpu.mode === 'real';
  const size = isReal ? VECTOR_SIZE : GATE_SIZE;
  const address = (guest.register('IDTR.base') + vector * size) >>> 0;
  const limit = guest.register('IDTR.limit');
  const name = `${isReal ? 'IVT' : 'IDT'}[${vector}] at ${formatHex(address, 32)}`;
  if (vector * size + size - 1 > limit) return `${name}: beyond IDTR.limit ${formatHex(limit, 16)}`;
  const low = guest.readInteger(address, 4);
  const high = isReal ? 0 : guest.readInteger(address + 4, 4);
  if (low === undefined || high === undefined) return `${name}: nothing is mapped there`;
  return `${name}: ${isReal ? describeVector(guest, low) : describeDescriptor(low, high)}`;
}

function describeVector(guest: Guest, value: number): string {
  const [selector, offset] = [value >>> 16, value & 0xffff];
  const symbol = guest.describeSymbol((selector << 4) + offset);
  return formatFar(selector, offset, 16) + (symbol === undefined ? '' : ` ${symbol}`);
}

function describeDescriptor(low: number, high: number): string {
  const raw = `${formatHex(high, 32).slice(2)}${formatHex(low, 32).slice(2)}h`;
  const type = GATE_TYPES[(high >>> 8) & 0x1f];
  if (type === undefined) return `${raw}, no gate`;
  const place = formatFar(low >>> 16, ((high & 0xffff0000) | (low & 0xffff)) >>> 0, 32);
  const present = (high & PRESENT) !== 0 ? '' : ', not present';
  return `${place}, ${type}, DPL ${(high >>> 13) & 3}${present} (${raw})`;
}
