/**
 * Registers of the x87 and of vectors as what they hold: ST(i) as a number with its tag, MM, XMM and YMM registers in lanes
 * of each size, named as GDB names them.
 */
import { localized } from '../protocol/localized.ts';
import { findRegister, hasRegister, type Register } from '../../vm-core/index.ts';
import { type FloatFormat, floatText, parseFloatText } from '../expressions/float-text.ts';
import { formatValue, type Notation } from '../expressions/format.ts';
import type { RegisterPart } from '../expressions/register-parts.ts';
import type { Guest } from './guest.ts';

/** One way to see a vector. */
export interface LaneView {
  readonly type: string;
  readonly bits: number;
  readonly format: FloatFormat | 'integer';
}

const integer = (bits: number): LaneView => ({ type: `int${bits}`, bits, format: 'integer' });
const ofVectors: readonly LaneView[] = [
  { type: 'float', bits: 32, format: 'single' },
  { type: 'double', bits: 64, format: 'double' },
  ...[8, 16, 32, 64].map(integer),
];
const ofMmx: readonly LaneView[] = [8, 16, 32].map(integer);

/** Of these registers there are views. */
const VECTOR = /^([XY]MM|MM)\d+$/;

/** The views of a register; none for what holds one value. */
export function laneViews({ name }: Register): readonly LaneView[] {
  const [, kind] = VECTOR.exec(name) ?? [];
  return kind === undefined ? [] : kind === 'MM' ? ofMmx : ofVectors;
}

/** `v4_float`: how many lanes, and of what. */
export function viewName(register: Register, { type, bits }: LaneView): string {
  return `v${laneCount(register, bits)}_${type}`;
}

export function laneCount({ size }: Register, bits: number): number {
  return (size * 8) / bits;
}

/** A lane as a part of its register. */
export function lanePart(register: Register, { type, bits }: LaneView, n: number): RegisterPart {
  return { name: `[${n}]`, register, low: n * bits, width: bits, description: type };
}

export function formatLane(value: bigint, { format, bits }: LaneView, notation: Notation): string {
  return format === 'integer' ? formatValue(value, bits, notation) : floatText(value, format);
}

/** What a number that was typed for a lane means; undefined: an expression for its bits. */
export function parseLane(text: string, { format }: LaneView): bigint | undefined {
  return format === 'integer' ? undefined : parseFloatText(text, format);
}

const TAGS = { valid: 'valid', zero: 'zero', special: 'special', empty: 'empty' } as const;

/** A register of the stack by its distance from the top, with what it holds. */
export interface StackRegister {
  readonly name: string;
  readonly register: Register;
  readonly text: string;
}

/** ST0 to ST7; none on a model without an x87. */
export function stackRegisters(guest: Guest): readonly StackRegister[] {
  const first = findRegister('FPR0');
  if (!first || !hasRegister(guest.model, first)) return [];
  const top = (guest.register('FSW') >> 11) & 7;
  const tags = guest.register('FTW');
  return Array.from({ length: 8 }, (_, n) => {
    const number = (top + n) & 7;
    const register = findRegister(`FPR${number}`) as Register;
    const bits = guest.vcpu.state.readRegister(register);
    const tag = ((tags >> number) & 1) === 0 ? TAGS.empty : tagOf(bits);
    return { name: `ST${n}`, register, text: `${floatText(bits, 'extended')} · ${tagText(tag)}, ${register.name}` };
  });
}

/** SDM vol. 1 §8.1.7. */
function tagOf(bits: bigint): keyof typeof TAGS {
  const exponent = (bits >> 64n) & 0x7fffn;
  const significand = BigInt.asUintN(64, bits);
  if (exponent === 0n && significand === 0n) return TAGS.zero;
  return exponent === 0n || exponent === 0x7fffn || significand >> 63n === 0n ? TAGS.special : TAGS.valid;
}

function tagText(tag: keyof typeof TAGS): string {
  switch (tag) {
    case 'valid':
      return localized('valid');
    case 'zero':
      return localized('zero');
    case 'special':
      return localized('special');
    case 'empty':
      return localized('empty');
  }
}
