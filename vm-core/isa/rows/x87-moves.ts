/** x87: loads, stores, constants and the stack (SDM vol. 1 §8.3.3, §8.3.4). */
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { condition } from '../flags.ts';
import * as conversions from '../float/conversions.ts';
import { ENVIRONMENT_ROUNDING } from '../float/formats.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import type { OperandBits } from '../operand.ts';
import type { Semantics } from '../semantics.ts';

import { rememberInstruction, X87 } from '../x87.ts';

/** What is pushed where the stack is full, or what was to be pushed is empty. */
function pushInvalid(x87: X87): void {
  x87.push();
  x87.write(0, x87.indefinite());
}

/** Loads memory, which comes before all else, and converts it. */
function loading(bits: OperandBits, convert: (s: Semantics, x87: X87, read: Value) => Value): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s);
    const read = s.load('instruction', s.effectiveAddress(), bits);
    rememberInstruction(s, true);
    x87.requireRoom(() => pushInvalid(x87));
    x87.clearExceptions();
    const number = convert(s, x87, read);
    x87.finish(() => {
      x87.push();
      x87.write(0, number);
    });
    x87.commit();
  };
}

const loadSingle = loading(32, (s, x87, read) => x87.operate(conversions.loadedSingle, s.wideUnsigned(read)));
const loadDouble = loading(64, (_, x87, read) => x87.operate(conversions.loadedDouble, read));

const loadInteger = (bits: 16 | 32 | 64): UnitSemanticsFunction =>
  loading(bits, (s, _, read) => {
    const integer = bits === 64 ? read : s.wideSigned(s.signed(read, bits));
    return s.callUnit(conversions.extendedFromInteger, integer);
  });

/** Ten bytes as they are. */
const loadExtended: UnitSemanticsFunction = (s) => {
  const x87 = new X87(s);
  const offset = s.effectiveAddress();
  const significand = s.load('instruction', offset, 64);
  const upper = s.load('instruction', s.cutAddress(s.add(offset, s.addressConstant(8))), 16);
  rememberInstruction(s, true);
  x87.requireRoom(() => pushInvalid(x87));
  x87.clearC1();
  x87.push();
  const both = s.f.operate('i64x2.splat', significand);
  x87.write(0, s.f.operateOnLane('i64x2.replace_lane', 1, both, s.wideUnsigned(upper)));
  x87.commit();
};

/** FLD ST(i): the register is read before the stack moves. */
const loadRegister: UnitSemanticsFunction = (s) => {
  const x87 = new X87(s, { operand: true });
  rememberInstruction(s, false);
  x87.requireFull(['operand'], () => pushInvalid(x87));
  x87.requireRoom(() => pushInvalid(x87));
  x87.clearC1();
  const number = s.f.copy(x87.read('operand'));
  x87.push();
  x87.write(0, number);
  x87.commit();
};

/** Stores what a conversion gives; what it gives for no number goes to memory where a register is empty. */
function storing(
  bits: OperandBits,
  convert: (x87: X87) => Value,
  whenEmpty: bigint,
  pops: boolean,
): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s);
    rememberInstruction(s, true);
    const offset = s.effectiveAddress();
    const deliver = (value: Value) => {
      s.store('instruction', offset, bits, bits === 64 ? value : s.low(value));
      if (pops) x87.pop();
    };
    // What may not be written is found even if an exception keeps the number from memory.
    s.requireWritable('instruction', offset, bits / 8);
    x87.requireFull([0], () => deliver(s.f.i64(whenEmpty)));
    x87.clearExceptions();
    const value = convert(x87);
    x87.finish(() => deliver(value), true);
    x87.commit();
  };
}

const toFormat =
  (conversion: SharedFunction) =>
  (x87: X87): Value =>
    x87.operate(conversion, x87.read(0), x87.environment());
/** Toward zero, whatever the control word says. */
const truncated =
  (conversion: SharedFunction) =>
  (x87: X87): Value =>
    x87.operate(conversion, x87.read(0), x87.s.or(x87.environment(), ENVIRONMENT_ROUNDING));

