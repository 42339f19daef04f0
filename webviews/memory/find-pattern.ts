/** What the search box holds, as bytes to look for. */
import { PATTERN_MAX } from '../../debug-adapter/protocol/memory.ts';
import { byteOf } from './code-page.ts';

export type FindMode = 'bytes' | 'text';

export interface FindPattern {
  readonly pattern: Uint8Array<ArrayBuffer>;
  /** Bits that must be equal. */
  readonly mask: Uint8Array<ArrayBuffer>;
}

/** Bit by which letters of ASCII differ in case. */
const CASE_BIT = 0x20;

/** Reads `EB FE`, `ebfe` or `B8 ?? 0?` (question marks match any digit), or text; the message says what is wrong. */
export function parsePattern(
  text: string,
  mode: FindMode,
  matchCase: boolean,
): FindPattern | { readonly message: string } {
  const pairs = mode === 'bytes' ? bytePairs(text) : textPairs(text, matchCase);
  if (typeof pairs === 'string') return { message: pairs };
  if (pairs.length === 0) return { message: 'Type what to look for.' };
  if (pairs.length > PATTERN_MAX) return { message: `At most ${PATTERN_MAX} bytes can be looked for.` };
  if (pairs.every(([, mask]) => mask === 0)) return { message: 'Every byte matches that.' };
  return { pattern: Uint8Array.from(pairs, ([byte]) => byte), mask: Uint8Array.from(pairs, ([, mask]) => mask) };
}

type Pair = readonly [byte: number, mask: number];

function bytePairs(text: string): readonly Pair[] | string {
  const pairs: Pair[] = [];
  for (const word of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const digits = word.replace(/^0x/i, '').replace(/h$/i, '');
    if (!/^[0-9a-f?]+$/i.test(digits)) return `${word} is not hexadecimal; text can be looked for as Text.`;
    const even = digits.length === 1 ? `0${digits}` : digits;
    if (even.length % 2 !== 0) return `${word} ends in half a byte.`;
    for (const [digitPair] of even.matchAll(/../g)) {
      pairs.push([
        Number.parseInt(digitPair.replaceAll('?', '0'), 16),
        Number.parseInt(digitPair.replace(/[^?]/g, 'f').replaceAll('?', '0'), 16),
      ]);
    }
  }
  return pairs;
}

function textPairs(text: string, matchCase: boolean): readonly Pair[] | string {
  const pairs: Pair[] = [];
  for (const character of text) {
    const byte = byteOf(character);
    if (byte === undefined) return `${character} is not in code page 437.`;
    const caseless = !matchCase && /^[a-z]$/i.test(character);
    pairs.push([byte, caseless ? 0xff & ~CASE_BIT : 0xff]);
  }
  return pairs;
}

/** An address of the range to search: hexadecimal, with or without a mark; `otherwise` when nothing stands there. */
export function parseBound(text: string, otherwise: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return otherwise;
  const match = /^(?:0x)?([0-9a-f]{1,8})h?$/i.exec(trimmed);
  return match ? Number.parseInt(match[1] as string, 16) : undefined;
}
