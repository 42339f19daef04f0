/**
 * The common cases of system operations, in generated code: segment registers and far transfers in real mode, where a
 * selector is a paragraph number (SDM vol. 3A §20.1), and flags on the stack. A case that is not here ends nothing, and
 * the cpu layer's operation follows, which is the whole instruction.
 */
import { ENTRY_ADDEND, PAGE_SIZE, TLB_PLACE_MASK, TLB_PLACE_SHIFT, TLB_READ } from '../../memory/layout.ts';
import { CS, DS, ES, FS, GS, internal, type SegmentIndex, segmentSlots, slot, SS } from '../../state/layout.ts';
import { AC, DF, IF, IOPL, NT, RF, TF } from '../../state/lazy-flags.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';
import { Arithmetic } from '../arithmetic.ts';
import { arithmeticFlags, mustLook, noticedFlags, setArithmeticFlags } from './flag-transfers.ts';
import type { SemanticsFunction } from '../instruction-row.ts';
import type { Operand } from '../operand.ts';
import type { Semantics } from '../semantics.ts';
import { dropBytes, push, readTop, stackOffset } from '../stack-access.ts';

/** What POPF of real mode takes from the word on the stack, besides the arithmetic flags. */
const POPPED = TF | IF | DF | IOPL | NT;

function inRealMode(s: Semantics, body: () => void): void {
  if (s.addressBits === 64) return;
  s.if(s.isRealMode(), body);
}

/** MOV to a segment register. */
export const moveToSegment: SemanticsFunction = (s, _segment, source) =>
  inRealMode(s, () =>
    s.if(s.takesParagraphs('reg'), () => {
      s.loadParagraph('reg', s.f.copy(s.cut(s.read(source as Operand), 16)));
      s.end();
    }),
  );

export const popSegment =
  (index: number): SemanticsFunction =>
  (s) => {
    if (index === SS) return;
    inRealMode(s, () =>
      s.if(s.takesParagraphs(index as SegmentIndex), () => {
        const selector = s.f.copy(s.cut(readTop(s), 16));
        dropBytes(s, s.constant(s.operandSize / 8));
        s.loadParagraph(index as SegmentIndex, selector);
        s.end();
      }),
    );
  };

/** In every mode. */
export const pushSegment =
  (index: number): SemanticsFunction =>
  (s) => {
    const selector = s.readRegister(segmentSlots[index] as number, 16);
    push(s, s.operandSize === 64 ? s.wideUnsigned(selector) : selector);
    s.end();
  };

const loadPointer =
  (index: SegmentIndex): SemanticsFunction =>
  (s, destination) =>
    inRealMode(s, () =>
      s.if(s.takesParagraphs(index), () => {
        const { offset, selector } = readPointer(s);
        s.write(destination as Operand, offset);
        s.loadParagraph(index, selector);
        s.end();
      }),
    );

export const loadPointerBy: Readonly<Record<'LES' | 'LDS' | 'LFS' | 'LGS', SemanticsFunction>> = {
  LES: loadPointer(ES),
  LDS: loadPointer(DS),
  LFS: loadPointer(FS),
  LGS: loadPointer(GS),
};

/** The far pointer that the memory operand is: an offset of the operand size, and a selector behind it. */
function readPointer(s: Semantics): { readonly offset: Value; readonly selector: Value } {
  const at = s.f.copy(s.effectiveAddress());
  const offset = s.load('instruction', at, s.operandSize);
  const selector = s.load('instruction', s.add(at, s.addressConstant(s.operandSize / 8)), 16);
  return { offset, selector };
}

function transferFar(s: Semantics, body: () => void): void {
  inRealMode(s, () => s.if(s.takesParagraphs(CS), body));
}

function jumpFar(s: Semantics, target: Value, selector: Value): void {
  s.loadParagraph(CS, selector);
  s.jump(target);
}

function callFar(s: Semantics, target: Value, selector: Value): void {
  const bytes = s.operandSize / 8;
  s.requireTarget(target);
  const top = s.readStackPointer();
  const outer = s.cutStack(s.sub(top, s.addressConstant(bytes)));
  const inner = s.cutStack(s.sub(top, s.addressConstant(2 * bytes)));
  s.store('SS', outer, s.operandSize, s.readRegister(segmentSlots[CS] as number, 16));
  const back = s.nextEip();
  s.store('SS', inner, s.operandSize, back);
  s.writeStackPointer(inner);
  s.recordCall(target, back, selector);
  jumpFar(s, target, selector);
}

export const jumpFarImmediate: SemanticsFunction = (s) =>
  transferFar(s, () => {
    const target = s.cut(s.immediate(), s.operandSize);
    s.requireTarget(target);
    jumpFar(s, target, s.secondImmediate());
  });

export const jumpFarMemory: SemanticsFunction = (s) =>
  transferFar(s, () => {
    const { offset, selector } = readPointer(s);
    s.requireTarget(offset);
    jumpFar(s, offset, selector);
  });

