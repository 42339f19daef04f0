/** Commands that look at memory: `x`, `dis`, `find`. Addresses are linear, or physical behind `p:`. */
import { localized } from '../../protocol/localized.ts';
import { plus } from '../../../vm-core/index.ts';
import { formatHex } from '../../expressions/format.ts';
import { instructionText, listInstructions, placeText } from '../code-listing.ts';
import type { Debuggee } from '../debuggee.ts';
import { exactPlace, formatReference, type MemoryPlace, type Place, readPlace, resolveMemoryName } from '../places.ts';
import { ramStretches } from '../ram-stretches.ts';
import { UserError } from '../user-error.ts';
import { type ConsoleCommand, countOf, hex } from './console-command.ts';
import { styled } from './styles.ts';

const DUMPED_MAX = 4096;
const INSTRUCTIONS_MAX = 500;
const ROW_SIZE = 16;
const SEARCHED_MAX = 256 * 1024 * 1024;
const CHUNK_SIZE = 1024 * 1024;
const HITS_MAX = 32;
const UNIT_SIZES: Readonly<Record<string, number>> = { b: 1, w: 2, d: 4, q: 8 };

export const memoryCommands: readonly ConsoleCommand[] = [
  {
    name: 'x',
    usage: '[address [count [b|w|d|q]]]',
    help: 'Shows memory as bytes, words, doublewords or quadwords and as text; without an address what DS:SI or RSI points at.',
    run: (debuggee, [address = debuggee.guest.is64Bit ? 'rsi' : 'ds:si', count, unit = 'b']) => {
      const size = UNIT_SIZES[unit];
      if (size === undefined)
        throw new UserError('bad-argument', localized('{0}: write b, w, d or q for the size of units', unit));
      const length = countOf(count, 128 / size, DUMPED_MAX / size) * size;
      return dump(debuggee, placeNamed(debuggee, address), length, size);
    },
  },
  {
    name: 'dis',
    usage: '[address [count]]',
    help: 'Shows instructions; without an address those that come next.',
    run: (debuggee, [address, count]) => {
      const { guest } = debuggee;
      const next = { space: 'linear', address: guest.vcpu.linearEip } as const;
      const place = address === undefined ? next : exactPlace(placeNamed(debuggee, address));
      return list(debuggee, place, countOf(count, 10, INSTRUCTIONS_MAX));
    },
  },
  {
    name: 'find',
    usage: '"text" | bytes…',
    help: 'Finds a text or bytes such as 55 AA in the physical memory.',
    words: () => [],
    run: (debuggee, words) => find(debuggee, patternOf(words)),
  },
];

function placeNamed({ guest }: Debuggee, text: string): MemoryPlace {
  const isPhysical = /^p:/i.test(text);
  const address = resolveMemoryName(guest, isPhysical ? text.slice(2) : text);
  return { space: isPhysical ? 'physical' : 'linear', address };
}

function dump(debuggee: Debuggee, place: MemoryPlace, length: number, size: number): string {
  const { addressWidth } = debuggee.guest;
  const bytes = readPlace(debuggee.guest, place, length);
  if (bytes.length === 0)
    throw new UserError('bad-address', localized('nothing is mapped at {0}', formatReference(place, addressWidth)));
  const rows: string[] = [];
  for (let at = 0; at < bytes.length; at += ROW_SIZE) {
    const row = bytes.subarray(at, at + ROW_SIZE);
    const address = formatReference({ ...place, address: plus(place.address, at) }, addressWidth);
    const width = (ROW_SIZE / size) * (size * 2 + 1);
    const text = [...row].map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    rows.push(`${styled(debuggee, 'faint', address)}  ${unitsOf(row, size).join(' ').padEnd(width)} ${text}`);
  }
  if (bytes.length < length) rows.push('(nothing is mapped behind that)');
  return rows.join('\n');
}

function unitsOf(row: Uint8Array, size: number): readonly string[] {
  const units: string[] = [];
  for (let at = 0; at < row.length; at += size) {
    const unit = row.subarray(at, at + size);
    units.push(
      [...unit]
        .reverse()
        .map((byte) => hex(byte, 2))
        .join(''),
    );
  }
  return units;
}

function list(debuggee: Debuggee, place: Place, count: number): string {
  const { guest } = debuggee;
  const isLinear = place.space === 'linear';
  const listed = listInstructions(guest, place, 0, count);
  const placed = listed.map(({ address }) =>
    isLinear ? placeText(guest, address) : formatReference({ ...place, address }),
  );
  const width = Math.max(...placed.map((where) => where.length));
  const lines = listed.map(({ address, bytes, instruction, codeSize }, index) => {
    const where = (placed[index] ?? '').padEnd(width);
    const shown = [...bytes].map((byte) => hex(byte, 2)).join(' ');
    const text =
      instruction === undefined ? '??' : isLinear ? instructionText(guest, instruction, codeSize) : instruction.text;
    const mark = isLinear && address === guest.vcpu.linearEip ? '→' : ' ';
    return `${mark} ${styled(debuggee, 'faint', where)} ${shown.padEnd(22)} ${text}`;
  });
  return lines.join('\n');
}

/** Throws a UserError for what is neither a quoted text nor bytes. */
function patternOf(words: readonly string[]): Uint8Array {
  const [first = ''] = words;
  const quoted = /^"([^"]+)"$/.exec(first)?.[1];
  if (quoted !== undefined && words.length === 1) return Uint8Array.from(quoted, (char) => char.charCodeAt(0));
  const bytes = words.map((word) => (/^[0-9a-f]{2}$/i.test(word) ? Number.parseInt(word, 16) : -1));
  if (bytes.length > 0 && !bytes.includes(-1)) return Uint8Array.from(bytes);
  throw new UserError('bad-argument', localized('find: write a text in quotes, or bytes of two hexadecimal digits'));
}

function find(debuggee: Debuggee, pattern: Uint8Array): string {
  const { memory, config } = debuggee.guest.machine;
  const hits: string[] = [];
  const ends: string[] = [];
  let left = SEARCHED_MAX;
  for (const stretch of ramStretches(config)) {
    const end = Math.min(stretch.end, stretch.start + left);
    left -= end - stretch.start;
    ends.push(formatHex(end, 32));
    for (let start = stretch.start; start < end && hits.length < HITS_MAX; start += CHUNK_SIZE) {
      const chunk = memory.read(start, Math.min(CHUNK_SIZE + pattern.length - 1, end - start));
      for (const at of occurrences(chunk, pattern)) {
        if (at < CHUNK_SIZE) hits.push(formatReference({ space: 'physical', address: start + at }));
      }
    }
  }
  if (hits.length === 0) return `not found below ${ends.join(', nor from 4 GiB to ')}`;
  const shown = hits.slice(0, HITS_MAX).join('\n');
  return hits.length >= HITS_MAX ? `${shown}\n(and maybe more)` : shown;
}

function* occurrences(bytes: Uint8Array, pattern: Uint8Array): Iterable<number> {
  const first = pattern[0] as number;
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) {
    if (pattern.every((byte, index) => bytes[at + index] === byte)) yield at;
  }
}
