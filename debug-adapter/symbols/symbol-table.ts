/**
 * What a debugger needs to know about sources: which line made which address and which label stands where. Everything is
 * keyed by linear addresses (signed where they lie in the upper half of 64-bit mode), so that a line holds whatever CS:IP pair
 * reaches its code.
 */

/**
 * A place in a source file. Lines count from 1. What a macro made belongs to the call at its first byte, and behind that to
 * the lines of the macro's body.
 */
export interface SourcePlace {
  /** One of `files()`. */
  readonly file: string;
  readonly line: number;
  /** True when the address is the first byte of what the line made (false: inside it). */
  readonly exact: boolean;
}

/** The bytes start ≤ address < end that one line made, the whole of what it expands to where it is a macro's call. */
export interface LineSpan {
  readonly start: number;
  readonly end: number;
}

/** A label with the linear address it stands for. Local labels carry their parent's name (`print.next`). */
export interface Label {
  readonly name: string;
  readonly address: number;
}

/** The nearest label at or before an address, in the same half of the address space. */
export interface LabelOffset {
  readonly name: string;
  readonly offset: number;
}

/** A source line with the addresses at which its code starts (several for macros, `times` and files assembled twice). */
export interface LineAddresses {
  readonly line: number;
  readonly addresses: readonly number[];
}

export interface SymbolTable {
  /**
   * The line itself, or the nearest one after it that made bytes; undefined when there is none in that file. A line of a
   * macro's body has the addresses of all expansions; neither does such a line lead to one behind the macro, nor one
   * before the macro into it. The file matches by path, with either separator and, if nothing else fits, by the end of the
   * path.
   */
  addressesOfLine(file: string, line: number): LineAddresses | undefined;
  /** The lines of a range that made bytes, ascending. */
  linesWithCode(file: string, first: number, last: number): readonly number[];
  /** The name of the macro whose definition has this line. */
  macroAt(file: string, line: number): string | undefined;
  lineAt(linearAddress: number): SourcePlace | undefined;
  /** What `lineAt` names of an address: all bytes of it that follow each other. */
  spanAt(linearAddress: number): LineSpan | undefined;
  /** What size of code the source says it is; undefined where it does not say. */
  codeSizeAt(linearAddress: number): 16 | 32 | 64 | undefined;
  /** Address of a label; a local label needs its full name. Case counts unless only another case fits. */
  label(name: string): number | undefined;
  nearestLabel(linearAddress: number): LabelOffset | undefined;
  /** Source files that made bytes or labels, as absolute paths where the loader knew the directory. */
  files(): readonly string[];
  labels(): Iterable<Label>;
  /** Addresses in start ≤ address < end at which the assembler began an instruction or datum, ascending. */
  lineBoundaries(start: number, end: number): number[];
}
