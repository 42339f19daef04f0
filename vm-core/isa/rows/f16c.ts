/** Conversions between numbers of 16 and of 32 bits (SDM vol. 1 §14.4, vol. 2C VCVTPH2PS, VCVTPS2PH). */
import type { Value } from '../../wasm/function-builder.ts';
import { halvesFromSingles, singlesFromHalves } from '../float/lane-halves.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { VectorArithmetic } from '../mxcsr.ts';
import { bytesOfLanes } from '../packed/lanes.ts';
import { put, vectors } from '../vex.ts';

const isLong = (operand: unknown) => (operand as { readonly bits: number }).bits === 256;

const fromHalves: UnitSemanticsFunction = (s, to, from) => {
  const { f } = s;
  const [low] = vectors(s, from) as readonly [Value];
  const sources = isLong(to) ? [low, f.shuffle(low, low, bytesOfLanes([1, 1], 8))] : [low];
  const unit = new VectorArithmetic(s);
  const results = sources.map((half) => unit.operate(singlesFromHalves, half, half));
  unit.finish();
  put(s, to, results);
};

/** Memory that cannot be written is found before anything is computed, and raised. */
const toHalves: UnitSemanticsFunction = (s, to, from) => {
  if (to?.kind === 'vectorMemory') s.requireWritable('instruction', s.effectiveAddress(), to.bits / 8);
  const sources = vectors(s, from);
  const unit = new VectorArithmetic(s);
  const [low, high] = sources.map((half) => unit.operate(halvesFromSingles, half, half, s.immediate()));
  unit.finish();
  put(s, to, [high ? s.f.shuffle(low as Value, high, bytesOfLanes([0, 2], 8)) : (low as Value)]);
};

const f16c = { feature: 'F16C' } as const;

export const f16cRows: readonly InstructionRow[] = [
  unitRow('AVX', 'VEX.128.66.0F38.W0 13', 'VCVTPH2PS', 'Vdq,Wq', fromHalves, f16c),
  unitRow('AVX', 'VEX.256.66.0F38.W0 13', 'VCVTPH2PS', 'Vqq,Wdq', fromHalves, f16c),
  unitRow('AVX', 'VEX.128.66.0F3A.W0 1D', 'VCVTPS2PH', 'Wq,Vdq,Ib', toHalves, f16c),
  unitRow('AVX', 'VEX.256.66.0F3A.W0 1D', 'VCVTPS2PH', 'Wdq,Vqq,Ib', toHalves, f16c),
];
