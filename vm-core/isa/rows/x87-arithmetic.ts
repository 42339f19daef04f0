/** x87: arithmetic, comparisons, and what works on the top of the stack alone (SDM vol. 1 §8.3.5–§8.3.6). */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { setFlagsFromByte } from '../flags.ts';
import * as conversions from '../float/conversions.ts';
import { extendedDifference, extendedProduct, extendedQuotient, extendedRoot, extendedSum } from '../float/extended.ts';
import { hexByte, type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import type { Semantics } from '../semantics.ts';
import { rememberInstruction, X87 } from '../x87.ts';

/** An operation on ST(0) or ST(i) and another number; `reversed` has the operands change places. */
interface Operation {
  readonly name: string;
  readonly function: SharedFunction;
  readonly reversed: boolean;
}

/** By the reg field of ModR/M; 2 and 3 are the comparisons. */
const operations: ReadonlyMap<number, Operation> = new Map([
  [0, { name: 'ADD', function: extendedSum, reversed: false }],
  [1, { name: 'MUL', function: extendedProduct, reversed: false }],
  [4, { name: 'SUB', function: extendedDifference, reversed: false }],
  [5, { name: 'SUBR', function: extendedDifference, reversed: true }],
  [6, { name: 'DIV', function: extendedQuotient, reversed: false }],
  [7, { name: 'DIVR', function: extendedQuotient, reversed: true }],
]);

/** How a memory operand becomes a number; loading it may raise exceptions. */
type Loaded = (x87: X87) => Value;

function compute(x87: X87, operation: Operation, x: Value, y: Value): Value {
  const [first, second] = operation.reversed ? [y, x] : [x, y];
  return x87.operate(operation.function, first as Value, second as Value, x87.environment());
}

/** ST(0) becomes ST(0) op what memory has. */
function withMemory(operation: Operation, load: (s: Semantics) => Loaded): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s);
    const loaded = load(s);
    rememberInstruction(s, true);
    x87.requireFull([0], () => x87.write(0, x87.indefinite()));
    x87.clearExceptions();
    const operand = loaded(x87);
    x87.forgetDenormalBeside(x87.read(0));
    const result = compute(x87, operation, x87.read(0), operand);
    x87.finish(() => x87.write(0, result));
    x87.commit();
  };
}

/** The destination becomes ST(0) op ST(i), or ST(i) op ST(0); with `pops` the top goes. */
function withRegister(operation: Operation, destination: 0 | 'operand', pops: boolean): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s, { operand: true });
    rememberInstruction(s, false);
    const deliver = (number: Value) => {
      x87.write(destination, number);
      if (pops) x87.pop();
    };
    x87.requireFull([0, 'operand'], () => deliver(x87.indefinite()));
    x87.clearExceptions();
    const source = destination === 0 ? 'operand' : 0;
    const result = compute(x87, operation, x87.read(destination), x87.read(source));
    x87.finish(() => deliver(result));
    x87.commit();
  };
}

const singleMemory = (s: Semantics): Loaded => {
  const bits = s.wideUnsigned(s.load('instruction', s.effectiveAddress(), 32));
  return (x87) => x87.operate(conversions.singleOperand, bits);
};
const doubleMemory = (s: Semantics): Loaded => {
  const bits = s.load('instruction', s.effectiveAddress(), 64);
  return (x87) => x87.operate(conversions.doubleOperand, bits);
};
const integerMemory =
  (bits: 16 | 32 | 64) =>
  (s: Semantics): Loaded => {
    const read = s.load('instruction', s.effectiveAddress(), bits);
    const integer = bits === 64 ? read : s.wideSigned(s.signed(read, bits));
    return () => s.callUnit(conversions.extendedFromInteger, integer);
  };

