/**
 * One screen view: a webview panel, and the session whose picture it shows. The panel outlives its session with the last
 * picture and serves the next one.
 */
import * as vscode from 'vscode';
import type { ScreenUpdate } from '../debug-adapter/protocol/screen.ts';
import type { ScreenCommand, ScreenPreferences } from '../debug-adapter/protocol/screen-commands.ts';
import { savePicture } from './save-picture.ts';
import { isScreenCommand, isScreenRequest } from './screen-request.ts';
import { setPage } from './view-page.ts';
import type { VmSession } from './vm-session.ts';

/** The view type, which VS Code also keeps to restore panels. */
export const SCREEN_VIEW_TYPE = 'x86vm.screen';

const NO_SESSION: ScreenUpdate = { type: 'status', state: 'none', detail: '' };

/** What the user chose in a screen view holds for those that come. */
export interface KeptChoices {
  get(): Omit<ScreenPreferences, 'type'>;
  set(choices: Omit<ScreenPreferences, 'type'>): void;
}

export class ScreenPanel {
  /** Called once, when the user has closed the panel. */
  onClosed: () => void = () => undefined;
  private readonly panel: vscode.WebviewPanel;
  private readonly choices: KeptChoices;
  private session: VmSession | undefined;
  private subscription: vscode.Disposable | undefined;

  /** Whether the page plays the speaker. */
  private listening = false;

  constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, choices: KeptChoices) {
    this.panel = panel;
    this.choices = choices;
    panel.iconPath = vscode.Uri.joinPath(extensionUri, 'extension', 'images', 'screen.svg');
    panel.webview.onDidReceiveMessage((message: unknown) => this.receive(message));
    panel.onDidChangeViewState(() => this.session?.requestScreen({ type: 'visible', visible: panel.visible }));
    panel.onDidDispose(() => {
      this.detach();
      this.onClosed();
    });
    void setPage(panel.webview, extensionUri, 'screen');
  }

  /** Whether it shows a machine that is there. */
  get inUse(): boolean {
    return this.session?.alive ?? false;
  }

  get title(): string {
    return this.panel.title;
  }

  get visible(): boolean {
    return this.panel.visible;
  }

  shows(session: VmSession): boolean {
    return this.session === session;
  }

  /** Shows another session from now on. */
  attach(session: VmSession, title: string): void {
    this.detach();
    this.session = session;
    this.panel.title = title;
    this.subscription = session.onScreenUpdate((update) => void this.panel.webview.postMessage(update));
    if (this.panel.visible) session.requestScreen({ type: 'visible', visible: true });
    if (this.listening) session.requestScreen({ type: 'listen', on: true });
  }

  /** Brings the panel to the front of its column. */
  reveal(takeFocus: boolean): void {
    this.panel.reveal(undefined, !takeFocus);
  }

  private detach(): void {
    this.subscription?.dispose();
    this.session?.requestScreen({ type: 'visible', visible: false });
    if (this.listening) this.session?.requestScreen({ type: 'listen', on: false });
    this.session = undefined;
  }

  private receive(message: unknown): void {
    if (isScreenCommand(message)) this.execute(message);
    if (!isScreenRequest(message)) return;
    if (message.type === 'visible' && message.visible) this.tellChoices();
    if (message.type === 'listen') this.listening = message.on;
    if (this.session?.alive) this.session.requestScreen(message);
    else if (message.type === 'visible' && this.session === undefined) void this.panel.webview.postMessage(NO_SESSION);
  }

  private execute(command: ScreenCommand): void {
    if (command.type === 'sound-switch') this.choices.set({ sound: command.on });
    else void savePicture(new Uint8Array(command.png));
  }

  private tellChoices(): void {
    const preferences: ScreenPreferences = { type: 'preferences', ...this.choices.get() };
    void this.panel.webview.postMessage(preferences);
  }
}
