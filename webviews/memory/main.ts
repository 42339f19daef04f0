/** Entry of the memory view: joins the elements with VS Code's webview API. */
import type { MemoryRequest } from '../../debug-adapter/protocol/memory.ts';
import { readPageTexts } from '../page-texts.ts';
import { FindBar } from './find-bar.ts';
import { HexGrid } from './hex-grid.ts';
import { isMemoryUpdate } from './memory-model.ts';
import { MemoryView } from './memory-view.ts';
import { restoredSettings, type ViewSettings } from './view-settings.ts';

/** The part of VS Code's webview API that the view uses. */
declare function acquireVsCodeApi(): {
  postMessage(message: MemoryRequest): void;
  getState(): unknown;
  setState(state: ViewSettings): void;
};

readPageTexts();
const vscode = acquireVsCodeApi();
customElements.define('hex-grid', HexGrid);
customElements.define('find-bar', FindBar);
customElements.define('memory-view', MemoryView);
const view = document.querySelector('memory-view') as MemoryView;
view.send = (message) => vscode.postMessage(message);
view.restore(restoredSettings(vscode.getState()));
view.save = (settings) => vscode.setState(settings);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isMemoryUpdate(data)) view.receive(data);
});

const tellVisibility = (): void => view.tellVisible(document.visibilityState === 'visible');
document.addEventListener('visibilitychange', tellVisibility);
tellVisibility();
