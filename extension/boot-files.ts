/** The files of a workspace that can be booted, and what to boot when a given file is in front. */
import * as vscode from 'vscode';
import { bootFileKind, IMAGE_EXTENSIONS, INCLUDE_EXTENSIONS, SOURCE_EXTENSIONS } from './file-types.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { rootSources, rootsOf } from './include-graph.ts';

/** Files looked at; a larger workspace is better served by a launch.json. */
const FILES_MAX = 100;
/** No source that somebody wrote is larger, in bytes. */
const SOURCE_SIZE_MAX = 1024 * 1024;

/** Sources that no other source includes, then images, each in the order of their paths. */
export async function bootFiles(folder: vscode.WorkspaceFolder | undefined): Promise<vscode.Uri[]> {
  const sources = await readSources(folder);
  const roots = rootSources(sources.texts).filter((path) => bootFileKind(path) === 'source');
  return [...roots.map((path) => sources.uris.get(path) as vscode.Uri), ...(await find(folder, IMAGE_EXTENSIONS))];
}

/**
 * What to boot for a file: itself, or, for a source that another includes, the one at the root; the user chooses where
 * there are several. Undefined if the user chose nothing.
 */
export async function bootFileFor(file: vscode.Uri): Promise<vscode.Uri | undefined> {
  const folder = vscode.workspace.getWorkspaceFolder(file);
  if (folder === undefined || !isSource(file.path)) return file;
  const sources = await readSources(folder);
  const roots = rootsOf(sources.texts, file.path).map((path) => sources.uris.get(path) ?? file);
  const [only, ...others] = roots;
  if (others.length === 0) return only;
  const choices = roots.map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));
  const name = vscode.workspace.asRelativePath(file);
  const placeHolder = localized('{0} is included by several sources. Which one is to boot?', name);
  return (await vscode.window.showQuickPick(choices, { placeHolder }))?.uri;
}

/** The only file of the window's folders that can be booted, or the one that the user chooses. */
export async function chooseBootFile(): Promise<vscode.Uri | undefined> {
  const [only, ...others] = await bootFiles(undefined);
  if (only === undefined) {
    void vscode.window.showErrorMessage(localized('Open a NASM source or a disk image first.'));
    return undefined;
  }
  if (others.length === 0) return only;
  const choices = [only, ...others].map((uri) => ({ label: vscode.workspace.asRelativePath(uri), uri }));
  return (await vscode.window.showQuickPick(choices, { placeHolder: localized('Which file is to boot?') }))?.uri;
}

/** Whether a file is a source, or a part of one. */
export function isSource(path: string): boolean {
  return bootFileKind(path) === 'source' || INCLUDE_EXTENSIONS.some((extension) => path.endsWith(extension));
}

interface FoundSources {
  readonly texts: ReadonlyMap<string, string>;
  readonly uris: ReadonlyMap<string, vscode.Uri>;
}

async function readSources(folder: vscode.WorkspaceFolder | undefined): Promise<FoundSources> {
  const uris = await find(folder, [...SOURCE_EXTENSIONS, ...INCLUDE_EXTENSIONS]);
  const texts = await Promise.all(uris.map(readText));
  return {
    texts: new Map(uris.map((uri, index) => [uri.path, texts[index] ?? ''])),
    uris: new Map(uris.map((uri) => [uri.path, uri])),
  };
}

/** A file that cannot be read includes nothing, as far as we know. */
async function readText(uri: vscode.Uri): Promise<string> {
  try {
    const { size } = await vscode.workspace.fs.stat(uri);
    if (size > SOURCE_SIZE_MAX) return '';
    return new TextDecoder().decode(await vscode.workspace.fs.readFile(uri));
  } catch {
    return '';
  }
}

async function find(folder: vscode.WorkspaceFolder | undefined, extensions: readonly string[]): Promise<vscode.Uri[]> {
  const pattern = `**/*.{${extensions.map((extension) => extension.slice(1)).join(',')}}`;
  const include = folder === undefined ? pattern : new vscode.RelativePattern(folder, pattern);
  const found = await vscode.workspace.findFiles(include, '**/node_modules/**', FILES_MAX);
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}
