/** What the search box holds, as bytes to look for. */
import { localized } from '../../debug-adapter/protocol/localized.ts';
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
  if (pairs.length === 0) return { message: localized('Type what to look for.') };
  if (pairs.length > PATTERN_MAX) return { message: localized('At most {0} bytes can be looked for.', PATTERN_MAX) };
  if (pairs.every(([, mask]) => mask === 0)) return { message: localized('Every byte matches that.') };
  return { pattern: Uint8Array.from(pairs, ([byte]) => byte), mask: Uint8Array.from(pairs, ([, mask]) => mask) };
}

type Pair = readonly [byte: number, mask: number];

function bytePairs(text: string): readonly Pair[] | string {
  const pairs: Pair[] = [];
  for (const word of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const digits = word.replace(/^0x/i, '').replace(/h$/i, '');
    if (!/^[0-9a-f?]+$/i.test(digits))
      return localized('{0} is not hexadecimal; text can be looked for as Text.', word);
    const even = digits.length === 1 ? `0${digits}` : digits;
    if (even.length % 2 !== 0) return localized('{0} ends in half a byte.', word);
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
    if (byte === undefined) return localized('{0} is not in code page 437.', character);
    const caseless = !matchCase && /^[a-z]$/i.test(character);
    pairs.push([byte, caseless ? 0xff & ~CASE_BIT : 0xff]);
  }
  return pairs;
}

/** An address of the range to search, signed: hexadecimal, with or without a mark; `otherwise` when nothing stands there. */
export function parseBound(text: string, otherwise: number): number | undefined {
  const trimmed = text.trim();
  if (trimmed === '') return otherwise;
  const match = /^(?:0x)?([0-9a-f]{1,16})h?$/i.exec(trimmed);
  const address = match ? Number(BigInt.asIntN(64, BigInt(`0x${match[1]}`))) : undefined;
  return Number.isSafeInteger(address) ? address : undefined;
}
