/**
 * A whole NASM listing as statements, sections and labels. The listing names no files and no labels: both are read from
 * the source text it shows, by following includes, macros and repetitions through their nesting levels (nasm-row.ts).
 */

import { conditionKind, NasmConditions } from './nasm-conditions.ts';
import { evaluateNasmExpression } from './nasm-expression.ts';
import { type ListedMacro, macroName, NasmMacros } from './nasm-macros.ts';
import { type NasmMap, parseNasmMap, splitNasmMap } from './nasm-map.ts';
import { type ListedByte, type ListedData, type NasmRow, parseNasmRow } from './nasm-row.ts';
import {
  definedLabel,
  definition,
  includedName,
  macroParameters,
  NASM_NAME,
  sectionDirective,
  stripComment,
  substituteParameters,
} from './nasm-source.ts';

/** Where a statement was written. `file` is the name as the include directive has it; undefined: the main file. */
export interface ListedPlace {
  readonly file: string | undefined;
  readonly line: number;
}

/** What one source statement made: usually one row, more for long data. */
export interface ListedStatement {
  /** Of what a macro made, the outermost call. */
  readonly place: ListedPlace;
  /** From there to the line of the innermost macro's body; empty outside macros. Statements of one call share its place. */
  readonly expanded: readonly ListedPlace[];
  /** In its section. */
  readonly offset: number;
  /** The bytes of the first repetition. */
  readonly bytes: readonly ListedByte[];
  /** All repetitions; undefined where this NASM does not say. */
  readonly length: number | undefined;
  readonly reserved: boolean;
  /** What `bits` said; undefined before the first of them. */
  readonly codeSize: 16 | 32 | 64 | undefined;
}

export interface ListedLabel {
  readonly name: string;
  readonly offset: number;
}

export interface ListedSection {
  readonly name: string;
  /** Values as written: `vstart`, `follows`, `align`, `start` … Keys in lower case. */
  readonly attributes: Readonly<Record<string, string>>;
  /** True for `absolute` and `struc`: offsets are plain numbers and nothing is in the image. */
  readonly absolute: boolean;
  readonly statements: readonly ListedStatement[];
  readonly labels: readonly ListedLabel[];
}

export interface NasmListing {
  readonly sections: readonly ListedSection[];
  /** From `org`; undefined without one, or if its expression is beyond us. */
  readonly origin: number | undefined;
  /** Include names in the order of their first appearance. */
  readonly includes: readonly string[];
  readonly macros: readonly ListedMacro[];
  /** The map file, if one was appended to the listing (see node-host.ts). */
  readonly map: NasmMap | undefined;
  /** Value of an expression of the source's constants. */
  valueOf(expression: string): number | undefined;
}

/** Reads a listing. Never throws: lines that are no listing rows are skipped. */
export function parseNasmListing(text: string): NasmListing {
  const { listing, map } = splitNasmMap(text);
  const rows: NasmRow[] = [];
  for (const line of listing.split(/\r?\n/)) {
    const row = parseNasmRow(line);
    if (row !== undefined) rows.push(row);
  }
  const reader = new ListingReader();
  for (const [index, row] of rows.entries()) reader.read(row, rows[index + 1]);
  return reader.finish(map === undefined ? undefined : parseNasmMap(map));
}

/** What surrounds the rows of one nesting level. */
interface Frame {
  /** Name of the file that the rows' line numbers belong to. */
  file: string | undefined;
  /** Inside a macro: its call, behind the calls that led to that; everything belongs to the first. */
  readonly calls: readonly ListedPlace[];
  /** False inside a macro whose definition is not known (yet): the lines are of no file we know. */
  known: boolean;
  /** The line that called the macro. */
  readonly call: { readonly row: NasmRow; readonly text: string } | undefined;
  readonly parameters: readonly string[];
}

const MAIN_FRAME: Frame = { file: undefined, calls: [], known: true, call: undefined, parameters: [] };

interface OpenSection {
  readonly name: string;
  readonly attributes: Record<string, string>;
  readonly absolute: boolean;
  readonly statements: ListedStatement[];
  readonly labels: ListedLabel[];
  /** Labels that stand for the next statement's offset. */
  waiting: string[];
  /** Where the next statement goes, as far as known. */
  end: number;
}

const LABEL_ALONE = new RegExp(`^${NASM_NAME}\\s*:$`);
const TEXT_SECTION = '.text';
/** Definitions that one expression may lead to; one that names itself has no value. */
const DEFINITIONS_PER_EXPRESSION_MAX = 100;

