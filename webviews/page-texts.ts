/** The texts of a page in the language of VS Code, which the extension writes into the page itself. */
import { translateBy } from '../debug-adapter/protocol/localized.ts';

/** Takes up the language and the translations of the page. To be called before anything is rendered. */
export function readPageTexts(): void {
  const { language, texts } = document.body.dataset;
  // For screen readers, and for how numbers are written.
  if (language) document.documentElement.lang = language;
  const table: unknown = JSON.parse(texts || '{}');
  if (typeof table === 'object' && table !== null) translateBy(table as Readonly<Record<string, unknown>>);
}
