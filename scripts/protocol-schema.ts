/**
 * What the Debug Adapter Protocol has, read from the type declarations of `@vscode/debugprotocol`: they are made from the
 * protocol's schema, and give every command, event and capability by its name.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from './run-command.ts';

export interface ProtocolSchema {
  /** Of the package. */
  readonly version: string;
  readonly requests: readonly string[];
  readonly events: readonly string[];
  readonly capabilities: readonly string[];
}

const PACKAGE = join(repositoryRoot, 'node_modules', '@vscode', 'debugprotocol');

/** Reads the declarations that are installed. */
export function readProtocolSchema(): ProtocolSchema {
  const text = readFileSync(join(PACKAGE, 'lib', 'debugProtocol.d.ts'), 'utf8');
  const { version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8')) as { version: string };
  const [, capabilities = ''] = /interface Capabilities \{\n(.*?)\n\t\}/s.exec(text) ?? [];
  return {
    version,
    requests: allNames(text, /\/\/ command: '(\w+)';/g),
    events: allNames(text, /\/\/ event: '(\w+)';/g),
    capabilities: allNames(capabilities, /^\t\t(\w+)\?:/gm),
  };
}

function allNames(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map(([, name = '']) => name);
}
