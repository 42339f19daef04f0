/** Which memory panels there are and which session each shows; a session may have several. */
import * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { MEMORY_VIEW_TYPE, MemoryPanel } from './memory-panel.ts';
import type { RunningSession } from './sessions.ts';

/** Where a new view is: at the next instruction, in 16- and in 32-bit code. */
const FIRST_PLACE = 'CS:EIP';

export class MemoryPanels implements vscode.WebviewPanelSerializer {
  private readonly extensionUri: vscode.Uri;
  private readonly panels = new Set<MemoryPanel>();

  constructor(extensionUri: vscode.Uri) {
    this.extensionUri = extensionUri;
  }

  /** Brings a session's memory to the front. Called again in front of such a view, it opens another. */
  open(session: RunningSession | undefined): void {
    const own = this.of(session).find((panel) => !panel.active);
    if (own !== undefined && !this.of(session).some((panel) => panel.active)) own.reveal();
    else this.create(session).go(FIRST_PLACE);
  }

  /** Shows a place in a session's memory, in a view that is there if there is one. */
  openAt(session: RunningSession, place: string): void {
    const [own] = this.of(session);
    own?.reveal();
    (own ?? this.create(session)).go(place);
  }

  /** A new session: views that show no machine any more show its. */
  serve(session: RunningSession): void {
    for (const panel of this.panels) if (!panel.inUse) panel.attach(session.vm, titleOf(session));
  }

  /** Called by VS Code for a panel that was open when the window was closed. */
  deserializeWebviewPanel(panel: vscode.WebviewPanel): Thenable<void> {
    panel.title = emptyTitle();
    this.add(panel);
    return Promise.resolve();
  }

  /** The views of a session; without one, those that show none. */
  private of(session: RunningSession | undefined): readonly MemoryPanel[] {
    return [...this.panels].filter((panel) => (session ? panel.shows(session.vm) : !panel.inUse));
  }

  private create(session: RunningSession | undefined): MemoryPanel {
    const title = session ? titleOf(session) : emptyTitle();
    // In front of the source it would be covered by it at the next step.
    const place = { viewColumn: vscode.ViewColumn.Beside };
    const panel = this.add(vscode.window.createWebviewPanel(MEMORY_VIEW_TYPE, title, place, {}));
    if (session) panel.attach(session.vm, title);
    return panel;
  }

  private add(webviewPanel: vscode.WebviewPanel): MemoryPanel {
    const panel = new MemoryPanel(webviewPanel, this.extensionUri);
    panel.onClosed = () => this.panels.delete(panel);
    this.panels.add(panel);
    return panel;
  }
}

function titleOf({ debugSession }: RunningSession): string {
  return localized('Memory: {0}', debugSession.name);
}

function emptyTitle(): string {
  return localized('x86 VM Memory');
}
