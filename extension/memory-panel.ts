/**
 * One memory view: a webview panel, and the session whose memory it shows. The panel outlives its session with what it
 * showed last and serves the next one.
 */
import * as vscode from 'vscode';
import type { MemoryRequest, MemoryUpdate } from '../debug-adapter/protocol/memory.ts';
import { isMemoryRequest } from './memory-request.ts';
import { setPage } from './view-page.ts';
import type { VmSession } from './vm-session.ts';

/** The view type, which VS Code also keeps to restore panels. */
export const MEMORY_VIEW_TYPE = 'x86vm.memory';

const NO_SESSION: MemoryUpdate = { type: 'status', state: 'none', detail: '' };

/** Tells the views of a session apart. */
let viewCount = 0;

export class MemoryPanel {
  /** Called once, when the user has closed the panel. */
  onClosed: () => void = () => undefined;
  private readonly panel: vscode.WebviewPanel;
  private readonly view = ++viewCount;
  private session: VmSession | undefined;
  private subscription: vscode.Disposable | undefined;
  /** The page is in view and listens. */
  private pageReady = false;
  /** What the page shows, for a session that comes later. */
  private shown: MemoryRequest | undefined;
  /** Where to go as soon as there are a page and a session. */
  private place: string | undefined;

  constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri) {
    this.panel = panel;
    panel.iconPath = vscode.Uri.joinPath(extensionUri, 'extension', 'images', 'memory.svg');
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => {
      if (!panel.visible) this.pageGone();
    });
    panel.onDidDispose(() => {
      this.detach();
      this.onClosed();
    });
    void setPage(panel.webview, extensionUri, 'memory');
  }

  /** Whether it shows a machine that is there. */
  get inUse(): boolean {
    return this.session?.alive ?? false;
  }

  /** Whether it is the editor in front. */
  get active(): boolean {
    return this.panel.active;
  }

  shows(session: VmSession): boolean {
    return this.session === session;
  }

  /** Shows another session from now on. */
  attach(session: VmSession, title: string): void {
    this.detach();
    this.session = session;
    this.panel.title = title;
    this.subscription = session.onMemoryUpdate(this.view, (update) => void this.panel.webview.postMessage(update));
    if (!this.pageReady) return;
    session.requestMemory(this.view, { type: 'visible', visible: true });
    if (this.shown) session.requestMemory(this.view, this.shown);
    this.goNow();
  }

  /** Brings the panel to the front of its column. */
  reveal(): void {
    this.panel.reveal();
  }

  /** Goes where a text leads, as if it stood in the address box. */
  go(place: string): void {
    this.place = place;
    this.goNow();
  }

  private goNow(): void {
    if (this.place === undefined || !this.pageReady || !this.session?.alive) return;
    this.session.requestMemory(this.view, { type: 'go', text: this.place });
    this.place = undefined;
  }

  private pageGone(): void {
    this.pageReady = false;
    this.session?.requestMemory(this.view, { type: 'visible', visible: false });
  }

  private detach(): void {
    this.subscription?.dispose();
    this.session?.requestMemory(this.view, { type: 'visible', visible: false });
    this.session = undefined;
  }

  private receive(message: unknown): void {
    if (!isMemoryRequest(message)) return;
    if (message.type === 'visible') this.pageReady = message.visible;
    if (message.type === 'show') this.shown = message;
    if (this.session) this.session.requestMemory(this.view, message);
    else if (message.type === 'visible') void this.panel.webview.postMessage(NO_SESSION);
    this.goNow();
  }
}
