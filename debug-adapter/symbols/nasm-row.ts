/**
 * One row of a NASM listing file (`nasm -l`): columns as `asm/listing.c` of NASM 2.14 to 3 prints them. NASM's manual
 * (§2.1.3) shows the file but does not define it, so the tests keep listings that NASM printed.
 *
 *        8 0000001B E80D00              <1>  call print
 *     line offset   bytes              level source
 */

/** A byte of the image, or `HOLE` where NASM left the value to relocation. */
export type ListedByte = number;
export const HOLE = -1;

/** What the bytes column of one row says. */
export interface ListedData {
  /** In its section. */
  readonly offset: number;
  readonly bytes: readonly ListedByte[];
  /** Bytes that are reserved or included from a binary file: counted, not shown. */
  readonly unlisted: number;
  /** How often the statement is repeated (`times`); undefined: repeated, but this NASM does not say how often. */
  readonly repeat: number | undefined;
  /** True for space that `res…` reserves. */
  readonly reserved: boolean;
  /** The next row goes on with the bytes of this one. */
  readonly continues: boolean;
}

export interface NasmRow {
  readonly line: number;
  /** 0 in the main file; one more inside every include, macro and repetition. */
  readonly level: number;
  readonly text: string;
  readonly data: ListedData | undefined;
}

const ROW = /^ {0,5}(\d+)(?: (.*))?$/;
const DATA = /^([0-9A-F]{8}) ((?:[0-9A-F?[\]()-]|<[a-z]+(?: [0-9A-F]+h?)?>)+) *(.*)$/;
const LEVEL = /^ *<(\d+)>(?: (.*))?$/;
const MARK = /<([a-z]+)(?: ([0-9A-F]+)h?)?>/g;

/** Reads a row; undefined for lines that are no rows (NASM's warnings between them, empty lines). */
export function parseNasmRow(line: string): NasmRow | undefined {
  const row = ROW.exec(line);
  if (row === null) return undefined;
  const rest = row[2] ?? '';
  if (/^ {9}\*{6}/.test(rest)) return undefined;
  const data = DATA.exec(rest);
  const tail = data === null ? rest : (data[3] ?? '');
  const level = LEVEL.exec(tail);
  return {
    line: Number(row[1]),
    level: level === null ? 0 : Number(level[1]),
    text: (level === null ? tail : (level[2] ?? '')).trim(),
    data: data === null ? undefined : parseData(Number.parseInt(data[1] ?? '', 16), data[2] ?? ''),
  };
}

function parseData(offset: number, column: string): ListedData {
  let unlisted = 0;
  let repeat: number | undefined = 1;
  let reserved = false;
  for (const [, mark, count] of column.matchAll(MARK)) {
    if (mark === 'rep') repeat = Number.parseInt(count ?? '1', 16);
    else if (mark === 'rept') repeat = undefined;
    else if (count !== undefined) {
      unlisted += Number.parseInt(count, 16);
      reserved ||= mark === 'res';
    }
  }
  const digits = column.replaceAll(MARK, '');
  reserved ||= digits.includes('?');
  return { offset, bytes: parseBytes(digits), unlisted, repeat, reserved, continues: digits.endsWith('-') };
}

/** `[…]` are absolute relocations, `(…)` relative ones, `??` reserved bytes: none of them is what the image holds. */
function parseBytes(digits: string): ListedByte[] {
  const bytes: ListedByte[] = [];
  let relocated = false;
  for (let at = 0; at < digits.length; ) {
    const character = digits[at] ?? '';
    if ('[]()-'.includes(character)) {
      if (character !== '-') relocated = '[('.includes(character);
      at += 1;
      continue;
    }
    const byte = digits.slice(at, at + 2);
    bytes.push(relocated || byte.includes('?') ? HOLE : Number.parseInt(byte, 16));
    at += 2;
  }
  return bytes;
}
