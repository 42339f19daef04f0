/**
 * Layers (ARCHITECTURE.md): which layer may import what. Twice: the compiler must refuse a wrong import, and a scan over
 * every import statement must find none, which also covers what the compiler cannot see.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { repositoryRoot, runCommand } from '../../scripts/run-command.ts';
import { type SourceFile, sourceFiles } from './source-files.ts';

/** A layer: the folder it is, and what its files may import besides each other. */
interface Layer {
  readonly folder: string;
  /** Prefixes of paths, from the root, that it may import. */
  readonly layers: readonly string[];
  /** Packages, `node:` standing for all modules of Node. */
  readonly packages: readonly string[];
}

/** What the debug adapter shows to the outside: types and data, no behaviour and no machine. */
const CONTRACTS = [
  'debug-adapter/protocol/',
  'debug-adapter/host.ts',
  'debug-adapter/session/launch-arguments.ts',
  'debug-adapter/session/launch-schema.ts',
];

/** Inner layers first; a file belongs to the last one whose folder it is in. */
const LAYERS: readonly Layer[] = [
  { folder: 'vm-core/', layers: [], packages: [] },
  {
    folder: 'debug-adapter/',
    layers: ['vm-core/index.ts'],
    packages: ['@vscode/debugprotocol', 'iced-x86', 'fast-png'],
  },
  {
    folder: 'debug-adapter/protocol/',
    layers: CONTRACTS,
    packages: ['@vscode/debugprotocol'],
  },
  {
    folder: 'debug-adapter/command-line/',
    layers: ['vm-core/index.ts', 'debug-adapter/'],
    packages: ['node:', '@vscode/debugadapter', '@vscode/debugprotocol', 'fast-png'],
  },
  { folder: 'extension/', layers: CONTRACTS, packages: ['vscode', '@vscode/debugprotocol', 'fast-png'] },
  {
    folder: 'extension/node/',
    layers: ['extension/', ...CONTRACTS, 'debug-adapter/command-line/node-host.ts'],
    packages: ['vscode', 'node:'],
  },
  { folder: 'extension/browser/', layers: ['extension/', ...CONTRACTS], packages: ['vscode'] },
  { folder: 'examples/', layers: ['vm-core/index.ts'], packages: ['node:'] },
  {
    folder: 'webviews/',
    layers: ['debug-adapter/protocol/'],
    packages: ['lit', '@lit-labs/virtualizer', '@vscode-elements/elements', 'monaco-editor'],
  },
];

/** Folders inside a layer that only the layers named may reach, although its prefix is allowed. */
const CLOSED: Readonly<Record<string, readonly string[]>> = {
  'debug-adapter/command-line/': ['debug-adapter/command-line/', 'extension/node/'],
  'extension/node/': ['extension/node/'],
  'extension/browser/': ['extension/browser/'],
};

const layerOf = (path: string) => LAYERS.findLast(({ folder }) => path.startsWith(folder));

/** The imports of a file that its layer does not allow. */
function wrongImports({ path, parsed }: Pick<SourceFile, 'path' | 'parsed'>): string[] {
  const layer = layerOf(path);
  if (layer === undefined || path.endsWith('.test.ts')) return [];
  const { staticImports, staticExports, dynamicImports } = parsed.module;
  const names = [
    ...staticImports.map((statement) => statement.moduleRequest.value),
    ...staticExports.flatMap(({ entries }) => entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? [])),
    ...dynamicImports.map(({ moduleRequest }) => `import(…) at ${moduleRequest.start}`),
  ];
  return names.filter((name) => !isAllowed(layer, path, name)).map((name) => `${path} imports ${name}`);
}

function isAllowed(layer: Layer, path: string, name: string): boolean {
  if (!name.startsWith('.')) {
    return layer.packages.some((one) => name === one || name.startsWith(one.endsWith(':') ? one : `${one}/`));
  }
  const target = posix.join(posix.dirname(path), name);
  const closed = Object.entries(CLOSED).find(([folder]) => target.startsWith(folder));
  if (closed !== undefined && !closed[1].includes(layer.folder)) return false;
  return [layer.folder, ...layer.layers].some((prefix) => target.startsWith(prefix));
}

describe('imports', () => {
  it('stay within what the layers allow', () => {
    expect(sourceFiles().flatMap(wrongImports)).toEqual([]);
  });
});

