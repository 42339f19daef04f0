/** A line of NASM source in its parts (NASM manual §3.1): label, prefixes, instruction, operands, with their places. */

/** A part of a line; `start` is an index into the line. */
export interface LinePart {
  readonly start: number;
  readonly text: string;
}

export interface AssemblyLine {
  /** As it is defined here, without the colon. */
  readonly label: LinePart | undefined;
  /** The instruction, macro or directive, in lower case; empty for none. Prefixes and `times COUNT` are left out. */
  readonly statement: string;
  /** Between commas; none of a preprocessor line. */
  readonly operands: readonly LinePart[];
}

const NAME = String.raw`[A-Za-z_.?@$#~][\w.?@$#~]*`;
const LABEL = new RegExp(`^\\s*(${NAME})\\s*:`);
/** Only before data a label may go without its colon and still be told from an instruction. */
const BARE_LABEL = new RegExp(`^\\s*(${NAME})\\s+(?=(?:times|equ|incbin|d[bwdqtoyz]|res[bwdqtoyz])\\b)`, 'i');
const STATEMENT = new RegExp(`^\\s*(${NAME})`);
const PREFIXES: ReadonlySet<string> = new Set([
  ...['rep', 'repe', 'repz', 'repne', 'repnz', 'lock', 'a16', 'a32', 'o16', 'o32', 'wait'],
  ...['cs', 'ds', 'es', 'fs', 'gs', 'ss'],
]);
/** The count behind `times`: one word, or as far as data or an instruction that is often repeated. */
const TIMES = /^\s+\w+\s+(?=[a-z])|^.*?(?=\b(?:d[bwdqtoyz]|res[bwdqtoyz]|nop|stos[bwd])\b)/i;

/** Takes a line apart; comments and the text of strings are no part of it. */
export function parseLine(line: string): AssemblyLine {
  const code = blank(line);
  if (/^\s*(%|$)/.test(code)) return { label: undefined, statement: '', operands: [] };
  const label = LABEL.exec(code) ?? BARE_LABEL.exec(code);
  let at = label?.[0].length ?? 0;
  let statement = '';
  for (;;) {
    const found = STATEMENT.exec(code.slice(at));
    if (!found) break;
    at += found[0].length;
    statement = found[1]?.toLowerCase() ?? '';
    if (statement === 'times') at += TIMES.exec(code.slice(at))?.[0].length ?? 0;
    else if (!PREFIXES.has(statement)) break;
  }
  return {
    label: label?.[1] === undefined ? undefined : { start: code.indexOf(label[1]), text: label[1] },
    statement,
    operands: splitOperands(code, at),
  };
}

/** The line with spaces in place of strings and the comment, so that places stay. */
function blank(line: string): string {
  return line.replace(/'[^']*'?|"[^"]*"?|`(?:\\.|[^`\\])*`?|;.*$/g, (text) => ' '.repeat(text.length));
}

function splitOperands(code: string, from: number): readonly LinePart[] {
  const parts: LinePart[] = [];
  let start = from;
  for (let at = from; at <= code.length; at += 1) {
    if (at < code.length && code[at] !== ',') continue;
    const text = code.slice(start, at);
    const indent = text.length - text.trimStart().length;
    if (text.trim() !== '') parts.push({ start: start + indent, text: text.trim() });
    start = at + 1;
  }
  return parts;
}
