/** The rules of house style that a program can check, each as a function from a file to the offences in it. */
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { lineAt, type SourceFile, type SyntaxNode, type TextFile, walk } from './source-files.ts';

/** An offence: where, and what to do about it. `key` names it in the list of exceptions. */
export interface Offence {
  readonly key: string;
  readonly message: string;
}

/** Lines of a file, and of a function. */
export const FILE_LINES_MAX = 400;
export const FUNCTION_LINES_MAX = 70;

/** What vm-core may not name, and what to use instead. */
const BANNED_IN_VM_CORE: Readonly<Record<string, string>> = {
  'Date.now': 'virtual time, or the start time in the configuration',
  'new Date': 'virtual time, or the start time in the configuration',
  'Math.random': 'the input log',
  performance: 'virtual time',
  setTimeout: 'the event queue',
  setInterval: 'the event queue',
  queueMicrotask: 'the event queue',
  console: 'a result, an event or an assertion',
  process: 'the configuration',
  crypto: 'the input log',
  fetch: 'a block store',
};

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);
const CONFIGURATION = /^([^/]+\.config\.(ts|js)|scripts\/webpack\/[^/]+\.js)$/;

/** Whether a file says in its opening lines that it is a table, which may be as long as what it lists. */
const isTable = (text: string) => /\btable\b/i.test(text.split('\n', 2).join('\n'));

/** A test opens with the name of its suite, and its functions are as long as their cases. */
const isTest = (path: string) => path.endsWith('.test.ts');

export function longFiles({ path, text }: SourceFile): Offence[] {
  const lines = text.split('\n').length - 1;
  if (lines <= FILE_LINES_MAX || isTable(text)) return [];
  return [{ key: path, message: `${path} has ${lines} lines; split it at ${FILE_LINES_MAX}` }];
}

/** A function's own lines: those of functions inside it count for them, as a class's do for its methods. */
export function longFunctions({ path, text, parsed }: SourceFile): Offence[] {
  if (isTest(path)) return [];
  const functions: { name: string; first: number; last: number }[] = [];
  walk(parsed.program, (node, parent) => {
    if (!FUNCTIONS.has(node.type)) return;
    functions.push({
      name: functionName(node, parent),
      first: lineAt(text, node.start),
      last: lineAt(text, node.end),
    });
  });
  return functions.flatMap((outer) => {
    const inside = functions.filter(({ first, last }) => first > outer.first && last < outer.last);
    const covered = new Set(inside.flatMap(({ first, last }) => range(first, last)));
    const lines = range(outer.first, outer.last).filter((line) => !covered.has(line)).length;
    if (lines <= FUNCTION_LINES_MAX) return [];
    const message = `${path}:${outer.first} ${outer.name} has ${lines} lines; split it at ${FUNCTION_LINES_MAX}`;
    return [{ key: `${path}#${outer.name}`, message }];
  });
}

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

function functionName(node: SyntaxNode, parent: SyntaxNode | undefined): string {
  const named = [node, parent].map((at) => at as { id?: { name?: string }; key?: { name?: string } } | undefined);
  for (const at of named) {
    const name = at?.id?.name ?? at?.key?.name;
    if (name !== undefined) return name;
  }
  return 'a function';
}

export function missingHeaders({ path, text, parsed }: SourceFile): Offence[] {
  if (isTest(path)) return [];
  const first = parsed.comments.find((comment) => text.slice(0, comment.start).replace(/^#!.*/, '').trim() === '');
  const says = first?.value.replace(/[\s*]/g, '').length ?? 0;
  if (says >= 10) return [];
  return [{ key: path, message: `${path} does not open with a sentence that says what it models` }];
}

export function defaultExports({ path, parsed }: SourceFile): Offence[] {
  if (CONFIGURATION.test(path)) return [];
  const exported = parsed.program.body.some((statement) => statement.type === 'ExportDefaultDeclaration');
  return exported ? [{ key: path, message: `${path} has a default export; export a name` }] : [];
}

export function bannedIdentifiers({ path, text, parsed }: SourceFile): Offence[] {
  if (!path.startsWith('vm-core/') || path.endsWith('.test.ts')) return [];
  const offences: Offence[] = [];
  walk(parsed.program, (node, parent) => {
    const name = usedName(node, parent, text);
    const instead = name === undefined || !Object.hasOwn(BANNED_IN_VM_CORE, name) ? undefined : BANNED_IN_VM_CORE[name];
    if (instead === undefined) return;
    offences.push({ key: `${path}#${name}`, message: `${path}:${lineAt(text, node.start)} ${name}: use ${instead}` });
  });
  return offences;
}

/** The name a node uses, in the form of the list above; nothing for names that are only declared or are properties. */
function usedName(node: SyntaxNode, parent: SyntaxNode | undefined, text: string): string | undefined {
  const source = text.slice(node.start, node.end);
  if (node.type === 'MemberExpression') return source;
  if (node.type === 'NewExpression') return /^new \w+/.exec(source)?.[0];
  if (node.type !== 'Identifier' || parent === undefined) return undefined;
  const { property, key, computed } = parent as { property?: unknown; key?: unknown; computed?: boolean };
  return (property === node || key === node) && computed !== true ? undefined : source;
}

// The words are put together here so that this file does not offend itself.
const UNFINISHED = new RegExp(`\\b(${['TO', 'FIX'].map((start, i) => start + ['DO', 'ME'][i]).join('|')})\\b`);
const MACHINE = new RegExp(
  [
    // A home or work folder of one machine.
    '(?<![\\w./~-])/(work|home/\\w+|root|Users/\\w+)/',
    // A package registry or mirror.
    'https?://[\\w.-]*(registry|artifactory|nexus|verdaccio|mirror)[\\w.-]*[/:]',
    '"resolved":',
  ].join('|'),
);

export function unfinishedMarks(file: TextFile): Offence[] {
  return matchingLines(file, UNFINISHED, 'is a mark of unfinished work; finish it or open an issue');
}

export function machineTraces(file: TextFile): Offence[] {
  if (file.path.startsWith('test/style/')) return [];
  return matchingLines(file, MACHINE, 'names one machine or registry');
}

/** Links of documents to files of the repository that are not there. */
export function brokenLinks({ path, text }: TextFile, exists: (path: string) => boolean = isInRepository): Offence[] {
  if (!path.endsWith('.md')) return [];
  return [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)]
    .map(([, link]) => posix.join(posix.dirname(path), link ?? ''))
    .filter((target) => !exists(target))
    .map((target) => ({ key: `${path}#${target}`, message: `${path} links to ${target}, which is not there` }));
}

const isInRepository = (path: string) => existsSync(`${repositoryRoot}/${path}`);

function matchingLines({ path, text }: TextFile, pattern: RegExp, message: string): Offence[] {
  return text.split('\n').flatMap((line, index) => {
    const found = pattern.exec(line);
    return found === null ? [] : [{ key: path, message: `${path}:${index + 1} «${found[0]}» ${message}` }];
  });
}
