/**
 * Every system operation by the name that instruction rows use for it. (A table: exempt from the length limit.)
 */
import type { SystemOperation } from './cpu.ts';
import * as controlRegisters from './operations/control-registers.ts';
import { ENTER } from './operations/enter.ts';
import * as extendedState from './operations/extended-state.ts';
import * as farReturns from './operations/far-returns.ts';
import * as farTransfers from './operations/far-transfers.ts';
import * as flags from './operations/flags.ts';
import * as fastCalls from './operations/fast-calls.ts';
import * as identification from './operations/identification.ts';
import * as memoryProtection from './operations/memory-protection.ts';
import * as interrupts from './operations/interrupts.ts';
import * as modelSpecific from './operations/model-specific.ts';
import * as longMode from './operations/long-mode.ts';
import * as ports from './operations/ports.ts';
import * as processorState from './operations/processor-state.ts';
import * as segmentLoads from './operations/segment-loads.ts';
import * as selectorChecks from './operations/selector-checks.ts';
import * as systemCalls from './operations/system-calls.ts';
import * as tableRegisters from './operations/table-registers.ts';
import * as testRegisters from './operations/test-registers.ts';
import * as x87Functions from './operations/x87-functions.ts';
import * as x87Memory from './operations/x87-memory.ts';

/** The operations as their files export them; a file exports nothing else. */
export const systemOperations: Readonly<Record<string, SystemOperation>> = {
  ...farTransfers,
  ...farReturns,
  ...fastCalls,
  ...extendedState,
  ...identification,
  ...memoryProtection,
  ...interrupts,
  ...segmentLoads,
  ...systemCalls,
  ...tableRegisters,
  ...testRegisters,
  ...selectorChecks,
  ...controlRegisters,
  ...flags,
  ...modelSpecific,
  ...longMode,
  ...ports,
  ...processorState,
  ...x87Functions,
  ...x87Memory,
  ENTER,
};
