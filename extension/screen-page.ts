/** The page of the screen view: the bundled HTML with its placeholders filled in. */

/** What the placeholders `{{name}}` of a page stand for. */
export type PageValues = Readonly<Record<'cspSource' | 'nonce' | 'script' | 'style' | 'codicons' | 'speaker', string>>;

/** Fills every placeholder; one that has no value is our mistake and throws. */
export function fillPage(page: string, values: PageValues): string {
  return page.replace(/\{\{(\w+)\}\}/g, (placeholder, name: string) => {
    const value = (values as Readonly<Record<string, string | undefined>>)[name];
    if (value === undefined) throw new Error(`The page has a placeholder ${placeholder} that nothing fills.`);
    return value;
  });
}
