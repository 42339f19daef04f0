/**
 * The page-table view: one webview panel, which shows the session for which it was opened last and serves the next one when
 * that has ended.
 */
import * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { statusWithoutTables } from '../debug-adapter/protocol/page-tables.ts';
import { isPageTablesRequest } from './page-tables-request.ts';
import type { RunningSession } from './sessions.ts';
import { setPage } from './view-page.ts';
import type { VmSession } from './vm-session.ts';

/** The view type, which VS Code also keeps to restore the panel. */
export const PAGE_TABLES_VIEW_TYPE = 'x86vm.pageTables';

export class PageTablesPanel implements vscode.WebviewPanelSerializer {
  private readonly extensionUri: vscode.Uri;
  private panel: vscode.WebviewPanel | undefined;
  private session: VmSession | undefined;
  private subscription: vscode.Disposable | undefined;
  /** The page is in view and listens. */
  private pageReady = false;

  constructor(extensionUri: vscode.Uri) {
    this.extensionUri = extensionUri;
  }

  /** Brings the view to the front, with a session's tables. */
  open(session: RunningSession | undefined): void {
    if (this.panel === undefined) {
      const place = { viewColumn: vscode.ViewColumn.Beside };
      this.add(vscode.window.createWebviewPanel(PAGE_TABLES_VIEW_TYPE, localized('Page Tables'), place, {}));
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
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, 'extension', 'images', 'page-tables.svg');
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.pageGone();
    });
    panel.onDidDispose(() => {
      if (this.panel !== panel) return;
      this.detach();
      this.panel = undefined;
    });
    void setPage(panel.webview, this.extensionUri, 'page-tables');
  }

  private attach({ vm, debugSession }: RunningSession): void {
    if (this.session === vm) return;
    this.detach();
    this.session = vm;
    if (this.panel) this.panel.title = localized('Page Tables: {0}', debugSession.name);
    this.subscription = vm.onPageTablesUpdate((update) => void this.panel?.webview.postMessage(update));
    if (this.pageReady) vm.requestPageTables({ type: 'visible', visible: true });
  }

  private detach(): void {
    this.subscription?.dispose();
    this.session?.requestPageTables({ type: 'visible', visible: false });
    this.session = undefined;
  }

  private pageGone(): void {
    this.pageReady = false;
    this.session?.requestPageTables({ type: 'visible', visible: false });
  }

  private receive(message: unknown): void {
    if (!isPageTablesRequest(message)) return;
    if (message.type === 'visible') this.pageReady = message.visible;
    if (this.session) this.session.requestPageTables(message);
    else if (message.type === 'visible') void this.panel?.webview.postMessage(statusWithoutTables('none'));
  }
}
