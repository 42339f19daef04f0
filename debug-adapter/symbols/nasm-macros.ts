/**
 * The multi-line macros of a listing (NASM manual §4.3). The rows of an expansion carry the line numbers of the macro's
 * body, but not its file: that is known from where the definition was listed.
 */
import { NASM_NAME } from './nasm-source.ts';

/** Where a macro is written, its `%macro` and `%endmacro` lines included. */
export interface ListedMacro {
  readonly name: string;
  /** As for statements: undefined is the main file. */
  readonly file: string | undefined;
  readonly firstLine: number;
  readonly lastLine: number;
}

interface Definition extends ListedMacro {
  lastLine: number;
  /** Text of the body by line. */
  readonly body: Map<number, string>;
}

const CALL = new RegExp(`^(?:${NASM_NAME}\\s*:\\s*)?(${NASM_NAME})(?:\\s+(${NASM_NAME}))?`);

/** The name in `%macro name 1-2 0`; undefined if the line opens no definition. */
export function macroName(text: string): string | undefined {
  return /^%i?r?macro\s+([^\s,]+)/i.exec(text)?.[1];
}

export class NasmMacros {
  private readonly definitions: Definition[] = [];
  private open: Definition | undefined;

  /** A definition begins, at a line of a file that is known. */
  begin(name: string, file: string | undefined, line: number): void {
    this.open = { name, file, firstLine: line, lastLine: line, body: new Map() };
  }

  /** A line of the definition that began last. */
  addLine(line: number, text: string): void {
    this.open?.body.set(line, text);
  }

  end(line: number): void {
    if (this.open === undefined) return;
    this.open.lastLine = line;
    this.definitions.push(this.open);
    this.open = undefined;
  }

  /**
   * The macro that a call expands to, by its name and by a row of the expansion. Names may be overloaded by the number of
   * parameters, be defined again, and hide behind a single-line macro: the row decides.
   */
  expandedBy(call: string, line: number, text: string): ListedMacro | undefined {
    const [, first, second] = CALL.exec(call) ?? [];
    const names = [first, second].map((name) => name?.toLowerCase());
    const hasLine = ({ firstLine, lastLine }: ListedMacro): boolean => firstLine < line && line < lastLine;
    const named = this.definitions.filter((definition) => names.includes(definition.name.toLowerCase()));
    const hasText = ({ body }: Definition): boolean => body.get(line) === text;
    return named.findLast(hasText) ?? named.findLast(hasLine) ?? this.definitions.findLast(hasText);
  }

  /** All that were defined, in order. */
  all(): readonly ListedMacro[] {
    return this.definitions.map(({ name, file, firstLine, lastLine }) => ({ name, file, firstLine, lastLine }));
  }
}
