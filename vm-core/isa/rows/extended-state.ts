/** FXSAVE, XSAVE and what belongs to them (SDM vol. 1 §5.13, §5.20): a table. The cpu layer does the work. */
import { type InstructionRow, systemRow } from '../instruction-row.ts';

const xsave = { feature: 'XSAVE' } as const;

export const extendedStateRows: readonly InstructionRow[] = [
  systemRow('NP 0F AE /0', 'FXSAVE', 'M', { feature: 'FXSR', unit: 'x87' }),
  systemRow('NP 0F AE /1', 'FXRSTOR', 'M', { feature: 'FXSR', unit: 'x87' }),
  systemRow('NP 0F AE /4', 'XSAVE', 'M', xsave),
  systemRow('NP 0F AE /5', 'XRSTOR', 'M', { ...xsave, endsBlock: true }),
  systemRow('NP 0F AE /6', 'XSAVEOPT', 'M', { feature: 'XSAVEOPT' }),
  systemRow('NP 0F C7 /3', 'XRSTORS', 'M', { feature: 'XSAVES', endsBlock: true }),
  systemRow('NP 0F C7 /4', 'XSAVEC', 'M', { feature: 'XSAVEC' }),
  systemRow('NP 0F C7 /5', 'XSAVES', 'M', { feature: 'XSAVES' }),
  systemRow('NP 0F 01 D0', 'XGETBV', '', xsave),
  systemRow('NP 0F 01 D1', 'XSETBV', '', { ...xsave, endsBlock: true }),
];
