/**
 * Gathers of AVX2 (SDM vol. 2C VPGATHERDD and the following): elements from addresses that a vector has the indices of. What
 * has been loaded stays where a later element faults, and the mask, whose elements are all ones or zero from the start,
 * tells what is left to do.
 */
import { internal } from '../../state/layout.ts';
import type { Value, Variable } from '../../wasm/function-builder.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import type { UnitOperand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { vectors } from '../vex.ts';

type Bits = 32 | 64;

const lanesOf = (bits: Bits) => (bits === 32 ? 'i32x4' : 'i64x2');

/** One element of halves. */
function elementOf({ f }: Semantics, halves: readonly Value[], bits: Bits, n: number): Value {
  const perHalf = 128 / bits;
  return f.operateOnLane(`${lanesOf(bits)}.extract_lane`, n % perHalf, halves[Math.floor(n / perHalf)] as Value);
}

/** Changes one element of halves, and writes the register. */
function setElement(s: Semantics, to: UnitOperand, halves: readonly Variable[], n: number, value: Value): void {
  const { f } = s;
  const bits = value.type === 'i64' ? 64 : 32;
  const perHalf = 128 / bits;
  const half = halves[Math.floor(n / perHalf)] as Variable;
  f.set(half, f.operateOnLane(`${lanesOf(bits)}.replace_lane`, n % perHalf, half, value));
  s.writeVector(to, halves, 'keep');
}

/** An index as an address has it. */
function indexOf(s: Semantics, indices: readonly Value[], bits: Bits, n: number): Value {
  const index = elementOf(s, indices, bits, n);
  return s.addressBits === 64 ? s.wideSigned(index) : s.low(index);
}

/** `count` elements of so many bits, with indices of so many. */
const gather =
  (bits: Bits, indexBits: Bits, count: number): UnitSemanticsFunction =>
  (s, to, from, mask) => {
    const { f } = s;
    const [toRegister, maskRegister] = [to as UnitOperand, mask as UnitOperand];
    const indices = vectors(s, from);
    const loaded = s.readVector(toRegister).map((half) => f.variable(half));
    const topBit = s.constant(bits - 1);
    const masks = s
      .readVector(maskRegister)
      .map((half) => f.variable(f.operate(`${lanesOf(bits)}.shr_s`, half, topBit)));
    s.writeVector(maskRegister, masks, 'clear');
    const zero = bits === 64 ? f.i64(0n) : f.i32(0);
    const setGathered = (value: 0 | 1) => f.store(32, s.cpuAddress(), internal.GATHERED, f.i32(value));
    setGathered(0);
    for (let n = 0; n < count; n++) {
      const isWanted = f.binary('ltS', elementOf(s, masks, bits, n), zero);
      s.if(isWanted, () => {
        const value = s.load('instruction', s.indexedAddress(indexOf(s, indices, indexBits, n)), bits, 'any');
        setElement(s, toRegister, loaded, n, f.copy(value));
        setGathered(1);
      });
      setElement(s, maskRegister, masks, n, zero);
    }
    setGathered(0);
    const isHalf = count * bits < 128;
    const results = loaded.map((half) => (isHalf ? lowerHalf(s, half) : half));
    s.writeVector(toRegister, results, 'clear');
    s.writeVector(
      maskRegister,
      masks.map(() => f.v128(0n, 0n)),
      'clear',
    );
  };

const lowerHalf = ({ f }: Semantics, x: Value): Value => f.operateOnLane('i64x2.replace_lane', 1, x, f.i64(0n));

/** A row of 128 and one of 256 bits: the longer of result and indices has so many. */
function rowsOf(opcode: string, name: string, bits: Bits, indexBits: Bits): readonly InstructionRow[] {
  return ([128, 256] as const).map((length) => {
    const count = length / Math.max(bits, indexBits);
    const vector = count * bits > 128 ? 'qq' : 'dq';
    const indices = `vm${indexBits}${count * indexBits > 128 ? 'y' : 'x'}`;
    const at = `VEX.${length}.66.0F38.${bits === 64 ? 'W1' : 'W0'} ${opcode}`;
    return unitRow('AVX', at, name, `V${vector},${indices},H${vector}`, gather(bits, indexBits, count), {
      feature: 'AVX2',
    });
  });
}

export const avxGatherRows: readonly InstructionRow[] = [
  ...rowsOf('90', 'VPGATHERDD', 32, 32),
  ...rowsOf('90', 'VPGATHERDQ', 64, 32),
  ...rowsOf('91', 'VPGATHERQD', 32, 64),
  ...rowsOf('91', 'VPGATHERQQ', 64, 64),
  ...rowsOf('92', 'VGATHERDPS', 32, 32),
  ...rowsOf('92', 'VGATHERDPD', 64, 32),
  ...rowsOf('93', 'VGATHERQPS', 32, 64),
  ...rowsOf('93', 'VGATHERQPD', 64, 64),
];
