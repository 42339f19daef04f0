/**
 * Numbers of the double extended format for the x87 instructions that are written in TypeScript (SDM vol. 1 §4.2.2, §8.2),
 * and how an exact or nearly exact result becomes one.
 */
import type { CpuState } from '../state/cpu-state.ts';
import { internal, slot } from '../state/layout.ts';

/** Sign, biased exponent, and significand with its top bit. */
export interface ExtendedNumber {
  readonly sign: 0 | 1;
  readonly exponent: number;
  readonly significand: bigint;
}

export const BIAS = 16383;
export const SPECIAL = 0x7fff;
export const TOP_BIT: bigint = 1n << 63n;
const QUIET_BIT = 1n << 62n;

export const INVALID = 1;
export const DENORMAL = 2;
export const ZERO_DIVIDE = 4;
const OVERFLOW = 8;
const UNDERFLOW = 0x10;
const INEXACT = 0x20;
const ROUNDED_UP = 0x200;
/** Added to or taken from exponents that underflow or overflow without a mask (SDM vol. 1 §8.5.4). */
const WRAP = 24576;

export const indefinite: ExtendedNumber = { sign: 1, exponent: SPECIAL, significand: TOP_BIT | QUIET_BIT };
export const one: ExtendedNumber = { sign: 0, exponent: BIAS, significand: TOP_BIT };

export const zero = (sign: 0 | 1): ExtendedNumber => ({ sign, exponent: 0, significand: 0n });
export const infinity = (sign: 0 | 1): ExtendedNumber => ({ sign, exponent: SPECIAL, significand: TOP_BIT });

export const isZero = ({ exponent, significand }: ExtendedNumber): boolean => exponent === 0 && significand === 0n;
export const isInfinite = ({ exponent, significand }: ExtendedNumber): boolean =>
  exponent === SPECIAL && significand === TOP_BIT;
export const isUnsupported = ({ exponent, significand }: ExtendedNumber): boolean =>
  exponent !== 0 && significand < TOP_BIT;
export const isNotNumber = (number: ExtendedNumber): boolean =>
  number.exponent === SPECIAL && !isUnsupported(number) && !isInfinite(number);
export const isSignaling = (number: ExtendedNumber): boolean =>
  isNotNumber(number) && (number.significand & QUIET_BIT) === 0n;
export const isDenormal = ({ exponent, significand }: ExtendedNumber): boolean => exponent === 0 && significand !== 0n;
export const quiet = (number: ExtendedNumber): ExtendedNumber => ({
  ...number,
  significand: number.significand | QUIET_BIT,
});

/** The NaN that is the result of two operands: the one with the larger significand, a quiet one before a signaling one. */
export function chosenNaN(x: ExtendedNumber, y: ExtendedNumber): ExtendedNumber {
  if (!isNotNumber(y)) return quiet(x);
  if (!isNotNumber(x)) return quiet(y);
  if (isSignaling(x) !== isSignaling(y)) return isSignaling(x) ? y : x;
  if (x.significand !== y.significand) return quiet(x.significand > y.significand ? x : y);
  return quiet(x.sign === 0 ? x : y);
}

/** A number that is not special as `value · 2^scale` with its sign; `value` is not negative. */
export function exactValue({ exponent, significand }: ExtendedNumber): {
  readonly value: bigint;
  readonly scale: number;
} {
  return { value: significand, scale: Math.max(exponent, 1) - BIAS - 63 };
}

export function bitLength(value: bigint): number {
  return value === 0n
    ? 0
    : value.toString(16).length * 4 - Math.clz32(Number.parseInt(value.toString(16)[0] as string, 16)) + 28;
}

/** What rounding has made of a result, and what it has raised. */
export interface Rounded {
  readonly number: ExtendedNumber;
  readonly exceptions: number;
}

/**
 * `value · 2^scale` rounded to 64 bits as `rounding` says (0 nearest, 1 down, 2 up, 3 toward zero). `isInexact`: the value
 * is cut off, there is something below it. `masks` are those of the control word.
 */
export function round(
  sign: 0 | 1,
  value: bigint,
  scale: number,
  isInexact: boolean,
  rounding: number,
  masks: number,
): Rounded {
  if (value === 0n) return { number: zero(sign), exceptions: 0 };
  // Two bits below the significand, the lower one sticky.
  const wanted = 66;
  const shift = bitLength(value) - wanted;
  const moved = shift > 0 ? value >> BigInt(shift) : value << BigInt(-shift);
  const lost = isInexact || (shift > 0 && moved << BigInt(shift) !== value);
  const whole = moved | (lost ? 1n : 0n);
  const exponent = scale + shift + wanted - 1 + BIAS;
  return roundWhole(sign, whole, exponent, rounding, masks);
}

