/** What the attributes of a page say, as words and as what deserves a look. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
import { ATTRIBUTE, KEY_MASK, KEY_SHIFT, PAT_MASK, PAT_SHIFT } from '../../debug-adapter/protocol/page-tables.ts';

/** A short mark with its meaning; `kind` chooses its colour, never alone: the text says the same. */
export interface Badge {
  readonly text: string;
  readonly title: string;
  readonly kind: 'write' | 'user' | 'execute' | 'plain' | 'warning' | 'changed';
}

/** Write-back, which memory has unless it says otherwise. */
const USUAL_TYPE = 'WB';

/** Who may do what: always as many marks, so that those of one row stand below those of another. */
export function rightsOf(attributes: number): readonly Badge[] {
  const has = (bit: number): boolean => (attributes & bit) !== 0;
  return [
    has(ATTRIBUTE.USER)
      ? { text: 'U', title: localized('User'), kind: 'user' }
      : { text: 'S', title: localized('Supervisor only'), kind: 'plain' },
    has(ATTRIBUTE.WRITABLE)
      ? { text: 'RW', title: localized('Read and write'), kind: 'write' }
      : { text: 'RO', title: localized('Read only'), kind: 'plain' },
    has(ATTRIBUTE.NO_EXECUTE)
      ? { text: 'NX', title: localized('Not executable'), kind: 'plain' }
      : { text: 'X', title: localized('Executable'), kind: 'execute' },
  ];
}

/** The other flags, in a fixed order; memory types by their number in the PAT. */
export function flagsOf(attributes: number, memoryTypes: readonly string[] = []): readonly Badge[] {
  const has = (bit: number): boolean => (attributes & bit) !== 0;
  const badges: Badge[] = [];
  if (has(ATTRIBUTE.GLOBAL)) badges.push({ text: 'G', title: localized('Global'), kind: 'plain' });
  if (has(ATTRIBUTE.ACCESSED)) badges.push({ text: 'A', title: localized('Accessed'), kind: 'plain' });
  if (has(ATTRIBUTE.DIRTY)) badges.push({ text: 'D', title: localized('Dirty'), kind: 'plain' });
  const pat = (attributes & PAT_MASK) >> PAT_SHIFT;
  const type = memoryTypes[pat];
  if (type !== undefined && type !== USUAL_TYPE) {
    badges.push({ text: type, title: localized('Memory type {0}, entry {1} of the PAT', type, pat), kind: 'plain' });
  } else if (pat !== 0) {
    badges.push({ text: `PAT ${pat}`, title: localized('Entry {0} of the PAT', pat), kind: 'plain' });
  }
  const key = (attributes & KEY_MASK) >> KEY_SHIFT;
  if (key !== 0) badges.push({ text: `PK ${key}`, title: localized('Protection key {0}', key), kind: 'plain' });
  return badges;
}

/** Writable and executable at once. */
export function isWritableCode(attributes: number): boolean {
  return (attributes & (ATTRIBUTE.WRITABLE | ATTRIBUTE.NO_EXECUTE)) === ATTRIBUTE.WRITABLE;
}

/**
 * What is odd about a page. In the upper half of the address space lives the kernel. Where there is no NX, everything is
 * executable and nothing of it worth a mark.
 */
export function odditiesOf(attributes: number, linear: number, hasNoExecute: boolean): readonly Badge[] {
  const odd: Badge[] = [];
  if (hasNoExecute && isWritableCode(attributes)) {
    odd.push({ text: 'W+X', title: localized('Writable and executable'), kind: 'warning' });
  }
  if (linear < 0 && (attributes & ATTRIBUTE.USER) !== 0) {
    odd.push({ text: 'U!', title: localized("A user page in the kernel's half"), kind: 'warning' });
  }
  return odd;
}
