/** What instructions of the floating-point and vector units leave undefined, or what the makers of processors do each their own way. */
import type { Case } from './case.ts';
import { hasArea } from './state-areas.ts';

/** Bits of the x87 status word. */
const [UNDERFLOW, INEXACT, SUMMARY, BUSY, C1, CONDITIONS] = [0x10, 0x20, 0x80, 0x8000, 0x200, 0x4700];
const [C0, C3] = [0x100, 0x4000];

export interface UndefinedState {
  /** Bits of the x87 status word that are not compared. */
  readonly status: number;
  /** How far numbers on the x87 stack may be from each other, in units of their last place. */
  readonly lastPlaces: bigint;
  /** XMM registers hold numbers of 32 bits that are approximations. */
  readonly isApproximate: boolean;
  /** Nothing is compared: the manual gives no result. */
  readonly all: boolean;
}

const defined: UndefinedState = { status: 0, lastPlaces: 0n, isApproximate: false, all: false };

const TRANSCENDENTAL = /^(F2XM1|FYL2X|FYL2XP1|FPTAN|FPATAN|FSIN|FCOS|FSINCOS)$/;

/** `status` is the x87 status word that this machine's processor left. */
export function undefinedState({ row, state }: Case, status: number): UndefinedState {
  const { name } = row;
  // SDM vol. 2A FCOMI: C1 is cleared; AMD leaves it.
  if (/^FU?COMI/.test(name)) return { ...defined, status: C1 };
  // SDM vol. 2A FFREE: condition codes are undefined.
  if (/^FFREE/.test(name)) return { ...defined, status: CONDITIONS };
  // SDM vol. 2A FCOM: written only if the exception is masked; AMD writes them always.
  if (/^(FI?U?COM|FTST)/.test(name) && (status & SUMMARY) !== 0) return { ...defined, status: CONDITIONS };
  // SDM vol. 2B RCPPS, RSQRTPS: within 1.5·2^-12 of the exact result.
  if (/^V?R(CP|SQRT)[PS]S$/.test(name)) return { ...defined, isApproximate: true };
  if (!TRANSCENDENTAL.test(name)) return defined;
  // SDM vol. 1 §8.3.10: within one unit in the last place, whatever the rounding; an exact result may count as inexact.
  const tiny = (status & UNDERFLOW) === 0 ? 0 : UNDERFLOW;
  const all = isOutOfRange(name, state);
  return { ...defined, status: C0 | C1 | C3 | INEXACT | SUMMARY | BUSY | tiny, lastPlaces: 1n, all };
}

/** SDM vol. 2A F2XM1: |x| above 1; FYL2XP1: x beyond -1 + √½ and √2 - 1. */
function isOutOfRange(name: string, state: Uint8Array): boolean {
  const view = new DataView(state.buffer, state.byteOffset);
  const exponent = view.getUint16(40, true) & 0x7fff;
  if (name === 'F2XM1') return exponent >= 0x3fff && exponent < 0x7fff;
  return name === 'FYL2XP1' && exponent >= 0x3ffd && exponent < 0x7fff;
}

/** An unmasked exception keeps EFLAGS as they were (SDM vol. 2A FCOMI); AMD writes them. */
export function hasUndefinedFlags({ row }: Case, status: number): boolean {
  return /^FU?COMI/.test(row.name) && (status & SUMMARY) !== 0;
}

/** Whether a byte of the window is one of the pointers in an image of FNSTENV or FNSAVE: AMD writes them only with an exception. */
export function isPointer({ row, form, operandAt }: Case, at: number): boolean {
  if (row.name !== 'FNSTENV' && row.name !== 'FNSAVE') return false;
  const [first, last] = form.size === 16 ? [6, 13] : [12, 27];
  return operandAt === undefined || (at >= operandAt + first && at <= operandAt + last);
}

/** Images and what is stored by a mask are more than one access: which byte of them faults first is the processor's own affair. */
export function accessesInAnyOrder({ row }: Case): boolean {
  return hasArea(row) || row.name.includes('MASKMOV') || /^(FLDENV|FNSTENV|FRSTOR|FNSAVE)$/.test(row.name);
}
