/**
 * What of an assembly line has a value while the machine stands: registers, labels and memory operands, each with the
 * expression of the debugger's language (debug-adapter/expressions/parse.ts) that reads it and writes nothing.
 */
import { type AssemblyLine, type LinePart, parseLine } from './assembly-line.ts';

/** A part of a line that can be looked at. */
export interface Inspectable {
  readonly start: number;
  readonly length: number;
  /** As it is written, without size words. */
  readonly text: string;
  readonly expression: string;
  readonly kind: 'register' | 'label' | 'memory' | 'data';
}

/** What a line means by the lines above it. */
export interface LineContext {
  /** The label that local ones belong to. */
  readonly parent: string;
  /** Of the last `bits`. */
  readonly codeSize: 16 | 32;
}

const REGISTER_SIZES: readonly (readonly [RegExp, number])[] = [
  [/^[abcd][lh]$/i, 1],
  [/^([abcd]x|[sb]p|[sd]i|[c-gs]s)$/i, 2],
  [/^(e[abcd]x|e[sb]p|e[sd]i|cr[0-4]|dr[0-7])$/i, 4],
];
const SIZE_WORDS: Readonly<Record<string, number>> = { byte: 1, word: 2, dword: 4 };
const MEMORY_NAMES: Readonly<Record<number, string>> = { 1: 'byte', 2: 'word', 4: 'dword' };
const DATA_SIZES: Readonly<Record<string, number>> = { db: 1, dw: 2, dd: 4, resb: 1, resw: 2, resd: 4 };
/** Words of operands that name nothing. */
const KEYWORDS =
  /^(byte|word|dword|qword|tword|oword|yword|zword|near|far|short|strict|ptr|rel|abs|nosplit|seg|wrt|to|st[0-7]?|mm[0-7])$/i;
/** Statements whose operands are constants of the assembler. */
const DIRECTIVES =
  /^(absolute|align|alignb|at|bits|common|cpu|default|d[bwdqtoyz]|endstruc|equ|export|extern|float|global|group|iend|import|incbin|istruc|map|org|res[bwdqtoyz]|sectalign|section|segment|static|struc|use16|use32|warning)$/;
