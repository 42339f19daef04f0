/**
 * Texts for the user in the language of VS Code, the same way in the extension, the session and the views. The English
 * text is the key; translations are in `extension/l10n/`, and the extension hands them to the worker and to the views. Until
 * a translator is set, as on the command line, texts stay English.
 */
type Value = string | number | boolean;
type Translate = (text: string, ...values: Value[]) => string;

let translate: Translate = fillIn;

/** Sets where translations come from: `vscode.l10n.t`; without one, texts are English again. */
export function translateWith(translator: Translate = fillIn): void {
  translate = translator;
}

/** A text with its `{0}`, `{1}` … filled in. It must be a literal: a test collects the texts from the sources. */
export function localized(text: string, ...values: Value[]): string {
  return translate(text, ...values);
}

/** Marks a literal that is looked up where it is shown, because the language is not known where it is written. */
export function marked(text: string): string {
  return text;
}

/** A text that was marked, in the language of the user; any other stays as it is. */
export function translated(text: string): string {
  return translate(text);
}

/** Translates by a table from the English text; what it does not have stays English. */
export function translateBy(table: Readonly<Record<string, unknown>>): void {
  translateWith((text, ...values) => {
    const translation = Object.hasOwn(table, text) ? table[text] : undefined;
    return fillIn(typeof translation === 'string' ? translation : text, ...values);
  });
}

function fillIn(text: string, ...values: Value[]): string {
  return text.replace(/\{(\d+)\}/g, (placeholder, index: string) => String(values[Number(index)] ?? placeholder));
}
