/** Page tables that CR3 does not point to: of another process, or of a mode that is not on yet (SDM vol. 3A §4.3–§4.5). */
import type { TableReader } from '../memory/page-walk.ts';
import { LEVELS_LONG, LEVELS_PAE, type PagingLevels, type PagingRules } from '../memory/paging-rules.ts';

/** Rules by which tables are shown. */
export interface ShownRules extends PagingRules {
  /** PAE's first table is read from memory, at `root`; without it, it is what is in the processor's registers. */
  readonly pointersInMemory?: true;
}

/** A root by its physical address. */
export interface GivenRoot {
  readonly address: number;
  readonly levels: Exclude<PagingLevels, 0>;
  /** EFER.NXE: `noExecute` of the rules is about the mode that is on. */
  readonly noExecute: boolean;
}

/** What a processor would go by if CR3 held the root and the mode were on; the rest is as it is. */
export function rulesWithRoot(
  rules: PagingRules,
  read: TableReader,
  { address, levels, noExecute }: GivenRoot,
): ShownRules {
  const isPae = levels === LEVELS_PAE;
  const root = address - (address % (isPae ? 32 : 4096));
  const pointers = new Uint32Array(8);
  if (isPae) for (let n = 0; n < pointers.length; n++) pointers[n] = read(root + n * 4);
  const { physicalBits, pse36, gigabytePages, largePages, writeProtect, globalPages, smep, smap, pcid } = rules;
  return {
    ...{ physicalBits, pse36, gigabytePages, writeProtect, globalPages, smep, smap, pcid },
    ...{ levels, root, pointers, pointersInMemory: true },
    // CR4.PSE counts where the mode is the one that is on; elsewhere pages of 4 MiB are taken for allowed.
    largePages: rules.levels === levels ? largePages : true,
    noExecute: isPae || levels >= LEVELS_LONG ? noExecute : false,
    userKeys: levels >= LEVELS_LONG ? rules.userKeys : 0,
    supervisorKeys: levels >= LEVELS_LONG ? rules.supervisorKeys : 0,
  };
}
