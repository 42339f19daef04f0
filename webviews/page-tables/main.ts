/** Entry of the page-table view: joins the elements with VS Code's webview API. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-checkbox/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-tab-header/index.js';
import '@vscode-elements/elements/dist/vscode-tab-panel/index.js';
import '@vscode-elements/elements/dist/vscode-tabs/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import type { PageTablesRequest } from '../../debug-adapter/protocol/page-tables.ts';
import { readPageTexts } from '../page-texts.ts';
import { isPageTablesUpdate } from './page-model.ts';
import { type PageSettings, restoredSettings } from './page-settings.ts';
import { PageTablesView } from './page-tables-view.ts';
import { RowList } from '../row-list.ts';

/** The part of VS Code's webview API that the view uses. */
declare function acquireVsCodeApi(): {
  postMessage(message: PageTablesRequest): void;
  getState(): unknown;
  setState(state: PageSettings): void;
};

readPageTexts();
const vscode = acquireVsCodeApi();
customElements.define('row-list', RowList);
customElements.define('page-tables-view', PageTablesView);
const view = document.querySelector('page-tables-view') as PageTablesView;
view.send = (message) => vscode.postMessage(message);
view.restore(restoredSettings(vscode.getState()));
view.save = (settings) => vscode.setState(settings);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isPageTablesUpdate(data)) view.receive(data);
});

const tellVisibility = (): void => view.tellVisible(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', tellVisibility);
tellVisibility();
