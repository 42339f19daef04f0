/** House style as a test. An exception stands in exceptions.json under its rule; that list may only shrink. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as rules from './rules.ts';
import { parseSource, sourceFiles, trackedFiles } from './source-files.ts';

/** How many exceptions the list may hold. Lower it when one goes. */
const EXCEPTIONS_MAX = 0;

const exceptions: Readonly<Record<string, readonly string[]>> = JSON.parse(
  readFileSync(new URL('exceptions.json', import.meta.url), 'utf8'),
);

const files = trackedFiles();
const sources = sourceFiles(files);

/** The offences against a rule, without the exceptions, and the exceptions that are none any more. */
function offences(rule: string, found: readonly rules.Offence[]): string[] {
  const allowed = exceptions[rule] ?? [];
  const left = found.filter(({ key }) => !allowed.includes(key)).map(({ message }) => message);
  const stale = allowed.filter((key) => !found.some((offence) => offence.key === key));
  return [...left, ...stale.map((key) => `exceptions.json: ${rule}: ${key} is fine now; take it off the list`)];
}

const sourceRules = {
  longFiles: rules.longFiles,
  longFunctions: rules.longFunctions,
  missingHeaders: rules.missingHeaders,
  defaultExports: rules.defaultExports,
  bannedIdentifiers: rules.bannedIdentifiers,
};
const textRules = {
  unfinishedMarks: rules.unfinishedMarks,
  machineTraces: rules.machineTraces,
  brokenLinks: rules.brokenLinks,
};

describe('house style', () => {
  it('finds the sources and can read them', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.filter(({ parsed }) => parsed.errors.length > 0).map(({ path }) => path)).toEqual([]);
  });

  it.each(Object.entries(sourceRules))('%s', (name, rule) => {
    expect(offences(name, sources.flatMap(rule))).toEqual([]);
  });

  it.each(Object.entries(textRules))('%s', (name, rule) => {
    expect(
      offences(
        name,
        files.flatMap((file) => rule(file)),
      ),
    ).toEqual([]);
  });

  it('has no more exceptions than before, and none of an unknown rule', () => {
    expect(Object.values(exceptions).flat().length).toBeLessThanOrEqual(EXCEPTIONS_MAX);
    expect(Object.keys(exceptions).filter((name) => !(name in { ...sourceRules, ...textRules }))).toEqual([]);
  });
});

describe('the rules see what they are for', () => {
  const source = (text: string, path = 'vm-core/example.ts') => parseSource({ path, text });
  const header = '/** What an example of a file models. */\n';

  it('long files, unless they are tables', () => {
    const lines = 'export const a = 1;\n'.repeat(rules.FILE_LINES_MAX);
    expect(rules.longFiles(source(`${header}${lines}`))).toHaveLength(1);
    expect(rules.longFiles(source(`/** The table of everything there is. */\n${lines}`))).toEqual([]);
    expect(rules.longFiles(source(lines))).toEqual([]);
  });

  it('long functions and methods', () => {
    const body = '  x();\n'.repeat(rules.FUNCTION_LINES_MAX);
    expect(rules.longFunctions(source(`function f() {\n${body}}`))[0]?.key).toBe('vm-core/example.ts#f');
    expect(rules.longFunctions(source(`class C {\n  m() {\n${body}  }\n}`))[0]?.key).toBe('vm-core/example.ts#m');
    const inner = `    const g = () => {\n${body}    };\n`.repeat(2);
    expect(rules.longFunctions(source(`function f() {\n${inner}}`)).map(({ key }) => key)).toEqual([
      'vm-core/example.ts#g',
      'vm-core/example.ts#g',
    ]);
    expect(rules.longFunctions(source('const f = () => {\n  x();\n};'))).toEqual([]);
  });

  it('missing headers', () => {
    expect(rules.missingHeaders(source('export const a = 1;'))).toHaveLength(1);
    expect(rules.missingHeaders(source('/** */\nexport const a = 1;'))).toHaveLength(1);
    expect(rules.missingHeaders(source(`import a from 'a';\n${header}`))).toHaveLength(1);
    expect(rules.missingHeaders(source(header))).toEqual([]);
    expect(rules.missingHeaders(source(`#!/usr/bin/env node\n${header}`))).toEqual([]);
  });

  it('default exports', () => {
    expect(rules.defaultExports(source('export default 1;'))).toHaveLength(1);
    expect(rules.defaultExports(source('export default 1;', 'vitest.config.ts'))).toEqual([]);
  });

  it.each([
    ['const now = Date.now();', 1],
    ['const now = new Date();', 1],
    ['setTimeout(f, 1);', 1],
    ['const r = Math.random;', 1],
    ['console.log(1);', 1],
    ['const { now } = performance;', 1],
    ['// Date.now and console are not for us.', 0],
    ["const text = 'console';", 0],
    ['machine.console = 1;', 0],
    ['const o = { process: 1 };', 0],
  ])('banned identifiers: %s', (text, count) => {
    expect(rules.bannedIdentifiers(source(text))).toHaveLength(count);
    expect(rules.bannedIdentifiers(source(text, 'extension/example.ts'))).toEqual([]);
  });

  it('broken links', () => {
    const links = (text: string) => rules.brokenLinks({ path: 'docs/a.md', text }, (path) => path === 'docs/b.md');
    expect(links('[b](b.md) [web](https://example.org) [here](#part) ![b](b.md#part)')).toEqual([]);
    expect(links('[c](c.md)')).toHaveLength(1);
    expect(links('![b](../b.md)')).toHaveLength(1);
  });

  it('unfinished work and traces of a machine', () => {
    const file = (text: string) => ({ path: 'docs/example.md', text });
    expect(rules.unfinishedMarks(file(`// ${'TO'}${'DO'}: more`))).toHaveLength(1);
    expect(rules.machineTraces(file('see /home/someone/project/x'))).toHaveLength(1);
    expect(rules.machineTraces(file('https://registry.example.org/x'))).toHaveLength(1);
    expect(rules.machineTraces(file('the folder ./work/, a/home/b, /dev/null'))).toEqual([]);
  });
});
