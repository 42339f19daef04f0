/**
 * The map file of NASM's `bin` output format (`[map all]`, manual §8.1.4): where sections lie in the image and in
 * memory, and every label with its address, also those that macros made.
 */

export interface MappedSection {
  readonly name: string;
  /** Address at which its labels count, signed. */
  readonly virtualStart: number;
  /** Origin plus offset in the image. */
  readonly start: number;
  readonly length: number;
  readonly kind: 'progbits' | 'nobits';
}

export interface MappedSymbol {
  readonly name: string;
  readonly section: string;
  readonly virtualAddress: number;
}

export interface NasmMap {
  readonly origin: number;
  readonly sections: readonly MappedSection[];
  readonly symbols: readonly MappedSymbol[];
}

const HEADER = /^- NASM Map file -+$/m;

/** Takes a text apart that is a listing, or a listing with its map appended. */
export function splitNasmMap(text: string): { readonly listing: string; readonly map: string | undefined } {
  const at = HEADER.exec(text)?.index;
  return at === undefined ? { listing: text, map: undefined } : { listing: text.slice(0, at), map: text.slice(at) };
}

const SECTION = /^\s*([0-9A-F]+)\s+([0-9A-F]+)\s+([0-9A-F]+)\s+([0-9A-F]+)\s+(progbits|nobits)\s+(\S+)$/;
const SYMBOL = /^\s*([0-9A-F]+)\s+([0-9A-F]+)\s+(\S+)$/;

/** Reads a map file; parts that are missing are empty. */
export function parseNasmMap(text: string): NasmMap {
  const sections: MappedSection[] = [];
  const symbols: MappedSymbol[] = [];
  let chapter = '';
  let section = '';
  let origin = 0;
  for (const line of text.split(/\r?\n/)) {
    const heading = /^--(--)? (.+?) -+$/.exec(line);
    if (heading !== null) {
      if (heading[1] === undefined) chapter = heading[2] ?? '';
      section = heading[1] === undefined ? '' : (heading[2] ?? '').replace(/^Section /, '');
      continue;
    }
    if (chapter === 'Program origin' && /^[0-9A-F]+$/.test(line.trim())) origin = parseAddress(line.trim());
    if (chapter.startsWith('Sections (summary)')) pushDefined(sections, parseSection(line));
    if (chapter === 'Symbols' && section !== '' && section !== 'No Section') {
      pushDefined(symbols, parseSymbol(line, section));
    }
  }
  return { origin, sections, symbols };
}

function pushDefined<T>(list: T[], item: T | undefined): void {
  if (item !== undefined) list.push(item);
}

function parseSection(line: string): MappedSection | undefined {
  const match = SECTION.exec(line);
  if (match === null) return undefined;
  const number = (index: number): number => parseAddress(match[index] ?? '0');
  const kind = match[5] === 'nobits' ? 'nobits' : 'progbits';
  return { name: match[6] ?? '', virtualStart: number(1), start: number(2), length: number(4), kind };
}

/** Up to 16 digits; what lies in the upper half of 64 bits is a negative number. */
function parseAddress(digits: string): number {
  return Number(BigInt.asIntN(64, BigInt(`0x${digits}`)));
}

/** Labels that NASM makes up for macros (`..@12.loop`) are not the user's. */
function parseSymbol(line: string, section: string): MappedSymbol | undefined {
  const match = SYMBOL.exec(line);
  const name = match?.[3];
  if (match === null || name === undefined || name.startsWith('..@')) return undefined;
  return { name, section, virtualAddress: parseAddress(match[2] ?? '0') };
}
