/** Puts the page of a view into a webview: the bundled HTML with the addresses of its script and style sheets. */
import * as vscode from 'vscode';
import { fillPage } from './screen-page.ts';

/** The views there are, by the names of their files. */
export type ViewName = 'screen' | 'memory' | 'page-tables' | 'branches' | 'compiled-code';

/** Lets a webview run the scripts of our views and nothing else, and loads the page of one of them. */
export async function setPage(webview: vscode.Webview, extensionUri: vscode.Uri, view: ViewName): Promise<void> {
  const folder = vscode.Uri.joinPath(extensionUri, 'dist', 'webviews');
  webview.options = { enableScripts: true, localResourceRoots: [folder] };
  const address = (name: string): string => webview.asWebviewUri(vscode.Uri.joinPath(folder, name)).toString();
  const page = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(folder, `${view}.html`));
  webview.html = fillPage(new TextDecoder().decode(page), {
    cspSource: webview.cspSource,
    nonce: crypto.randomUUID(),
    script: address(`${view}.js`),
    style: address(`${view}.css`),
    codicons: address('codicon.css'),
    language: vscode.env.language,
    texts: JSON.stringify(vscode.l10n.bundle ?? {}),
    speaker: address('speaker-worklet.js'),
    codeEditor: address('code-editor.js'),
    codeEditorStyle: address('code-editor.css'),
  });
}
