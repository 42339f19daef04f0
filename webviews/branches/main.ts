/** Entry of the view of the last branches: joins the element with VS Code's webview API. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import type { PageMessage } from './branches-view.ts';
import { readPageTexts } from '../page-texts.ts';
import { RowList } from '../row-list.ts';
import { isBranchesUpdate } from './branches-model.ts';
import { BranchesView } from './branches-view.ts';

/** The part of VS Code's webview API that the view uses. */
declare function acquireVsCodeApi(): { postMessage(message: PageMessage): void };

readPageTexts();
const vscode = acquireVsCodeApi();
customElements.define('row-list', RowList);
customElements.define('branches-view', BranchesView);
const view = document.querySelector('branches-view') as BranchesView;
view.send = (message) => vscode.postMessage(message);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isBranchesUpdate(data)) view.receive(data);
});

const tellVisibility = (): void =>
  vscode.postMessage({ type: 'visible', visible: document.visibilityState === 'visible' });
document.addEventListener('visibilitychange', tellVisibility);
tellVisibility();
