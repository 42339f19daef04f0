/**
 * The filter of a breakpoint in generated code: where its comparison does not hold, execution goes on past the hook
 * without asking TypeScript (DESIGN §6). It lies in the hook's record, in places that mean something else in others.
 */
import { NEXT } from '../cpu/cpu.ts';
import type { BreakpointFilter } from '../machine/machine.ts';
import { internal } from '../state/layout.ts';
import type { FunctionBuilder, Value } from '../wasm/function-builder.ts';
import { RECORD_DISPLACEMENT, RECORD_FLAGS, RECORD_IMMEDIATE, RECORD_RM_SLOT, RECORD_SCALE } from './record.ts';

const LESS = 1;
const EQUAL = 2;
const GREATER = 4;

/** Which outcomes let the comparison hold. */
const outcomes: Readonly<Record<BreakpointFilter['comparison'], number>> = {
  '==': EQUAL,
  '!=': LESS | GREATER,
  '<': LESS,
  '<=': LESS | EQUAL,
  '>': GREATER,
  '>=': GREATER | EQUAL,
};

/** Puts a filter, or none, into the record of a hook. */
export function writeHookFilter(view: DataView, at: number, filter: BreakpointFilter | undefined): void {
  view.setUint8(at + RECORD_FLAGS, filter ? outcomes[filter.comparison] : 0);
  if (!filter) return;
  view.setUint16(at + RECORD_RM_SLOT, filter.register.offset, true);
  view.setUint8(at + RECORD_SCALE, filter.low);
  view.setInt32(at + RECORD_DISPLACEMENT, filter.width === 32 ? -1 : (1 << filter.width) - 1, true);
  view.setInt32(at + RECORD_IMMEDIATE, filter.value, true);
}

/** Returns from the handler of a hook if its filter does not hold and nobody has to be asked anyhow. */
export function stageHookFilter(f: FunctionBuilder, cpu: Value, record: Value): void {
  const wanted = f.load('i32', 8, record, RECORD_FLAGS);
  f.if(f.binary('and', f.binary('ne', wanted, f.i32(0)), f.eqz(f.load('i32', 32, cpu, internal.HOOKS_ASK))), () => {
    const register = f.load('i32', 32, f.binary('add', cpu, f.load('i32', 16, record, RECORD_RM_SLOT)));
    const low = f.binary('shrU', register, f.load('i32', 8, record, RECORD_SCALE));
    const part = f.binary('and', low, f.load('i32', 32, record, RECORD_DISPLACEMENT));
    const value = f.load('i32', 32, record, RECORD_IMMEDIATE);
    const unequal = f.select(f.binary('ltU', part, value), f.i32(LESS), f.i32(GREATER));
    const outcome = f.select(f.binary('eq', part, value), f.i32(EQUAL), unequal);
    f.if(f.eqz(f.binary('and', outcome, wanted)), () => f.return(f.i32(NEXT)));
  });
}
