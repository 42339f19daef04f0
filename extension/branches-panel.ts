/**
 * The view of the last branches: one webview panel, which shows the session for which it was opened last and serves the
 * next one when that has ended.
 */
import * as vscode from 'vscode';
import { type BranchesUpdate, statusWithoutBranches } from '../debug-adapter/protocol/branches.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { isBranchesRequest } from './branches-request.ts';
import type { CommandId } from './command-table.ts';
import type { RunningSession } from './sessions.ts';
import { setPage } from './view-page.ts';
import type { VmSession } from './vm-session.ts';

/** The view type, which VS Code also keeps to restore the panel. */
export const BRANCHES_VIEW_TYPE = 'x86vm.branches';

/** The page has a button for it, too. */
const STEP_COMMAND = 'x86vm.stepToBranch' satisfies CommandId;

export class BranchesPanel implements vscode.WebviewPanelSerializer {
  private readonly extensionUri: vscode.Uri;
  private panel: vscode.WebviewPanel | undefined;
  private session: VmSession | undefined;
  private debugSession: vscode.DebugSession | undefined;
  private subscription: vscode.Disposable | undefined;
  /** The page is in view and listens. */
  private pageReady = false;

  constructor(extensionUri: vscode.Uri) {
    this.extensionUri = extensionUri;
  }

  /** Brings the view to the front, with a session's branches. */
  open(session: RunningSession | undefined): void {
    if (this.panel === undefined) {
      const place = { viewColumn: vscode.ViewColumn.Beside };
      this.add(vscode.window.createWebviewPanel(BRANCHES_VIEW_TYPE, localized('Last Branches'), place, {}));
    } else this.panel.reveal();
    if (session) this.attach(session);
  }

  /** A new session: a view that shows no machine any more shows its. */
  serve(session: RunningSession): void {
    if (this.panel !== undefined && this.session?.alive !== true) this.attach(session);
  }

  /** Called by VS Code for a panel that was open when the window was closed. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel): Thenable<void> {
    this.panel?.dispose();
    this.add(panel);
    return Promise.resolve();
  }

  private add(panel: vscode.WebviewPanel): void {
    this.panel = panel;
    this.pageReady = false;
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, 'extension', 'images', 'branches.svg');
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.pageGone();
    });
    panel.onDidDispose(() => {
      if (this.panel !== panel) return;
      this.detach();
      this.panel = undefined;
    });
    void setPage(panel.webview, this.extensionUri, 'branches');
  }

  private attach({ vm, debugSession }: RunningSession): void {
    if (this.session === vm) return;
    this.detach();
    this.session = vm;
    this.debugSession = debugSession;
    if (this.panel) this.panel.title = localized('Last Branches: {0}', debugSession.name);
    this.subscription = vm.onBranchesUpdate((update) => this.forward(update));
    if (this.pageReady) vm.requestBranches({ type: 'visible', visible: true });
  }

  /** Where a place is found is shown in an editor; everything else is the page's business. */
  private forward(update: BranchesUpdate): void {
    if (update.type === 'located') void this.show(update);
    else void this.panel?.webview.postMessage(update);
  }

  /** Beside the view, not over it. */
  private async show({ source, line }: Extract<BranchesUpdate, { type: 'located' }>): Promise<void> {
    const { One, Two } = vscode.ViewColumn;
    const place = new vscode.Position(line - 1, 0);
    const viewColumn = this.panel?.viewColumn === One ? Two : One;
    const selection = new vscode.Range(place, place);
    try {
      const uri = vscode.debug.asDebugSourceUri(source, this.debugSession);
      await vscode.window.showTextDocument(uri, { viewColumn, selection });
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      void this.panel?.webview.postMessage({ type: 'failed', message } satisfies BranchesUpdate);
    }
  }

  private detach(): void {
    this.subscription?.dispose();
    this.session?.requestBranches({ type: 'visible', visible: false });
    this.session = undefined;
    this.debugSession = undefined;
  }

  private pageGone(): void {
    this.pageReady = false;
    this.session?.requestBranches({ type: 'visible', visible: false });
  }

  private receive(message: unknown): void {
    if (!isBranchesRequest(message)) return;
    if (message.type === 'visible') this.pageReady = message.visible;
    if (message.type === 'step') void vscode.commands.executeCommand(STEP_COMMAND);
    else if (this.session) this.session.requestBranches(message);
    else if (message.type === 'visible') void this.panel?.webview.postMessage(statusWithoutBranches('none'));
  }
}
