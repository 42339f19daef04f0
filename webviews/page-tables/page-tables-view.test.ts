/** The view in a browser, joined to a real session whose machine has page tables in its memory. */
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type PageTablesRequest, statusWithoutTables } from '../../debug-adapter/protocol/page-tables.ts';
import { SessionClient } from '../../test/dap/support/session-client.ts';
import { browserPath } from '../../test/end-to-end/workbench.ts';
import { themeNames, useTheme, violationsOf } from '../../test/webviews/axe.ts';
import { drawn, post, ViewPages } from '../../test/webviews/view-page.ts';
import { findRegister, type Machine } from '../../vm-core/index.ts';

const PML4 = 0x10000;
const PDPT = 0x11000;
const DIRECTORY = 0x12000;
const TABLE = 0x13000;

/** 4-level tables: 2 MiB identity, eight small pages with one read-only, and the same for the supervisor in the upper half. */
function writeTables(machine: Machine): void {
  const entry = (table: number, index: number, low: number, high = 0): void => {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, low, true);
    new DataView(bytes.buffer).setUint32(4, high, true);
    machine.memory.write(table + index * 8, bytes);
  };
  entry(PML4, 0, PDPT | 7);
  entry(PML4, 511, PDPT | 3);
  entry(PDPT, 0, DIRECTORY | 7);
  entry(DIRECTORY, 0, 0x83, 0x8000_0000);
  entry(DIRECTORY, 1, TABLE | 7);
  for (let n = 0; n < 8; n++) entry(TABLE, n, (0x20_0000 + n * 0x1000) | (n === 4 ? 5 : 7));
}

/** Lets the processor use the tables. */
function turnOnPaging(machine: Machine): void {
  const { state } = machine.cpus[0];
  const set = (name: string, value: bigint): void => {
    const register = findRegister(name);
    if (!register) throw new Error(`no register ${name}`);
    state.writeRegister(register, value);
  };
  set('CR3', BigInt(PML4));
  set('CR4', 0x20n);
  set('EFER', 0xd00n);
  set('CR0', 0x8001_0011n);
}

