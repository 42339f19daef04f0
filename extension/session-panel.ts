/**
 * A view of which there is one: a webview panel, which shows the session for which it was opened last and serves the next one
 * when that has ended.
 */
import * as vscode from 'vscode';
import type { RunningSession } from './sessions.ts';
import { setPage, type ViewName } from './view-page.ts';
import type { VmSession } from './vm-session.ts';

/** Every page tells whether it is in view and listens. */
interface VisibleRequest {
  readonly type: 'visible';
  readonly visible: boolean;
}

/** What tells one such view from another. */
export interface SessionView<Request, Update> {
  /** The view type, which VS Code also keeps to restore the panel. */
  readonly type: string;
  /** Its page, and its icon. */
  readonly page: ViewName;
  readonly title: () => string;
  readonly titleWith: (session: string) => string;
  /** Whether a message of the page has the form of a request. */
  readonly isRequest: (message: unknown) => message is Request | VisibleRequest;
  readonly subscribe: (vm: VmSession, listener: (update: Update) => void) => { dispose(): void };
  readonly request: (vm: VmSession, message: Request | VisibleRequest) => void;
  /** What a page shows without a session. */
  readonly withoutSession: () => Update;
}

export class SessionPanel<Request extends { readonly type: string }, Update> implements vscode.WebviewPanelSerializer {
  protected panel: vscode.WebviewPanel | undefined;
  protected session: RunningSession | undefined;
  private readonly extensionUri: vscode.Uri;
  private readonly view: SessionView<Request, Update>;
  private subscription: { dispose(): void } | undefined;
  /** The page is in view and listens. */
  private pageReady = false;

  constructor(extensionUri: vscode.Uri, view: SessionView<Request, Update>) {
    this.extensionUri = extensionUri;
    this.view = view;
  }

  /** Lets VS Code restore the panel. */
  register(): vscode.Disposable {
    return vscode.window.registerWebviewPanelSerializer(this.view.type, this);
  }

  /** Brings the view to the front, with a session. */
  open(session: RunningSession | undefined): void {
    if (this.panel === undefined) {
      const place = { viewColumn: vscode.ViewColumn.Beside };
      this.add(vscode.window.createWebviewPanel(this.view.type, this.view.title(), place, {}));
    } else this.panel.reveal();
    if (session) this.attach(session);
  }

  /** A new session: a view that shows no machine any more shows its. */
  serve(session: RunningSession): void {
    if (this.panel !== undefined && this.session?.vm.alive !== true) this.attach(session);
  }

  /** Called by VS Code for a panel that was open when the window was closed. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel): Thenable<void> {
    this.panel?.dispose();
    this.add(panel);
    return Promise.resolve();
  }

  /** An update of the session. */
  protected update(update: Update): void {
    void this.panel?.webview.postMessage(update);
  }

  private add(panel: vscode.WebviewPanel): void {
    this.panel = panel;
    this.pageReady = false;
    panel.iconPath = vscode.Uri.joinPath(this.extensionUri, 'extension', 'images', `${this.view.page}.svg`);
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.pageGone();
    });
    panel.onDidDispose(() => {
      if (this.panel !== panel) return;
      this.detach();
      this.panel = undefined;
    });
    void setPage(panel.webview, this.extensionUri, this.view.page);
  }

  private attach(session: RunningSession): void {
    if (this.session?.vm === session.vm) return;
    this.detach();
    this.session = session;
    if (this.panel) this.panel.title = this.view.titleWith(session.debugSession.name);
    this.subscription = this.view.subscribe(session.vm, (update) => this.update(update));
    if (this.pageReady) this.tellVisible(true);
  }

  private detach(): void {
    this.subscription?.dispose();
    this.tellVisible(false);
    this.session = undefined;
  }

  private pageGone(): void {
    this.pageReady = false;
    this.tellVisible(false);
  }

  private tellVisible(visible: boolean): void {
    if (this.session) this.view.request(this.session.vm, { type: 'visible', visible });
  }

  private receive(message: unknown): void {
    if (!this.view.isRequest(message)) return;
    if (isVisible(message)) this.pageReady = message.visible;
    if (this.session) this.view.request(this.session.vm, message);
    else if (isVisible(message)) this.update(this.view.withoutSession());
  }
}

function isVisible(message: { readonly type: string }): message is VisibleRequest {
  return message.type === 'visible';
}
