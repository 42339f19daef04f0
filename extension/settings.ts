/** Reads the extension's settings. */
import * as vscode from 'vscode';
import { SETTINGS, type SettingId } from './setting-table.ts';

/** The value that holds now. */
export function setting(id: SettingId): boolean {
  return vscode.workspace.getConfiguration().get(id, SETTINGS[id].default);
}