/** Wrong code, one file each, in the folder of the layer that must not compile it. */
const WRONG: readonly (readonly [folder: string, code: string])[] = [
  ['vm-core', "import '../debug-adapter/good.ts';\nexport const a = 1;"],
  ['vm-core', "import * as vscode from 'vscode';\nexport const a = vscode.version;"],
  ['vm-core', "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;"],
  ['vm-core', "import { readFileSync } from 'fs';\nexport const a = readFileSync;"],
  ['vm-core', "import { Decoder } from 'iced-x86';\nexport const a = Decoder;"],
  ['vm-core', 'export const a = () => console.log(1);'],
  ['vm-core', 'export const a = () => setTimeout(() => {}, 1);'],
  ['vm-core', 'export const a = () => performance.now();'],
  ['vm-core', 'export const a = () => document.title;'],
  ['vm-core', 'export const a = () => process.argv;'],
  ['debug-adapter', "import * as vscode from 'vscode';\nexport const a = vscode.version;"],
  ['debug-adapter', "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;"],
  ['debug-adapter', "import { good } from './command-line/good.ts';\nexport const a = good;"],
  ['debug-adapter', "import { good } from '../extension/good.ts';\nexport const a = good;"],
  ['debug-adapter', 'export const a = () => document.title;'],
  ['debug-adapter/protocol', "import { good } from '../good.ts';\nexport const a = good;"],
  ['debug-adapter/protocol', "import { good } from '../../vm-core/good.ts';\nexport const a = good;"],
  ['debug-adapter/command-line', "import * as vscode from 'vscode';\nexport const a = vscode.version;"],
  ['debug-adapter/command-line', "import { good } from '../../extension/good.ts';\nexport const a = good;"],
  ['extension', "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;"],
  ['extension', "import { good } from '../webviews/good.ts';\nexport const a = good;"],
  ['extension', "import { good } from './node/good.ts';\nexport const a = good;"],
  ['extension', "import { good } from '../vm-core/good.ts';\nexport const a = good;"],
  ['extension/browser', "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;"],
  ['extension/browser', "import { good } from '../node/good.ts';\nexport const a = good;"],
  ['webviews', "import { good } from '../vm-core/good.ts';\nexport const a = good;"],
  ['webviews', "import { good } from '../debug-adapter/good.ts';\nexport const a = good;"],
  ['webviews', "import * as vscode from 'vscode';\nexport const a = vscode.version;"],
  ['webviews', "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;"],
];

/** Right code, to see that the projects are not just broken. */
const RIGHT: Readonly<Record<string, string>> = {
  'debug-adapter': "import { good } from '../vm-core/good.ts';\nexport const a = good;",
  'debug-adapter/command-line':
    "import { readFileSync } from 'node:fs';\nimport { good } from '../good.ts';\nexport const a = [good, readFileSync];",
  extension:
    "import { version } from 'vscode';\nimport { good } from '../debug-adapter/host.ts';\nexport const a = [good, version];",
  'extension/node':
    "import { readFileSync } from 'node:fs';\nimport { good } from '../good.ts';\nexport const a = [good, readFileSync];",
  'extension/browser': "import { good } from '../good.ts';\nexport const a = () => [good, new Worker('')];",
  webviews: "import { good } from '../debug-adapter/protocol/good.ts';\nexport const a = () => [good, document.title];",
};

describe('the compiler', () => {
  let folder = '';
  let output = '';
  const projects = [...new Set([...WRONG.map(([name]) => name), ...Object.keys(RIGHT)])];

  beforeAll(async () => {
    // Inside the repository, so that packages are found; under out/, which everything ignores.
    mkdirSync(join(repositoryRoot, 'out'), { recursive: true });
    folder = mkdtempSync(join(repositoryRoot, 'out', 'layers-'));
    const write = (path: string, text: string) => {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    };
    for (const file of [
      'tsconfig.base.json',
      'not-in-this-layer.d.ts',
      ...projects.map((name) => `${name}/tsconfig.json`),
    ]) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      cpSync(join(repositoryRoot, file), join(folder, file));
    }
    write('tsconfig.json', JSON.stringify({ files: [], references: projects.map((path) => ({ path })) }));
    write('debug-adapter/host.ts', 'export const good = 1;');
    for (const name of projects) write(`${name}/good.ts`, 'export const good = 1;');
    for (const [name, code] of Object.entries(RIGHT)) write(`${name}/right.ts`, code);
    for (const [index, [name, code]] of WRONG.entries()) write(`${name}/wrong-${index}.ts`, code);
    const tsc = join(repositoryRoot, 'node_modules', 'typescript', 'bin', 'tsc');
    ({ output } = await runCommand(process.execPath, [tsc, '-b', '--pretty', 'false'], { directory: folder }));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it.each(WRONG.map(([name, code], index) => ({ file: `${name}/wrong-${index}.ts`, code })))(
    'refuses $file: $code',
    ({ file }) => {
      expect(output).toContain(`${file}(`);
    },
  );

  it('accepts what is right', () => {
    expect(output.split('\n').filter((line) => line !== '' && !/^(\s|\S*wrong-\d+\.ts\()/.test(line))).toEqual([]);
  });
});
