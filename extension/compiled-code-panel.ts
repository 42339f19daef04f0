/** The view of compiled code. */
import type * as vscode from 'vscode';
import {
  type CompiledCodeRequest,
  type CompiledCodeUpdate,
  statusWithoutCode,
} from '../debug-adapter/protocol/compiled-code.ts';
import { localized } from '../debug-adapter/protocol/localized.ts';
import { isCompiledCodeRequest } from './compiled-code-request.ts';
import { SessionPanel } from './session-panel.ts';

export class CompiledCodePanel extends SessionPanel<CompiledCodeRequest, CompiledCodeUpdate> {
  constructor(extensionUri: vscode.Uri) {
    super(extensionUri, {
      type: 'x86vm.compiledCode',
      page: 'compiled-code',
      title: () => localized('Compiled Code'),
      titleWith: (session) => localized('Compiled Code: {0}', session),
      isRequest: isCompiledCodeRequest,
      subscribe: (vm, listener) => vm.onCompiledCodeUpdate(listener),
      request: (vm, message) => vm.requestCompiledCode(message),
      withoutSession: () => statusWithoutCode('none'),
    });
  }
}
