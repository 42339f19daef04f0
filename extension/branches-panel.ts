/** The view of the last branches. */
import * as vscode from 'vscode';
import { type BranchesUpdate, statusWithoutBranches } from '../debug-adapter/protocol/branches.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { type BranchesPageRequest, isBranchesRequest } from './branches-request.ts';
import type { CommandId } from './command-table.ts';
import { SessionPanel } from './session-panel.ts';

/** The page has a button for it, too. */
const STEP_COMMAND = 'x86vm.stepToBranch' satisfies CommandId;

export class BranchesPanel extends SessionPanel<BranchesPageRequest, BranchesUpdate> {
  constructor(extensionUri: vscode.Uri) {
    super(extensionUri, {
      type: 'x86vm.branches',
      page: 'branches',
      title: () => localized('Last Branches'),
      titleWith: (session) => localized('Last Branches: {0}', session),
      isRequest: isBranchesRequest,
      subscribe: (vm, listener) => vm.onBranchesUpdate(listener),
      request: (vm, message) => {
        if (message.type === 'step') void vscode.commands.executeCommand(STEP_COMMAND);
        else vm.requestBranches(message);
      },
      withoutSession: () => statusWithoutBranches('none'),
    });
  }

  /** Where a place is found is shown in an editor; everything else is the page's business. */
  protected override update(update: BranchesUpdate): void {
    if (update.type === 'located') void this.show(update);
    else super.update(update);
  }

  /** Beside the view, not over it. */
  private async show({ source, line }: Extract<BranchesUpdate, { type: 'located' }>): Promise<void> {
    const { One, Two } = vscode.ViewColumn;
    const place = new vscode.Position(line - 1, 0);
    const viewColumn = this.panel?.viewColumn === One ? Two : One;
    const selection = new vscode.Range(place, place);
    try {
      const uri = vscode.debug.asDebugSourceUri(source, this.session?.debugSession);
      await vscode.window.showTextDocument(uri, { viewColumn, selection });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      super.update({ type: 'failed', message });
    }
  }
}
