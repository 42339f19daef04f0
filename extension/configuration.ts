/** Debug configurations: what a file is launched with, and making one from launch.json ready for the session. */
import type { DebugConfiguration } from 'vscode';
import { type LaunchArgument, launchArgumentRows } from '../debug-adapter/session/launch-arguments.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { bootFileKind, DEBUG_TYPE, fileExtension, fileName } from './file-types.ts';

/** A configuration that boots one file, under its name. `program` is a path, or begins with a variable such as ${workspaceFolder}. */
export function configurationFor(program: string): DebugConfiguration {
  return { type: DEBUG_TYPE, request: 'launch', name: fileName(program), program };
}

/** What to tell somebody who wants to boot a file that cannot be booted; undefined for files that can. */
export function whyNotBootable(path: string): string | undefined {
  switch (bootFileKind(path)) {
    case 'source':
    case 'image':
      return undefined;
    case 'unsupported':
      return localized(
        '{0}: images of the kind {1} are not supported yet. Use a flat disk image or a NASM source.',
        fileName(path),
        fileExtension(path),
      );
    case 'other':
      return localized(
        '{0} is neither a NASM source (.asm, .nasm, .s) nor a disk image (.img, .bin, .flp, .ima).',
        fileName(path),
      );
  }
}

/**
 * Names the files of a configuration in the way the session does. `resolve` gives the session's path for one that is
 * absolute or relative to the folder. Values of a wrong type stay as they are, for the session to refuse.
 */
export function withSessionPaths(
  configuration: DebugConfiguration,
  resolve: (path: string) => string,
): DebugConfiguration {
  const resolved: DebugConfiguration = { ...configuration };
  for (const row of launchArgumentRows) {
    if (row.name in configuration) resolved[row.name] = resolvePaths(row, configuration[row.name], resolve);
  }
  return resolved;
}

function resolvePaths(
  { type, choices = [] }: LaunchArgument,
  value: unknown,
  resolve: (path: string) => string,
): unknown {
  if (type === 'path') return isFile(value, choices) ? resolve(value) : value;
  if ((type !== 'listings' && type !== 'modules') || !Array.isArray(value)) return value;
  return value.map((entry: unknown) => (typeof entry === 'string' ? resolve(entry) : resolveEntry(entry, resolve)));
}

/** A listing or module with more to say: `path` and `source` name files. */
function resolveEntry(entry: unknown, resolve: (path: string) => string): unknown {
  if (typeof entry !== 'object' || entry === null) return entry;
  const files = Object.entries(entry).filter(([name, value]) => ENTRY_FILES.includes(name) && isFile(value, []));
  return { ...entry, ...Object.fromEntries(files.map(([name, path]) => [name, resolve(path)])) };
}

const ENTRY_FILES: readonly string[] = ['path', 'source'];

function isFile(value: unknown, words: readonly (string | boolean)[]): value is string {
  return typeof value === 'string' && value !== '' && !words.includes(value);
}
