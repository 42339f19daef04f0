/** By which rules the page-table view shows tables: the mode, and what of rights and memory types registers decide. */
import { findRegister, type Register, type ShownRules } from '../../vm-core/index.ts';
import type { PageTablesStatus } from '../protocol/page-tables.ts';
import type { Guest } from './guest.ts';

/** Names of memory types by their number (SDM vol. 3A §12.12.2, table 12-10). */
const MEMORY_TYPES: Readonly<Record<number, string>> = { 0: 'UC', 1: 'WC', 4: 'WT', 5: 'WP', 6: 'WB', 7: 'UC-' };
/** Without a PAT, by PCD and PWT (§12.5.2.1): what the PAT has after a reset. */
const TYPES_WITHOUT_PAT = ['WB', 'WT', 'UC-', 'UC', 'WB', 'WT', 'UC-', 'UC'] as const;
const PAT = findRegister('IA32_PAT') as Register;

/** The status of a guest whose tables are shown by the given rules. */
export function statusOf(
  guest: Guest,
  rules: ShownRules,
  { state, isCr3 }: Pick<PageTablesStatus, 'state' | 'isCr3'>,
): PageTablesStatus {
  const { levels, root, userKeys, supervisorKeys } = rules;
  const controls = [
    ...(rules.writeProtect ? ['WP'] : []),
    ...(rules.noExecute ? ['NXE'] : []),
    ...(rules.globalPages ? ['PGE'] : []),
    ...(rules.smep ? ['SMEP'] : []),
    ...(rules.smap ? ['SMAP'] : []),
  ];
  return {
    ...{ type: 'status', state, levels, root, isCr3, controls },
    ...{ memoryTypes: memoryTypesOf(guest), userKeys, supervisorKeys },
    ...{ cpu: guest.vcpu.index, cpus: guest.cpus.length },
  };
}

function memoryTypesOf(guest: Guest): readonly string[] {
  if (!guest.model.features.has('PAT')) return TYPES_WITHOUT_PAT;
  const pat = guest.vcpu.state.readRegister(PAT);
  return Array.from({ length: 8 }, (_, n) => {
    const type = Number((pat >> BigInt(n * 8)) & 0xffn);
    return MEMORY_TYPES[type] ?? String(type);
  });
}
