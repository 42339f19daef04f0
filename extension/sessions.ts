/** The debug sessions of this window: makes the adapter of each and keeps it until it ends. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { DEBUG_TYPE } from './file-types.ts';
import type { Platform } from './platform.ts';
import { VmSession } from './vm-session.ts';

/** A session as VS Code knows it and as we do. */
export interface RunningSession {
  readonly debugSession: vscode.DebugSession;
  readonly vm: VmSession;
}

export class Sessions implements vscode.DebugAdapterDescriptorFactory, vscode.Disposable {
  /** Called when a session's machine is there: its launch was answered with success. */
  onLaunched: (session: RunningSession) => void = () => undefined;
  private readonly running = new Map<string, RunningSession>();
  private readonly platform: Platform;
  private readonly workerScript: vscode.Uri;

  constructor(platform: Platform, extensionUri: vscode.Uri) {
    this.platform = platform;
    this.workerScript = vscode.Uri.joinPath(extensionUri, 'dist', 'worker.js');
  }

  async createDebugAdapterDescriptor(debugSession: vscode.DebugSession): Promise<vscode.DebugAdapterDescriptor> {
    const link = await this.platform.startWorker(this.workerScript);
    const session = { debugSession, vm: new VmSession(link, this.platform.host, vscode.l10n.bundle) };
    this.running.set(debugSession.id, session);
    session.vm.onDied = (text) => void vscode.window.showErrorMessage(text);
    session.vm.onDidSendMessage((message) => {
      if (isLaunchSuccess(message as DebugProtocol.ProtocolMessage)) this.onLaunched(session);
    });
    return new vscode.DebugAdapterInlineImplementation(session.vm);
  }

  /** Releases what a session held; a second time does nothing. */
  end(debugSession: vscode.DebugSession): void {
    this.running.get(debugSession.id)?.vm.dispose();
    this.running.delete(debugSession.id);
  }

  /** The session that the debug views show if it is one of ours, else the one that started last. */
  get active(): RunningSession | undefined {
    const shown = vscode.debug.activeDebugSession;
    if (shown?.type === DEBUG_TYPE) return this.running.get(shown.id);
    return [...this.running.values()].at(-1);
  }

  dispose(): void {
    for (const { debugSession } of [...this.running.values()]) this.end(debugSession);
  }
}

function isLaunchSuccess(message: DebugProtocol.ProtocolMessage): boolean {
  if (message.type !== 'response') return false;
  const response = message as DebugProtocol.Response;
  return response.command === 'launch' && response.success;
}
