/**
 * Descriptors as they lie in GDT, LDT and IDT, and the segment that a selector value names right now, without the checks and
 * the side effects of loading it: selector × 16 in real and virtual-8086 mode, otherwise its descriptor (SDM vol. 3A §3.4.5,
 * §3.5, §5.8.3).
 */
import { findRegister, type SegmentState } from '../../vm-core/index.ts';
import type { Guest } from './guest.ts';

export const DESCRIPTOR_SIZE = 8;
/** Of system descriptors and gates in long mode. */
export const LONG_DESCRIPTOR_SIZE = 16;

const PAGE_SIZE = 0x1000;
const SELECTOR_TI = 1 << 2;
const CR4_LA57 = 1 << 12;
const ATTRIBUTE_WRITABLE_OR_READABLE = 1 << 1;
const ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING = 1 << 2;
export const ATTRIBUTE_CODE = 1 << 3;
/** Code or data; clear in system descriptors and gates. */
export const ATTRIBUTE_S = 1 << 4;
export const ATTRIBUTE_PRESENT = 1 << 7;
export const ATTRIBUTE_LONG = 1 << 9;
export const ATTRIBUTE_BIG = 1 << 10;
const ATTRIBUTE_GRANULARITY = 1 << 11;
const REAL_MODE_DATA = 0x93;
const VIRTUAL_8086_DATA = 0xf3;

/** True in 64-bit and compatibility mode: the tables are those of long mode then. */
export function isLongMode({ vcpu: { mode } }: Guest): boolean {
  return mode === '64-bit' || mode === 'compatibility';
}

/** A register that holds a linear address: in the upper half of long mode a negative number. */
export function addressRegister({ vcpu: { state } }: Guest, name: string): number {
  const register = findRegister(name);
  if (!register) throw new Error(`no register ${name} in the table`);
  return state.readAddress(register.offset);
}

/** How far down the bits go that a canonical address repeats. */
function canonicalBits(guest: Guest): number {
  return (guest.register('CR4') & CR4_LA57) !== 0 ? 57 : 48;
}

/** Whether a signed address of long mode is canonical. */
export function isCanonical(guest: Guest, linearAddress: bigint): boolean {
  return BigInt.asIntN(canonicalBits(guest), linearAddress) === BigInt.asIntN(64, linearAddress);
}

/**
 * Copies what the processor reads of its tables: in long mode addresses have 64 bits whatever code is running, otherwise they
 * wrap at 4 GiB. Short where nothing is mapped.
 */
export function readSystemMemory(guest: Guest, linearAddress: number, length: number): DataView {
  const isLong = isLongMode(guest);
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const at = isLong ? linearAddress + done : (linearAddress + done) >>> 0;
    const physicalAddress = guest.vcpu.translate(at);
    if (physicalAddress === undefined) break;
    const inPage = Math.min(length - done, PAGE_SIZE - (physicalAddress % PAGE_SIZE));
    const read = guest.machine.memory.read(physicalAddress, inPage);
    bytes.set(read, done);
    done += read.length;
    if (read.length < inPage) break;
  }
  return new DataView(bytes.buffer, 0, done);
}

/** Undefined when the selector is null, beyond its table, or names no present code or data segment. */
export function segmentOf(guest: Guest, selector: number): SegmentState | undefined {
  const { mode } = guest.vcpu;
  if (mode === 'real' || mode === 'virtual-8086') {
    const attributes = mode === 'real' ? REAL_MODE_DATA : VIRTUAL_8086_DATA;
    return { selector, base: selector << 4, limit: 0xffff, attributes };
  }
  const found = descriptorOf(guest, selector);
  if (typeof found === 'string') return undefined;
  const needed = ATTRIBUTE_S | ATTRIBUTE_PRESENT;
  return (found.attributes & needed) === needed ? found : undefined;
}

/** Where the code or data of a selector begins as the mode has it: in 64-bit mode segments begin at 0. */
export function segmentBaseOf(guest: Guest, selector: number): number | undefined {
  const segment = segmentOf(guest, selector);
  if (!segment || !isLongMode(guest)) return segment?.base;
  if ((segment.attributes & ATTRIBUTE_CODE) === 0) return guest.is64Bit ? 0 : segment.base;
  return (segment.attributes & ATTRIBUTE_LONG) !== 0 ? 0 : segment.base;
}

