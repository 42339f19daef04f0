/**
 * From one region to the next without the interpreter's loop: by a tail call, so that no frames are left behind (DESIGN §3).
 * Where the next block is and whether it is compiled is asked as the loop asks it, of the vCPU's jump cache and of the block.
 * So whatever takes a block or a region away, or puts a hook before one, has to tell nobody else.
 */
import { JUMP_CACHE } from '../../memory/layout.ts';
import { internal } from '../../state/layout.ts';
import type { FunctionBuilder, Value } from '../../wasm/function-builder.ts';
import { HANDLER_SIGNATURE } from '../interpreter.ts';
import { JUMP_BLOCK, JUMP_LINEAR, JUMP_MODE, jumpEntryOf } from '../jump-cache.ts';
import { BLOCK_REGION, STATUS_REGION } from '../record.ts';
import { CODE_BASE } from '../run-loop.ts';

/** Goes on in the loop, with a record in the middle of the block, or 0 where it has to find the block at EIP. */
export function goOnInLoop(f: FunctionBuilder, cpu: Value, at: Value = f.i32(0)): void {
  f.store(32, cpu, internal.REGION_RECORD, at);
  f.return(f.i32(STATUS_REGION));
}

/** Goes on in the region that begins at an EIP, if there is one; with the state as the loop has it between two blocks. */
export function goOnInRegion(f: FunctionBuilder, cpu: Value, eip: Value): void {
  const isWide = eip.type === 'i64';
  const linear = isWide ? eip : f.binary('add', f.load('i32', 32, cpu, CODE_BASE), eip);
  const entry = f.binary('add', cpu, jumpEntryOf(f, linear));
  const known = f.load(isWide ? 'i64' : 'i32', isWide ? 64 : 32, entry, JUMP_CACHE + JUMP_LINEAR);
  f.if(f.binary('eq', known, linear), () => {
    const mode = f.load('i32', 32, entry, JUMP_CACHE + JUMP_MODE);
    f.if(f.binary('eq', mode, f.load('i32', 32, cpu, internal.MODE_KEY)), () => {
      const block = f.load('i32', 32, entry, JUMP_CACHE + JUMP_BLOCK);
      const place = f.load('i32', 32, block, BLOCK_REGION);
      f.if(place, () => f.returnCallIndirect(HANDLER_SIGNATURE, place, cpu, f.i32(0)));
    });
  });
}
