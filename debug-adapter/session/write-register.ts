/**
 * Writing registers from the debugger: as plain values, except that what the processor derives when it loads a register comes
 * along: the hidden part of a selector, the privilege level, long mode, the page-directory pointers of PAE paging (SDM vol. 3A
 * §3.4.3, §4.4.1, §5.5, §9.8.5). What no processor can hold is refused.
 */
import { findRegister, type SegmentState } from '../../vm-core/index.ts';
import { localized } from '../protocol/localized.ts';
import { type RegisterPart, writePart } from '../expressions/register-parts.ts';
import {
  ATTRIBUTE_PRESENT,
  ATTRIBUTE_S,
  DESCRIPTOR_SIZE,
  addressRegister,
  descriptorOf,
  isLongMode,
  LONG_DESCRIPTOR_SIZE,
  readSystemMemory,
  segmentOf,
} from './descriptors.ts';
import type { Guest } from './guest.ts';
import { UserError } from './user-error.ts';

const CR0_PE = 1;
const CR0_PG = 0x8000_0000;
const CR4_PAE = 1 << 5;
const EFER_LME = 1 << 8;
const EFER_LMA = 1 << 10;
const EFLAGS_VM = 1 << 17;
const CONTROLS: ReadonlySet<string> = new Set(['CR0', 'CR4', 'EFER']);
const POINTERS = ['PDPTE0', 'PDPTE1', 'PDPTE2', 'PDPTE3'] as const;

/** Writes a register or a part of one. False when it is read-only, or when a selector names no segment. */
export function writeRegister(guest: Guest, part: RegisterPart, value: number | bigint): boolean {
  const { register } = part;
  if (register.attributes === 'read-only') return false;
  requireFit(part, value);
  if (register.set === 'segment' && !register.name.includes('.')) {
    return writeSelector(guest, register.name, register.offset, Number(value) & 0xffff);
  }
  if ((register.name === 'LDTR' || register.name === 'TR') && guest.vcpu.mode !== 'real') {
    return writeSystemSelector(guest, register.name, register.offset, Number(value) & 0xffff);
  }
  const { state } = guest.vcpu;
  const before = state.readRegister(register);
  writePart(state, part, value);
  const problem = CONTROLS.has(register.name) ? controlProblem(guest) : undefined;
  if (problem === undefined) derive(guest, register.name);
  else {
    state.writeRegister(register, before);
    throw new UserError('not-writable', problem);
  }
  return true;
}

/** Values are unsigned or, as their two's complement, negative: -1 fits into every part, 1FFh not into eight bits. */
function requireFit({ width }: RegisterPart, value: number | bigint): void {
  const bits = BigInt(value);
  const isNegative = [32, 64].some((of) => width < of && bits === BigInt.asUintN(of, BigInt.asIntN(width, bits)));
  if (bits < 1n << BigInt(width) || isNegative) return;
  throw new UserError(
    'bad-argument',
    width === 1
      ? localized('0x{0} does not fit into one bit', value.toString(16))
      : localized('0x{0} does not fit into {1} bits', value.toString(16), width),
  );
}

/** What keeps control registers from being as they are; undefined if nothing does. */
function controlProblem(guest: Guest): string | undefined {
  if ((guest.register('CR0') & CR0_PG) === 0) return undefined;
  if ((guest.register('CR0') & CR0_PE) === 0) return localized('CR0.PG needs CR0.PE');
  const isLong = (guest.register('EFER') & EFER_LME) !== 0;
  return isLong && (guest.register('CR4') & CR4_PAE) === 0 ? localized('paging in long mode needs CR4.PAE') : undefined;
}

/** What follows from a register that was written. */
function derive(guest: Guest, name: string): void {
  if (name === 'CR0' || name === 'EFER') deriveLongMode(guest);
  if (name === 'CR0' || name === 'CR3' || name === 'CR4') loadPointers(guest);
  if (name === 'CR0' || name === 'EFLAGS' || name === 'RFLAGS') derivePrivilege(guest);
}

function write(guest: Guest, name: string, value: bigint): void {
  const register = findRegister(name);
  if (register) guest.vcpu.state.writeRegister(register, value);
}