describe.skipIf(browserPath() === undefined)('page-table view in a browser', () => {
  let pages: ViewPages;

  beforeAll(async () => {
    pages = (await ViewPages.start()) as ViewPages;
  });

  afterAll(() => pages?.stop());

  async function openView(options: { width?: number; height?: number; paging?: boolean } = {}) {
    const client = new SessionClient();
    await client.launch({ memory: '4M', cpu: 'max' });
    await client.stop();
    writeTables(client.machine as Machine);
    if (options.paging !== false) turnOnPaging(client.machine as Machine);
    const page = await pages.open('page-tables', {
      ...options,
      receive: (message) => client.session.receivePageTables(message as PageTablesRequest),
    });
    let posted = 0;
    /** Lets messages go to and fro, and the session do its work, until all are silent. */
    const settle = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet++) {
        await drawn(page);
        while (client.host.runOne()) quiet = 0;
        while (posted < client.pageTables.length) {
          await post(page, client.pageTables[posted++] as object);
          quiet = 0;
        }
      }
    };
    await settle();
    return { client, page, settle };
  }

  const rows = (page: Page): Locator => page.locator('vscode-tab-panel:not([hidden]) .row');
  const textOf = async (row: Locator): Promise<string> => ((await row.textContent()) ?? '').replace(/\s+/g, ' ').trim();
  const allText = async (page: Page): Promise<string[]> => Promise.all((await rows(page).all()).map(textOf));
  const tab = (page: Page, name: string): Promise<void> => page.getByRole('tab', { name }).click();

  it('shows mapped ranges, merged, with what is odd about them', async () => {
    const { page } = await openView();
    const shown = await allText(page);
    expect(shown[0]).toBe('0000000000000000–00000000001FFFFF → 00000000 2 MiB 2 MiB pages S RW NX');
    expect(shown[1]).toBe('0000000000200000–0000000000203FFF → 00200000 16 KiB 4 KiB pages U RW X W+X');
    expect(shown[2]).toBe('0000000000204000–0000000000204FFF → 00204000 4 KiB 4 KiB pages U RO X');
    expect(shown).toContainEqual(expect.stringContaining('FFFFFF8000000000–FFFFFF80001FFFFF → 00000000 2 MiB'));
    expect(await page.locator('.status').textContent()).toContain('4-level · CR3 00010000 · WP · NXE');
    expect(pages.problems).toEqual([]);
    await page.close();
  });

  it('lets one of several processors be chosen', async () => {
    const { client, page, settle } = await openView();
    const choice = page.locator('header vscode-single-select');
    expect(await choice.count()).toBe(0);
    const status = client.pageTables.findLast((update) => update.type === 'status');
    await post(page, { ...status, cpu: 1, cpus: 2 });
    await settle();
    expect(await page.locator('.status').textContent()).toContain('CPU 1 · 4-level · CR3 00010000');
    await choice.click();
    await page.getByRole('option', { name: 'CPU 1' }).click();
    await settle();
    expect(await choice.evaluate((element: HTMLElement & { value: string }) => element.value)).toBe('cpu1');
    expect(pages.problems).toEqual([]);
    await page.close();
  });

  it('filters, and finds who maps a frame', async () => {
    const { page, settle } = await openView();
    await page
      .locator('vscode-checkbox', { hasText: 'W+X' })
      .or(page.locator('vscode-checkbox[label="W+X"]'))
      .first()
      .click();
    await settle();
    expect((await allText(page)).every((text) => text.includes('W+X'))).toBe(true);
    await page.locator('vscode-checkbox[label="W+X"]').click();
    await page.getByRole('textbox', { name: 'Search' }).fill('p:204123');
    await page.keyboard.press('Enter');
    await settle();
    const found = await allText(page);
    expect(found.length).toBeGreaterThan(0);
    expect(found.every((text) => text.includes('→ 00204000'))).toBe(true);
    await page.getByRole('textbox', { name: 'Search' }).fill('start');
    await page.keyboard.press('Enter');
    await settle();
    expect(await allText(page)).toEqual([expect.stringContaining('0000000000000000–00000000001FFFFF')]);
    await page.close();
  });

  it('opens tables on demand by keyboard, edits an entry, and breaks on its change', async () => {
    const { client, page, settle } = await openView();
    await tab(page, 'Tables');
    await settle();
    await page.locator('#tree .rows').focus();
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowRight']) {
      await page.keyboard.press(key);
      await settle();
    }
    const shown = await allText(page);
    expect(shown[0]).toMatch(/^PML4E 0 .* → 00011000 U RW X$/);
    expect(shown[3]).toMatch(/^PDE 1 0000000000200000 2 MiB → 00013000/);
    expect(shown[4]).toMatch(/^PTE 0–3 0000000000200000 16 KiB → 00200000 U RW X$/);
    expect(shown[6]).toMatch(/^PTE 5–7 /);
    await page.keyboard.press('ArrowDown');
    await settle();
    const value = page.getByRole('textbox', { name: 'Value of the entry' });
    expect(await value.inputValue()).toBe('0000000000200007');
    await value.fill('200005');
    await page.keyboard.press('Enter');
    await settle();
    expect([...(client.machine?.memory.read(TABLE, 3) ?? [])]).toEqual([5, 0, 0x20]);
    await page.locator('vscode-checkbox[label="Break on change"]').click();
    await settle();
    expect(
      String((await client.request('evaluate', { expression: 'breakpoints', context: 'repl' }))['result']),
    ).toContain('page-table entry p:0x00013000');
    await page.close();
  });

  it('walks an address and names the entry that is to blame', async () => {
    const { page, settle } = await openView();
    await tab(page, 'Walk');
    await settle();
    await page.getByRole('textbox', { name: 'Linear address' }).fill('0x204008');
    await page.keyboard.press('Enter');
    await settle();
    expect(await page.locator('.steps li').count()).toBe(4);
    expect(await page.locator('.outcome').textContent()).toContain('Physical address 00204008.');
    await page.locator('vscode-single-select').first().click();
    await page.locator('vscode-single-select').first().locator('[role=option]', { hasText: 'Write' }).click();
    await settle();
    expect(await page.locator('.steps li.fault').textContent()).toContain('the page is read-only');
    expect(await page.locator('.outcome').textContent()).toContain('error code 03h');
    await page.close();
  });

  it.each(themeNames)('breaks no rule of axe-core on any of its tabs: %s', { timeout: 90_000 }, async (theme) => {
    const { page, settle } = await openView();
    await useTheme(page, theme);
    for (const name of ['Mapped ranges', 'Tables', 'Walk', 'Cached translations']) {
      await tab(page, name);
      await settle();
      if (name === 'Tables') {
        await page.locator('#tree .rows').focus();
        for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight']) await page.keyboard.press(key);
        await settle();
      }
      expect(await violationsOf(page, theme), name).toEqual([]);
    }
    await page.getByRole('textbox', { name: 'Root table' }).fill('zzz');
    await page.keyboard.press('Enter');
    await settle();
    expect(await page.locator('.notice').textContent()).toContain('zzz');
    expect(await violationsOf(page, theme)).toEqual([]);
    await page.close();
  });

  it('shows another root in a mode by hand, and keeps it for the next page', async () => {
    const { page, settle } = await openView({ paging: false });
    await page.getByRole('textbox', { name: 'Root table' }).fill('0x10000');
    await page.keyboard.press('Enter');
    await settle();
    expect(await page.locator('.empty').textContent()).toContain('Choose the paging mode');
    await page.locator('.toolbar vscode-single-select').click();
    await page.locator('.toolbar vscode-single-select [role=option]', { hasText: '4-level' }).click();
    await settle();
    expect(await page.locator('.status').textContent()).toContain('4-level · Root table 00010000');
    expect(await allText(page)).toContainEqual(expect.stringContaining('→ 00204000'));
    const kept = await page.evaluate(() => (globalThis as unknown as { keptState: object }).keptState);
    expect(kept).toMatchObject({ root: '0x10000', mode: '4-level' });
    await page.close();
  });

  it('finds attributes, says which word is none, and what the attributes of a range come to', async () => {
    const { page, settle } = await openView();
    const search = page.getByRole('textbox', { name: 'Search' });
    await search.fill('@user @ro');
    await page.keyboard.press('Enter');
    await settle();
    expect(await allText(page)).toEqual([expect.stringContaining('0000000000204000–')]);
    expect(await page.locator('.count').textContent()).toContain('1 of');
    expect(await page.locator('.details').first().textContent()).toContain(
      'Supervisor: read, fetch · User: read, fetch',
    );
    await search.fill('@odd');
    await page.keyboard.press('Enter');
    await settle();
    expect(await page.locator('.notice').textContent()).toContain('@odd is no attribute');
    await search.fill('ffff000000000000');
    await page.keyboard.press('Enter');
    await settle();
    expect(await page.locator('.note').textContent()).toContain('Nothing mapped is like that.');
    await page.close();
  });

  it('reads open tables again at a stop, and marks what has changed', async () => {
    const { client, page, settle } = await openView();
    await tab(page, 'Tables');
    await page.locator('#tree .rows').focus();
    for (const key of ['ArrowRight', 'ArrowDown', 'ArrowRight', 'ArrowDown', 'ArrowDown', 'ArrowRight']) {
      await page.keyboard.press(key);
      await settle();
    }
    client.machine?.memory.write(TABLE + 6 * 8, new Uint8Array(8));
    await client.request('next', { threadId: 1, granularity: 'instruction' });
    await client.stop();
    await settle();
    expect(await allText(page)).toContainEqual(expect.stringMatching(/^PTE 6 .* not present changed$/));
    await tab(page, 'Mapped ranges');
    await settle();
    expect(await allText(page)).toContainEqual(expect.stringMatching(/^0000000000206000.* unmapped/));
    await page.close();
  });

  it('says that there is no paging, and no session', async () => {
    const { page } = await openView({ paging: false });
    expect(await page.locator('.empty').textContent()).toContain('Paging is off');
    await post(page, statusWithoutTables('none'));
    await drawn(page);
    expect(await page.locator('.empty').textContent()).toContain('Start debugging');
    await page.close();
  });

  it('counts what is read, and stops reading when it is told to', async () => {
    const { client, page } = await openView();
    // Tables that are their own: more than anybody can look at.
    const entries = new Uint8Array(4096);
    for (let n = 0; n < 512; n++) new DataView(entries.buffer).setUint32(n * 8, PML4 | 3 | ((n & 1) << 2), true);
    client.machine?.memory.write(PML4, entries);
    client.session.receivePageTables({ type: 'visible', visible: true });
    for (const update of client.pageTables.slice(-1)) await post(page, update);
    await drawn(page);
    expect(await page.locator('.count').textContent()).toContain('Reading tables…');
    await page.getByRole('button', { name: 'Cancel' }).click();
    await expect.poll(() => client.pageTables.at(-1)).toMatchObject({ type: 'ranges', complete: false });
    await post(page, client.pageTables.at(-1) as object);
    await drawn(page);
    expect(await page.locator('.count').textContent()).toContain('> ');
    await page.close();
  });

  it('stays fluid with a hundred thousand ranges: only those in view are in the page', async () => {
    const { page } = await openView();
    const count = 100_000;
    await page.evaluate((ranges) => {
      const packed = new Float64Array(ranges * 6);
      for (let n = 0; n < ranges; n++) packed.set([n * 8192, 4096, n * 4096, 4096, 3, 0], n * 6);
      window.postMessage({ type: 'ranges', ranges: packed.buffer, complete: true }, '*');
    }, count);
    await expect.poll(() => page.locator('.count').textContent()).toContain('100000 ranges');
    expect(await rows(page).count()).toBeLessThan(200);
    await page.locator('#ranges .rows').focus();
    await page.keyboard.press('End');
    await expect.poll(() => rows(page).last().textContent()).toContain((99_999 * 8192).toString(16).toUpperCase());
    await page.close();
  });
});
