/** The stack (SDM vol. 1 §6.2): a table. The stack pointer changes only after the last access that can fault. */
import { segmentNames } from '../../state/register-table.ts';
import { FS, generalSlots, slot } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import { type InstructionRow, row, type SemanticsFunction, systemRow } from '../instruction-row.ts';
import type { Operand } from '../operand.ts';
import { dropBytes, push, readTop, stackOffset } from '../stack-access.ts';
import { popFlags, pushFlags } from './flag-transfers.ts';
import { popSegment, pushSegment } from './real-mode.ts';

const pushOperand: SemanticsFunction = (s, src) => push(s, s.f.copy(s.cut(s.read(src as Operand), s.operandSize)));

const popRegister: SemanticsFunction = (s, dst) => {
  const value = readTop(s);
  dropBytes(s, s.constant(s.operandSize / 8));
  s.write(dst as Operand, value);
};

/** The address of a memory destination is computed with the stack pointer already moved. */
const popMemory: SemanticsFunction = (s, dst) => {
  const value = readTop(s);
  const before = s.f.copy(s.readStackPointer());
  dropBytes(s, s.constant(s.operandSize / 8));
  if ((dst as Operand).kind === 'memory') {
    const after = s.f.copy(s.readStackPointer());
    const place = s.movedBy(dst as Operand, s.addressConstant(0));
    s.writeRegister(slot.ESP, s.addressBits, before);
    s.write(place, value);
    s.writeRegister(slot.ESP, s.addressBits, after);
  } else s.write(dst as Operand, value);
};

const pushAll: SemanticsFunction = (s) => {
  const bytes = s.operandSize / 8;
  generalSlots.forEach((register, n) => {
    s.store('SS', stackOffset(s, -bytes * (n + 1)), s.operandSize, s.readRegister(register, s.operandSize));
  });
  s.writeStackPointer(stackOffset(s, -bytes * 8));
};

/** From EDI on, upwards; the saved ESP is passed over. */
const popAll: SemanticsFunction = (s) => {
  const bytes = s.operandSize / 8;
  const values: Value[] = [];
  for (let n = 7; n >= 0; n--) values[n] = s.load('SS', stackOffset(s, bytes * (7 - n)), s.operandSize);
  generalSlots.forEach((register, n) => {
    if (register !== slot.ESP) s.writeRegister(register, s.operandSize, values[n] as Value);
  });
  dropBytes(s, s.constant(bytes * 8));
};

const leave: SemanticsFunction = (s) => {
  const frame = s.cutStack(s.readRegister(slot.EBP, s.addressBits));
  const saved = s.load('SS', frame, s.operandSize);
  s.writeStackPointer(s.add(frame, s.constant(s.operandSize / 8)));
  s.writeRegister(slot.EBP, s.operandSize, saved);
};

const PUSH_OPCODES = ['06', '0E', '16', '1E', '0F A0', '0F A8'];
const POP_OPCODES = ['07', '', '17', '1F', '0F A1', '0F A9'];

const wide = { mode: 'd64' } as const;

/** Of the segment registers only FS and GS are pushed and popped in 64-bit mode. */
const modeOf = (segment: number) => (segment >= FS ? wide : ({ mode: 'i64' } as const));

export const stackRows: readonly InstructionRow[] = [
  row('50+r', 'PUSH', 'Zv', pushOperand, wide),
  row('58+r', 'POP', 'Zv', popRegister, wide),
  row('68', 'PUSH', 'Iz', pushOperand, wide),
  row('6A', 'PUSH', 'sIb', pushOperand, wide),
  row('FF /6', 'PUSH', 'Ev', pushOperand, wide),
  row('8F /0', 'POP', 'Ev', popMemory, wide),
  row('60', 'PUSHA', '', pushAll, { mode: 'i64' }),
  row('61', 'POPA', '', popAll, { mode: 'i64' }),
  row('C9', 'LEAVE', '', leave, wide),
  systemRow('C8', 'ENTER', 'Iw,Ib', wide),
  ...segmentNames.map((_, n) =>
    systemRow(PUSH_OPCODES[n] as string, 'PUSH_SREG', '', { detail: n, inline: pushSegment(n), ...modeOf(n) }),
  ),
  ...segmentNames.flatMap((_, n) =>
    POP_OPCODES[n] === ''
      ? []
      : [
          systemRow(POP_OPCODES[n] as string, 'POP_SREG', '', {
            detail: n,
            endsBlock: true,
            inline: popSegment(n),
            inlineIn: 'real',
            ...modeOf(n),
          }),
        ],
  ),
  systemRow('9C', 'PUSHF', '', { inline: pushFlags, ...wide }),
  systemRow('9D', 'POPF', '', { endsBlock: true, inline: popFlags, ...wide }),
];
