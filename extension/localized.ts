/**
 * Texts for the user in the language of VS Code. The English text is the key; translations are in `l10n/`. Files that are
 * tested without VS Code use this, too: until a translator is set, texts stay English.
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

function fillIn(text: string, ...values: Value[]): string {
  return text.replace(/\{(\d+)\}/g, (placeholder, index: string) => String(values[Number(index)] ?? placeholder));
}