class ListingReader {
  private readonly frames: Frame[] = [{ ...MAIN_FRAME }];
  private readonly sections = new Map<string, OpenSection>();
  private section = this.enterSection(TEXT_SECTION, {}, false);
  /** The section to go back to after `struc`. */
  private outerSection: OpenSection | undefined;
  private readonly definitions = new Map<string, string>();
  private readonly includes = new Set<string>();
  private readonly macros = new NasmMacros();
  private readonly conditions = new NasmConditions((expression) => this.valueOf(expression));
  private origin: number | undefined;
  private codeSize: ListedStatement['codeSize'];
  private parentLabel = '';
  /** A definition whose body is being listed: its opening word and how deep the same word nests in it. */
  private body: { readonly end: RegExp; readonly start: RegExp; depth: number; readonly isMacro: boolean } | undefined;
  /** The last row with source text, which opens the next level. */
  private opener: { readonly row: NasmRow; readonly text: string } | undefined;
  /** Bytes of a statement whose next row is still to come. */
  private partial: (Omit<ListedStatement, 'length' | 'reserved'> & { readonly bytes: ListedByte[] }) | undefined;

  read(row: NasmRow, next: NasmRow | undefined): void {
    if (this.partial === undefined) this.followLevel(row);
    const frame = this.frames[row.level] ?? this.topFrame();
    if (!frame.known) this.findMacro(frame, row);
    if (row.data !== undefined) {
      // The bodies of definitions and the branches not taken make no bytes.
      this.body = undefined;
      this.section.waiting.push(...this.conditions.sawCode());
    }
    this.readText(row, substituteParameters(stripComment(row.text), frame.parameters), next);
    if (row.data !== undefined) this.readData(row.data, placesOf(frame, row));
  }

  finish(map: NasmMap | undefined): NasmListing {
    for (const section of this.sections.values()) this.settleLabels(section, section.end);
    return {
      sections: [...this.sections.values()],
      origin: map?.origin ?? this.origin,
      includes: [...this.includes],
      macros: this.macros.all(),
      map,
      valueOf: (expression) => this.valueOf(expression),
    };
  }

  private topFrame(): Frame {
    return this.frames.at(-1) as Frame;
  }

  /** Closes and opens frames so that there is one for the row's level. */
  private followLevel(row: NasmRow): void {
    this.frames.length = Math.min(this.frames.length, row.level + 1);
    while (this.frames.length <= row.level) this.frames.push(this.openFrame());
  }

  private openFrame(): Frame {
    const parent = this.topFrame();
    const opener = this.opener;
    if (opener === undefined) return { ...parent };
    const name = includedName(opener.text, (define) => this.definitions.get(define));
    if (name !== undefined) {
      this.includes.add(name);
      return { ...MAIN_FRAME, file: name };
    }
    if (/^%endrep\b/i.test(opener.text)) return { ...parent };
    const call = parent.known ? [{ file: parent.file, line: opener.row.line }] : [];
    return {
      file: undefined,
      calls: [...parent.calls, ...call],
      known: false,
      call: opener,
      parameters: macroParameters(opener.text),
    };
  }

  /** The first row that is of its body tells the macro. A label in front of the call is listed before, as if it were one. */
  private findMacro(frame: Frame, row: NasmRow): void {
    const text = stripComment(row.text);
    const { call } = frame;
    if (call === undefined || text === '' || (row.line === call.row.line && LABEL_ALONE.test(text))) return;
    const macro = this.macros.expandedBy(call.text, row.line, text);
    if (macro === undefined) return;
    frame.file = macro.file;
    frame.known = true;
  }

  private readText(row: NasmRow, text: string, next: NasmRow | undefined): void {
    if (text === '') return;
    this.opener = { row, text };
    if (this.skipsBody(row, text)) return;
    if (conditionKind(text) !== undefined) {
      this.conditions.read(text, this.definitions);
      return;
    }
    if (this.conditions.dead) return;
    if (text.startsWith('%')) this.readPreprocessor(text, row.level);
    else if (!this.readDirective(text)) this.readLabel(row, text, next);
  }

  /** True for the lines of a `%macro` or `%rep` body, which NASM lists once as they are written. */
  private skipsBody(row: NasmRow, text: string): boolean {
    const body = this.body;
    if (body !== undefined) {
      if (body.start.test(text)) body.depth += 1;
      else if (body.end.test(text)) body.depth -= 1;
      if (body.isMacro) this.macros.addLine(row.line, stripComment(row.text));
      if (body.depth > 0) return true;
      if (body.isMacro) this.macros.end(row.line);
      this.body = undefined;
      return true;
    }
    const name = macroName(text);
    if (name !== undefined) {
      const { file, known } = this.frames[row.level] ?? this.topFrame();
      if (known) this.macros.begin(name, file, row.line);
      this.body = { start: /^%i?r?macro\b/i, end: /^%endm(acro)?\b/i, depth: 1, isMacro: known };
    } else if (/^%rep\b/i.test(text)) {
      this.body = { start: /^%rep\b/i, end: /^%endrep\b/i, depth: 1, isMacro: false };
    }
    return this.body !== undefined;
  }

