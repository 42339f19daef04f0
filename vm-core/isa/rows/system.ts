/** System instructions and port access (SDM vol. 1 §5.1.9, §5.19): a table. The cpu layer does the work. */
import { type InstructionRow, systemRow } from '../instruction-row.ts';
import { clearInterruptFlag } from './real-mode.ts';

const ends = { endsBlock: true };

/** Rows without `detail` whose work depends on a data size get the operand size in bytes as their second immediate. */
export const systemRows: readonly InstructionRow[] = [
  systemRow('0F 00 /0', 'SLDT', 'Ev'),
  systemRow('0F 00 /1', 'STR', 'Ev'),
  systemRow('0F 00 /2', 'LLDT', 'Ew'),
  systemRow('0F 00 /3', 'LTR', 'Ew'),
  systemRow('0F 00 /4', 'VERR', 'Ew'),
  systemRow('0F 00 /5', 'VERW', 'Ew'),
  systemRow('0F 01 /0', 'SGDT', 'Ms'),
  systemRow('0F 01 /1', 'SIDT', 'Ms'),
  systemRow('0F 01 /2', 'LGDT', 'Ms'),
  systemRow('0F 01 /3', 'LIDT', 'Ms'),
  systemRow('0F 01 /4', 'SMSW', 'Ev'),
  systemRow('0F 01 /6', 'LMSW', 'Ew', ends),
  systemRow('0F 01 /7', 'INVLPG', 'M', { feature: '486', endsBlock: true }),
  systemRow('NP 0F 01 EE', 'RDPKRU', '', { feature: 'PKU' }),
  systemRow('NP 0F 01 EF', 'WRPKRU', '', { feature: 'PKU', endsBlock: true }),
  systemRow('66 0F 38 82', 'INVPCID', 'Gy,M', { feature: 'INVPCID', endsBlock: true }),
  systemRow('0F 02', 'LAR', 'Gv,Ev'),
  systemRow('0F 03', 'LSL', 'Gv,Ev'),
  systemRow('0F 06', 'CLTS'),
  systemRow('0F 08', 'INVD', '', { feature: '486' }),
  systemRow('0F 09', 'WBINVD', '', { feature: '486' }),
  systemRow('0F A2', 'CPUID', '', { feature: 'CPUID' }),
  systemRow('0F 20', 'MOV_FROM_CR', 'Cd', { mode: 'f64' }),
  systemRow('0F 21', 'MOV_FROM_DR', 'Dd', { mode: 'f64' }),
  systemRow('0F 22', 'MOV_TO_CR', 'Cd', { ...ends, mode: 'f64' }),
  systemRow('0F 23', 'MOV_TO_DR', 'Dd', { ...ends, mode: 'f64' }),
  systemRow('0F 24', 'MOV_FROM_TR', 'Td', { mode: 'i64' }),
  systemRow('0F 26', 'MOV_TO_TR', 'Td', { mode: 'i64' }),
  systemRow('63', 'ARPL', 'Ew', { mode: 'i64' }),
  systemRow('E4', 'IN_IMMEDIATE', 'Ib', { detail: 1 }),
  systemRow('E5', 'IN_IMMEDIATE', 'Ib'),
  systemRow('E6', 'OUT_IMMEDIATE', 'Ib', { detail: 1 }),
  systemRow('E7', 'OUT_IMMEDIATE', 'Ib'),
  systemRow('EC', 'IN_DX', '', { detail: 1 }),
  systemRow('ED', 'IN_DX'),
  systemRow('EE', 'OUT_DX', '', { detail: 1 }),
  systemRow('EF', 'OUT_DX'),
  systemRow('F4', 'HLT', '', ends),
  systemRow('FA', 'CLI', '', { inline: clearInterruptFlag }),
  systemRow('FB', 'STI', '', ends),
];
