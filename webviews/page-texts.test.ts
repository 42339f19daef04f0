import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawn, post, ViewPages } from '../test/webviews/view-page.ts';
import { browserPath } from '../test/end-to-end/workbench.ts';

const GERMAN = JSON.parse(
  readFileSync(new URL('../extension/l10n/bundle.l10n.de.json', import.meta.url), 'utf8'),
) as Readonly<Record<string, string>>;

/** Everything that a user sees or hears of a page: texts, names, tooltips, placeholders. */
const textsOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const texts: string[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      if (node instanceof Element) {
        for (const name of ['aria-label', 'title', 'placeholder']) texts.push(node.getAttribute(name) ?? '');
      } else if (node.parentElement?.closest('script') === null) texts.push(node.textContent ?? '');
    }
    return texts.map((text) => text.trim()).filter((text) => text !== '');
  });

const words = (text: string): string => text.replace(/\{\d\}/g, '…').replace(/[\dA-F]{2,}|\d+/g, '…');

describe.skipIf(browserPath() === undefined)('the views in another language', () => {
  let pages: ViewPages;

  beforeAll(async () => {
    pages = (await ViewPages.start()) as ViewPages;
  });

  afterAll(async () => {
    await pages?.stop();
  });

  it.each([
    ['screen', 'Tastatur übernehmen'],
    ['memory', 'Adressraum'],
    ['page-tables', 'Adresse, Symbol, p:Adresse oder @Attribut'],
    ['branches', 'Sprünge aufzeichnen'],
    ['compiled-code', 'Aktualisieren'],
  ])('show no English in the %s view', async (view, expected) => {
    const page = await pages.open(view, { receive: () => undefined, language: 'de', texts: GERMAN });
    const english = new Set(
      Object.entries(GERMAN)
        .filter(([text, translation]) => text !== translation)
        .map(([text]) => words(text)),
    );
    const seen: string[] = [];
    for (const state of ['none', 'running', 'stopped', 'ended']) {
      await post(page, {
        type: 'status',
        state,
        detail: '',
        levels: 2,
        root: 0x1000,
        isCr3: true,
        controls: ['WP'],
        rows: [],
      });
      await drawn(page);
      seen.push(...(await textsOf(page)));
    }
    expect(seen).toContain(expected);
    expect(seen.filter((text) => english.has(words(text)))).toEqual([]);
    expect(await page.evaluate(() => document.documentElement.lang)).toBe('de');
    await page.close();
  });

  it('show English where there is no translation', async () => {
    const page = await pages.open('screen', {
      receive: () => undefined,
      language: 'fr',
      texts: { Reset: 'Zurück"<&' },
    });
    await drawn(page);
    const seen = await textsOf(page);
    expect(seen).toContain('Zurück"<&');
    expect(seen).toContain('Capture Keyboard');
    await page.close();
    expect(pages.problems).toEqual([]);
  });
});
