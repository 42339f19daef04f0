/**
 * The view of compiled code: one webview panel, which shows the session for which it was opened last and serves the next one
 * when that has ended.
 */
import * as vscode from 'vscode';
import { statusWithoutCode } from '../debug-adapter/protocol/compiled-code.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { isCompiledCodeRequest } from './compiled-code-request.ts';
import type { RunningSession } from './sessions.ts';
import { setPage } from './view-page.ts';
import type { VmSession } from './vm-session.ts';

/** The view type, which VS Code also keeps to restore the panel. */
export const COMPILED_CODE_VIEW_TYPE = 'x86vm.compiledCode';

export class CompiledCodePanel implements vscode.WebviewPanelSerializer {
  private readonly extensionUri: vscode.Uri;
  private panel: vscode.WebviewPanel | undefined;
  private session: VmSession | undefined;
  private subscription: vscode.Disposable | undefined;
  /** The page is in view and listens. */
  private pageReady = false;

  constructor(extensionUri: vscode.Uri) {
    this.extensionUri = extensionUri;
  }

  /** Brings the view to the front, with a session's code. */
  open(session: RunningSession | undefined): void {
    if (this.panel === undefined) {
      const place = { viewColumn: vscode.ViewColumn.Beside };
      this.add(vscode.window.createWebviewPanel(COMPILED_CODE_VIEW_TYPE, localized('Compiled Code'), place, {}));
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
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, 'extension', 'images', 'compiled-code.svg');
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.pageGone();
    });
    panel.onDidDispose(() => {
      if (this.panel !== panel) return;
      this.detach();
      this.panel = undefined;
    });
    void setPage(panel.webview, this.extensionUri, 'compiled-code');
  }

  private attach({ vm, debugSession }: RunningSession): void {
    if (this.session === vm) return;
    this.detach();
    this.session = vm;
    if (this.panel) this.panel.title = localized('Compiled Code: {0}', debugSession.name);
    this.subscription = vm.onCompiledCodeUpdate((update) => void this.panel?.webview.postMessage(update));
    if (this.pageReady) vm.requestCompiledCode({ type: 'visible', visible: true });
  }

  private detach(): void {
    this.subscription?.dispose();
    this.session?.requestCompiledCode({ type: 'visible', visible: false });
    this.session = undefined;
  }

  private pageGone(): void {
    this.pageReady = false;
    this.session?.requestCompiledCode({ type: 'visible', visible: false });
  }

  private receive(message: unknown): void {
    if (!isCompiledCodeRequest(message)) return;
    if (message.type === 'visible') this.pageReady = message.visible;
    if (this.session) this.session.requestCompiledCode(message);
    else if (message.type === 'visible') void this.panel?.webview.postMessage(statusWithoutCode('none'));
  }
}
