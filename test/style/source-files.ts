/** The tracked files as the style tests see them: text, lines and, for TypeScript and JavaScript, the syntax tree. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ParseResult, parseSync } from 'oxc-parser';
import { repositoryRoot } from '../../scripts/run-command.ts';

/** A file of the repository; `path` is relative to its root, with forward slashes. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** A TypeScript or JavaScript file, parsed. */
export interface SourceFile extends TextFile {
  readonly parsed: ParseResult;
}

/** A node of the syntax tree, reduced to what every node has. */
export interface SyntaxNode {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const BINARY = /\.(png|ttf|ico|img|bin|vsix|wasm)$/;
const SOURCE = /\.(ts|js)$/;

/** Every file that git tracks or would track. */
export function trackedFiles(): readonly TextFile[] {
  const options = { cwd: repositoryRoot, encoding: 'utf8', maxBuffer: 1 << 26 } as const;
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], options);
  return [...new Set(listed.split('\0'))]
    .filter((path) => path !== '' && !BINARY.test(path) && existsSync(join(repositoryRoot, path)))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(repositoryRoot, path), 'utf8') }));
}

/** The TypeScript and JavaScript files among them. */
export function sourceFiles(files: readonly TextFile[] = trackedFiles()): readonly SourceFile[] {
  return files.filter(({ path }) => SOURCE.test(path)).map(parseSource);
}

/** Parses one file. */
export function parseSource({ path, text }: TextFile): SourceFile {
  return { path, text, parsed: parseSync(path, text) };
}

/** The line, counted from 1, of an offset into the text. */
export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf('\n'); at !== -1 && at < offset; at = text.indexOf('\n', at + 1)) line++;
  return line;
}

/** Calls `visit` for every node of a syntax tree with its parent, from the root down. */
export function walk(node: unknown, visit: (node: SyntaxNode, parent: SyntaxNode | undefined) => void): void {
  const step = (value: unknown, parent: SyntaxNode | undefined): void => {
    if (Array.isArray(value)) {
      for (const element of value) step(element, parent);
    } else if (isNode(value)) {
      visit(value, parent);
      for (const child of Object.values(value)) step(child, value);
    }
  };
  step(node, undefined);
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
