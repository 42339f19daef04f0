/** MXCSR and the floating-point exceptions of vectors: how they are gathered, and what becomes of them (SDM vol. 1 §11.5). */
import { CR4_OSXMMEXCPT } from '../state/control-bits.ts';
import { internal, slot } from '../state/layout.ts';
import type { Label, Value, Variable } from '../wasm/function-builder.ts';
import type { SharedFunction } from '../wasm/module-builder.ts';
import * as format from './float/formats.ts';
import { type QuickFunction, QuickLanes } from './float/quick-lanes.ts';
import { quickly } from './float/quickly.ts';
import type { Semantics } from './semantics.ts';
import { VECTOR_UD, VECTOR_XM } from './vectors.ts';

const EXCEPTIONS = 0x3f;
const MASKS_SHIFT = 7;
/** Exceptions that are found before anything is computed: unmasked, they keep it from being computed. */
const EARLY = format.INVALID | format.DENORMAL | format.ZERO_DIVIDE;

/** The floating-point arithmetic of one instruction. */
export class VectorArithmetic {
  readonly s: Semantics;
  readonly #cpu: Value;
  readonly #mxcsr: Variable;
  /** What was raised, where most calls raise nothing; otherwise the state has it. */
  readonly #raised: Variable | undefined;

  constructor(s: Semantics) {
    this.s = s;
    this.#cpu = s.cpuAddress();
    this.#mxcsr = s.f.variable(s.f.load('i32', 32, this.#cpu, slot.MXCSR));
    if (s.isForUsual) this.#raised = s.f.variable(s.constant(0));
    this.#clear();
  }

  /** What was raised so far is forgotten. */
  #clear(): void {
    if (this.#raised) this.s.set(this.#raised, this.s.constant(0));
    else this.s.f.store(32, this.#cpu, internal.FLOAT_EXCEPTIONS, this.s.constant(0));
  }

  /** Calls a function over lanes; the exceptions of all calls come together. */
  operate(operation: QuickFunction, x: Value, y: Value, immediate?: Value): Value {
    const { f } = this.s;
    const { quick } = operation;
    const call = () => this.#call(operation, immediate ? [x, y, this.#mxcsr, immediate] : [x, y, this.#mxcsr]);
    if (!this.#raised || !quick) return call();
    const way = (unusual: Label) => quick(new QuickLanes(f, this.#mxcsr, unusual), x, y, immediate ?? f.i32(0));
    return quickly(f, operation, way, call);
  }

  #call(operation: SharedFunction, operands: readonly Value[]): Value {
    const { s } = this;
    const { f } = s;
    const exceptionsAt = s.add(this.#cpu, s.constant(internal.FLOAT_EXCEPTIONS));
    if (this.#raised) f.store(32, this.#cpu, internal.FLOAT_EXCEPTIONS, s.constant(0));
    const result = s.callUnit(operation, exceptionsAt, ...operands);
    if (this.#raised) s.set(this.#raised, s.or(this.#raised, f.load('i32', 32, this.#cpu, internal.FLOAT_EXCEPTIONS)));
    return result;
  }

  /** Calls a function over lanes that multiplies and adds; lanes that it does not compute are those of `others`. */
  fuse(operation: SharedFunction, others: Value, numbers: readonly [Value, Value, Value], negated: Value): Value {
    return this.#call(operation, [others, ...numbers, this.#mxcsr, negated]);
  }

  /**
   * What was raised goes into MXCSR. One that is not masked ends the instruction with #XM, or #UD where the operating
   * system does not know #XM: nothing may have been written before. What is computed in several steps finishes each.
   */
  finish(): void {
    const { s } = this;
    const { f } = s;
    const gathered = this.#raised ?? f.load('i32', 32, this.#cpu, internal.FLOAT_EXCEPTIONS);
    const raised = f.variable(s.and(gathered, EXCEPTIONS));
    s.if(raised, () => {
      const unmasked = f.copy(s.and(raised, s.not(s.shrU(this.#mxcsr, MASKS_SHIFT))));
      s.if(s.and(unmasked, EARLY), () => s.set(raised, s.and(raised, EARLY)));
      s.set(this.#mxcsr, s.or(this.#mxcsr, raised));
      f.store(32, this.#cpu, slot.MXCSR, this.#mxcsr);
      s.if(unmasked, () => {
        const known = s.and(f.load('i32', 32, this.#cpu, slot.CR4), CR4_OSXMMEXCPT);
        s.if(known, () => s.raise(VECTOR_XM));
        s.raise(VECTOR_UD);
      });
      this.#clear();
    });
  }
}
