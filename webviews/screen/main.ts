/** Entry of the screen view: joins the element with VS Code's webview API. */
import type { ScreenRequest } from '../../debug-adapter/protocol/screen.ts';
import type { ScreenCommand } from '../../debug-adapter/protocol/screen-commands.ts';
import { readPageTexts } from '../page-texts.ts';
import { isPreferences, isScreenUpdate } from './screen-model.ts';
import { ScreenView } from './screen-view.ts';

/** The part of VS Code's webview API that the view uses. */
declare function acquireVsCodeApi(): { postMessage(message: ScreenRequest | ScreenCommand): void };

readPageTexts();
const vscode = acquireVsCodeApi();
customElements.define('screen-view', ScreenView);
const view = document.querySelector('screen-view') as ScreenView;
view.send = (message) => vscode.postMessage(message);

window.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
  if (isScreenUpdate(data)) view.receive(data);
  else if (isPreferences(data)) view.prefer(data);
});

const tellVisibility = (): void =>
  vscode.postMessage({ type: 'visible', visible: document.visibilityState === 'visible' });
document.addEventListener('visibilitychange', tellVisibility);
tellVisibility();