  private readPreprocessor(text: string, level: number): void {
    const defined = definition(text);
    if (defined !== undefined) this.definitions.set(defined.name, defined.value);
    const line = /^%line\s+\d+(?:\s*\+\s*\d+)?\s+(.+)$/i.exec(text);
    const frame = this.frames[level];
    if (line === null || frame === undefined) return;
    frame.file = (line[1] ?? '').trim();
    this.includes.add(frame.file);
  }

  /** True if the text was a directive that is of interest here. */
  private readDirective(text: string): boolean {
    const directive = sectionDirective(text);
    switch (directive?.kind) {
      case 'section':
        this.section = this.enterSection(directive.name, directive.attributes, false);
        return true;
      case 'absolute':
        this.section = this.enterSection(`absolute ${directive.expression}`, {}, true);
        return true;
      case 'struc':
        this.outerSection = this.section;
        this.section = this.enterSection('struc', {}, true);
        this.section.waiting = [];
        return true;
      case 'endstruc':
        this.section = this.outerSection ?? this.section;
        return true;
      case 'origin':
        this.origin = this.valueOf(directive.expression);
        return true;
      case 'bits':
        this.codeSize = directive.codeSize;
        return true;
      case 'align':
        if ((this.valueOf(this.section.attributes['align'] ?? '1') ?? 1) < (this.valueOf(directive.expression) ?? 1)) {
          this.section.attributes['align'] = directive.expression;
        }
        return true;
      default:
        return false;
    }
  }

  private readLabel(row: NasmRow, text: string, next: NasmRow | undefined): void {
    const opensLevel = next !== undefined && next.level > row.level;
    const label = definedLabel(text, row.data !== undefined || opensLevel);
    if (label === undefined || this.section.name === 'struc') return;
    if (label.constant !== undefined) {
      this.definitions.set(label.name, label.constant);
      return;
    }
    if (!label.name.startsWith('.')) this.parentLabel = label.name;
    const name = label.name.startsWith('.') ? this.parentLabel + label.name : label.name;
    if (this.conditions.holdLabel(name) || this.section.waiting.includes(name)) return;
    this.section.waiting.push(name);
  }

  private readData(data: ListedData, [place, ...expanded]: Places): void {
    const { section } = this;
    const start = this.partial ?? { place, expanded, offset: data.offset, bytes: [], codeSize: this.codeSize };
    start.bytes.push(...data.bytes);
    this.partial = data.continues ? start : undefined;
    if (data.continues) return;
    const size = start.bytes.length + data.unlisted;
    const length = data.repeat === undefined ? undefined : size * data.repeat;
    this.settleLabels(section, start.offset);
    section.statements.push({ ...start, length, reserved: data.reserved });
    section.end = start.offset + (length ?? size);
  }

  private settleLabels(section: OpenSection, offset: number): void {
    for (const name of section.waiting) section.labels.push({ name, offset });
    section.waiting = [];
  }

  private enterSection(name: string, attributes: Readonly<Record<string, string>>, absolute: boolean): OpenSection {
    const known = this.sections.get(name);
    if (known !== undefined) {
      Object.assign(known.attributes, attributes);
      return known;
    }
    const opened = { name, attributes: { ...attributes }, absolute, statements: [], labels: [], waiting: [], end: 0 };
    this.sections.set(name, opened);
    return opened;
  }

  private valueOf(expression: string): number | undefined {
    let left = DEFINITIONS_PER_EXPRESSION_MAX;
    const evaluate = (text: string): number | undefined =>
      evaluateNasmExpression(text, (name) => {
        left -= 1;
        const definition = this.definitions.get(name);
        return definition === undefined || left < 0 ? undefined : evaluate(definition);
      });
    return evaluate(expression);
  }
}

type Places = readonly [ListedPlace, ...ListedPlace[]];

/** The calls of macros that lead to a row, outermost first, then its own line. */
function placesOf({ file, calls: [first, ...calls], known }: Frame, { line }: NasmRow): Places {
  const own = known ? [{ file, line }] : [];
  return first === undefined ? [{ file, line }] : [first, ...calls, ...own];
}
