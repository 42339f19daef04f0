/** The view in a browser, joined to a real session whose guest branches. The guest needs the assembler nasm. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BranchesRequest } from '../../debug-adapter/protocol/branches.ts';
import { SessionClient } from '../../test/dap/support/session-client.ts';
import { browserPath } from '../../test/end-to-end/workbench.ts';
import { assembleListed, bootSectorSource, hasNasm } from '../../test/support/boot-sectors.ts';
import { drawn, post, ViewPages } from '../../test/webviews/view-page.ts';

const SOURCE = `start: xor ax,ax
mov ds,ax
mov ss,ax
mov sp,7c00h
mov cx,100
again: loop again
call f
cli
hlt
f: int 12h
ret`;

describe.skipIf(browserPath() === undefined || !hasNasm)('the view of the last branches in a browser', () => {
  let pages: ViewPages;

  beforeAll(async () => {
    pages = (await ViewPages.start()) as ViewPages;
  });

  afterAll(() => pages?.stop());

  async function openView(width = 900) {
    const client = new SessionClient();
    const { image, listing } = assembleListed(bootSectorSource(SOURCE));
    client.host.files.set('/guest/branches.img', image);
    client.host.write('/guest/branches.lst', listing);
    await client.launch({ program: '/guest/branches.img', listing: '/guest/branches.lst' });
    await client.stop();
    const asked: unknown[] = [];
    const page = await pages.open('branches', {
      width,
      receive: (message) => {
        asked.push(message);
        if ((message as { type: string }).type !== 'step') client.session.receiveBranches(message as BranchesRequest);
      },
    });
    let posted = 0;
    const settle = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet++) {
        await drawn(page);
        while (posted < client.branches.length) {
          await post(page, client.branches[posted++] as object);
          quiet = 0;
        }
      }
    };
    await settle();
    return { client, page, settle, asked };
  }

  const rows = (page: Page): Locator => page.locator('.row');
  const textOf = async (row: Locator): Promise<string> => ((await row.textContent()) ?? '').replace(/\s+/g, ' ').trim();
  const allText = async (page: Page): Promise<string[]> => Promise.all((await rows(page).all()).map(textOf));
  const button = (page: Page, name: string): Locator => page.getByRole('button', { name, exact: true });

  /** Records, and runs into the call. */
  async function recorded(width?: number) {
    const view = await openView(width);
    await button(view.page, 'Record Branches').click();
    await view.settle();
    await view.client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'f' }] });
    await view.client.run('continue');
    await view.settle();
    return view;
  }

  it('says that nothing is recorded, and turns recording on', async () => {
    const { page, settle } = await openView();
    expect(await page.locator('.empty').textContent()).toMatch(/^Branches are not recorded\./);
    await button(page, 'Record Branches').click();
    await settle();
    expect(await page.locator('.empty').textContent()).toBe('No branch was taken since they are recorded.');
    await button(page, 'Stop Recording').click();
    await settle();
    await button(page, 'Record Branches').waitFor();
    expect(pages.problems).toEqual([]);
    await page.close();
  });

  it('shows the newest branch on top, and the same ones together', async () => {
    const { page } = await recorded();
    expect(await allText(page)).toEqual([
      'again+0x2 branches.asm:9 · 0000:7C0E → f branches.asm:12 · 0000:7C13 Call',
      'again branches.asm:8 · 0000:7C0C → again branches.asm:8 · 0000:7C0C Conditional jump 99 times',
    ]);
    await page.close();
  });

  it('steps, and shows what comes', async () => {
    const { client, page, settle, asked } = await recorded();
    await button(page, 'Step to Next Branch').click();
    expect(asked.at(-1)).toEqual({ type: 'step' });
    await client.run('x86vm/stepToBranch');
    await settle();
    expect((await allText(page))[0]).toMatch(/^f branches\.asm:12 · 0x00007c13 → .* Software interrupt: INT 12h$/);
    await button(page, 'Clear').click();
    await settle();
    expect(await allText(page)).toEqual([]);
    await page.close();
  });

  it('goes to where a branch came from and to where it led, by mouse and by keyboard', async () => {
    const { page, settle, client } = await recorded();
    const located = async (act: () => Promise<void>): Promise<unknown> => {
      await act();
      await settle();
      return client.branches.at(-1);
    };
    const ends = rows(page).first().locator('.end');
    expect(await located(() => ends.first().click())).toMatchObject({ type: 'located', line: 9 });
    expect(await located(() => ends.last().click())).toMatchObject({ type: 'located', line: 12 });
    await page.getByRole('listbox', { name: 'Last branches' }).focus();
    await page.keyboard.press('ArrowDown');
    expect(await located(() => page.keyboard.press('Enter'))).toMatchObject({ type: 'located', line: 8 });
    await page.keyboard.press('Home');
    expect(await located(() => button(page, 'Go to Branch').click())).toMatchObject({ type: 'located', line: 9 });
    expect(await located(() => button(page, 'Go to Target').click())).toMatchObject({ type: 'located', line: 12 });
    await page.close();
  });

  it('keeps names and targets in a narrow panel', async () => {
    const { page } = await recorded(320);
    const [first] = await rows(page).all();
    const names = await (first as Locator).locator('.name').all();
    expect(await Promise.all(names.map((name) => name.isVisible()))).toEqual([true, true]);
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(320);
    await page.close();
  });
});
