/** The page-table view. */
import type * as vscode from 'vscode';
import { localized } from '../debug-adapter/protocol/localized.ts';
import {
  type PageTablesRequest,
  type PageTablesUpdate,
  statusWithoutTables,
} from '../debug-adapter/protocol/page-tables.ts';
import { isPageTablesRequest } from './page-tables-request.ts';
import { SessionPanel } from './session-panel.ts';

export class PageTablesPanel extends SessionPanel<PageTablesRequest, PageTablesUpdate> {
  constructor(extensionUri: vscode.Uri) {
    super(extensionUri, {
      type: 'x86vm.pageTables',
      page: 'page-tables',
      title: () => localized('Page Tables'),
      titleWith: (session) => localized('Page Tables: {0}', session),
      isRequest: isPageTablesRequest,
      subscribe: (vm, listener) => vm.onPageTablesUpdate(listener),
      request: (vm, message) => vm.requestPageTables(message),
      withoutSession: () => statusWithoutTables('none'),
    });
  }
}
