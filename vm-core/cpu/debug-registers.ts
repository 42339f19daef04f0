/**
 * The debug registers DR0–DR7 (SDM vol. 3B §18.2): which breakpoints DR7 turns on, what they match, and how a debug
 * exception reports its reason in DR6. Pure helpers; the engine decides when to ask.
 */
import { type Address, lowHalf, plus } from '../state/address.ts';
import type { CpuState } from '../state/cpu-state.ts';
import { slot } from '../state/layout.ts';
import { isLongMode } from './mode.ts';
import { SLOT_SIZE } from '../state/register-table.ts';

export const DR6_BD = 1 << 13;
export const DR6_BS = 1 << 14;
export const DR6_BT = 1 << 15;
export const DR7_GD = 1 << 13;
/** L0–L3 and G0–G3: any of them turns a breakpoint on. */
export const DR7_ENABLES = 0xff;
/** L0–L3 and LE: a task switch clears them. */
export const DR7_LOCAL_ENABLES = 0x155;

/** DR6: bits that read as ones, and bits that hold something. */
export const DR6_ONES = 0xffff_0ff0;
export const DR6_WRITABLE = 0x0000_e00f;
/** DR7: bit 10 reads as one. */
export const DR7_ONES = 0x0000_0400;
export const DR7_WRITABLE = 0xffff_23ff;

/** What a breakpoint waits for, in the order of DR7's R/W field. */
export const breakpointKinds = ['execute', 'write', 'io', 'read-write'] as const;
export type HardwareBreakpointKind = (typeof breakpointKinds)[number];

/** Bytes covered, by DR7's LEN field; the encoding 2 is undefined on an 80386 and taken as 4. */
const breakpointLengths = [1, 2, 4, 4] as const;
/** In long mode it is 8. */
const longBreakpointLengths = [1, 2, 8, 4] as const;

/** A breakpoint that DR7 has turned on. `linearAddress` is aligned to `length`; for `io` it is a port. */
export interface HardwareBreakpoint {
  readonly index: number;
  readonly kind: HardwareBreakpointKind;
  readonly linearAddress: Address;
  readonly length: number;
}

/** An access as breakpoints see it. */
export type HardwareAccess = 'execute' | 'read' | 'write' | 'io';

/** The breakpoints that DR7 turns on, locally or globally, by index. */
export function activeBreakpoints(state: CpuState): readonly HardwareBreakpoint[] {
  const control = state.read32(slot.DR7);
  const isLong = isLongMode(state);
  const active: HardwareBreakpoint[] = [];
  for (let index = 0; index < 4; index++) {
    if (((control >>> (index * 2)) & 3) === 0) continue;
    const kind = breakpointKinds[(control >>> (16 + index * 4)) & 3] as HardwareBreakpointKind;
    const coded = (isLong ? longBreakpointLengths : breakpointLengths)[(control >>> (18 + index * 4)) & 3] as number;
    const length = kind === 'execute' ? 1 : coded;
    const address = state.readExact(slot.DR0 + index * SLOT_SIZE);
    active.push({ index, kind, linearAddress: plus(address, -(lowHalf(address) & (length - 1))), length });
  }
  return active;
}

/** The B0–B3 bits of DR6 for the breakpoints that an access of `length` bytes at `linearAddress` meets. */
export function matchBreakpoints(
  breakpoints: readonly HardwareBreakpoint[],
  access: HardwareAccess,
  linearAddress: Address,
  length: number,
): number {
  let met = 0;
  for (const breakpoint of breakpoints) {
    if (!waitsFor(breakpoint.kind, access)) continue;
    const overlaps =
      linearAddress < plus(breakpoint.linearAddress, breakpoint.length) &&
      breakpoint.linearAddress < plus(linearAddress, length);
    if (overlaps) met |= 1 << breakpoint.index;
  }
  return met;
}

function waitsFor(kind: HardwareBreakpointKind, access: HardwareAccess): boolean {
  if (kind === 'read-write') return access === 'read' || access === 'write';
  return kind === access;
}

/** Adds reasons to DR6: bits from `matchBreakpoints`, `DR6_BS` or `DR6_BD`. The processor itself never clears any. */
export function reportDebugReasons(state: CpuState, reasons: number): void {
  state.write32(slot.DR6, (state.read32(slot.DR6) | DR6_ONES | reasons) >>> 0);
}
