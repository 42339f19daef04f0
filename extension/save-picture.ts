/** Saves a picture of a screen where the user wants it. */
import * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';

/** Asks for a name and writes the bytes of a PNG file; failures are shown, not thrown. */
export async function savePicture(png: Uint8Array): Promise<void> {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const target = await vscode.window.showSaveDialog({
    filters: { [localized('PNG picture')]: ['png'] },
    ...(folder === undefined ? {} : { defaultUri: vscode.Uri.joinPath(folder, 'screen.png') }),
  });
  if (target === undefined) return;
  try {
    await vscode.workspace.fs.writeFile(target, png);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    void vscode.window.showErrorMessage(localized('{0} was not written: {1}', target.fsPath, reason));
  }
}