/** Condition codes of ST(0) and another number; unordered and invalid where a register is empty. */
function compare(
  ordered: boolean,
  pops: 0 | 1 | 2,
  other: { readonly load: (s: Semantics) => Loaded } | { readonly place: 1 | 'operand' },
): UnitSemanticsFunction {
  return (s) => {
    const isMemory = 'load' in other;
    const x87 = new X87(s, { operand: !isMemory && other.place === 'operand' });
    const loaded = isMemory ? other.load(s) : undefined;
    rememberInstruction(s, isMemory);
    const deliver = (codes: Value) => {
      x87.setConditions(codes);
      for (let n = 0; n < pops; n++) x87.pop();
    };
    const unordered = s.constant(conversions.CONDITION_UNORDERED);
    x87.requireFull(isMemory ? [0] : [0, other.place], () => deliver(unordered));
    x87.clearExceptions();
    const second = isMemory ? (loaded as Loaded)(x87) : x87.read(other.place);
    if (isMemory) x87.forgetDenormalBeside(x87.read(0));
    const comparison = ordered ? conversions.orderedComparison : conversions.unorderedComparison;
    const codes = x87.operate(comparison, x87.read(0), second);
    x87.finish(() => deliver(codes));
    x87.commit();
  };
}

/** The same into ZF, PF and CF; the other arithmetic flags become 0. */
function compareIntoFlags(ordered: boolean, pops: boolean): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s, { operand: true });
    rememberInstruction(s, false);
    const deliver = (codes: Value) => {
      // C0, C2 and C3 lie as CF, PF and ZF do, eight bits higher.
      setFlagsFromByte(s, s.and(s.shrU(codes, 8), 0x45), s.constant(0));
      if (pops) x87.pop();
    };
    x87.requireFull([0, 'operand'], () => deliver(s.constant(conversions.CONDITION_UNORDERED)));
    x87.clearExceptions();
    const comparison = ordered ? conversions.orderedComparison : conversions.unorderedComparison;
    const codes = x87.operate(comparison, x87.read(0), x87.read('operand'));
    x87.finish(() => deliver(codes));
    x87.commit();
  };
}

/** ST(0) compared with +0.0. */
const test: UnitSemanticsFunction = (s) => {
  const x87 = new X87(s);
  rememberInstruction(s, false);
  x87.requireFull([0], () => x87.setConditions(s.constant(conversions.CONDITION_UNORDERED)));
  x87.clearExceptions();
  const codes = x87.operate(conversions.orderedComparison, x87.read(0), s.f.v128(0n, 0n));
  x87.finish(() => x87.setConditions(codes));
  x87.commit();
};

/** A function of ST(0) that may raise exceptions. */
function unary(operation: SharedFunction): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s);
    rememberInstruction(s, false);
    x87.requireFull([0], () => x87.write(0, x87.indefinite()));
    x87.clearExceptions();
    const result = x87.operate(operation, x87.read(0), x87.environment());
    x87.finish(() => x87.write(0, result));
    x87.commit();
  };
}

const SIGN = 1n << 15n;

/** Only the sign changes, whatever the number is. */
function changeSign(change: 'v128.xor' | 'v128.andnot'): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s);
    rememberInstruction(s, false);
    x87.requireFull([0], () => x87.write(0, x87.indefinite()));
    x87.clearC1();
    x87.write(0, s.f.operate(change, x87.read(0), s.f.v128(0n, SIGN)));
    x87.commit();
  };
}