const integers = {
  16: conversions.int16FromExtended,
  32: conversions.int32FromExtended,
  64: conversions.int64FromExtended,
};
const storeInteger = (bits: 16 | 32 | 64, pops: boolean) =>
  storing(bits, toFormat(integers[bits]), -(1n << BigInt(bits - 1)), pops);
const storeTruncated = (bits: 16 | 32 | 64) =>
  storing(bits, truncated(integers[bits]), -(1n << BigInt(bits - 1)), true);
const storeSingle = (pops: boolean) => storing(32, toFormat(conversions.singleFromExtended), 0xffc0_0000n, pops);
const storeDouble = (pops: boolean) =>
  storing(64, toFormat(conversions.doubleFromExtended), 0xfff8_0000_0000_0000n, pops);

const storeExtended: UnitSemanticsFunction = (s) => {
  const x87 = new X87(s);
  rememberInstruction(s, true);
  const offset = s.effectiveAddress();
  s.requireWritable('instruction', offset, 10);
  const deliver = (number: Value) => {
    s.store('instruction', offset, 64, s.f.operateOnLane('i64x2.extract_lane', 0, number));
    const upper = s.low(s.f.operateOnLane('i64x2.extract_lane', 1, number));
    s.store('instruction', s.cutAddress(s.add(offset, s.addressConstant(8))), 16, s.and(upper, 0xffff));
    x87.pop();
  };
  x87.requireFull([0], () => deliver(x87.indefinite()));
  x87.clearC1();
  deliver(x87.read(0));
  x87.commit();
};

/** FSTP at D9 D8: where the top is empty, it is only popped. */
const storeAnyRegister: UnitSemanticsFunction = (s) => {
  const x87 = new X87(s, { operand: true });
  rememberInstruction(s, false);
  x87.clearC1();
  s.if(s.isZero(x87.isEmpty(0)), () => x87.write('operand', s.f.copy(x87.read(0))));
  x87.pop();
  x87.commit();
};

const storeRegister = (pops: boolean): UnitSemanticsFunction => {
  return (s) => {
    const x87 = new X87(s, { operand: true });
    rememberInstruction(s, false);
    const deliver = (number: Value) => {
      x87.write('operand', number);
      if (pops) x87.pop();
    };
    x87.requireFull([0], () => deliver(x87.indefinite()));
    x87.clearC1();
    deliver(s.f.copy(x87.read(0)));
    x87.commit();
  };
};

/** Registers that are empty count as the indefinite number, once the fault of the stack is told. */
const exchange: UnitSemanticsFunction = (s) => {
  const x87 = new X87(s, { operand: true });
  rememberInstruction(s, false);
  const swap = () => {
    const [first, second] = [s.f.copy(x87.read(0)), s.f.copy(x87.read('operand'))];
    x87.write(0, second);
    x87.write('operand', first);
  };
  x87.requireFull([0, 'operand'], () => {
    for (const place of [0, 'operand'] as const) s.if(x87.isEmpty(place), () => x87.write(place, x87.indefinite()));
    swap();
  });
  x87.clearC1();
  swap();
  x87.commit();
};

const conditionalMove = (code: number): UnitSemanticsFunction => {
  return (s) => {
    const x87 = new X87(s, { operand: true });
    rememberInstruction(s, false);
    x87.requireFull([0, 'operand'], () => x87.write(0, x87.indefinite()));
    s.if(condition(s, code), () => x87.write(0, s.f.copy(x87.read('operand'))));
    x87.commit();
  };
};

/** Moves the top without looking at tags. */
const moveTop = (by: 1 | -1): UnitSemanticsFunction => {
  return (s) => {
    const x87 = new X87(s);
    rememberInstruction(s, false);
    x87.clearC1();
    x87.move(by);
    x87.commit();
  };
};

const freeRegister = (pops: boolean): UnitSemanticsFunction => {
  return (s) => {
    const x87 = new X87(s, { operand: true });
    rememberInstruction(s, false);
    x87.free('operand');
    if (pops) x87.pop();
    x87.commit();
  };
};

