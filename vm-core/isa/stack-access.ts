/** How instructions push and pop (SDM vol. 1 §6.2). */
import type { Value } from '../wasm/function-builder.ts';
import type { Semantics } from './semantics.ts';

/** The offset in the stack segment, `delta` bytes from the top. */
export function stackOffset(s: Semantics, delta: number): Value {
  return s.cutStack(s.add(s.stackPointerToCut(), s.constant(delta)));
}

/** Pushes a value of the operand size. */
export function push(s: Semantics, value: Value): void {
  const offset = stackOffset(s, -s.operandSize / 8);
  s.store('SS', offset, s.operandSize, value);
  s.writeStackPointer(offset);
}

/** Reads the value on top of the stack; `dropPopped` completes the pop. */
export function readTop(s: Semantics, delta = 0): Value {
  return s.load('SS', stackOffset(s, delta), s.operandSize);
}

/** Moves the stack pointer up. */
export function dropBytes(s: Semantics, bytes: Value): void {
  s.writeStackPointer(s.add(s.stackPointerToCut(), bytes));
}
