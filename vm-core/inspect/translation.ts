/**
 * How a cached translation differs from the page tables: a processor uses what it has cached whatever the tables say
 * meanwhile (SDM vol. 3A §4.10.2.3).
 */
import { ENTRY_ACCESSED, PageWalk, type TableReader, walkTables } from '../memory/page-walk.ts';
import type { PagingRules } from '../memory/paging-rules.ts';
import type { CachedPage } from '../memory/translation-cache.ts';

/** What the tables say of a page now, in the form of what is cached. */
export interface TranslationNow extends Omit<CachedPage, 'pcid'> {
  /** The accessed flag is set in every entry of the walk. */
  readonly accessed: boolean;
}

/** What the tables make of a linear address; undefined where they map nothing. */
export function translationNow(rules: PagingRules, read: TableReader, linear: number): TranslationNow | undefined {
  const walk = new PageWalk();
  walkTables(walk, rules, read, linear);
  if (walk.end !== 'mapped') return undefined;
  const { frame, shift, user, writable, executable, dirty, key } = walk;
  const accessed = walk.low.subarray(0, walk.count).every((low) => (low & ENTRY_ACCESSED) !== 0);
  const global = walk.global && rules.globalPages;
  return { linear, frame, shift, user, writable, executable, global, dirty, key, accessed };
}
