/** Entry of the editor's bundle: an element around monaco-editor that shows lines of code and marks those of an instruction. */
import 'monaco-editor/editor/contrib/find/browser/findController.js';
import * as monaco from 'monaco-editor/editor/editor.api.js';
import type { CodeLine } from '../../debug-adapter/protocol/compiled-code.ts';
import { CODE_EDITOR, type CodeEditorElement, type CodeLanguage } from './code-editor-element.ts';
import { followTheme, THEME } from './code-theme.ts';
import { languages } from './code-languages.ts';

type Editor = monaco.editor.IStandaloneCodeEditor;

/** What makes of an editor something to read. */
const READING: monaco.editor.IStandaloneEditorConstructionOptions = {
  readOnly: true,
  domReadOnly: true,
  automaticLayout: true,
  lineNumbers: 'off',
  minimap: { enabled: false },
  folding: false,
  glyphMargin: false,
  links: false,
  contextmenu: false,
  occurrencesHighlight: 'off',
  selectionHighlight: false,
  scrollBeyondLastLine: false,
  lineDecorationsWidth: 12,
  renderLineHighlight: 'all',
  overviewRulerLanes: 1,
  stickyScroll: { enabled: false },
  // Tab leaves the editor: there is nothing to type.
  tabFocusMode: true,
  fixedOverflowWidgets: true,
};

class CodeEditor extends HTMLElement implements CodeEditorElement {
  language: CodeLanguage = 'guest';
  label = '';
  onInstruction: (address: number | undefined) => void = () => undefined;
  #editor: Editor | undefined;
  #lines: readonly CodeLine[] = [];
  #marks: monaco.editor.IEditorDecorationsCollection | undefined;

  connectedCallback(): void {
    const style = getComputedStyle(document.documentElement);
    const fontFamily = style.getPropertyValue('--vscode-editor-font-family') || 'monospace';
    const fontSize = Number.parseInt(style.getPropertyValue('--vscode-editor-font-size'), 10) || 13;
    const options = { ...READING, fontFamily, fontSize, language: this.language, theme: THEME, ariaLabel: this.label };
    const editor = monaco.editor.create(this, options);
    this.#editor = editor;
    this.#marks = editor.createDecorationsCollection();
    editor.onDidChangeCursorPosition(({ position, reason }) => {
      // The text is another one now.
      if (reason === monaco.editor.CursorChangeReason.ContentFlush) return;
      this.onInstruction(this.#lines[position.lineNumber - 1]?.address);
    });
    this.show(this.#lines);
  }

  disconnectedCallback(): void {
    this.#editor?.getModel()?.dispose();
    this.#editor?.dispose();
    this.#editor = undefined;
  }

  override focus(): void {
    this.#editor?.focus();
  }

  show(lines: readonly CodeLine[]): void {
    this.#lines = lines;
    this.#editor?.setValue(lines.map(({ text }) => text).join('\n'));
    this.#marks?.clear();
  }

  mark(address: number | undefined, reveal: boolean): void {
    const numbers = this.#lines.flatMap((line, n) =>
      address !== undefined && line.address === address ? [n + 1] : [],
    );
    this.#marks?.set(
      numbers.map((number) => ({
        range: new monaco.Range(number, 1, number, 1),
        options: {
          isWholeLine: true,
          className: 'marked-line',
          linesDecorationsClassName: 'marked-margin',
          overviewRuler: {
            color: { id: 'editorOverviewRuler.rangeHighlightForeground' },
            position: monaco.editor.OverviewRulerLane.Full,
          },
        },
      })),
    );
    if (reveal && numbers[0] !== undefined) this.#editor?.revealLineInCenterIfOutsideViewport(numbers[0]);
  }
}

for (const [id, language] of Object.entries(languages)) {
  monaco.languages.register({ id });
  monaco.languages.setMonarchTokensProvider(id, language);
}
followTheme(monaco.editor);
customElements.define(CODE_EDITOR, CodeEditor);
