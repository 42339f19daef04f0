/** Shows the assembler's messages in the Problems view; each run replaces what the last one said of the same program. */
import * as vscode from 'vscode';
import type { AssemblerMessage } from '../debug-adapter/host.ts';
import { DIAGNOSTICS_EVENT, type DiagnosticsBody } from '../debug-adapter/protocol/events.ts';
import { DEBUG_TYPE } from './file-types.ts';
import { isUri } from './routed-host.ts';

const SEVERITIES = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
} as const satisfies Record<AssemblerMessage['severity'], vscode.DiagnosticSeverity>;

/** A line's end, wherever it is. */
const COLUMN_MAX = 10_000;

export class AssemblerDiagnostics implements vscode.Disposable {
  private readonly collections = new Map<string, vscode.DiagnosticCollection>();
  private readonly subscription: vscode.Disposable;

  constructor() {
    this.subscription = vscode.debug.onDidReceiveDebugSessionCustomEvent(({ session, event, body }) => {
      if (session.type === DEBUG_TYPE && event === DIAGNOSTICS_EVENT) this.show(body as DiagnosticsBody);
    });
  }

  dispose(): void {
    this.subscription.dispose();
    for (const collection of this.collections.values()) collection.dispose();
  }

  private show(body: DiagnosticsBody): void {
    const collection = this.collectionOf(body.program);
    collection.clear();
    const files = new Set(body.messages.map(({ file }) => file));
    for (const file of files) {
      const messages = body.messages.filter((message) => message.file === file);
      collection.set(fileUri(file), messages.map(diagnosticOf));
    }
  }

  private collectionOf(program: string): vscode.DiagnosticCollection {
    let collection = this.collections.get(program);
    if (collection === undefined) {
      collection = vscode.languages.createDiagnosticCollection(`${DEBUG_TYPE} ${program}`);
      this.collections.set(program, collection);
    }
    return collection;
  }
}

function diagnosticOf({ line, message, severity }: AssemblerMessage): vscode.Diagnostic {
  const index = Math.max(0, line - 1);
  const range = new vscode.Range(index, 0, index, COLUMN_MAX);
  const diagnostic = new vscode.Diagnostic(range, message, SEVERITIES[severity]);
  diagnostic.source = 'nasm';
  return diagnostic;
}

function fileUri(path: string): vscode.Uri {
  return isUri(path) ? vscode.Uri.parse(path) : vscode.Uri.file(path);
}