/** Long mode is active while paging is on and it is wanted. */
function deriveLongMode(guest: Guest): void {
  const efer = guest.register('EFER');
  const isActive = (efer & EFER_LME) !== 0 && (guest.register('CR0') & CR0_PG) !== 0;
  write(guest, 'EFER', BigInt(isActive ? efer | EFER_LMA : efer & ~EFER_LMA));
}

/** The page-directory pointers of PAE paging, which MOV to CR3 reads. */
function loadPointers(guest: Guest): void {
  const isPae = (guest.register('CR0') & CR0_PG) !== 0 && (guest.register('CR4') & CR4_PAE) !== 0;
  if (!isPae || isLongMode(guest)) return;
  const bytes = guest.machine.memory.read((guest.register('CR3') & ~0x1f) >>> 0, POINTERS.length * 8);
  if (bytes.length < POINTERS.length * 8) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const [n, name] of POINTERS.entries()) write(guest, name, view.getBigUint64(n * 8, true));
}

/** 0 in real mode, 3 in virtual-8086 mode, otherwise what CS asks for. */
function derivePrivilege(guest: Guest): void {
  const isReal = (guest.register('CR0') & CR0_PE) === 0;
  const isVirtual = (guest.register('EFLAGS') & EFLAGS_VM) !== 0;
  write(guest, 'CPL', BigInt(isReal ? 0 : isVirtual ? 3 : guest.register('CS') & 3));
}

/** In real mode a selector changes only the base: big real mode keeps its limits, as it does for MOV (SDM vol. 3A §21.1). */
function writeSelector(guest: Guest, name: string, slot: number, selector: number): boolean {
  const { state, mode } = guest.vcpu;
  const segment = mayBeNull(guest, name) && (selector & ~3) === 0 ? nullSegment(selector) : segmentOf(guest, selector);
  if (!segment) return false;
  const { limit, attributes } = mode === 'real' ? state.segmentAt(slot) : segment;
  state.setSegmentAt(slot, { ...segment, limit, attributes });
  if (name === 'CS') derivePrivilege(guest);
  return true;
}

/** Data segments may be null in protected mode, SS in 64-bit mode only. */
function mayBeNull({ vcpu: { mode } }: Guest, name: string): boolean {
  if (mode === 'real' || mode === 'virtual-8086' || name === 'CS') return false;
  return name !== 'SS' || mode === '64-bit';
}

const nullSegment = (selector: number): SegmentState => ({ selector, base: 0, limit: 0, attributes: 0 });

const TYPE_MASK = 0xf;
const TYPE_LDT = 2;
const TYPE_BUSY = 2;
const TYPE_WIDE = 8;

/** As LLDT and LTR load them, but the descriptor is left alone: LTR would mark it as busy. */
function writeSystemSelector(guest: Guest, name: 'LDTR' | 'TR', slot: number, selector: number): boolean {
  const { state } = guest.vcpu;
  if ((selector & ~3) === 0) {
    state.setSegmentAt(slot, nullSegment(selector));
    return true;
  }
  const found = descriptorOf(guest, selector);
  if (typeof found === 'string' || (selector & 4) !== 0) return false;
  const { attributes } = found;
  const isSystem = (attributes & (ATTRIBUTE_S | ATTRIBUTE_PRESENT)) === ATTRIBUTE_PRESENT;
  const type = attributes & TYPE_MASK;
  const isTask = (type & ~TYPE_BUSY & ~TYPE_WIDE) === 1 && (!isLongMode(guest) || (type & TYPE_WIDE) !== 0);
  if (!isSystem || (name === 'TR' ? !isTask : type !== TYPE_LDT)) return false;
  const base = isLongMode(guest) ? longBase(guest, selector, found.base) : found.base;
  if (base === undefined) return false;
  state.setSegmentAt(slot, { ...found, base, attributes: name === 'TR' ? attributes | TYPE_BUSY : attributes });
  return true;
}

/** The base of a system descriptor of 16 bytes. */
function longBase(guest: Guest, selector: number, lower: number): number | undefined {
  const at = selector & ~7;
  if (at + LONG_DESCRIPTOR_SIZE - 1 > guest.register('GDTR.limit')) return undefined;
  const words = readSystemMemory(guest, addressRegister(guest, 'GDTR.base') + at + DESCRIPTOR_SIZE, 4);
  return words.byteLength < 4 ? undefined : words.getInt32(0, true) * 2 ** 32 + lower;
}