/** The size of code in a segment with these attributes. */
export function codeSizeOf(guest: Guest, attributes: number): 16 | 32 | 64 {
  if ((attributes & ATTRIBUTE_LONG) !== 0 && isLongMode(guest)) return 64;
  return (attributes & ATTRIBUTE_BIG) !== 0 ? 32 : 16;
}

/** What the descriptor of a selector says, present or not, whatever it describes; or in words why there is none. */
export function descriptorOf(guest: Guest, selector: number): SegmentState | string {
  if ((selector & ~3) === 0) return 'the selector is null';
  const isLocal = (selector & SELECTOR_TI) !== 0;
  if (isLocal && (guest.register('LDTR.attributes') & ATTRIBUTE_PRESENT) === 0) return 'there is no LDT';
  const table = isLocal ? 'LDTR' : 'GDTR';
  const offset = selector & ~7;
  if (offset + DESCRIPTOR_SIZE - 1 > guest.register(`${table}.limit`)) {
    return `selector 0x${selector.toString(16).padStart(4, '0')} lies beyond the ${isLocal ? 'LDT' : 'GDT'}`;
  }
  const words = readSystemMemory(guest, addressRegister(guest, `${table}.base`) + offset, DESCRIPTOR_SIZE);
  if (words.byteLength < DESCRIPTOR_SIZE) return 'its descriptor is not mapped';
  return decodeSegment(selector, words.getUint32(0, true), words.getUint32(4, true));
}

/** What the two halves of a descriptor of a segment say. */
export function decodeSegment(selector: number, low: number, high: number): SegmentState {
  const attributes = ((high >>> 8) & 0xff) | ((high >>> 12) & 0xf00);
  const base = ((high & 0xff000000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0;
  const units = (high & 0xf0000) | (low & 0xffff);
  const limit = (attributes & ATTRIBUTE_GRANULARITY) !== 0 ? ((units << 12) | 0xfff) >>> 0 : units;
  return { selector, base, limit, attributes };
}

/** System segments and gates by type (SDM vol. 3A table 3-2). The others are reserved. */
const SYSTEM_TYPES: Readonly<Record<number, string>> = {
  1: '16-bit TSS',
  2: 'LDT',
  3: '16-bit TSS, busy',
  4: '16-bit call gate',
  5: 'task gate',
  6: '16-bit interrupt gate',
  7: '16-bit trap gate',
  9: '32-bit TSS',
  11: '32-bit TSS, busy',
  12: '32-bit call gate',
  14: '32-bit interrupt gate',
  15: '32-bit trap gate',
};

const LONG_SYSTEM_TYPES: Readonly<Record<number, string>> = {
  2: 'LDT',
  9: '64-bit TSS',
  11: '64-bit TSS, busy',
  12: '64-bit call gate',
  14: '64-bit interrupt gate',
  15: '64-bit trap gate',
};

/** The name of a system descriptor's type; undefined for a reserved one. */
export function systemTypeName(attributes: number, isLong: boolean): string | undefined {
  return (isLong ? LONG_SYSTEM_TYPES : SYSTEM_TYPES)[attributes & 0xf];
}

/** Access rights in words, from the attributes of a descriptor cache: `32-bit code, readable, DPL 0`. */
export function describeRights(attributes: number, isLong = false): string {
  return (attributes & ATTRIBUTE_PRESENT) === 0 ? 'not present' : describeKind(attributes, isLong);
}

/** The same, whether present or not. */
export function describeKind(attributes: number, isLong: boolean): string {
  const level = `DPL ${(attributes >> 5) & 3}`;
  if ((attributes & ATTRIBUTE_S) === 0) return `${systemTypeName(attributes, isLong) ?? 'system'}, ${level}`;
  const more = (attributes & ATTRIBUTE_WRITABLE_OR_READABLE) !== 0;
  const third = (attributes & ATTRIBUTE_EXPAND_DOWN_OR_CONFORMING) !== 0;
  const size = (attributes & ATTRIBUTE_BIG) !== 0 ? '32-bit' : '16-bit';
  if ((attributes & ATTRIBUTE_CODE) === 0) {
    return `${size} data, ${more ? 'writable' : 'read-only'}, ${third ? 'expand-down, ' : ''}${level}`;
  }
  const codeSize = isLong && (attributes & ATTRIBUTE_LONG) !== 0 ? '64-bit' : size;
  return `${codeSize} code, ${more ? 'readable' : 'execute-only'}, ${third ? 'conforming, ' : ''}${level}`;
}
