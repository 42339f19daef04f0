/** What the view of the last branches shows, as text: kinds by name, ends of branches, and why there is nothing. */
import type { BranchEnd, BranchesUpdate, BranchRow, ShownBranchKind } from '../../debug-adapter/protocol/branches.ts';
import { localized } from '../../debug-adapter/protocol/localized.ts';

export type BranchesStatus = Extract<BranchesUpdate, { type: 'status' }>;

const TYPES: ReadonlySet<unknown> = new Set<BranchesUpdate['type']>(['status', 'located', 'failed']);

/** Whether a message of the window is one of the session. */
export function isBranchesUpdate(data: unknown): data is BranchesUpdate {
  if (typeof data !== 'object' || data === null || !('type' in data) || !TYPES.has(data.type)) return false;
  return data.type !== 'status' || ('rows' in data && Array.isArray(data.rows));
}

const KIND_NAMES: Readonly<Record<ShownBranchKind, () => string>> = {
  conditional: () => localized('Conditional jump'),
  jump: () => localized('Jump'),
  'indirect-jump': () => localized('Indirect jump'),
  call: () => localized('Call'),
  'indirect-call': () => localized('Indirect call'),
  return: () => localized('Return'),
  far: () => localized('Far transfer'),
  'software-interrupt': () => localized('Software interrupt'),
  'interrupt-return': () => localized('Return from interrupt'),
  'system-call': () => localized('System call'),
  'system-return': () => localized('Return from system call'),
  interrupt: () => localized('Interrupt'),
  exception: () => localized('Exception'),
};

/** What kind of branch it was, with what interrupted, and the privilege levels where they are known. */
export function kindText({ kind, name, levels }: Pick<BranchRow, 'kind' | 'name' | 'levels'>): string {
  const kindName = KIND_NAMES[kind]();
  return [name === '' ? kindName : `${kindName}: ${name}`, ...(levels === '' ? [] : [levels])].join(' · ');
}

/** The icon of a kind: codicons. */
export function kindIcon(kind: ShownBranchKind): string {
  if (kind === 'exception') return 'error';
  if (kind === 'interrupt' || kind === 'software-interrupt') return 'zap';
  if (kind === 'call' || kind === 'indirect-call' || kind === 'system-call') return 'arrow-small-right';
  if (kind === 'return' || kind === 'interrupt-return' || kind === 'system-return') return 'arrow-small-left';
  return kind === 'conditional' ? 'git-branch' : 'debug-step-over';
}

/** The name by which people know a place best, and what else is known of it. */
export function endTexts({ place, symbol, line }: BranchEnd): { readonly name: string; readonly rest: string } {
  const texts = [symbol, line, place].filter((text) => text !== '');
  return { name: texts[0] as string, rest: texts.slice(1).join(' · ') };
}

/** Why there are no rows; '' where there are. */
export function emptyText({ state, isRecording, rows }: BranchesStatus): string {
  if (rows.length > 0) return '';
  if (state === 'none') return localized('Start debugging (F5) to see the last branches of the guest here.');
  if (state === 'ended') return localized('The session has ended.');
  return isRecording
    ? localized('No branch was taken since they are recorded.')
    : localized(
        'Branches are not recorded. While they are, no compiled code runs: the guest is slower, and sees nothing of it.',
      );
}
