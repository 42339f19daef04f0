/** Entry of the browser's extension host: Web Workers, files of any file system that VS Code knows, no assembler. */
import * as vscode from 'vscode';
import { activateExtension } from '../activate.ts';
import { WorkspaceHost } from '../workspace-host.ts';
import { startWebWorker } from './web-worker.ts';

/** Called by VS Code once, when the extension is first needed. */
export function activate(context: vscode.ExtensionContext): void {
  activateExtension(context, {
    host: new WorkspaceHost(vscode.workspace.fs, vscode.Uri.parse, () => performance.now()),
    startWorker: async (script) => startWebWorker(new Uint8Array(await vscode.workspace.fs.readFile(script))),
    sessionPath: (uri) => uri.toString(),
  });
}
