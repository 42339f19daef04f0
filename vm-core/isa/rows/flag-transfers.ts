/**
 * Flags on the stack, and CLI, in generated code (SDM vol. 2 PUSHF, POPF, CLI): everywhere but in virtual-8086 mode, where the
 * cpu layer's operations do it.
 */
import { internal, slot } from '../../state/layout.ts';
import { AC, DF, IF, IOPL, NT, RF, TF, VM } from '../../state/lazy-flags.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { flagsByte, overflowFlag, setFlagsFromByte } from '../flags.ts';
import type { SemanticsFunction } from '../instruction-row.ts';
import type { Semantics } from '../semantics.ts';
import { dropBytes, push, readTop } from '../stack-access.ts';

/** PUSHFD stores RF and VM as zeros. */
const PUSHED_32 = 0x00fc_ffff;
const OVERFLOW_BIT = 11;
const IOPL_SHIFT = 12;
/** What POPF takes at every level, besides the arithmetic flags. */
const ORDINARY = TF | DF | NT;

function outsideVirtual8086(s: Semantics, body: () => void): void {
  s.if(s.isZero(s.and(s.readSystemFlags(), VM)), body);
}

/** The privilege level outside of virtual-8086 mode. */
function level(s: Semantics): Value {
  return s.select(s.isRealMode(), s.constant(0), s.f.load('i32', 8, s.cpuAddress(), slot.CPL));
}

/** Whether a level may not change IF. */
function keepsInterrupts(s: Semantics, current: Value): Value {
  return s.f.copy(s.gtU(current, s.and(s.shrU(s.readSystemFlags(), IOPL_SHIFT), s.constant(3))));
}

/** The arithmetic flags at their places. */
export function arithmeticFlags(s: Semantics): Value {
  return s.or(flagsByte(s), s.shl(overflowFlag(s), OVERFLOW_BIT));
}

/** Takes the arithmetic flags from an image. */
export function setArithmeticFlags(s: Semantics, image: Value): void {
  setFlagsFromByte(s, image, s.and(s.shrU(image, OVERFLOW_BIT), 1));
}

export const pushFlags: SemanticsFunction = (s) =>
  outsideVirtual8086(s, () => {
    const flags = s.and(s.or(s.readSystemFlags(), arithmeticFlags(s)), s.operandSize === 16 ? 0xffff : PUSHED_32);
    push(s, s.operandSize === 64 ? s.wideUnsigned(flags) : flags);
    s.end();
  });

export const popFlags: SemanticsFunction = (s) =>
  outsideVirtual8086(s, () => {
    const image = s.low(readTop(s));
    const current = s.f.copy(level(s));
    const before = s.f.copy(s.readSystemFlags());
    const interrupts = s.select(keepsInterrupts(s, current), s.constant(0), s.constant(IF));
    const ioLevel = s.select(current, s.constant(0), s.constant(IOPL));
    const ofModel = s.operandSize === 16 ? s.constant(0) : s.f.load('i32', 32, s.cpuAddress(), internal.MODEL_FLAGS);
    const writable = s.f.copy(s.or(s.or(interrupts, ioLevel), s.or(ofModel, ORDINARY)));
    const after = s.f.copy(s.or(s.and(before, s.not(s.or(writable, RF))), s.and(image, writable)));
    const leaves = mustLook(s, noticedFlags(s, before, after));
    s.mayLeaveIf(leaves);
    dropBytes(s, s.constant(s.operandSize / 8));
    s.writeSystemFlags(after);
    setArithmeticFlags(s, image);
    s.endAndLeaveIf(leaves);
  });

export const clearInterruptFlag: SemanticsFunction = (s) =>
  outsideVirtual8086(s, () =>
    s.if(s.isZero(keepsInterrupts(s, level(s))), () => {
      s.writeSystemFlags(s.and(s.readSystemFlags(), ~IF));
      s.end();
    }),
  );

/** STI while no interrupt waits: it holds off those of the next instruction only if the execution ends in between. */
export const setInterruptFlag: SemanticsFunction = (s) =>
  outsideVirtual8086(s, () =>
    s.if(s.isZero(keepsInterrupts(s, level(s))), () => {
      const flags = s.f.copy(s.readSystemFlags());
      s.if(s.and(flags, IF), () => s.end());
      const behind = s.f.load('i32', 32, s.cpuAddress(), internal.BUDGET_BEHIND);
      s.if(s.isZero(s.or(behind, s.interruptPending())), () => {
        s.writeSystemFlags(s.or(flags, IF));
        s.f.store(32, s.cpuAddress(), internal.STI_LEFT, s.budgetBehind());
        s.end();
      });
    }),
  );

/** Flags that have changed so that a trap may be due, or an interrupt wait that comes in now. */
export function noticedFlags(s: Semantics, before: Value, after: Value): Value {
  return s.f.copy(s.and(s.and(s.xor(before, after), s.or(after, TF | RF | AC)), TF | IF | RF | AC));
}

/** Whether the engine has something to do because of them. */
export function mustLook(s: Semantics, flags: Value): Value {
  const looks = s.f.variable(s.ne(flags, 0));
  s.if(s.eq(flags, IF), () => s.f.set(looks, s.interruptPending()));
  return looks;
}
