/** Searches and texts of the page-table view. */
import { describe, expect, it } from 'vitest';
import { ATTRIBUTE, KEY_SHIFT, PAT_SHIFT, RANGE_CHANGE } from '../../debug-adapter/protocol/page-tables.ts';
import { lastText, linearText, matchingRanges, type PageRange, parseSearch } from './page-model.ts';
import { initialSettings, restoredSettings } from './page-settings.ts';

const { USER, WRITABLE, NO_EXECUTE, GLOBAL } = ATTRIBUTE;
const range = (linear: number, attributes: number, more: Partial<PageRange> = {}): PageRange => ({
  ...{ linear, size: 0x2000, physical: 0x9000, pageSize: 0x1000, attributes, change: RANGE_CHANGE.SAME },
  ...more,
});
const RANGES = [
  range(0x1000, USER | WRITABLE, { change: RANGE_CHANGE.CHANGED }),
  range(0x4000, NO_EXECUTE | (3 << KEY_SHIFT), { physical: 0x20_0000 }),
  range(0x20_0000, GLOBAL | (2 << PAT_SHIFT), { pageSize: 0x20_0000 }),
  range(-0x2000, USER, { change: RANGE_CHANGE.GONE }),
];
const TYPES = ['WB', 'WT', 'UC-', 'UC'];

function found(text: string): readonly number[] | string {
  const search = parseSearch(text, TYPES);
  if (search === 'words') return 'words';
  if (search && 'unknown' in search) return `unknown ${search.unknown}`;
  return matchingRanges(RANGES, new Set(), search).map(({ linear }) => linear);
}

describe('the search', () => {
  it.each([
    ['', [0x1000, 0x4000, 0x20_0000, -0x2000]],
    ['0x2fff', [0x1000]],
    ['3000', []],
    ['p:9800', [0x1000, 0x20_0000]],
    ['p:200000h', [0x4000]],
    ['FFFF_FFFF_FFFF_E000', []],
    ['@user', [0x1000, -0x2000]],
    ['@user @rw', [0x1000]],
    ['!@user !@nx', [0x20_0000]],
    ['@NX @key:3', [0x4000]],
    ['@pat:2', [0x20_0000]],
    ['@type:uc-', [0x20_0000]],
    ['@size:2m', [0x20_0000]],
    ['@changed', [0x1000, -0x2000]],
    ['start+4', 'words'],
    ['@users', 'unknown @users'],
    ['@user writable', 'unknown writable'],
    ['@constructor', 'unknown @constructor'],
  ] as const)('for %j', (text, expected) => {
    expect(found(text)).toEqual(expected);
  });
});

describe('addresses', () => {
  it('are exact where numbers have no single bytes', () => {
    expect(linearText(-(2 ** 56), 5)).toBe('FF00000000000000');
    expect(lastText({ linear: -(2 ** 56), size: 0x1000 }, 5)).toBe('FF00000000000FFF');
    expect(lastText({ linear: 2 ** 56 - 0x1000, size: 0x1000 }, 5)).toBe('00FFFFFFFFFFFFFF');
    expect(lastText({ linear: 0xffff_f000, size: 0x1000 }, 2)).toBe('FFFFFFFF');
  });
});

describe('kept settings', () => {
  it('are taken as far as they are settings', () => {
    const kept = { ...initialSettings, tab: 'walk', root: '1000', mode: 'PAE', filters: ['user'], search: '@nx' };
    expect(restoredSettings(kept)).toEqual(kept);
    const broken = { tab: 'x', root: 1, mode: 2, filters: ['toString', 3], search: {}, walk: null, access: {} };
    expect(restoredSettings(broken)).toEqual(initialSettings);
    expect(restoredSettings(undefined)).toEqual(initialSettings);
  });
});
