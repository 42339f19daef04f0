/** The page of the screen view: the bundled HTML with its placeholders filled in. */

/** What the placeholders `{{name}}` of a page stand for; `texts` are the translations of its texts, as JSON. */
export type PageValues = Readonly<
  Record<
    | ('cspSource' | 'nonce' | 'script' | 'style' | 'codicons' | 'language' | 'texts')
    | ('speaker' | 'codeEditor' | 'codeEditorStyle'),
    string
  >
>;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '"': '&quot;', '<': '&lt;', '>': '&gt;' };

/** Fills every placeholder, as text between tags or in quotes; one that has no value is our mistake and throws. */
export function fillPage(page: string, values: PageValues): string {
  return page.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => {
    const value = (values as Readonly<Record<string, string | undefined>>)[name];
    if (value === undefined) throw new Error(`The page has a placeholder ${placeholder} that nothing fills.`);
    return value.replace(/[&"<>]/g, (character) => ENTITIES[character] ?? character);
  });
}
