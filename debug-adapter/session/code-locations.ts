/**
 * Places in code that values lead to, as the protocol's references to locations: numbers below 2 to the 31st, which addresses
 * of 64 bits are not. A place without a source line is shown as a text of instructions.
 */
import { decodeInstruction, INSTRUCTION_LENGTH_MAX } from '../disassembly/decode-instruction.ts';
import { formatHex } from '../expressions/format.ts';
import { readSystemMemory } from './descriptors.ts';
import type { Guest } from './guest.ts';

/** A place in code, with what is needed to read it. */
export interface CodePlace {
  readonly linearAddress: number;
  /** In the code segment. */
  readonly offset: number;
  readonly codeSize: 16 | 32 | 64;
}

/** References to texts of instructions are references to locations and so much; those of listings are smaller. */
const TEXT_REFERENCE = 1 << 24;
/** A guest that changes its gates at every look gives old references up. */
const PLACES_MAX = 1 << 16;
const INSTRUCTIONS = 64;

export class CodeLocations {
  readonly #places: CodePlace[] = [];
  readonly #references = new Map<string, number>();
  #first = 1;

  /** The same place has the same reference. */
  referenceOf(place: CodePlace): number {
    const key = `${place.linearAddress} ${place.codeSize}`;
    const known = this.#references.get(key);
    if (known !== undefined) return known;
    if (this.#places.length === PLACES_MAX) this.#forget();
    const reference = this.#first + this.#places.length;
    this.#places.push(place);
    this.#references.set(key, reference);
    return reference;
  }

  /** Undefined for a reference that was not given out, or is given up. */
  placeOf(reference: number): CodePlace | undefined {
    return this.#places[reference - this.#first];
  }

  /** The place whose instructions a reference to a source asks for. */
  placeOfText(sourceReference: number): CodePlace | undefined {
    return this.placeOf(sourceReference - TEXT_REFERENCE);
  }

  #forget(): void {
    this.#first += this.#places.length;
    this.#places.length = 0;
    this.#references.clear();
  }
}

/** The text of a place as a source that the client can ask for. */
export function textSource(
  locationReference: number,
  { linearAddress, codeSize }: CodePlace,
): { name: string; sourceReference: number } {
  return {
    name: `${formatHex(linearAddress, codeSize === 64 ? 64 : 32)}.asm`,
    sourceReference: TEXT_REFERENCE + locationReference,
  };
}

/** Instructions from a place on, one a line, as memory holds them now. */
export function instructionsText(guest: Guest, { linearAddress, offset, codeSize }: CodePlace): string {
  const lines: string[] = [];
  let at = 0;
  while (lines.length < INSTRUCTIONS) {
    const { buffer, byteLength } = readSystemMemory(guest, linearAddress + at, INSTRUCTION_LENGTH_MAX);
    if (byteLength === 0) break;
    const bytes = new Uint8Array(buffer, 0, byteLength);
    const { text, length, target } = decodeInstruction(bytes, 0, codeSize, offset + at, guest.isAmd);
    const symbol = target === undefined ? undefined : guest.describeSymbol(linearAddress - offset + target);
    const label = guest.symbols.nearestLabel(linearAddress + at);
    if (label?.offset === 0) lines.push(`${label.name}:`);
    lines.push(
      `${formatHex(linearAddress + at, codeSize === 64 ? 64 : 32)}  ${text}${symbol === undefined ? '' : `  ; ${symbol}`}`,
    );
    at += length;
  }
  return `${lines.join('\n')}\n`;
}
