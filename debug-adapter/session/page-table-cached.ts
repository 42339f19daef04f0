/**
 * Cached translations as the page-table view lists them, each with what the tables say otherwise (SDM vol. 3A §4.10.2.3).
 * Translations of another process context cannot be compared: its tables are not those of CR3.
 */
import {
  type CachedPage,
  entryName,
  PAGE_DIRTY,
  PAGE_GLOBAL,
  PAGE_KEY_SHIFT,
  PAGE_NO_EXECUTE,
  PAGE_USER,
  PAGE_WRITABLE,
  type PagingView,
  type TranslationNow,
  translationNow,
} from '../../vm-core/index.ts';
import { formatHex } from '../expressions/format.ts';
import { localized } from '../protocol/localized.ts';
import type { TlbEntry } from '../protocol/page-tables.ts';

/** All that is cached, in the order of addresses. */
export function cachedEntries(paging: PagingView): readonly TlbEntry[] {
  const pages = [...paging.cached()].sort((a, b) => a.linear - b.linear || a.pcid - b.pcid);
  return pages.map((page) => entryOf(paging, page));
}

function entryOf(paging: PagingView, page: CachedPage): TlbEntry {
  const { linear, frame, shift, pcid } = page;
  const isOther = !page.global && pcid !== paging.rules.pcid;
  return {
    linear,
    physical: frame,
    size: 2 ** shift,
    attributes: attributesOf(page),
    context: page.global ? undefined : pcid,
    isCompared: !isOther,
    stale: isOther ? '' : differences(paging, page).join(', '),
  };
}

function attributesOf({ user, writable, executable, global, dirty, key }: CachedPage): number {
  return (
    (user ? PAGE_USER : 0) |
    (writable ? PAGE_WRITABLE : 0) |
    (executable ? 0 : PAGE_NO_EXECUTE) |
    (global ? PAGE_GLOBAL : 0) |
    (dirty ? PAGE_DIRTY : 0) |
    (key << PAGE_KEY_SHIFT)
  );
}

/** In words what the tables say otherwise; nothing for a translation that is right. */
function differences(paging: PagingView, page: CachedPage): readonly string[] {
  const now = translationNow(paging.rules, paging.read, page.linear);
  if (!now) return [whyUnmapped(paging, page.linear)];
  const texts: (string | false)[] = [
    now.frame !== page.frame && localized('now at {0}', formatHex(now.frame, 48)),
    now.shift !== page.shift && localized('now a page of another size'),
    now.writable !== page.writable && (now.writable ? localized('now writable') : localized('now read-only')),
    now.user !== page.user && (now.user ? localized('now for users') : localized('now for the supervisor only')),
    now.executable !== page.executable &&
      (now.executable ? localized('now executable') : localized('now not executable')),
    now.global !== page.global && (now.global ? localized('now global') : localized('now not global')),
    now.key !== page.key && localized('now protection key {0}', now.key),
    ...flagDifferences(now, page),
  ];
  return texts.filter((text) => text !== false);
}

/** The processor sets these flags before it caches; it does not set them again while it uses what it has cached. */
function flagDifferences(now: TranslationNow, page: CachedPage): readonly (string | false)[] {
  return [
    !now.accessed && localized('accessed flag cleared'),
    page.dirty && !now.dirty && localized('dirty flag cleared'),
  ];
}

function whyUnmapped(paging: PagingView, linear: number): string {
  const { steps } = paging.explain(linear, { kind: 'read', privilege: 'supervisor', ac: true });
  const last = steps.at(-1);
  if (!last) return localized('now not mapped');
  const name = entryName(last.level);
  if (last.entry.kind === 'reserved bit') return localized('now a reserved bit of the {0} is set', name);
  return localized('now the {0} is not present', name);
}
