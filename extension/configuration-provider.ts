/** Gives VS Code debug configurations: for F5 without launch.json, for its picker, for a new launch.json. */
import * as vscode from 'vscode';
import { activeFile } from './active-file.ts';
import { bootFileFor, bootFiles, isSource } from './boot-files.ts';
import { configurationFor, whyNotBootable, withSessionPaths } from './configuration.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import type { Platform } from './platform.ts';
import { isUri } from './routed-host.ts';

type Folder = vscode.WorkspaceFolder | undefined;
type Resolved = vscode.DebugConfiguration | null | undefined;

/** VS Code's variable for the file in front. */
const FRONT_FILE = `\${file}`;

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
    if (file !== undefined && canStartFrom(file)) {
      const root = await bootFileFor(file);
      return root && configurationFor(this.platform.sessionPath(root));
    }
    const [only, ...others] = await bootFiles(folder);
    if (only !== undefined && others.length === 0) return configurationFor(this.platform.sessionPath(only));
    const reason = (file && whyNotBootable(file.path)) ?? localized('No file is open.');
    const advice = localized('Open the source or the image to boot and press F5, or name it in launch.json.');
    const openLaunchJson = localized('Create launch.json');
    const choice = await vscode.window.showErrorMessage(`${reason} ${advice}`, openLaunchJson);
    return choice === openLaunchJson ? null : undefined;
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
    // VS Code asks for each folder and once more for none, which would show everything twice.
    if (folder === undefined && vscode.workspace.workspaceFolders !== undefined) return [];
    const files = await bootFiles(folder);
    return files.map((file) => ({ ...configurationFor(inFolder(file)), name: vscode.workspace.asRelativePath(file) }));
  }
}

/** For a new launch.json: the file in front, or the first that can be booted. */
export class InitialConfigurations implements vscode.DebugConfigurationProvider {
  async provideDebugConfigurations(folder: Folder): Promise<vscode.DebugConfiguration[]> {
    const front = activeFile();
    const root = front !== undefined && canStartFrom(front) ? await bootFileFor(front) : undefined;
    const file = root ?? (await bootFiles(folder))[0];
    return [configurationFor(file === undefined ? FRONT_FILE : inFolder(file))];
  }
}

/** Whether a file can be booted, or is a part of one that can. */
function canStartFrom(file: vscode.Uri): boolean {
  return isSource(file.path) || whyNotBootable(file.path) === undefined;
}

function inFolder(file: vscode.Uri): string {
  const folder = vscode.workspace.getWorkspaceFolder(file);
  return folder === undefined ? file.fsPath : `\${workspaceFolder}/${vscode.workspace.asRelativePath(file, false)}`;
}

function isAbsolute(path: string): boolean {
  return /^([A-Za-z]:)?[\\/]/.test(path);
}
