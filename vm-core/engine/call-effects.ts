/** What the system operations that call, return or change stacks do to the record of calls. A table. */
import type { Instruction } from '../cpu/cpu.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import { SS } from '../state/layout.ts';
import type { CallShadow } from './call-shadow.ts';

/** Told after the operation, with `note` called before it. */
type CallEffect = (calls: CallShadow, instruction: Instruction) => void;

/** Far calls report themselves where they have pushed, since a gate may be of another size than the instruction. */
const reportsItself: CallEffect = () => {};

const farReturn: CallEffect = (calls) => calls.farReturned();

const stackChange: CallEffect = (calls) => calls.stackChanged();

/** Interrupts report themselves where they are entered. */
const effects: Readonly<Record<string, CallEffect>> = {
  CALL_FAR_IMMEDIATE: reportsItself,
  CALL_FAR_MEMORY: reportsItself,
  RET_FAR: farReturn,
  RET_FAR_POP: farReturn,
  IRET: farReturn,
  SYSENTER: stackChange,
  SYSEXIT: stackChange,
  LSS: (calls) => calls.stackSegmentLoaded(true),
  MOV_SREG_RM: (calls, { reg }) => {
    if (reg === SS) calls.stackSegmentLoaded(false);
  },
  POP_SREG: (calls, { immediate }) => {
    if (immediate === SS) calls.stackSegmentLoaded(false);
  },
};

/** By the indices of rows. */
export const callEffects: readonly (CallEffect | undefined)[] = instructionRows.map(({ name }) => effects[name]);
