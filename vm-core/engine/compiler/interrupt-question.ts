/** Whether a maskable interrupt waits, asked of TypeScript from inside of a region (SDM vol. 3A §6.8.1). */
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import type { Signature } from '../../wasm/module-builder.ts';
import type { Block } from '../code-cache.ts';
import { interpreter } from '../interpreter.ts';

/** (record) → whether one waits. */
const ASKING: Signature = { parameters: ['i32'], result: 'i32' };

/** For the instruction of a record in a block, with that much budget left before the block: time has a say. */
export function askInterrupt(f: FunctionBuilder, cpu: Value, budget: Value, block: Block, at: number): Value {
  f.store(32, cpu, internal.BUDGET, budget);
  f.store(32, cpu, internal.BLOCK, f.i32(block.address));
  return f.copy(f.callIndirect(ASKING, f.i32(interpreter(block.codeSize).asksInterrupt), f.i32(at)));
}
