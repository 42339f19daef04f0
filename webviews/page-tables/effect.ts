/**
 * What the attributes of a page come to: who may do what with it, as control registers and protection keys are now (SDM
 * vol. 3A §4.6). The session's walk decides about one access; this says it of a page at a glance.
 */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import {
  ATTRIBUTE,
  KEY_MASK,
  KEY_SHIFT,
  type PageTablesStatus,
  type WalkAccess,
} from '../../debug-adapter/protocol/page-tables.ts';

/** What of the status decides about accesses. */
export type AccessRules = Pick<PageTablesStatus, 'controls' | 'userKeys' | 'supervisorKeys'>;

/** Accesses that one privilege may make, and in words what takes others away or lets them through in part. */
export interface Effect {
  readonly allowed: readonly WalkAccess['kind'][];
  readonly notes: readonly string[];
}

const KEY_ACCESS_DISABLE = 1;
const KEY_WRITE_DISABLE = 2;

/** What an access with EFLAGS.AC clear may do. */
export function effectFor(privilege: WalkAccess['privilege'], attributes: number, rules: AccessRules): Effect {
  const isUserPage = (attributes & ATTRIBUTE.USER) !== 0;
  if (privilege === 'user' && !isUserPage) return { allowed: [], notes: [] };
  const has = (control: string): boolean => rules.controls.includes(control);
  const bySupervisor = privilege === 'supervisor';
  const notes: string[] = [];
  const isOpen = !(bySupervisor && isUserPage && has('SMAP'));
  if (!isOpen) notes.push(localized('SMAP: data only while EFLAGS.AC is set'));
  const isWritable = (attributes & ATTRIBUTE.WRITABLE) !== 0 || (bySupervisor && !has('WP'));
  if (isWritable && (attributes & ATTRIBUTE.WRITABLE) === 0)
    notes.push(localized('CR0.WP is clear: writes are allowed'));
  const isKept = bySupervisor && isUserPage && has('SMEP');
  if (isKept) notes.push(localized('SMEP: no fetch'));
  const key = (attributes & KEY_MASK) >> KEY_SHIFT;
  const rights = (isUserPage ? rules.userKeys : rules.supervisorKeys) >>> (key * 2);
  const mayRead = (rights & KEY_ACCESS_DISABLE) === 0;
  const mayWrite = mayRead && ((rights & KEY_WRITE_DISABLE) === 0 || (bySupervisor && !has('WP')));
  if (!mayRead) notes.push(localized('Protection key {0}: no data', key));
  else if (!mayWrite && isWritable) notes.push(localized('Protection key {0}: no writes', key));
  const allowed: WalkAccess['kind'][] = [];
  if (isOpen && mayRead) allowed.push('read');
  if (isOpen && mayWrite && isWritable) allowed.push('write');
  if (!isKept && (attributes & ATTRIBUTE.NO_EXECUTE) === 0) allowed.push('fetch');
  return { allowed, notes };
}

/** Both privileges in a line: `Supervisor: read, write. User: nothing.` */
export function effectText(attributes: number, rules: AccessRules): string {
  return [
    localized('Supervisor: {0}', partText(effectFor('supervisor', attributes, rules))),
    localized('User: {0}', partText(effectFor('user', attributes, rules))),
  ].join(' · ');
}

function partText({ allowed, notes }: Effect): string {
  const words = { read: localized('read'), write: localized('write'), fetch: localized('fetch') };
  const rights = allowed.length === 0 ? localized('nothing') : allowed.map((kind) => words[kind]).join(', ');
  return notes.length === 0 ? rights : `${rights} (${notes.join('; ')})`;
}
