/** Entry of the desktop's extension host: threads as workers, the file system and NASM through Node. */
import * as vscode from 'vscode';
import { createNodeHost } from '../../debug-adapter/command-line/node-host.ts';
import { activateExtension } from '../activate.ts';
import { routedHost } from '../routed-host.ts';
import { WorkspaceHost } from '../workspace-host.ts';
import { codeFolderOf, removeOtherCode } from './code-folder.ts';
import { startThread } from './thread.ts';

/** Called by VS Code once, when the extension is first needed. */
export function activate(context: vscode.ExtensionContext): void {
  const disk = createNodeHost();
  const storage = context.globalStorageUri.fsPath;
  const { version } = context.extension.packageJSON as { readonly version: string };
  void removeOtherCode(storage, version);
  activateExtension(context, {
    host: routedHost(disk, new WorkspaceHost(vscode.workspace.fs, vscode.Uri.parse, () => disk.now())),
    startWorker: (script) => Promise.resolve(startThread(script.fsPath, codeFolderOf(storage, version))),
    sessionPath: (uri) => (uri.scheme === 'file' ? uri.fsPath : uri.toString()),
  });
}
