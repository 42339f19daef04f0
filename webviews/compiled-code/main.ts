/** Entry of the view of compiled code: joins the element with VS Code's webview API. */
import '@vscode-elements/elements/dist/vscode-button/index.js';
import '@vscode-elements/elements/dist/vscode-option/index.js';
import '@vscode-elements/elements/dist/vscode-single-select/index.js';
import '@vscode-elements/elements/dist/vscode-textfield/index.js';
import type { CompiledCodeRequest } from '../../debug-adapter/protocol/compiled-code.ts';
import { readPageTexts } from '../page-texts.ts';
import { RowList } from '../row-list.ts';
import { isCompiledCodeUpdate } from './compiled-code-model.ts';
import { CompiledCodeView } from './compiled-code-view.ts';

/** The part of VS Code's webview API that the view uses. */
declare function acquireVsCodeApi(): { postMessage(message: CompiledCodeRequest): void };

readPageTexts();
const vscode = acquireVsCodeApi();
customElements.define('row-list', RowList);
customElements.define('compiled-code-view', CompiledCodeView);
const view = document.querySelector('compiled-code-view') as CompiledCodeView;
view.send = (message) => vscode.postMessage(message);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isCompiledCodeUpdate(data)) view.receive(data);
});

const tellVisibility = (): void =>
  vscode.postMessage({ type: 'visible', visible: document.visibilityState === 'visible' });
document.addEventListener('visibilitychange', tellVisibility);
tellVisibility();
