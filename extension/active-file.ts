/**
 * The file in front of the user, also where it is no text: a disk image shows in an editor that is no text editor. While
 * a view without a file has the focus, such as the screen, it is the text beside it.
 */
import * as vscode from 'vscode';

export function activeFile(): vscode.Uri | undefined {
  const input = vscode.window.tabGroups.activeTabGroup.activeTab?.input;
  if (input instanceof vscode.TabInputText || input instanceof vscode.TabInputCustom) return input.uri;
  return (vscode.window.activeTextEditor ?? vscode.window.visibleTextEditors[0])?.document.uri;
}
