/**
 * What a line of NASM source says that a listing does not: labels (manual §3.1, §3.9), includes (§4.6.1), definitions
 * (§4.1), sections and origin (§7.1, §8.1).
 */

/** A name of a label or macro, as a regular expression. */
export const NASM_NAME: string = String.raw`[A-Za-z_.?@$][\w.$#@~?]*`;

/** The line without its comment; quotes protect semicolons. */
export function stripComment(text: string): string {
  const match = /^(?:[^;'"`]|'[^']*'|"[^"]*"|`(?:\\.|[^`\\])*`)*/.exec(text);
  return (match?.[0] ?? '').trim();
}

/** A definition of the preprocessor; functions (with parameters) are not values. */
export function definition(text: string): { readonly name: string; readonly value: string } | undefined {
  const match = /^%i?(?:x?define|assign|deftok|defstr)\s+([A-Za-z_.?@][\w.$#@~?]*)(?:\s+(.*))?$/i.exec(text);
  return match === null ? undefined : { name: match[1] ?? '', value: (match[2] ?? '').trim() };
}

/** Name of the file that an include directive opens, through one definition at most. */
export function includedName(text: string, define: (name: string) => string | undefined): string | undefined {
  const operand = /^%include\s+(.+)$/i.exec(text)?.[1]?.trim();
  if (operand === undefined) return undefined;
  const value = /^['"`]/.test(operand) ? operand : (define(operand) ?? operand);
  return value.replace(/^(['"`])(.*)\1$/, '$2');
}

/** The parameters of a macro call: what follows the name, split at commas outside quotes, brackets and braces. */
export function macroParameters(text: string): string[] {
  const call = new RegExp(`^(?:${NASM_NAME}\\s*:\\s*)?${NASM_NAME}\\s+(.*)$`).exec(text)?.[1];
  if (call === undefined) return [];
  const pieces = call.match(/(?:'[^']*'|"[^"]*"|`[^`]*`|\{[^}]*\}|\([^)]*\)|\[[^\]]*\]|[^,])+/g) ?? [];
  return pieces.map((piece) => piece.trim().replace(/^\{(.*)\}$/, '$1'));
}

/** Puts a macro's parameters in place of `%1`, `%{2}` …; those that are not known stay. */
export function substituteParameters(text: string, parameters: readonly string[]): string {
  if (parameters.length === 0) return text;
  return text.replaceAll(/%(?:(\d+)|\{(\d+)\})/g, (written, plain?: string, braced?: string) => {
    return parameters[Number(plain ?? braced) - 1] ?? written;
  });
}

export type SectionDirective =
  | { readonly kind: 'section'; readonly name: string; readonly attributes: Readonly<Record<string, string>> }
  | { readonly kind: 'absolute' | 'origin' | 'align'; readonly expression: string }
  | { readonly kind: 'struc' | 'endstruc' }
  | { readonly kind: 'bits'; readonly codeSize: 16 | 32 | 64 };

/** A directive that says where the following statements go, or what they are, in its plain and its bracketed form. */
export function sectionDirective(text: string): SectionDirective | undefined {
  const match =
    /^\[?\s*(section|segment|absolute|org|align|sectalign|struc|endstruc|bits|use(?=16|32|64))(?:\b|(?=\d))\s*([^\]]*)\]?$/i.exec(
      text,
    );
  const operand = (match?.[2] ?? '').trim();
  switch (match?.[1]?.toLowerCase()) {
    case 'section':
    case 'segment':
      return parseSection(operand);
    case 'absolute':
      return { kind: 'absolute', expression: operand };
    case 'org':
      return { kind: 'origin', expression: operand };
    case 'align':
    case 'sectalign':
      return { kind: 'align', expression: operand.split(',')[0] ?? '' };
    case 'struc':
      return { kind: 'struc' };
    case 'endstruc':
      return { kind: 'endstruc' };
    case 'bits':
    case 'use':
      return parseBits(operand);
    default:
      return undefined;
  }
}

function parseBits(operand: string): SectionDirective | undefined {
  const codeSize = ([16, 32, 64] as const).find((size) => String(size) === operand);
  return codeSize && { kind: 'bits', codeSize };
}

function parseSection(operand: string): SectionDirective | undefined {
  const [, name, rest = ''] = /^(\S+)\s*(.*)$/.exec(operand) ?? [];
  if (name === undefined) return undefined;
  const attributes: Record<string, string> = {};
  for (const [, key = '', value = ''] of rest.matchAll(/(\w+)(?:\s*=\s*(\([^)]*\)|\S+))?/g)) {
    attributes[key.toLowerCase()] = value;
  }
  return { kind: 'section', name, attributes };
}

/** Words that may stand alone on a line without making bytes, and are no labels. */
const LONE_WORDS = new Set([
  'endstruc',
  'iend',
  'default',
  'bits',
  'cpu',
  'float',
  'use16',
  'use32',
  'use64',
  'global',
]);
/** What may follow a label without a colon; NASM allows any instruction, but then a prefix could not be told from it. */
const AFTER_BARE_LABEL = /^(?:d[bwdqtoyz]|res[bwdqtoyz]|times|incbin|equ)\b/i;

export interface DefinedLabel {
  readonly name: string;
  /** For `equ`: the expression. */
  readonly constant?: string;
}

/**
 * The label that a line defines. `makesSomething` tells that bytes or a macro's expansion follow: a word alone on such a
 * line is an instruction or a macro. Labels of macros (`%%x`) and special ones (`..@x`) are left out.
 */
export function definedLabel(text: string, makesSomething: boolean): DefinedLabel | undefined {
  const match = new RegExp(`^(${NASM_NAME})(\\s*:)?\\s*(.*)$`).exec(text);
  if (match === null) return undefined;
  const [, written = '', colon, rest = ''] = match;
  const name = written.replace(/^\$/, '');
  if (name.startsWith('..') || name === '') return undefined;
  const constant = /^equ\s+(.*)$/i.exec(rest)?.[1];
  if (constant !== undefined) return { name, constant };
  if (colon !== undefined || AFTER_BARE_LABEL.test(rest)) return { name };
  const alone = rest === '' && !makesSomething && !LONE_WORDS.has(name.toLowerCase());
  return alone ? { name } : undefined;
}
