/** Which accesses a mapped page allows, and what the error code of a page fault says (SDM vol. 3A §4.6, §4.7). */
import type { PageWalk } from './page-walk.ts';
import type { PagingRules } from './paging-rules.ts';

/** Bits of an access that are bits of the error code too. */
export const ACCESS_WRITE = 1 << 1;
export const ACCESS_USER = 1 << 2;
export const ACCESS_FETCH = 1 << 4;
/** A supervisor's access to descriptor tables and task state; EFLAGS.AC does not open user pages to it. */
export const ACCESS_IMPLICIT = 1 << 8;
/** EFLAGS.AC is set: SMAP does not forbid an explicit access. */
export const ACCESS_UNCHECKED = 1 << 9;

const ERROR_PRESENT = 1 << 0;
const ERROR_RESERVED = 1 << 3;
const ERROR_KEY = 1 << 5;
const ERROR_FROM_ACCESS = ACCESS_WRITE | ACCESS_USER;

const KEY_ACCESS_DISABLE = 1;
const KEY_WRITE_DISABLE = 2;

/** What a translation allows. */
export type PageRights = Pick<PageWalk, 'user' | 'writable' | 'executable' | 'key'>;

/** The error code of the page fault that the access raises, or -1 if it is allowed. */
export function pageFaultOf(rules: PagingRules, walk: PageWalk, access: number): number {
  if (walk.end === 'not present') return errorOf(rules, access, 0);
  if (walk.end === 'reserved bit') return errorOf(rules, access, ERROR_PRESENT | ERROR_RESERVED);
  return rightsFaultOf(rules, walk, access);
}

/** The same for a page that is mapped. */
export function rightsFaultOf(rules: PagingRules, page: PageRights, access: number): number {
  const key = violatesKey(rules, page, access) ? ERROR_KEY : 0;
  const allowed = (access & ACCESS_USER) !== 0 ? mayUser(page, access) : maySupervisor(rules, page, access);
  return allowed && key === 0 ? -1 : errorOf(rules, access, ERROR_PRESENT | key);
}

function mayUser(page: PageRights, access: number): boolean {
  if (!page.user) return false;
  if ((access & ACCESS_FETCH) !== 0) return page.executable;
  return page.writable || (access & ACCESS_WRITE) === 0;
}

function maySupervisor(rules: PagingRules, page: PageRights, access: number): boolean {
  if ((access & ACCESS_FETCH) !== 0) return page.executable && !(page.user && rules.smep);
  if (page.user && rules.smap && (access & (ACCESS_UNCHECKED | ACCESS_IMPLICIT)) !== ACCESS_UNCHECKED) return false;
  return page.writable || (access & ACCESS_WRITE) === 0 || !rules.writeProtect;
}

/**
 * Keys are of pages, not of accesses: PKRU holds for the supervisor's accesses to user pages too. No key is asked where
 * user code reaches for a page of the supervisor.
 */
function violatesKey(rules: PagingRules, page: PageRights, access: number): boolean {
  const keys = page.user ? rules.userKeys : rules.supervisorKeys;
  if (keys === 0 || (access & ACCESS_FETCH) !== 0 || (!page.user && (access & ACCESS_USER) !== 0)) return false;
  const rights = keys >>> (page.key * 2);
  if ((rights & KEY_ACCESS_DISABLE) !== 0) return true;
  const obeysWrite = (access & ACCESS_USER) !== 0 || rules.writeProtect;
  return (rights & KEY_WRITE_DISABLE) !== 0 && (access & ACCESS_WRITE) !== 0 && obeysWrite;
}

function errorOf(rules: PagingRules, access: number, reason: number): number {
  const told = rules.noExecute || rules.smep ? ERROR_FROM_ACCESS | ACCESS_FETCH : ERROR_FROM_ACCESS;
  return (access & told) | reason;
}
