/** Gives VS Code debug configurations: for F5 without launch.json, for its picker, for a new launch.json. */
import * as vscode from 'vscode';
import { activeFile } from './active-file.ts';
import { configurationFor, whyNotBootable, withSessionPaths } from './configuration.ts';
import { bootFileKind, IMAGE_EXTENSIONS, SOURCE_EXTENSIONS } from './file-types.ts';
import type { Platform } from './platform.ts';
import { isUri } from './routed-host.ts';

type Folder = vscode.WorkspaceFolder | undefined;
type Resolved = vscode.DebugConfiguration | null | undefined;

/** Files the picker offers at most. */
const OFFERED_MAX = 50;
/** VS Code's variable for the file in front. */
const FRONT_FILE = `\${file}`;
const OPEN_LAUNCH_JSON = 'Create launch.json';

/** Completes configurations before a session starts. */
export class ConfigurationResolver implements vscode.DebugConfigurationProvider {
  private readonly platform: Platform;

  constructor(platform: Platform) {
    this.platform = platform;
  }

  /** F5 without launch.json comes here with an empty configuration; null makes VS Code open a new launch.json. */
  async resolveDebugConfiguration(folder: Folder, configuration: vscode.DebugConfiguration): Promise<Resolved> {
    if (configuration.type) return configuration;
    const file = activeFile();
    if (file !== undefined && whyNotBootable(file.path) === undefined) {
      return configurationFor(this.platform.sessionPath(file));
    }
    const [only, ...others] = await bootFiles(folder);
    if (only !== undefined && others.length === 0) return configurationFor(this.platform.sessionPath(only));
    const reason = file === undefined ? 'No file is open.' : whyNotBootable(file.path);
    const text = `${reason} Open the source or the image to boot and press F5, or name it in launch.json.`;
    const choice = await vscode.window.showErrorMessage(text, OPEN_LAUNCH_JSON);
    return choice === OPEN_LAUNCH_JSON ? null : undefined;
  }

  /** Names files as the session can read them; relative ones are in the folder. */
  resolveDebugConfigurationWithSubstitutedVariables(
    folder: Folder,
    configuration: vscode.DebugConfiguration,
  ): vscode.DebugConfiguration {
    const root = folder?.uri ?? vscode.workspace.workspaceFolders?.[0]?.uri;
    return withSessionPaths(configuration, (path) => {
      if (isUri(path)) return path;
      if (root === undefined) return isAbsolute(path) ? this.platform.sessionPath(vscode.Uri.file(path)) : path;
      const uri = isAbsolute(path) ? vscode.Uri.file(path) : vscode.Uri.joinPath(root, path);
      return this.platform.sessionPath(root.with({ path: uri.path }));
    });
  }
}

/** For the picker: one configuration for each source and image of the folder. */
export class FolderConfigurations implements vscode.DebugConfigurationProvider {
  async provideDebugConfigurations(folder: Folder): Promise<vscode.DebugConfiguration[]> {
    const files = await bootFiles(folder);
    return files.map((file) => ({ ...configurationFor(inFolder(file)), name: vscode.workspace.asRelativePath(file) }));
  }
}

/** For a new launch.json: the file in front, or the first that can be booted. */
export class InitialConfigurations implements vscode.DebugConfigurationProvider {
  async provideDebugConfigurations(folder: Folder): Promise<vscode.DebugConfiguration[]> {
    const front = activeFile();
    const file = front !== undefined && whyNotBootable(front.path) === undefined ? front : (await bootFiles(folder))[0];
    return [configurationFor(file === undefined ? FRONT_FILE : inFolder(file))];
  }
}

/** Sources first, then images, each in the order of their paths. */
async function bootFiles(folder: Folder): Promise<vscode.Uri[]> {
  const names = [...SOURCE_EXTENSIONS, ...IMAGE_EXTENSIONS].map((extension) => extension.slice(1)).join(',');
  const pattern = `**/*.{${names}}`;
  const include = folder === undefined ? pattern : new vscode.RelativePattern(folder, pattern);
  const found = await vscode.workspace.findFiles(include, '**/node_modules/**', OFFERED_MAX);
  const rank = (uri: vscode.Uri): string => `${bootFileKind(uri.path) === 'source' ? 0 : 1} ${uri.path}`;
  return found.sort((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

function inFolder(file: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(file);
  return folder === undefined ? file.fsPath : `\${workspaceFolder}/${vscode.workspace.asRelativePath(file, false)}`;
}

function isAbsolute(path: string): boolean {
  return /^([A-Za-z]:)?[\\/]/.test(path);
}