/** 66 bits, the lowest sticky. */
function roundWhole(sign: 0 | 1, whole: bigint, exponent: number, rounding: number, masks: number): Rounded {
  const normal = roundBits(whole, sign, rounding);
  const isTiny = exponent < 1 && !(exponent === 0 && normal.significand >> 64n !== 0n);
  if (isTiny && (masks & UNDERFLOW) !== 0) return roundTiny(sign, whole, exponent, rounding);
  const carried = normal.significand >> 64n !== 0n;
  const found = exponent + (carried ? 1 : 0);
  const significand = carried ? TOP_BIT : normal.significand;
  if (isTiny && found + WRAP < 1) return { number: zero(sign), exceptions: UNDERFLOW | INEXACT };
  if (isTiny)
    return { number: { sign, exponent: found + WRAP, significand }, exceptions: normal.exceptions | UNDERFLOW };
  if (found < SPECIAL) return { number: { sign, exponent: found, significand }, exceptions: normal.exceptions };
  if ((masks & OVERFLOW) === 0) {
    if (found - WRAP >= SPECIAL) return { number: infinity(sign), exceptions: OVERFLOW | INEXACT | ROUNDED_UP };
    return { number: { sign, exponent: found - WRAP, significand }, exceptions: normal.exceptions | OVERFLOW };
  }
  const grows = rounding === 0 || rounding === (sign === 0 ? 2 : 1);
  const largest: ExtendedNumber = { sign, exponent: SPECIAL - 1, significand: (1n << 64n) - 1n };
  const raised = OVERFLOW | INEXACT | (grows ? ROUNDED_UP : 0);
  return { number: grows ? infinity(sign) : largest, exceptions: raised };
}

function roundTiny(sign: 0 | 1, whole: bigint, exponent: number, rounding: number): Rounded {
  const shift = BigInt(Math.min(1 - exponent, 70));
  const moved = whole >> shift;
  const lost = moved << shift !== whole;
  const { significand, exceptions } = roundBits(moved | (lost ? 1n : 0n), sign, rounding);
  const raised = exceptions === 0 ? 0 : exceptions | UNDERFLOW;
  return { number: { sign, exponent: significand >= TOP_BIT ? 1 : 0, significand }, exceptions: raised };
}

function roundBits(whole: bigint, sign: 0 | 1, rounding: number): { significand: bigint; exceptions: number } {
  const rest = Number(whole & 3n);
  const kept = whole >> 2n;
  if (rest === 0) return { significand: kept, exceptions: 0 };
  const nearest = rest > 2 || (rest === 2 && (kept & 1n) === 1n);
  const up = rounding === 0 ? nearest : rounding === (sign === 0 ? 2 : 1);
  return { significand: up ? kept + 1n : kept, exceptions: INEXACT | (up ? ROUNDED_UP : 0) };
}

/** The register that is `distance` registers below the top of the stack. */
export function readStack(state: CpuState, distance: number): ExtendedNumber {
  const at = slot.FPR0 + stackRegister(state, distance) * 16;
  const upper = state.read16(at + 8);
  return { sign: (upper >> 15) as 0 | 1, exponent: upper & SPECIAL, significand: state.read64(at) };
}

export function writeStack(state: CpuState, distance: number, { sign, exponent, significand }: ExtendedNumber): void {
  const register = stackRegister(state, distance);
  state.write64(slot.FPR0 + register * 16, significand);
  state.write16(slot.FPR0 + register * 16 + 8, (sign << 15) | exponent);
  state.write8(slot.FTW, state.read8(slot.FTW) | (1 << register));
}

export function isEmpty(state: CpuState, distance: number): boolean {
  return ((state.read8(slot.FTW) >> stackRegister(state, distance)) & 1) === 0;
}

function stackRegister(state: CpuState, distance: number): number {
  return ((state.read16(slot.FSW) >> 11) + distance) & 7;
}

/** Moves the top down: the register that was there is empty. */
export function popStack(state: CpuState): void {
  const top = stackRegister(state, 0);
  state.write8(slot.FTW, state.read8(slot.FTW) & ~(1 << top));
  moveTop(state, 1);
}

export function moveTop(state: CpuState, by: number): void {
  const status = state.read16(slot.FSW);
  state.write16(slot.FSW, (status & ~0x3800) | ((status + (by << 11)) & 0x3800));
}

const EXCEPTIONS = 0x3f;
const ERROR_SUMMARY = 0x8080;

/** Loads the status word: whether an exception waits follows from the flags and the masks. */
export function writeStatus(state: CpuState, status: number): void {
  const waits = (status & ~state.read16(slot.FCW) & EXCEPTIONS) !== 0;
  state.write16(slot.FSW, (status & 0x7f7f) | (waits ? ERROR_SUMMARY : 0));
}

/** What FNINIT does; the registers are empty, but keep what is in them. */
export function initializeX87(state: CpuState): void {
  for (const word of [slot.FSW, slot.FOP, slot.FCS, slot.FDS]) state.write16(word, 0);
  for (const pointer of [slot.FIP, slot.FDP]) state.write64(pointer, 0n);
  state.write16(slot.FCW, 0x37f);
  state.write8(slot.FTW, 0);
  state.write32(internal.FLOAT_ERRORS_IGNORED, 0);
}
