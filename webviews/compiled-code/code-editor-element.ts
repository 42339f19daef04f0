/** The element that shows code in an editor: a bundle of its own defines it when the first region is shown. */
import type { CodeLine } from '../../debug-adapter/protocol/compiled-code.ts';

/** The languages that it knows. */
export type CodeLanguage = 'guest' | 'generated';

export interface CodeEditorElement extends HTMLElement {
  language: CodeLanguage;
  /** What it is called for a screen reader. */
  label: string;
  /** The user went to a line of an instruction, by its address, or to a line that is of none. */
  onInstruction: (address: number | undefined) => void;
  show(lines: readonly CodeLine[]): void;
  /** Marks the lines of an instruction; `reveal` brings the first of them into view. */
  mark(address: number | undefined, reveal: boolean): void;
}

/** The name of the element. */
export const CODE_EDITOR = 'code-editor';

let loading: Promise<void> | undefined;

/** Brings the bundle into the page, once. */
export function loadCodeEditor({ editor = '', editorStyle = '' }: DOMStringMap): Promise<void> {
  loading ??= load(editor, editorStyle);
  return loading;
}

async function load(script: string, style: string): Promise<void> {
  const nonce = document.querySelector<HTMLScriptElement>('script[nonce]')?.nonce ?? '';
  const loaded = (element: HTMLElement): Promise<void> =>
    new Promise((resolve, reject) => {
      element.addEventListener('load', () => resolve());
      element.addEventListener('error', () => reject(new Error('the editor could not be loaded')));
      document.head.append(element);
    });
  await loaded(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: style }));
  await loaded(Object.assign(document.createElement('script'), { src: script, nonce }));
}
