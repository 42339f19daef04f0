/** The search for attributes: `@user !@nx @key:3`, all of which have to hold. */
import {
  ATTRIBUTE,
  KEY_MASK,
  KEY_SHIFT,
  PAT_MASK,
  PAT_SHIFT,
  RANGE_CHANGE,
} from '../../debug-adapter/protocol/page-tables.ts';
import type { PageRange } from './page-model.ts';

type Test = (range: PageRange, memoryTypes: readonly string[]) => boolean;

const has =
  (bit: number): Test =>
  ({ attributes }) =>
    (attributes & bit) !== 0;
const lacks =
  (bit: number): Test =>
  ({ attributes }) =>
    (attributes & bit) === 0;

/** Words that stand alone, as the badges have them and written out. */
const WORDS: Readonly<Record<string, Test>> = {
  user: has(ATTRIBUTE.USER),
  u: has(ATTRIBUTE.USER),
  supervisor: lacks(ATTRIBUTE.USER),
  s: lacks(ATTRIBUTE.USER),
  writable: has(ATTRIBUTE.WRITABLE),
  rw: has(ATTRIBUTE.WRITABLE),
  readonly: lacks(ATTRIBUTE.WRITABLE),
  ro: lacks(ATTRIBUTE.WRITABLE),
  executable: lacks(ATTRIBUTE.NO_EXECUTE),
  x: lacks(ATTRIBUTE.NO_EXECUTE),
  nx: has(ATTRIBUTE.NO_EXECUTE),
  global: has(ATTRIBUTE.GLOBAL),
  g: has(ATTRIBUTE.GLOBAL),
  accessed: has(ATTRIBUTE.ACCESSED),
  a: has(ATTRIBUTE.ACCESSED),
  dirty: has(ATTRIBUTE.DIRTY),
  d: has(ATTRIBUTE.DIRTY),
  changed: ({ change }) => change !== RANGE_CHANGE.SAME,
};

/** Words with a value behind a colon. */
const VALUES: Readonly<Record<string, (value: string) => Test>> = {
  key: (value) => numbered(KEY_MASK, KEY_SHIFT, value),
  pk: (value) => numbered(KEY_MASK, KEY_SHIFT, value),
  pat: (value) => numbered(PAT_MASK, PAT_SHIFT, value),
  type:
    (value) =>
    ({ attributes }, memoryTypes) =>
      memoryTypes[(attributes & PAT_MASK) >> PAT_SHIFT]?.toLowerCase() === value,
  size:
    (value) =>
    ({ pageSize }) =>
      ({ '4k': 2 ** 12, '2m': 2 ** 21, '4m': 2 ** 22, '1g': 2 ** 30 })[value] === pageSize,
};

const numbered =
  (mask: number, shift: number, value: string): Test =>
  ({ attributes }) =>
    (attributes & mask) >> shift === Number(value);

/** What a reader may write, for a message. */
export const ATTRIBUTE_WORDS = '@user @rw @x @nx @global @dirty @changed @key:1 @pat:2 @type:uc @size:2m';

/** The attributes of a search text that begins with `@` or `!@`; the word that is none of them otherwise. */
export function parseAttributes(text: string): { readonly test: Test } | { readonly unknown: string } {
  const tests: Test[] = [];
  for (const word of text.trim().toLowerCase().split(/\s+/)) {
    const [, no, name = '', value] = /^(!?)@([a-z]+)(?::([a-z0-9-]+))?$/.exec(word) ?? [];
    const test = value === undefined ? lookUp(WORDS, name) : lookUp(VALUES, name)?.(value);
    if (!test) return { unknown: word };
    tests.push(no ? (range, types) => !test(range, types) : test);
  }
  return { test: (range, types) => tests.every((test) => test(range, types)) };
}

function lookUp<Value>(table: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
