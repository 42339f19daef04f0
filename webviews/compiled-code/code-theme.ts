/** The editor's theme, made of the variables that VS Code gives to a webview, and made again when the user chooses another. */
import type { editor as monacoEditor } from 'monaco-editor/editor/editor.api.js';

/** The name of the theme. */
export const THEME = 'vscode';

/** Colours of the editor, which have the names of VS Code's. */
const COLORS = [
  'editor.background',
  'editor.foreground',
  'editor.lineHighlightBackground',
  'editor.lineHighlightBorder',
  'editor.selectionBackground',
  'editor.selectionForeground',
  'editor.inactiveSelectionBackground',
  'editor.findMatchBackground',
  'editor.findMatchBorder',
  'editor.findMatchHighlightBackground',
  'editor.findMatchHighlightBorder',
  'editorCursor.foreground',
  'editorWidget.background',
  'editorWidget.foreground',
  'editorWidget.border',
  'editorOverviewRuler.rangeHighlightForeground',
  'input.background',
  'input.foreground',
  'input.border',
  'inputOption.activeBackground',
  'inputOption.activeBorder',
  'inputOption.activeForeground',
  'focusBorder',
  'contrastBorder',
  'contrastActiveBorder',
  'scrollbarSlider.background',
  'scrollbarSlider.hoverBackground',
  'scrollbarSlider.activeBackground',
  'icon.foreground',
  'toolbar.hoverBackground',
] as const;

/** The colour of what no variable colours. */
const OTHERWISE = 'foreground';

/** Tokens, with the variables that colour them: a webview is not told how VS Code colours languages. */
const TOKENS: Readonly<Record<string, string>> = {
  '': 'editor-foreground',
  mnemonic: 'symbolIcon-functionForeground',
  keyword: 'symbolIcon-keywordForeground',
  register: 'debugTokenExpression-name',
  number: 'debugTokenExpression-number',
  label: 'symbolIcon-variableForeground',
  address: 'descriptionForeground',
  bytes: 'descriptionForeground',
  comment: 'descriptionForeground',
};

type Base = monacoEditor.BuiltinTheme;

/** Gives the editors the colours of the page, now and whenever these change. */
export function followTheme(editor: Pick<typeof monacoEditor, 'defineTheme' | 'setTheme'>): void {
  const apply = (): void => {
    editor.defineTheme(THEME, themeOf(document));
    editor.setTheme(THEME);
  };
  apply();
  const observer = new MutationObserver(apply);
  observer.observe(document.documentElement, { attributeFilter: ['style', 'class'] });
  observer.observe(document.body, { attributeFilter: ['class', 'data-vscode-theme-kind'] });
}

function themeOf({ body, documentElement }: Document): monacoEditor.IStandaloneThemeData {
  const style = getComputedStyle(documentElement);
  const colorOf = (variable: string): string | undefined => hexColor(style.getPropertyValue(`--vscode-${variable}`));
  const colors = COLORS.flatMap((name) => {
    const color = colorOf(name.replaceAll('.', '-'));
    return color === undefined ? [] : [[name, color] as const];
  });
  const rules = Object.entries(TOKENS).flatMap(([token, variable]) => {
    const foreground = (colorOf(variable) ?? colorOf(OTHERWISE))?.slice(1, 7);
    return foreground === undefined ? [] : [{ token, foreground }];
  });
  return { base: baseOf(body), inherit: true, colors: Object.fromEntries(colors), rules };
}

function baseOf({ dataset }: HTMLElement): Base {
  const kinds: Readonly<Record<string, Base>> = {
    'vscode-light': 'vs',
    'vscode-high-contrast': 'hc-black',
    'vscode-high-contrast-light': 'hc-light',
  };
  return kinds[dataset['vscodeThemeKind'] ?? ''] ?? 'vs-dark';
}

/** `#rrggbbaa` of a colour as style sheets write it; undefined for what is none. */
function hexColor(text: string): string | undefined {
  const color = text.trim();
  const short = /^#([0-9a-f]{3,4})$/i.exec(color)?.[1];
  if (short) return `#${[...short].map((digit) => digit + digit).join('')}`;
  if (/^#(?:[0-9a-f]{6}|[0-9a-f]{8})$/i.test(color)) return color;
  const parts = /^rgba?\(([^)]+)\)$/
    .exec(color)?.[1]
    ?.split(/[\s,/]+/)
    .map(Number);
  if (!parts || parts.some(Number.isNaN)) return undefined;
  const [red = 0, green = 0, blue = 0, alpha = 1] = parts;
  const bytes = [red, green, blue, alpha * 255];
  return `#${bytes.map((byte) => Math.round(byte).toString(16).padStart(2, '0')).join('')}`;
}
