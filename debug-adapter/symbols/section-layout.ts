/**
 * Where the sections of a listing lie in the image: from the map if there is one, else by the rules of NASM's `bin`
 * format (manual §8.1.2), and in any case compared with the image's bytes, which also find a section that the rules
 * cannot place.
 */

import type { ListedSection, ListedStatement, NasmListing } from './nasm-listing.ts';
import { HOLE } from './nasm-row.ts';

export interface PlacedSection {
  readonly section: ListedSection;
  /** From the first byte of what this listing made. */
  readonly imageOffset: number;
  /** Address at which its labels count, if the source says so. */
  readonly virtualStart: number | undefined;
  /** True if `vstart=` sets the address apart from the place in the image. */
  readonly movesAway: boolean;
}

export interface SectionLayout {
  readonly sections: readonly PlacedSection[];
  /** Statements whose bytes differ from the image, the first of each section. */
  readonly mismatches: readonly Mismatch[];
}

export interface Mismatch {
  readonly section: ListedSection;
  readonly statement: ListedStatement;
  readonly imageOffset: number;
}

/** `image` holds the bytes this listing made, or as many of them as are at hand; without it nothing is compared. */
export function layOutSections(listing: NasmListing, image: Uint8Array | undefined): SectionLayout {
  const placed = listing.map === undefined ? layOutByRules(listing) : layOutByMap(listing);
  const mismatches: Mismatch[] = [];
  const sections = placed.map((candidate) => {
    if (image === undefined) return candidate;
    const wrong = findMismatch(candidate.section, image, candidate.imageOffset);
    if (wrong === undefined) return candidate;
    const imageOffset = findSection(candidate.section, image);
    if (imageOffset !== undefined) return { ...candidate, imageOffset };
    mismatches.push({
      section: candidate.section,
      statement: wrong,
      imageOffset: candidate.imageOffset + wrong.offset,
    });
    return candidate;
  });
  return { sections, mismatches };
}

function layOutByMap(listing: NasmListing): PlacedSection[] {
  const origin = listing.map?.origin ?? 0;
  const placed: PlacedSection[] = [];
  for (const section of listing.sections) {
    const mapped = listing.map?.sections.find(({ name }) => name === section.name);
    if (mapped === undefined) continue;
    const movesAway = mapped.virtualStart !== mapped.start;
    placed.push({ section, imageOffset: mapped.start - origin, virtualStart: mapped.virtualStart, movesAway });
  }
  return placed;
}

/** Sections without `align=` start at multiples of this, except the first. */
const SECTION_ALIGNMENT = 4;

function layOutByRules(listing: NasmListing): PlacedSection[] {
  const { origin } = listing;
  const placed: PlacedSection[] = [];
  let end = 0;
  for (const section of orderSections(listing)) {
    const attribute = (name: string): number | undefined => {
      const expression = section.attributes[name];
      return expression === undefined ? undefined : listing.valueOf(expression);
    };
    const alignment = Math.max(1, attribute('align') ?? (placed.length === 0 ? 1 : SECTION_ALIGNMENT));
    const start = attribute('start');
    const imageOffset = start === undefined ? Math.ceil(end / alignment) * alignment : start - (origin ?? 0);
    const virtualStart = attribute('vstart');
    placed.push({
      section,
      imageOffset,
      virtualStart: virtualStart ?? (origin === undefined ? undefined : origin + imageOffset),
      movesAway: virtualStart !== undefined,
    });
    end = imageOffset + sizeOf(section);
  }
  return placed;
}

/** `.text` first, the rest as it appears, reserved space last; `follows=` moves a section behind another. */
function orderSections(listing: NasmListing): ListedSection[] {
  const inMemory = listing.sections.filter((section) => !section.absolute && section.statements.length > 0);
  const isReserved = (section: ListedSection): boolean => section.statements.every((statement) => statement.reserved);
  const rank = (section: ListedSection): number => (isReserved(section) ? 2 : section.name === '.text' ? 0 : 1);
  const ordered = inMemory.toSorted((first, second) => rank(first) - rank(second));
  for (const section of inMemory) {
    const follows = ordered.findIndex(({ name }) => name === section.attributes['follows']);
    if (follows < 0) continue;
    const [leader] = ordered.slice(follows, follows + 1);
    ordered.splice(ordered.indexOf(section), 1);
    ordered.splice(leader === undefined ? ordered.length : ordered.indexOf(leader) + 1, 0, section);
  }
  return ordered;
}

function sizeOf(section: ListedSection): number {
  const last = section.statements.reduce<ListedStatement | undefined>(
    (latest, statement) => (latest === undefined || statement.offset >= latest.offset ? statement : latest),
    undefined,
  );
  return last === undefined ? 0 : last.offset + (last.length ?? last.bytes.length);
}

/** The first statement whose bytes are not those of the image; what lies beyond the image cannot differ. */
function findMismatch(section: ListedSection, image: Uint8Array, imageOffset: number): ListedStatement | undefined {
  return section.statements.find((statement) => !statementMatches(statement, image, imageOffset + statement.offset));
}

function statementMatches(statement: ListedStatement, image: Uint8Array, at: number): boolean {
  if (statement.reserved || at < 0 || statement.length === 0) return true;
  return statement.bytes.every((byte, index) => {
    const actual = image[at + index];
    return byte === HOLE || actual === undefined || actual === byte;
  });
}

/** Searching is worth it only with enough bytes to go by. */
const SIGNATURE_SIZE_MIN = 4;
/** Places tried at most: an image of one repeated byte must not keep us. */
const CANDIDATES_MAX = 256;

/** Looks for a section in the image by its bytes. */
function findSection(section: ListedSection, image: Uint8Array): number | undefined {
  const signature = section.statements.reduce<ListedStatement | undefined>((best, statement) => {
    const usable = !statement.reserved && !statement.bytes.includes(HOLE);
    return usable && statement.bytes.length > (best?.bytes.length ?? SIGNATURE_SIZE_MIN - 1) ? statement : best;
  }, undefined);
  if (signature === undefined) return undefined;
  const first = signature.bytes[0] ?? 0;
  const size = sizeOf(section);
  let candidates = 0;
  for (let at = image.indexOf(first); at >= 0; at = image.indexOf(first, at + 1)) {
    const imageOffset = at - signature.offset;
    if (imageOffset < 0 || imageOffset + size > image.length || !statementMatches(signature, image, at)) continue;
    if (findMismatch(section, image, imageOffset) === undefined) return imageOffset;
    candidates += 1;
    if (candidates === CANDIDATES_MAX) return undefined;
  }
  return undefined;
}
