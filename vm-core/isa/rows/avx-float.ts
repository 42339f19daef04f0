/** Floating-point instructions with VEX prefixes, from the table of those without (SDM vol. 1 §14.1, §14.3). */
import type { Value } from '../../wasm/function-builder.ts';
import { dotProductsOfSingles, type FloatInstruction, floatInstructions } from '../float/instructions.ts';
import type { InstructionRow, UnitSemanticsFunction } from '../instruction-row.ts';
import { unitRow } from '../instruction-row.ts';
import { VectorArithmetic } from '../mxcsr.ts';
import { put, vectors, vexOpcode, wide } from '../vex.ts';
import { floatRegisterRows, fromIntegerTo, integerConversions } from './float-vectors.ts';

/** The predicates of AVX's comparisons have five bits. */
const PREDICATE = 31;

/** Of these the result has twice, or half, the lanes' size of the operand. */
const WIDENING = /^CVT(PS2PD|DQ2PD)$/;
const NARROWING = /^CVT(PD2PS|T?PD2DQ)$/;

const UPPER_TO_LOWER = [8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15];
const LOWER_OF_BOTH = [0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23];

/** The first operand from the last one, and from the second where there are three. */
function computing({ compute, form, name }: FloatInstruction, length: '128' | '256' | 'LIG'): UnitSemanticsFunction {
  return (s, to, ...sources) => {
    const { f } = s;
    const isUnary = form.startsWith('unary');
    let second = vectors(s, sources[isUnary ? 0 : 1]);
    if (length === '256' && WIDENING.test(name)) {
      const [both] = second as readonly [Value];
      second = [both, f.shuffle(both, both, UPPER_TO_LOWER)];
    }
    const first = isUnary ? second : vectors(s, sources[0]);
    const unit = new VectorArithmetic(s);
    const immediate = name.startsWith('CMP') ? s.and(s.immediate(), PREDICATE) : s.immediate();
    const results =
      name === 'DPPS'
        ? dotProductsOfSingles(unit, first, second, immediate)
        : second.map((half, n) => compute(unit, first[n] as Value, half, immediate));
    unit.finish();
    const isNarrowed = results.length === 2 && NARROWING.test(name);
    const [low, high] = results as unknown as readonly [Value, Value];
    put(s, to, isNarrowed ? [f.shuffle(low, high, LOWER_OF_BOTH)] : results);
  };
}

const avx = { feature: 'AVX' } as const;

function operandsOf({ form, source, name }: FloatInstruction, length: '128' | '256' | 'LIG'): string {
  const immediate = form.endsWith('immediate') ? ',Ib' : '';
  const short = `Vdq,${form.startsWith('unary') ? '' : 'Hdq,'}${source}`;
  if (length !== '256') return short + immediate;
  if (WIDENING.test(name)) return 'Vqq,Wdq';
  return NARROWING.test(name) ? 'Vdq,Wqq' : wide(short) + immediate;
}

function rowsOf(instruction: FloatInstruction): readonly InstructionRow[] {
  const { opcode, name, source } = instruction;
  const isScalar = source !== 'Wdq' && !WIDENING.test(name);
  const lengths = isScalar ? (['LIG'] as const) : name === 'DPPD' ? (['128'] as const) : (['128', '256'] as const);
  return lengths.map((length) =>
    unitRow(
      'AVX',
      vexOpcode(opcode, length),
      `V${name}`,
      operandsOf(instruction, length),
      computing(instruction, length),
      avx,
    ),
  );
}

/** MXCSR is 128 bits long by its prefix; the length of scalar operations does not matter. */
function withVex({ opcode, name, operands, semantics }: InstructionRow): InstructionRow {
  const length = name.endsWith('MXCSR') ? '128' : 'LIG';
  return unitRow(
    'AVX',
    vexOpcode(opcode, length),
    `V${name}`,
    operands.join(','),
    semantics as UnitSemanticsFunction,
    avx,
  );
}

export const avxFloatRows: readonly InstructionRow[] = [
  ...floatInstructions.flatMap(rowsOf),
  ...floatRegisterRows.map(withVex),
  ...integerConversions.map(({ opcode, name, operation }) =>
    unitRow(
      'AVX',
      vexOpcode(opcode, 'LIG'),
      `V${name}`,
      'Vdq,Hdq,Ey',
      (s, to, others, from) => put(s, to, [fromIntegerTo(s, operation, vectors(s, others)[0] as Value, from)]),
      avx,
    ),
  ),
];
