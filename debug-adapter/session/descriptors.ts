/**
 * The segment that a selector value names right now, without the checks and the side effects of loading it: selector × 16
 * in real and virtual-8086 mode, otherwise the descriptor in the GDT or LDT (SDM vol. 3A §3.4.5).
 */
import type { SegmentState } from '../../vm-core/index.ts';
import type { Guest } from './guest.ts';

const DESCRIPTOR_SIZE = 8;
const SELECTOR_TI = 1 << 2;
const GRANULARITY_PAGES = 1 << 11;
const CODE_OR_DATA = 1 << 4;
const PRESENT = 1 << 7;

/** Undefined when the selector is null, beyond its table, or names no present code or data segment. */
export function segmentOf(guest: Guest, selector: number): SegmentState | undefined {
  if (guest.vcpu.mode !== 'protected') {
    return { selector, base: selector << 4, limit: 0xffff, attributes: 0x93 };
  }
  if ((selector & ~3) === 0) return undefined;
  const table = (selector & SELECTOR_TI) !== 0 ? 'LDTR' : 'GDTR';
  const offset = selector & ~7;
  if (offset + DESCRIPTOR_SIZE - 1 > guest.register(`${table}.limit`)) return undefined;
  const address = guest.register(`${table}.base`) + offset;
  const low = guest.readInteger(address, 4);
  const high = guest.readInteger(address + 4, 4);
  if (low === undefined || high === undefined) return undefined;
  const segment = decodeSegment(selector, low, high);
  return (segment.attributes & CODE_OR_DATA) === 0 || (segment.attributes & PRESENT) === 0 ? undefined : segment;
}

/** What the two halves of a descriptor of a segment say. */
export function decodeSegment(selector: number, low: number, high: number): SegmentState {
  const attributes = ((high >>> 8) & 0xff) | ((high >>> 12) & 0xf00);
  const base = ((high & 0xff000000) | ((high & 0xff) << 16) | (low >>> 16)) >>> 0;
  const units = (high & 0xf0000) | (low & 0xffff);
  const limit = (attributes & GRANULARITY_PAGES) !== 0 ? ((units << 12) | 0xfff) >>> 0 : units;
  return { selector, base, limit, attributes };
}

const ATTRIBUTE_CODE = 1 << 3;
const ATTRIBUTE_WRITABLE_OR_READABLE = 1 << 1;
const ATTRIBUTE_BIG = 1 << 10;

/** System segment types (SDM vol. 3A table 3-2). */
const SYSTEM_TYPES: Readonly<Record<number, string>> = {
  1: '16-bit TSS',
  2: 'LDT',
  3: '16-bit TSS, busy',
  9: '32-bit TSS',
  11: '32-bit TSS, busy',
};

/** Access rights in words, from the attributes of a descriptor cache: `32-bit code, readable, DPL 0`. */
export function describeRights(attributes: number): string {
  if ((attributes & PRESENT) === 0) return 'not present';
  const level = `DPL ${(attributes >> 5) & 3}`;
  if ((attributes & CODE_OR_DATA) === 0) return `${SYSTEM_TYPES[attributes & 0xf] ?? 'system'}, ${level}`;
  const size = (attributes & ATTRIBUTE_BIG) !== 0 ? '32-bit' : '16-bit';
  const more = (attributes & ATTRIBUTE_WRITABLE_OR_READABLE) !== 0;
  if ((attributes & ATTRIBUTE_CODE) !== 0) return `${size} code, ${more ? 'readable' : 'execute-only'}, ${level}`;
  return `${size} data, ${more ? 'writable' : 'read-only'}, ${level}`;
}
