/** Which screen panel shows which session: one panel for each machine, and panels without one are used again. */
import * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { type KeptChoices, SCREEN_VIEW_TYPE, ScreenPanel } from './screen-panel.ts';
import type { VmSession } from './vm-session.ts';

/** Whether the speaker is on, in the memento. */
const SOUND_KEY = 'screen.sound';

export class ScreenPanels implements vscode.WebviewPanelSerializer {
  private readonly extensionUri: vscode.Uri;
  private readonly panels = new Set<ScreenPanel>();

  private readonly choices: KeptChoices;

  /** `memento` keeps what the user chose in a view. */
  constructor(extensionUri: vscode.Uri, memento: vscode.Memento) {
    this.extensionUri = extensionUri;
    this.choices = {
      get: () => ({ sound: memento.get(SOUND_KEY, false) }),
      set: ({ sound }) => void memento.update(SOUND_KEY, sound),
    };
  }

  /** Shows a session's screen beside the code, in its own panel if it has one, else in an idle or a new one. */
  open(session: VmSession | undefined, name: string, takeFocus: boolean): void {
    const title = session === undefined ? emptyTitle() : localized('Screen: {0}', name);
    const existing = this.panelFor(session, title);
    const panel = existing ?? this.create(title, takeFocus);
    if (session !== undefined && !panel.shows(session)) panel.attach(session, title);
    if (existing !== undefined && (takeFocus || !existing.visible)) existing.reveal(takeFocus);
  }

  /** Whether some panel in view shows the session. */
  isVisible(session: VmSession): boolean {
    return [...this.panels].some((panel) => panel.visible && panel.shows(session));
  }

  /** Called by VS Code for a panel that was open when the window was closed. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel): Thenable<void> {
    panel.title = emptyTitle();
    this.add(panel);
    return Promise.resolve();
  }

  private panelFor(session: VmSession | undefined, title: string): ScreenPanel | undefined {
    const panels = [...this.panels];
    const idle = panels.filter((panel) => !panel.inUse);
    return (
      panels.find((panel) => session !== undefined && panel.shows(session)) ??
      idle.find((panel) => panel.title === title) ??
      idle[0]
    );
  }

  private create(title: string, takeFocus: boolean): ScreenPanel {
    const place = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: !takeFocus };
    return this.add(
      vscode.window.createWebviewPanel(SCREEN_VIEW_TYPE, title, place, { retainContextWhenHidden: true }),
    );
  }

  private add(webviewPanel: vscode.WebviewPanel): ScreenPanel {
    const panel = new ScreenPanel(webviewPanel, this.extensionUri, this.choices);
    panel.onClosed = () => this.panels.delete(panel);
    this.panels.add(panel);
    return panel;
  }
}

function emptyTitle(): string {
  return localized('x86 VM Screen');
}