const withReg = (reg: number, from: number) => `${hexByte(from + reg * 8)}+i`;
const rowsOf = [...operations].flatMap(([reg, operation]) => {
  // With ST(i) as the destination the two ways change their opcodes.
  const onRegister = operations.get(reg < 4 ? reg : reg ^ 1) as Operation;
  return [
    unitRow('x87', `D8 /${reg}`, `F${operation.name}`, 'Md', withMemory(operation, singleMemory)),
    unitRow('x87', `DC /${reg}`, `F${operation.name}`, 'Mq', withMemory(operation, doubleMemory)),
    unitRow('x87', `DA /${reg}`, `FI${operation.name}`, 'Md', withMemory(operation, integerMemory(32))),
    unitRow('x87', `DE /${reg}`, `FI${operation.name}`, 'Mw', withMemory(operation, integerMemory(16))),
    unitRow('x87', `D8 ${withReg(reg, 0xc0)}`, `F${operation.name}`, 'STi', withRegister(operation, 0, false)),
    unitRow(
      'x87',
      `DC ${withReg(reg, 0xc0)}`,
      `F${onRegister.name}`,
      'STi',
      withRegister(onRegister, 'operand', false),
    ),
    unitRow(
      'x87',
      `DE ${withReg(reg, 0xc0)}`,
      `F${onRegister.name}P`,
      'STi',
      withRegister(onRegister, 'operand', true),
    ),
  ];
});

const onRegister = { place: 'operand' } as const;
const rows: readonly InstructionRow[] = [
  ...rowsOf,
  unitRow('x87', 'D8 /2', 'FCOM', 'Md', compare(true, 0, { load: singleMemory })),
  unitRow('x87', 'D8 /3', 'FCOMP', 'Md', compare(true, 1, { load: singleMemory })),
  unitRow('x87', 'DC /2', 'FCOM', 'Mq', compare(true, 0, { load: doubleMemory })),
  unitRow('x87', 'DC /3', 'FCOMP', 'Mq', compare(true, 1, { load: doubleMemory })),
  unitRow('x87', 'DA /2', 'FICOM', 'Md', compare(true, 0, { load: integerMemory(32) })),
  unitRow('x87', 'DA /3', 'FICOMP', 'Md', compare(true, 1, { load: integerMemory(32) })),
  unitRow('x87', 'DE /2', 'FICOM', 'Mw', compare(true, 0, { load: integerMemory(16) })),
  unitRow('x87', 'DE /3', 'FICOMP', 'Mw', compare(true, 1, { load: integerMemory(16) })),
  ...['D8', 'DC'].flatMap((opcode) => [
    unitRow('x87', `${opcode} D0+i`, 'FCOM', 'STi', compare(true, 0, onRegister)),
    unitRow('x87', `${opcode} D8+i`, 'FCOMP', 'STi', compare(true, 1, onRegister)),
  ]),
  unitRow('x87', 'DE D0+i', 'FCOMP', 'STi', compare(true, 1, onRegister)),
  unitRow('x87', 'DE D9', 'FCOMPP', '', compare(true, 2, { place: 1 })),
  unitRow('x87', 'DA E9', 'FUCOMPP', '', compare(false, 2, { place: 1 })),
  unitRow('x87', 'DD E0+i', 'FUCOM', 'STi', compare(false, 0, onRegister)),
  unitRow('x87', 'DD E8+i', 'FUCOMP', 'STi', compare(false, 1, onRegister)),
  ...[
    unitRow('x87', 'DB F0+i', 'FCOMI', 'STi', compareIntoFlags(true, false)),
    unitRow('x87', 'DB E8+i', 'FUCOMI', 'STi', compareIntoFlags(false, false)),
    unitRow('x87', 'DF F0+i', 'FCOMIP', 'STi', compareIntoFlags(true, true)),
    unitRow('x87', 'DF E8+i', 'FUCOMIP', 'STi', compareIntoFlags(false, true)),
  ].map((row) => ({ ...row, feature: 'CMOV' as const })),
  unitRow('x87', 'D9 E4', 'FTST', '', test),
  unitRow('x87', 'D9 E0', 'FCHS', '', changeSign('v128.xor')),
  unitRow('x87', 'D9 E1', 'FABS', '', changeSign('v128.andnot')),
  unitRow('x87', 'D9 FA', 'FSQRT', '', unary(extendedRoot)),
  unitRow('x87', 'D9 FC', 'FRNDINT', '', unary(conversions.extendedToIntegral)),
];

export const x87ArithmeticRows: readonly InstructionRow[] = rows.map((row) => ({ feature: 'FPU', ...row }));
