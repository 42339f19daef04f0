/** A quick way of a function, written where it is used, which leaves for a call of the function where something is unusual. */
import type { FunctionBuilder, Label, Value } from '../../wasm/function-builder.ts';
import type { SharedFunction } from '../../wasm/module-builder.ts';

/** The result of the quick way, which may branch to `unusual` before; otherwise that of the call. */
export function quickly(
  f: FunctionBuilder,
  { signature: { result: type } }: SharedFunction,
  quick: (unusual: Label) => Value,
  call: () => Value,
): Value {
  const result = f.variable(type === 'i32' ? f.i32(0) : type === 'i64' ? f.i64(0n) : f.v128(0n, 0n));
  f.block((done) => {
    f.block((unusual) => {
      f.set(result, quick(unusual));
      f.branch(done);
    });
    f.set(result, call());
  });
  return result;
}

/** A function over numbers of the x87, and its quick way: it gets the operands behind the place of the exceptions. */
export interface QuickOperation extends SharedFunction {
  readonly quick?: (f: FunctionBuilder, unusual: Label, operands: readonly Value[]) => Value;
}
