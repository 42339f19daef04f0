/**
 * Calls, returns and loads of the stack pointer in regions that are made for the record of calls. What is rare is the
 * interpreter's, after what the instruction has done is undone.
 */
import type { Semantics } from '../../isa/semantics.ts';
import { slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { RegionCalls } from './region-calls.ts';

export class CompiledCalls {
  readonly #s: Semantics;
  readonly #calls: RegionCalls;
  readonly #bail: () => void;
  readonly #linearOfStack: (offset: Value) => Value;

  /** `linearOfStack` gives the linear address of an offset in the stack segment. */
  constructor(s: Semantics, calls: RegionCalls, bail: () => void, linearOfStack: (offset: Value) => Value) {
    this.#s = s;
    this.#calls = calls;
    this.#bail = bail;
    this.#linearOfStack = linearOfStack;
  }

  called(target: Value, back: Value, selector: Value | undefined): void {
    const s = this.#s;
    const size = s.operandSize / 8;
    const at = this.#stackTop();
    s.f.if(s.f.binary('geU', at, this.#calls.newestSlot()), () => {
      // The interpreter pushes again.
      s.writeStackPointer(s.add(s.readStackPointer(), s.addressConstant(selector ? 2 * size : size)));
      this.#bail();
    });
    this.#calls.add(at, { target, back, size, selector });
  }

  /** Takes the newest entry away if it is the one returned from. A return from below it is a jump in disguise. */
  returned(): void {
    const { f } = this.#s;
    const at = this.#stackTop();
    const newest = this.#calls.newestSlot();
    f.if(
      f.binary('eq', at, newest),
      () => this.#calls.drop(),
      () => f.if(f.binary('gtU', at, newest), this.#bail),
    );
  }

  /** Runs an instruction that loads the stack pointer and nothing else; it may only move up inside the newest frame. */
  loaded(run: () => void): void {
    const s = this.#s;
    const { f } = s;
    const before = s.readStackPointer();
    const old = this.#stackTop();
    run();
    const at = this.#stackTop();
    const newest = this.#calls.newestSlot();
    const down = f.binary('ltU', at, old);
    const beyond = f.binary('gtU', at, newest);
    const unknown = f.binary('eq', newest, f.i64(-1n));
    f.if(f.binary('or', down, f.binary('or', beyond, unknown)), () => {
      s.writeRegister(slot.ESP, s.addressBits, before);
      this.#bail();
    });
  }

  #stackTop(): Value {
    const s = this.#s;
    return s.wideUnsigned(this.#linearOfStack(s.cutStack(s.readStackPointer())));
  }
}