/** Their operands in memory are of sizes that the language cannot read. */
const OTHER_SIZES = /^(lgdt|lidt|sgdt|sidt|l[defgs]s|lss|bound|f[a-z]+)$/;
const SYSTEM_WORDS = /^(lldt|sldt|ltr|str|lmsw|smsw|verr|verw)$/;
const WORDS = /[A-Za-z_.?@$#~%][\w.?@$#~%]*|\d[\w]*/g;

/** Everything in a line that has a value, from left to right; what contains another part comes before it. */
export function inspectables(line: string, context: LineContext): readonly Inspectable[] {
  const parsed = parseLine(line);
  const definition = dataDefinition(parsed, context);
  if (definition) return [definition];
  if (parsed.statement === '' || DIRECTIVES.test(parsed.statement)) return [];
  return parsed.operands.flatMap((operand) => {
    const memory = memoryOperand(operand, parsed, context);
    const names = namesOf(operand, context);
    // Who points at a label between brackets wants to know what is there.
    return [...memory, ...(memory.length > 0 ? names.filter(({ kind }) => kind === 'register') : names)];
  });
}

/** The innermost part at a column. */
export function inspectableAt(line: string, column: number, context: LineContext): Inspectable | undefined {
  return inspectables(line, context).findLast(({ start, length }) => column >= start && column < start + length);
}

/** What the lines above one say: the label that its local ones belong to and the size of code. */
export function contextOf(lineAt: (index: number) => string, index: number): LineContext {
  const above = <Found>(find: (line: string) => Found | undefined): Found | undefined => {
    for (let at = index; at >= 0; at -= 1) {
      const found = find(lineAt(at));
      if (found !== undefined) return found;
    }
    return undefined;
  };
  const parent = above((line) => {
    const label = parseLine(line).label?.text;
    return label?.startsWith('.') ? undefined : label;
  });
  const bits = above((line) => /^\s*\[?\s*(?:bits\s+|use)(16|32)\b/i.exec(line)?.[1]);
  return { parent: parent ?? '', codeSize: bits === '32' ? 32 : 16 };
}

/** `key db 0`: the label stands for what is there. */
function dataDefinition({ label, statement }: AssemblyLine, context: LineContext): Inspectable | undefined {
  const size = DATA_SIZES[statement];
  if (label === undefined || size === undefined) return undefined;
  const expression = `${MEMORY_NAMES[size]}[${qualified(label.text, context)}]`;
  return { start: label.start, length: label.text.length, text: label.text, expression, kind: 'data' };
}

function memoryOperand(operand: LinePart, line: AssemblyLine, context: LineContext): readonly Inspectable[] {
  const match = /^(?:(.*?)\s*)\[([^\]]*)\]$/.exec(operand.text);
  if (!match || OTHER_SIZES.test(line.statement)) return [];
  const [, before = '', inside = ''] = match;
  const offset = expressionOf(inside, context);
  if (offset === undefined) return [];
  const text = `[${inside.trim()}]`;
  const place = { start: operand.start, length: operand.text.length, text, kind: 'memory' } as const;
  if (line.statement === 'lea') return [{ ...place, text: inside.trim(), expression: offset.bare }];
  const size = sizeOf(before, line, context);
  return size === undefined ? [] : [{ ...place, expression: `${MEMORY_NAMES[size]}[${offset.address}]` }];
}

/** In bytes, from the operand's own size word, the register beside it, or the instruction; undefined where none fits. */
function sizeOf(before: string, { statement, operands }: AssemblyLine, { codeSize }: LineContext): number | undefined {
  const words = before.toLowerCase().split(/\s+/);
  if (words.some((word) => KEYWORDS.test(word) && !(word in SIZE_WORDS) && word !== 'near')) return undefined;
  const own = words.find((word) => word in SIZE_WORDS);
  if (own !== undefined) return SIZE_WORDS[own];
  if (SYSTEM_WORDS.test(statement)) return 2;
  if (/^(call|jmp|push|pop)$/.test(statement)) return codeSize / 8;
  return operands.map(({ text }) => registerSize(text)).find((size) => size !== undefined);
}

function registerSize(word: string): number | undefined {
  return REGISTER_SIZES.find(([pattern]) => pattern.test(word))?.[1];
}

/**
 * What is between brackets as the language writes it, with and without its segment. A label is a linear address in the
 * language: it goes without the segment that the code reaches it through.
 */
function expressionOf(
  inside: string,
  context: LineContext,
): { readonly address: string; readonly bare: string } | undefined {
  const [, override, rest = ''] = /^\s*(?:([c-gs]s)\s*:)?\s*(.*?)\s*$/i.exec(inside) ?? [];
  const written = rest.replace(/^(?:(?:byte|word|dword|near|rel|abs|nosplit)\b\s*)+/i, '');
  const names = written.match(WORDS) ?? [];
  if (written === '' || /[%$]/.test(written)) return undefined;
  const registers = names.filter((name) => registerSize(name) !== undefined);
  const labels = names.filter((name) => !/^\d/.test(name) && registerSize(name) === undefined);
  const bare = written.replace(WORDS, (name) => (labels.includes(name) ? qualified(name, context) : name));
  if (labels.length > 0) {
    return override === undefined || /^[cd]s$/i.test(override) ? { address: bare, bare } : undefined;
  }
  const segment = override ?? defaultSegment(registers, written);
  // Offsets of 16 bits wrap at the end of the segment (SDM vol. 1 §3.7.5).
  const is16 = registers.length > 0 ? registers.every((name) => registerSize(name) === 2) : context.codeSize === 16;
  const wrapped = is16 && /[-+*]/.test(written) ? `(${bare}) & 0xffff` : bare;
  return { address: `${segment}:${wrapped}`, bare: wrapped };
}

/** SS where the base is BP, EBP or ESP (SDM vol. 1 §3.7.4). */
function defaultSegment(registers: readonly string[], written: string): string {
  const base = registers.find((name) => !new RegExp(`\\b${name}\\s*\\*|\\*\\s*${name}\\b`, 'i').test(written));
  const onStack = registers.some((name) => /^(bp|esp)$/i.test(name)) || /^ebp$/i.test(base ?? '');
  return onStack ? 'ss' : 'ds';
}

/** Registers and labels of an operand. */
function namesOf({ start, text }: LinePart, context: LineContext): readonly Inspectable[] {
  return [...text.matchAll(WORDS)].flatMap((match): readonly Inspectable[] => {
    const [name] = match;
    if (/^\d/.test(name) || name.startsWith('%') || /^\${1,2}(\d|$)/.test(name) || KEYWORDS.test(name)) return [];
    const place = { start: start + match.index, length: name.length, text: name };
    if (registerSize(name) !== undefined) return [{ ...place, expression: name, kind: 'register' }];
    return [{ ...place, expression: qualified(name, context), kind: 'label' }];
  });
}

/** A label by its whole name. */
function qualified(name: string, { parent }: LineContext): string {
  return name.startsWith('.') && !name.startsWith('..') ? parent + name : name;
}