export const callFarImmediate: SemanticsFunction = (s) =>
  transferFar(s, () => callFar(s, s.cut(s.immediate(), s.operandSize), s.secondImmediate()));

export const callFarMemory: SemanticsFunction = (s) =>
  transferFar(s, () => {
    const { offset, selector } = readPointer(s);
    callFar(s, offset, selector);
  });

/** RETF; with `drops`, its operand says how many more bytes go. */
export const returnFar =
  (drops: boolean): SemanticsFunction =>
  (s) =>
    transferFar(s, () => {
      const bytes = s.operandSize / 8;
      const target = readTop(s);
      const selector = s.f.copy(s.cut(readTop(s, bytes), 16));
      s.requireTarget(target);
      s.recordReturn();
      const popped = s.constant(2 * bytes);
      dropBytes(s, drops ? s.add(popped, s.immediate()) : popped);
      jumpFar(s, target, selector);
    });

/** INT n and INT3 while nobody hears of them. */
export const softwareInterrupt =
  (fixed?: number): SemanticsFunction =>
  (s) => {
    const vector = fixed === undefined ? s.and(s.immediate(), 0xff) : s.constant(fixed);
    const field = (offset: number) => s.f.load('i32', 32, s.cpuAddress(), offset);
    const isHeard = s.or(field(internal.INTERRUPTS_HEARD), field(internal.CALLS_TOP));
    transferFar(s, () => s.if(s.isZero(isHeard), () => enterThroughTable(s, vector)));
  };

function enterThroughTable(s: Semantics, vector: Value): void {
  const at = s.shl(vector, 2);
  const limit = s.f.load('i32', 16, s.cpuAddress(), slot.IDTR_LIMIT);
  const entry = s.add(at, s.f.load('i32', 32, s.cpuAddress(), slot.IDTR_BASE));
  s.if(s.isZero(s.gtU(s.add(at, s.constant(3)), limit)), () => {
    const host = s.f.callShared(TABLE_ENTRY, s.cpuAddress(), entry);
    s.if(host, () => {
      const [offset, selector] = [s.f.load('i32', 16, host), s.f.load('i32', 16, host, 2)];
      const flags = s.f.copy(s.or(s.readSystemFlags(), arithmeticFlags(s)));
      const code = s.readRegister(segmentSlots[CS] as number, 16);
      const words = [flags, code, s.nextEip()];
      for (const [n, word] of words.entries()) s.store('SS', stackOffset(s, -2 * (n + 1)), 16, s.cut(word, 16));
      dropBytes(s, s.constant(-6));
      s.writeSystemFlags(s.and(s.readSystemFlags(), ~(IF | TF | RF | AC)));
      s.f.store(8, s.cpuAddress(), slot.INTERRUPT_SHADOW, s.constant(0));
      jumpFar(s, offset, selector);
    });
  });
}

/** (cpu, linear address) → host address of four bytes that are read without asking, or 0. */
const TABLE_ENTRY: SharedFunction = {
  signature: { parameters: ['i32', 'i32'], result: 'i32' },
  write(f) {
    const [cpu, linear] = f.parameters as readonly [Value, Value];
    const s = new Arithmetic(f);
    const entry = s.add(cpu, s.and(s.shrU(linear, TLB_PLACE_SHIFT), TLB_PLACE_MASK));
    const generation = f.load('i32', 32, cpu, internal.TLB_GENERATION);
    const tag = s.or(s.and(s.add(linear, s.constant(3)), -PAGE_SIZE), generation);
    const hits = s.eq(f.load('i64', 64, entry, TLB_READ), s.wideUnsigned(tag));
    const host = s.add(linear, f.load('i32', 32, entry, TLB_READ + ENTRY_ADDEND));
    f.return(s.select(hits, host, s.constant(0)));
  },
};

/** IRET of 16 bits. */
export const interruptReturn: SemanticsFunction = (s) => {
  if (s.operandSize !== 16) return;
  transferFar(s, () =>
    s.if(s.isZero(s.f.load('i32', 32, s.cpuAddress(), internal.CALLS_TOP)), () => {
      const [target, selector, image] = [readTop(s), readTop(s, 2), readTop(s, 4)];
      s.requireTarget(target);
      const before = s.f.copy(s.readSystemFlags());
      const after = s.f.copy(s.or(s.and(before, ~POPPED), s.and(image, POPPED)));
      const waiting = s.f.load('i32', 8, s.cpuAddress(), slot.NMI_PENDING);
      const leaves = s.f.copy(s.or(mustLook(s, noticedFlags(s, before, after)), waiting));
      s.mayLeaveIf(leaves);
      dropBytes(s, s.constant(6));
      s.writeSystemFlags(after);
      setArithmeticFlags(s, image);
      s.f.store(8, s.cpuAddress(), slot.NMI_BLOCKED, s.constant(0));
      s.loadParagraph(CS, selector);
      s.jump(target, leaves);
    }),
  );
};
