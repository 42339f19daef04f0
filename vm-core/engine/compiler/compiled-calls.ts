/**
 * The record of calls in compiled code (call-shadow.ts), in regions that are made for it. What is rare is the interpreter's,
 * after what the instruction has done is undone.
 */
import type { Semantics } from '../../isa/semantics.ts';
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { type CallKeeper, stageCall, stageReturn, stageStackLoad } from '../call-stage.ts';

export class CompiledCalls {
  readonly #s: Semantics;
  readonly #bail: () => void;
  readonly #linearOfStack: (offset: Value) => Value;

  /** `linearOfStack` gives the linear address of an offset in the stack segment. */
  constructor(s: Semantics, bail: () => void, linearOfStack: (offset: Value) => Value) {
    this.#s = s;
    this.#bail = bail;
    this.#linearOfStack = linearOfStack;
  }

  called(target: Value, back: Value, selector: Value | undefined): void {
    const s = this.#s;
    const size = s.operandSize / 8;
    // The interpreter pushes again.
    const pushed = s.addressConstant(selector ? 2 * size : size);
    const undo = () => s.writeStackPointer(s.add(s.readStackPointer(), pushed));
    stageCall(s.f, s.cpuAddress(), this.#keeper(undo), { target, back, size, selector });
  }

  returned(): void {
    stageReturn(this.#s.f, this.#s.cpuAddress(), this.#keeper());
  }

  /** Runs an instruction that loads the stack pointer and nothing else. */
  loaded(run: () => void): void {
    const s = this.#s;
    const before = s.readStackPointer();
    stageStackLoad(s.f, s.cpuAddress(), this.#keeper(), run, () => {
      s.writeRegister(slot.ESP, s.addressBits, before);
      this.#bail();
    });
  }

  #keeper(undo?: () => void): CallKeeper {
    const s = this.#s;
    return {
      stackTop: () => s.wideUnsigned(this.#linearOfStack(s.cutStack(s.readStackPointer()))),
      callsOver: () => {
        undo?.();
        this.#bail();
      },
    };
  }
}
