/** Near transfers, loops and flag operations (SDM vol. 1 §5.1.7, §5.1.10): a table. */
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { carryFlag, condition, flagsByte, overflowFlag, setCarry, setFlagsFromByte, zeroFlag } from '../flags.ts';
import { hexByte, type InstructionRow, row, type SemanticsFunction, systemRow } from '../instruction-row.ts';
import type { Operand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { requireNoError } from '../x87.ts';
import { VECTOR_BP, VECTOR_NM } from '../vectors.ts';
import { conditionName } from './bits.ts';
import { dropBytes, push, readTop } from '../stack-access.ts';
import {
  callFarImmediate,
  callFarMemory,
  interruptReturn,
  jumpFarImmediate,
  jumpFarMemory,
  returnFar,
  softwareInterrupt,
} from './real-mode.ts';

function relativeTarget(s: Semantics): Value {
  return s.cut(s.add(s.nextEip(), s.signExtended(s.immediate(), 32, s.addressBits)), s.operandSize);
}

/** A target of 16 bits in 64-bit mode, which AMD has, is one of the lowest 64 KiB. */
function jumpTo(s: Semantics, near: Value): void {
  const target = s.cut(near, s.addressBits);
  s.requireTarget(target);
  s.jump(target);
}

const jumpRelative: SemanticsFunction = (s) => jumpTo(s, relativeTarget(s));

const jumpIf =
  (code: number): SemanticsFunction =>
  (s) =>
    s.if(condition(s, code), () => jumpTo(s, relativeTarget(s)));

const jumpIndirect: SemanticsFunction = (s, target) => jumpTo(s, s.read(target as Operand));

function callTo(s: Semantics, near: Value): void {
  const target = s.cut(near, s.addressBits);
  s.requireTarget(target);
  const back = s.nextEip();
  push(s, back);
  s.recordCall(target, back);
  s.jump(target);
}

const callRelative: SemanticsFunction = (s) => callTo(s, relativeTarget(s));

const callIndirect: SemanticsFunction = (s, operand) => callTo(s, s.f.copy(s.read(operand as Operand)));

/** `extra` bytes of parameters are dropped beyond the return address. */
function returnFrom(s: Semantics, extra: Value): void {
  const target = s.cut(readTop(s), s.addressBits);
  s.requireTarget(target);
  s.recordReturn();
  dropBytes(s, s.add(s.cut(extra, s.addressBits), s.constant(s.operandSize / 8)));
  s.jump(target);
}

const ret: SemanticsFunction = (s) => returnFrom(s, s.constant(0));

const retPop: SemanticsFunction = (s) => returnFrom(s, s.immediate());

/** The count is CX, ECX or RCX by address size; the branch is taken while it and the condition hold. */
const loopWhile =
  (also: ((s: Semantics) => Value) | undefined): SemanticsFunction =>
  (s) => {
    const count = s.cutAddress(s.sub(s.readAddressRegister(slot.ECX), s.constant(1)));
    const goesOn = s.ne(count, 0);
    const taken = also ? s.and(goesOn, also(s)) : goesOn;
    const target = s.cut(relativeTarget(s), s.addressBits);
    s.if(taken, () => s.requireTarget(target));
    s.writeAddressRegister(slot.ECX, count);
    s.if(taken, () => s.jump(target));
  };

const jumpIfCountZero: SemanticsFunction = (s) => {
  s.if(s.isZero(s.readAddressRegister(slot.ECX)), () => jumpTo(s, relativeTarget(s)));
};

const DIRECTION = 1 << 10;

const flagOperation =
  (change: (s: Semantics) => void): SemanticsFunction =>
  (s) =>
    change(s);

const storeFlagsByte: SemanticsFunction = (s) => {
  const flags = s.readRegister(slot.EAX + 1, 8);
  setFlagsFromByte(s, flags, overflowFlag(s));
};

const loadFlagsByte: SemanticsFunction = (s) => s.writeRegister(slot.EAX + 1, 8, flagsByte(s));

/** SALC: undocumented, sets AL to all copies of the carry. */
const setAlFromCarry: SemanticsFunction = (s) => s.writeRegister(slot.EAX, 8, s.sub(s.constant(0), carryFlag(s)));

const EM_OR_TS = (1 << 2) | (1 << 3);
const MP_AND_TS = (1 << 1) | (1 << 3);

/** Without an 80387 an ESC instruction does nothing, unless CR0 asks for #NM. */
const escapeToCoprocessor: SemanticsFunction = (s) => {
  s.if(s.and(s.readControl0(), EM_OR_TS), () => s.raise(VECTOR_NM));
};

const wait: SemanticsFunction = (s) => {
  s.if(s.eq(s.and(s.readControl0(), MP_AND_TS), MP_AND_TS), () => s.raise(VECTOR_NM));
  requireNoError(s, s.f.load('i32', 16, s.cpuAddress(), slot.FSW));
};

const ends = { endsBlock: true };
const near = { mode: 'n64' } as const;
const nearEnd = { endsBlock: true, mode: 'n64' } as const;
const endsNot64 = { endsBlock: true, mode: 'i64' } as const;

/** Conditional transfers do not end their block: where they are not taken, the next record follows. */
export const controlRows: readonly InstructionRow[] = [
  ...Array.from({ length: 16 }, (_, code) =>
    row(hexByte(0x70 + code), `J${conditionName(code)}`, 'Jb', jumpIf(code), near),
  ),
  ...Array.from({ length: 16 }, (_, code) =>
    row(`0F ${hexByte(0x80 + code)}`, `J${conditionName(code)}`, 'Jz', jumpIf(code), near),
  ),
  row('E8', 'CALL', 'Jz', callRelative, nearEnd),
  row('E9', 'JMP', 'Jz', jumpRelative, nearEnd),
  row('EB', 'JMP', 'Jb', jumpRelative, nearEnd),
  row('FF /2', 'CALL', 'Ev', callIndirect, nearEnd),
  row('FF /4', 'JMP', 'Ev', jumpIndirect, nearEnd),
  row('C2', 'RET', 'Iw', retPop, nearEnd),
  row('C3', 'RET', '', ret, nearEnd),
  row(
    'E0',
    'LOOPNE',
    'Jb',
    loopWhile((s) => s.xor(zeroFlag(s), 1)),
    near,
  ),
  row('E1', 'LOOPE', 'Jb', loopWhile(zeroFlag), near),
  row('E2', 'LOOP', 'Jb', loopWhile(undefined), near),
  row('E3', 'JCXZ', 'Jb', jumpIfCountZero, near),
  row(
    'F5',
    'CMC',
    '',
    flagOperation((s) => setCarry(s, s.xor(carryFlag(s), 1))),
  ),
  row(
    'F8',
    'CLC',
    '',
    flagOperation((s) => setCarry(s, s.constant(0))),
  ),
  row(
    'F9',
    'STC',
    '',
    flagOperation((s) => setCarry(s, s.constant(1))),
  ),
  row(
    'FC',
    'CLD',
    '',
    flagOperation((s) => s.writeSystemFlags(s.and(s.readSystemFlags(), ~DIRECTION))),
  ),
  row(
    'FD',
    'STD',
    '',
    flagOperation((s) => s.writeSystemFlags(s.or(s.readSystemFlags(), DIRECTION))),
  ),
  row('9E', 'SAHF', '', storeFlagsByte),
  row('9F', 'LAHF', '', loadFlagsByte),
  row('D6', 'SALC', '', setAlFromCarry, { mode: 'i64' }),
  row('9B', 'WAIT', '', wait),
  ...Array.from({ length: 8 }, (_, n) => row(hexByte(0xd8 + n), 'ESC', 'Ev', escapeToCoprocessor)),
  systemRow('9A', 'CALL_FAR_IMMEDIATE', 'Ap', { ...endsNot64, inline: callFarImmediate, inlineIn: 'real' }),
  systemRow('FF /3', 'CALL_FAR_MEMORY', 'Mp', { ...ends, inline: callFarMemory, inlineIn: 'real' }),
  systemRow('EA', 'JMP_FAR_IMMEDIATE', 'Ap', { ...endsNot64, inline: jumpFarImmediate, inlineIn: 'real' }),
  systemRow('FF /5', 'JMP_FAR_MEMORY', 'Mp', { ...ends, inline: jumpFarMemory, inlineIn: 'real' }),
  systemRow('CA', 'RET_FAR_POP', 'Iw', { ...ends, inline: returnFar(true), inlineIn: 'real' }),
  systemRow('CB', 'RET_FAR', '', { ...ends, inline: returnFar(false), inlineIn: 'real' }),
  systemRow('CC', 'INT3', '', { ...ends, inline: softwareInterrupt(VECTOR_BP), inlineIn: 'real' }),
  systemRow('CD', 'INT', 'Ib', { ...ends, inline: softwareInterrupt(), inlineIn: 'real' }),
  systemRow('CE', 'INTO', '', endsNot64),
  systemRow('CF', 'IRET', '', { ...ends, inline: interruptReturn, inlineIn: 'real' }),
  systemRow('F1', 'INT1', '', ends),
  systemRow('62', 'BOUND', 'Gv,Ma', { mode: 'i64' }),
];
