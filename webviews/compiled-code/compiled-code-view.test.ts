/** The view in a browser, joined to a real session whose guest has run a loop. The guest needs the assembler nasm. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CompiledCodeRequest } from '../../debug-adapter/protocol/compiled-code.ts';
import { SessionClient } from '../../test/dap/support/session-client.ts';
import { browserPath } from '../../test/end-to-end/workbench.ts';
import { assembleListed, bootSectorSource, hasNasm } from '../../test/support/boot-sectors.ts';
import { HOT_LOOP, LONG_WAY } from '../../test/support/compiled-guests.ts';
import { themeNames, useTheme, violationsOf } from '../../test/webviews/axe.ts';
import { drawn, post, ViewPages } from '../../test/webviews/view-page.ts';

const TEST_MS = 60_000;

interface ViewOptions {
  readonly source?: string;
  readonly engine?: string;
  readonly width?: number;
  readonly theme?: (typeof themeNames)[number];
}

describe.skipIf(browserPath() === undefined || !hasNasm)('the view of compiled code in a browser', () => {
  let pages: ViewPages;

  beforeAll(async () => {
    pages = (await ViewPages.start()) as ViewPages;
  }, TEST_MS);

  afterAll(() => pages?.stop());

  async function openView({ source = HOT_LOOP, engine = 'compiler', width = 1000, theme }: ViewOptions = {}) {
    const client = new SessionClient();
    const { image, listing } = assembleListed(bootSectorSource(source));
    client.host.files.set('/guest/hot.img', image);
    client.host.write('/guest/hot.lst', listing);
    await client.launch({ program: '/guest/hot.img', listing: '/guest/hot.lst', engine });
    await client.stop();
    const page = await pages.open('compiled-code', {
      width,
      receive: (message) => client.session.receiveCompiledCode(message as CompiledCodeRequest),
    });
    if (theme) await useTheme(page, theme);
    let posted = 0;
    const settle = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet++) {
        await drawn(page);
        while (posted < client.compiledCode.length) {
          await post(page, client.compiledCode[posted++] as object);
          quiet = 0;
        }
      }
    };
    await settle();
    return { client, page, settle };
  }

  /** The guest has run its loop, and the code of the hottest region is shown. */
  async function openHot(options: ViewOptions = {}) {
    const view = await openView(options);
    await view.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'over' }] });
    await view.client.run('continue');
    await view.settle();
    await line(view.page, 'guest', '0x0000').waitFor();
    return view;
  }

  const rows = (page: Page): Locator => page.locator('.row');
  const line = (page: Page, side: string, text: string): Locator =>
    page.locator(`#${side} .view-line`).filter({ hasText: text }).first();
  const marked = (page: Page, side: string): Locator => page.locator(`#${side} .marked-line`);
  const empty = (page: Page): Promise<string | null> => page.locator('.empty').textContent();

  it('says why there is nothing', { timeout: TEST_MS }, async () => {
    const { page } = await openView();
    expect(await empty(page)).toBe('Nothing has run often enough to be compiled.');
    await page.close();
    const interpreted = await openView({ engine: 'interpreter' });
    expect(await empty(interpreted.page)).toMatch(/^The guest is interpreted:/);
    await interpreted.page.close();
  });

  it('lists regions, the hottest first, and finds them', { timeout: TEST_MS }, async () => {
    const { page } = await openHot();
    expect(await rows(page).first().textContent()).toMatch(
      /0x00007c0f\s+again · hot\.asm:9\s+16 bits\s+3\.\d+M instructions\s+\d+ entries/,
    );
    const search = page.getByRole('textbox', { name: 'Search' });
    await search.fill('nowhere');
    expect(await empty(page)).toBe('No region has that.');
    await search.fill('AGAIN');
    await drawn(page);
    expect(await rows(page).count()).toBeGreaterThan(0);
    await page.close();
  });

  it('shows both sides, and what belongs together', { timeout: TEST_MS }, async () => {
    const { page } = await openHot();
    await line(page, 'guest', 'dec').click();
    await marked(page, 'guest').waitFor();
    expect(await marked(page, 'guest').count()).toBe(1);
    expect(await marked(page, 'generated').count()).toBeGreaterThan(2);
    expect(await page.getByRole('status').textContent()).toMatch(/^\d+ lines of generated code$/);
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('ArrowDown');
    await line(page, 'generated', 'local.get $ecx').click();
    await page.getByRole('status').filter({ hasText: '0x00007c13 49 dec cx' }).waitFor();
    expect(await marked(page, 'guest').count()).toBe(1);
    expect(pages.problems).toEqual([]);
    await page.close();
  });

  it('goes to the regions with which one is linked, and back', { timeout: TEST_MS }, async () => {
    const { page, settle } = await openHot({ source: LONG_WAY });
    const active = (name: string): Locator => page.locator('.row.active .symbol', { hasText: name });
    const link = (name: RegExp): Locator => page.locator('.links', { hasText: name }).locator('button').first();
    while (!(await link(/^\s*Goes on in:/).isVisible())) {
      await page.locator('.rows').press('ArrowDown');
      await settle();
    }
    const from = ((await page.locator('.row.active .symbol').textContent()) ?? '').split(' ·')[0] ?? '';
    const to = (await link(/^\s*Goes on in:/).textContent()) ?? '';
    await page.getByRole('textbox', { name: 'Search' }).fill(from);
    await settle();
    await link(/^\s*Goes on in:/).press('Enter');
    await settle();
    await active(to).waitFor();
    expect(await page.evaluate(() => document.activeElement?.className)).toBe('rows');
    await page.locator('.links', { hasText: /^\s*Entered from:/ }).waitFor();
    await page.getByRole('button', { name: from, exact: true }).first().click();
    await settle();
    await active(from).waitFor();
    await page.close();
  });

  it('is left by Tab, and shows what there is at every stop', { timeout: TEST_MS }, async () => {
    const { page, client, settle } = await openHot();
    await rows(page).first().click();
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.activeElement?.closest('code-editor')?.id === 'guest');
    await page.keyboard.press('Tab');
    await page.waitForFunction(() => document.activeElement?.closest('code-editor')?.id === 'generated');
    const shown = async () => (await page.locator('.row .count, .totals').allTextContents()).join();
    const before = await shown();
    await client.request('evaluate', { expression: 'reset', context: 'repl' });
    await client.stop();
    await client.run('continue');
    await settle();
    expect(await shown()).not.toBe(before);
    await page.close();
  });

  it('fits into a narrow panel', { timeout: TEST_MS }, async () => {
    const { page } = await openHot({ width: 320 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    for (const side of ['guest', 'generated'])
      expect((await page.locator(`#${side}`).boundingBox())?.height).toBeGreaterThan(60);
    await page.close();
  });

  it.each(themeNames)('breaks no rule of axe-core with code in it: %s', { timeout: 120_000 }, async (theme) => {
    const { page } = await openHot({ theme });
    await line(page, 'guest', 'dec').click();
    await drawn(page);
    expect(await violationsOf(page, theme)).toEqual([]);
    await page.close();
  });
});
