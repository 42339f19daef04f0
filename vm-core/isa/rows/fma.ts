/** Fused multiply and add (SDM vol. 1 §14.5, vol. 2C VFMADD132PD and the following). */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { NEGATE_PRODUCT, NEGATE_SUMMAND } from '../float/fused.ts';
import * as fused from '../float/lane-fused.ts';
import { hexByte, type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { VectorArithmetic } from '../mxcsr.ts';

/** The operands by their numbers: two factors and the summand. The opcodes of an order are those of the first and these. */
const orders = [
  { name: '132', opcodes: 0x90, operands: [0, 2, 1] },
  { name: '213', opcodes: 0xa0, operands: [1, 0, 2] },
  { name: '231', opcodes: 0xb0, operands: [1, 2, 0] },
] as const;
type Order = (typeof orders)[number];

/** What is negated, in the even lanes and the odd ones. */
interface Operation {
  readonly name: string;
  readonly opcode: number;
  readonly even: number;
  readonly odd: number;
}

const same = (name: string, opcode: number, negated: number): Operation => ({
  ...{ name, opcode, even: negated, odd: negated },
});
const alternating: readonly Operation[] = [
  { name: 'VFMADDSUB', opcode: 6, even: NEGATE_SUMMAND, odd: 0 },
  { name: 'VFMSUBADD', opcode: 7, even: 0, odd: NEGATE_SUMMAND },
];
/** The opcode of a form with single lanes is the next one. */
const operations: readonly Operation[] = [
  same('VFMADD', 8, 0),
  same('VFMSUB', 0xa, NEGATE_SUMMAND),
  same('VFNMADD', 0xc, NEGATE_PRODUCT),
  same('VFNMSUB', 0xe, NEGATE_PRODUCT | NEGATE_SUMMAND),
];

function computing(lanes: SharedFunction, { operands }: Order, { even, odd }: Operation): UnitSemanticsFunction {
  return (s, first, second, third) => {
    const last = s.readVector(third);
    const [to, middle] = [s.readVector(first), s.readVector(second)];
    const unit = new VectorArithmetic(s);
    const negated = s.constant(even | (odd << 2));
    const results = last.map((_, n) => {
      const [x, y, z] = operands.map((number) => ([to, middle, last][number] as readonly Value[])[n] as Value);
      return unit.fuse(lanes, to[n] as Value, [x as Value, y as Value, z as Value], negated);
    });
    unit.finish();
    s.writeVector(first, results, 'clear');
  };
}

const fma = { feature: 'FMA' } as const;

function packedRows(order: Order, operation: Operation): readonly InstructionRow[] {
  const opcode = hexByte(order.opcodes + operation.opcode);
  return (['128', '256'] as const).flatMap((length) => {
    const operands = length === '128' ? 'Vdq,Hdq,Wdq' : 'Vqq,Hqq,Wqq';
    const rowOf = (w: 'W0' | 'W1', suffix: 'PS' | 'PD', lanes: SharedFunction) =>
      unitRow(
        'AVX',
        `VEX.${length}.66.0F38.${w} ${opcode}`,
        `${operation.name}${order.name}${suffix}`,
        operands,
        computing(lanes, order, operation),
        fma,
      );
    return [rowOf('W0', 'PS', fused.fusedPackedSingles), rowOf('W1', 'PD', fused.fusedPackedDoubles)];
  });
}

function scalarRows(order: Order, operation: Operation): readonly InstructionRow[] {
  const opcode = hexByte(order.opcodes + operation.opcode + 1);
  const rowOf = (w: 'W0' | 'W1', suffix: 'SS' | 'SD', source: 'Wd' | 'Wq', lanes: SharedFunction) =>
    unitRow(
      'AVX',
      `VEX.LIG.66.0F38.${w} ${opcode}`,
      `${operation.name}${order.name}${suffix}`,
      `Vdq,Hdq,${source}`,
      computing(lanes, order, operation),
      fma,
    );
  return [rowOf('W0', 'SS', 'Wd', fused.fusedLowestSingle), rowOf('W1', 'SD', 'Wq', fused.fusedLowestDouble)];
}

export const fmaRows: readonly InstructionRow[] = orders.flatMap((order) => [
  ...[...alternating, ...operations].flatMap((operation) => packedRows(order, operation)),
  ...operations.flatMap((operation) => scalarRows(order, operation)),
]);