const noOperation: UnitSemanticsFunction = (s) => {
  new X87(s);
  rememberInstruction(s, false);
};

/** What kind of number the top is, as condition codes (SDM vol. 2A FXAM): C1 has its sign. */
const examine: UnitSemanticsFunction = (s) => {
  const { f } = s;
  const x87 = new X87(s);
  rememberInstruction(s, false);
  const number = x87.read(0);
  const upper = f.copy(s.low(f.operateOnLane('i64x2.extract_lane', 1, number)));
  const significand = f.copy(f.operateOnLane('i64x2.extract_lane', 0, number));
  const exponent = f.copy(s.and(upper, 0x7fff));
  const hasTop = f.copy(s.ltS(significand, 0));
  const code = f.variable(s.constant(0x400));
  const isZeroExponent = s.isZero(exponent);
  s.if(isZeroExponent, () => f.set(code, s.select(s.isZero(significand), s.constant(0x4000), s.constant(0x4400))));
  s.if(s.eq(exponent, 0x7fff), () =>
    f.set(code, s.select(s.eq(s.shl(significand, 1), 0), s.constant(0x500), s.constant(0x100))),
  );
  s.if(s.and(s.ne(exponent, 0), s.isZero(hasTop)), () => f.set(code, s.constant(0)));
  s.if(x87.isEmpty(0), () => f.set(code, s.constant(0x4100)));
  x87.setConditions(s.or(code, s.shl(s.bit(upper, 15), 9)));
  x87.commit();
};

/** The constants of SDM vol. 1 §8.3.4: sign and exponent, significand; how the bits below it would round. */
interface Constant {
  readonly upper: number;
  readonly significand: bigint;
  /** What rounding down, and up, add to the significand; the nearest is what is written. */
  readonly down: -1n | 0n;
  readonly up: 0n | 1n;
}

const constants: readonly (readonly [opcode: string, name: string, constant: Constant])[] = [
  ['D9 E8', 'FLD1', { upper: 0x3fff, significand: 0x8000_0000_0000_0000n, down: 0n, up: 0n }],
  ['D9 E9', 'FLDL2T', { upper: 0x4000, significand: 0xd49a_784b_cd1b_8afen, down: 0n, up: 1n }],
  ['D9 EA', 'FLDL2E', { upper: 0x3fff, significand: 0xb8aa_3b29_5c17_f0bcn, down: -1n, up: 0n }],
  ['D9 EB', 'FLDPI', { upper: 0x4000, significand: 0xc90f_daa2_2168_c235n, down: -1n, up: 0n }],
  ['D9 EC', 'FLDLG2', { upper: 0x3ffd, significand: 0x9a20_9a84_fbcf_f799n, down: -1n, up: 0n }],
  ['D9 ED', 'FLDLN2', { upper: 0x3ffe, significand: 0xb172_17f7_d1cf_79acn, down: -1n, up: 0n }],
  ['D9 EE', 'FLDZ', { upper: 0, significand: 0n, down: 0n, up: 0n }],
];

function loadConstant({ upper, significand, down, up }: Constant): UnitSemanticsFunction {
  return (s) => {
    const x87 = new X87(s);
    rememberInstruction(s, false);
    x87.requireRoom(() => pushInvalid(x87));
    x87.clearC1();
    const mode = s.f.copy(s.and(x87.environment(), ENVIRONMENT_ROUNDING));
    const upward = s.select(s.eq(mode, 2), s.f.i64(up), s.f.i64(0n));
    const change = s.select(s.and(mode, 1), s.f.i64(down), upward);
    const number = s.add(s.f.i64(significand), change);
    const both = s.f.operate('i64x2.splat', number);
    x87.push();
    x87.write(0, s.f.operateOnLane('i64x2.replace_lane', 1, both, s.f.i64(BigInt(upper))));
    x87.commit();
  };
}

