/** x87: the control instructions, and those whose work is done in TypeScript (SDM vol. 1 §8.3.11). */
import { internal, slot } from '../../state/layout.ts';
import { type InstructionRow, systemRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import type { Semantics } from '../semantics.ts';
import { X87 } from '../x87.ts';
import { readX87, writeX87 } from '../x87-fields.ts';

/** A new control word may make an exception wait that was masked, or the other way around. */
const loadControl: UnitSemanticsFunction = (s) => {
  new X87(s);
  const control = s.load('instruction', s.effectiveAddress(), 16);
  writeX87(s, 'FCW', s.or(s.and(control, 0x1f3f), 0x40));
  const status = s.f.copy(readX87(s, 'FSW'));
  const waits = s.ne(s.and(s.and(status, s.not(control)), 0x3f), 0);
  const without = s.and(status, ~0x8080);
  writeX87(s, 'FSW', s.select(waits, s.or(without, 0x8080), without));
};

const storeControl: UnitSemanticsFunction = (s) => {
  s.store('instruction', s.effectiveAddress(), 16, readX87(s, 'FCW'));
};

const storeStatus: UnitSemanticsFunction = (s) => {
  s.store('instruction', s.effectiveAddress(), 16, readX87(s, 'FSW'));
};

const storeStatusInAX: UnitSemanticsFunction = (s) => {
  s.writeRegister(slot.EAX, 16, readX87(s, 'FSW'));
};

const stopIgnoring = (s: Semantics) => s.f.store(32, s.cpuAddress(), internal.FLOAT_ERRORS_IGNORED, s.constant(0));

const clearExceptions: UnitSemanticsFunction = (s) => {
  writeX87(s, 'FSW', s.and(readX87(s, 'FSW'), 0x7f00));
  stopIgnoring(s);
};

const initialize: UnitSemanticsFunction = (s) => {
  for (const word of ['FSW', 'FTW', 'FOP', 'FCS', 'FDS'] as const) writeX87(s, word, s.constant(0));
  for (const pointer of ['FIP', 'FDP'] as const) writeX87(s, pointer, s.f.i64(0n));
  writeX87(s, 'FCW', s.constant(0x37f));
  stopIgnoring(s);
};

const nothing: UnitSemanticsFunction = () => {};

const rows: readonly InstructionRow[] = [
  unitRow('x87', 'D9 /5', 'FLDCW', 'Mw', loadControl),
  unitRow('x87', 'D9 /7', 'FNSTCW', 'Mw', storeControl),
  unitRow('x87', 'DD /7', 'FNSTSW', 'Mw', storeStatus),
  unitRow('x87', 'DF E0', 'FNSTSW', '', storeStatusInAX),
  unitRow('x87', 'DB E2', 'FNCLEX', '', clearExceptions),
  unitRow('x87', 'DB E3', 'FNINIT', '', initialize),
  ...[
    ['DB E0', 'FENI'],
    ['DB E1', 'FDISI'],
    ['DB E4', 'FSETPM'],
  ].map(([at, name]) => unitRow('x87', at as string, name as string, '', nothing)),
  ...[
    systemRow('D9 /4', 'FLDENV', 'M'),
    systemRow('D9 /6', 'FNSTENV', 'M'),
    systemRow('DD /4', 'FRSTOR', 'M'),
    systemRow('DD /6', 'FNSAVE', 'M'),
    systemRow('DF /4', 'FBLD', 'Mt'),
    systemRow('DF /6', 'FBSTP', 'Mt'),
    systemRow('D9 F0', 'F2XM1'),
    systemRow('D9 F1', 'FYL2X'),
    systemRow('D9 F2', 'FPTAN'),
    systemRow('D9 F3', 'FPATAN'),
    systemRow('D9 F4', 'FXTRACT'),
    systemRow('D9 F5', 'FPREM1'),
    systemRow('D9 F8', 'FPREM'),
    systemRow('D9 F9', 'FYL2XP1'),
    systemRow('D9 FB', 'FSINCOS'),
    systemRow('D9 FD', 'FSCALE'),
    systemRow('D9 FE', 'FSIN'),
    systemRow('D9 FF', 'FCOS'),
  ].map((row) => ({ ...row, unit: 'x87' as const })),
];

export const x87ControlRows: readonly InstructionRow[] = rows.map((row) => ({ feature: 'FPU', ...row }));