const conditions = [
  ...[
    { name: 'B', at: 'DA C0', code: 2 },
    { name: 'E', at: 'DA C8', code: 4 },
    { name: 'BE', at: 'DA D0', code: 6 },
  ],
  ...[
    { name: 'U', at: 'DA D8', code: 10 },
    { name: 'NB', at: 'DB C0', code: 3 },
    { name: 'NE', at: 'DB C8', code: 5 },
  ],
  ...[
    { name: 'NBE', at: 'DB D0', code: 7 },
    { name: 'NU', at: 'DB D8', code: 11 },
  ],
];

const rows: readonly InstructionRow[] = [
  unitRow('x87', 'D9 /0', 'FLD', 'Md', loadSingle),
  unitRow('x87', 'DD /0', 'FLD', 'Mq', loadDouble),
  unitRow('x87', 'DB /5', 'FLD', 'Mt', loadExtended),
  unitRow('x87', 'D9 C0+i', 'FLD', 'STi', loadRegister),
  unitRow('x87', 'DF /0', 'FILD', 'Mw', loadInteger(16)),
  unitRow('x87', 'DB /0', 'FILD', 'Md', loadInteger(32)),
  unitRow('x87', 'DF /5', 'FILD', 'Mq', loadInteger(64)),
  unitRow('x87', 'D9 /2', 'FST', 'Md', storeSingle(false)),
  unitRow('x87', 'D9 /3', 'FSTP', 'Md', storeSingle(true)),
  unitRow('x87', 'DD /2', 'FST', 'Mq', storeDouble(false)),
  unitRow('x87', 'DD /3', 'FSTP', 'Mq', storeDouble(true)),
  unitRow('x87', 'DB /7', 'FSTP', 'Mt', storeExtended),
  unitRow('x87', 'DD D0+i', 'FST', 'STi', storeRegister(false)),
  unitRow('x87', 'D9 D8+i', 'FSTP', 'STi', storeAnyRegister),
  ...['DD D8+i', 'DF D0+i', 'DF D8+i'].map((at) => unitRow('x87', at, 'FSTP', 'STi', storeRegister(true))),
  unitRow('x87', 'DF /2', 'FIST', 'Mw', storeInteger(16, false)),
  unitRow('x87', 'DF /3', 'FISTP', 'Mw', storeInteger(16, true)),
  unitRow('x87', 'DB /2', 'FIST', 'Md', storeInteger(32, false)),
  unitRow('x87', 'DB /3', 'FISTP', 'Md', storeInteger(32, true)),
  unitRow('x87', 'DF /7', 'FISTP', 'Mq', storeInteger(64, true)),
  unitRow('x87', 'DF /1', 'FISTTP', 'Mw', storeTruncated(16), { feature: 'SSE3' }),
  unitRow('x87', 'DB /1', 'FISTTP', 'Md', storeTruncated(32), { feature: 'SSE3' }),
  unitRow('x87', 'DD /1', 'FISTTP', 'Mq', storeTruncated(64), { feature: 'SSE3' }),
  ...['D9 C8+i', 'DD C8+i', 'DF C8+i'].map((at) => unitRow('x87', at, 'FXCH', 'STi', exchange)),
  ...conditions.map(({ name, at, code }) =>
    unitRow('x87', `${at}+i`, `FCMOV${name}`, 'STi', conditionalMove(code), { feature: 'CMOV' }),
  ),
  ...constants.map(([opcode, name, constant]) => unitRow('x87', opcode, name, '', loadConstant(constant))),
  unitRow('x87', 'D9 E5', 'FXAM', '', examine),
  unitRow('x87', 'D9 F6', 'FDECSTP', '', moveTop(-1)),
  unitRow('x87', 'D9 F7', 'FINCSTP', '', moveTop(1)),
  unitRow('x87', 'DD C0+i', 'FFREE', 'STi', freeRegister(false)),
  unitRow('x87', 'DF C0+i', 'FFREEP', 'STi', freeRegister(true)),
  unitRow('x87', 'D9 D0', 'FNOP', '', noOperation),
];

export const x87MoveRows: readonly InstructionRow[] = rows.map((row) => ({ feature: 'FPU', ...row }));
