/** The view in a browser, joined to a real session on a real machine. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { MemoryRequest } from '../../debug-adapter/protocol/memory.ts';
import { fixture, SessionClient } from '../../test/dap/support/session-client.ts';
import { browserPath } from '../../test/end-to-end/workbench.ts';
import { drawn, post, ViewPages } from '../../test/webviews/view-page.ts';

describe.skipIf(browserPath() === undefined)('memory view in a browser', () => {
  let pages: ViewPages;

  beforeAll(async () => {
    pages = (await ViewPages.start()) as ViewPages;
  });

  afterAll(() => pages?.stop());

  /** A view of a session that stands at the boot sector. */
  async function openView(options: { width?: number; height?: number; state?: unknown; launch?: object } = {}) {
    const client = new SessionClient();
    for (const name of ['climb.asm', 'climb.lst', 'climb.img']) client.host.files.set(`/guest/${name}`, fixture(name));
    await client.launch({ memory: '2M', ...options.launch });
    await client.stop();
    const requests: MemoryRequest[] = [];
    const page = await pages.open('memory', {
      ...options,
      receive: (message) => {
        requests.push(message as MemoryRequest);
        client.session.receiveMemory(1, message as MemoryRequest);
      },
    });
    let posted = 0;
    /** Lets messages go to and fro until both sides are silent. */
    const settle = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3; quiet++) {
        await drawn(page);
        while (posted < client.memory.length) {
          await post(page, client.memory[posted++] as object);
          quiet = 0;
        }
      }
    };
    const go = async (text: string): Promise<void> => {
      await page.getByRole('textbox', { name: 'Address' }).fill(text);
      await page.keyboard.press('Enter');
      await settle();
    };
    await settle();
    return { client, page, requests, settle, go };
  }

  const cursor = async (page: Page): Promise<string> => {
    const cell = page.locator('.cursor');
    return `${Number(await cell.getAttribute('data-at')).toString(16)}=${await cell.textContent()}`;
  };
  /** A key that no American keyboard has. */
  const press = (page: Page, key: string) => page.getByRole('grid').dispatchEvent('keydown', { key });
  const rowOf = (page: Page, address: string) =>
    page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: address, exact: true }) });

  it('shows memory where the address box leads, with registers marked where they point', async () => {
    const { page, go } = await openView();
    await go('7c00');
    expect(await cursor(page)).toBe('7c00=31');
    const row = rowOf(page, '00007C00');
    expect(await row.locator('.hex .cell').first().getAttribute('title')).toContain('CS:IP');
    expect(await row.locator('.pointers').textContent()).toContain('CS:IP');
    await go('p:0xfffffff0');
    expect(await cursor(page)).toBe('fffffff0=EA');
    expect(await page.getByRole('combobox', { name: 'Address space' }).inputValue()).toBe('Physical');
    await go('nowhere');
    expect(await page.getByRole('status').textContent()).toContain('nowhere');
    await page.close();
  });

  it('keeps what is being typed, and where, when it goes elsewhere meanwhile', async () => {
    const { client, page, settle } = await openView();
    const box = page.getByRole('textbox', { name: 'Address' });
    const elsewhere = async (text: string): Promise<void> => {
      client.session.receiveMemory(1, { type: 'go', text });
      await settle();
    };
    await box.focus();
    await elsewhere('CS:EIP');
    expect(await cursor(page)).toBe('7c00=31');
    expect(await box.inputValue()).toBe('CS:EIP');
    await page.keyboard.type('60');
    await elsewhere('7c02');
    expect(await cursor(page)).toBe('7c02=8E');
    await page.keyboard.type('0');
    expect(await box.inputValue()).toBe('600');
    await page.keyboard.press('Enter');
    await page.keyboard.type('h');
    await settle();
    expect(await cursor(page)).toBe('600=00');
    expect(await box.inputValue()).toBe('600h');
    await page.keyboard.press('Enter');
    await settle();
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).toBe('grid');
    await elsewhere('7c00');
    expect(await box.inputValue()).toBe('7c00');
    await page.close();
  });

  it('follows a guest into 64-bit mode, and its upper half', async () => {
    const launch = { program: '/guest/climb.img', listing: '/guest/climb.lst', cpu: 'x86-64-v3' };
    const { client, page, settle, go } = await openView({ launch, width: 900 });
    await go('value');
    expect(await page.locator('.cursor').getAttribute('class')).toContain('unmapped');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'upper_routine' }] });
    await client.run('continue');
    await settle();
    expect(await cursor(page)).toBe('-7fff82d9=F0');
    expect(await rowOf(page, 'FFFFFFFF80007D20').locator('.pointers').textContent()).toContain('RIP');
    expect(await page.locator('.place').textContent()).toContain('64-bit 1311768467463790320');
    const [address, hex] = await Promise.all(
      ['.address', '.hex'].map((part) => rowOf(page, 'FFFFFFFF80007D20').locator(part).boundingBox()),
    );
    expect((hex?.x ?? 0) - (address?.x ?? 0)).toBeGreaterThan((address?.width ?? 0) - 1);
    const text = await rowOf(page, 'FFFFFFFF80007D20')
      .locator('.address')
      .evaluate((element) => element.scrollWidth);
    expect(text).toBeLessThanOrEqual(Math.ceil(address?.width ?? 0));
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    await settle();
    expect(await cursor(page)).toBe('-7fff82f0=00');
    await page.keyboard.press('Control+End');
    await settle();
    expect(await cursor(page)).toMatch(/^-1=/);
    expect(await rowOf(page, 'FFFFFFFFFFFFFFF0').count()).toBe(1);
    await go('7d00');
    expect(await rowOf(page, '0000000000007D00').count()).toBe(1);
    expect(await cursor(page)).toBe('7d00=48');
    await page.keyboard.press('Control+f');
    expect(await page.getByRole('textbox', { name: 'to', exact: true }).getAttribute('placeholder')).toBe(
      '00007FFFFFFFFFFF',
    );
    await page.getByRole('textbox', { name: 'Bytes to find' }).fill('48 BB F0');
    await page.keyboard.press('Enter');
    for (let turn = 0; turn < 20; turn++) client.host.runOne();
    await settle();
    expect(await page.getByRole('status').textContent()).toBe('Found 3 bytes at 0000000000007D00.');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'down' }] });
    await client.run('continue');
    await settle();
    expect(await rowOf(page, '00007D00').count()).toBe(1);
    await page.close();
  });

  it('shows what is not mapped as such', async () => {
    const { page, go } = await openView();
    await go('0x1ffff8');
    await expect.poll(() => rowOf(page, '001FFFF0').locator('.hex .unmapped').count()).toBe(0);
    expect(await rowOf(page, '00200000').locator('.hex .unmapped').count()).toBe(16);
    expect(await rowOf(page, '00200000').locator('.hex .cell').first().getAttribute('aria-label')).toBe(
      '··, not mapped',
    );
    await page.close();
  });

  it('is used by keyboard alone: moves, edits values and text, leaves with Tab', async () => {
    const { client, page, settle, go } = await openView();
    await go('600');
    await page.keyboard.type('1f');
    await page.keyboard.type('b');
    await page.keyboard.press('ArrowDown');
    await settle();
    expect([...(client.machine?.memory.read(0x600, 3) ?? [])]).toEqual([0x1f, 0xb0, 0]);
    expect(await cursor(page)).toBe('611=00');
    await page.keyboard.press('Home');
    await page.keyboard.press('Tab');
    await page.keyboard.type('H');
    await press(page, 'é');
    await settle();
    expect([...(client.machine?.memory.read(0x610, 2) ?? [])]).toEqual([0x48, 0x82]);
    await press(page, '€');
    expect(await page.getByRole('status').textContent()).toContain('€ is not in code page 437');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.getAttribute('role'))).not.toBe('grid');
    await page.close();
  });

  it('takes typed digits back, and says where it cannot write', async () => {
    const { client, page, settle, go } = await openView();
    await go('600');
    await page.keyboard.type('a');
    expect(await cursor(page)).toBe('600=A0');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('b');
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowRight');
    await settle();
    expect(client.machine?.memory.read(0x600, 1)[0]).toBe(0);
    await go('200000');
    await page.keyboard.type('12');
    await settle();
    expect(await page.getByRole('status').textContent()).toContain('nothing is mapped at 0x00200000');
    await page.close();
  });

  it('reads groups as little-endian values and writes them so', async () => {
    const { client, page, settle, go } = await openView();
    await go('7dfc');
    await page.getByRole('combobox', { name: 'Group' }).selectOption('32-bit');
    await settle();
    expect(await cursor(page)).toBe('7dfc=AA550000');
    await page.getByRole('grid').focus();
    await page.keyboard.type('12345678');
    await settle();
    expect([...(client.machine?.memory.read(0x7dfc, 4) ?? [])]).toEqual([0x78, 0x56, 0x34, 0x12]);
    await page.close();
  });

  it('scrolls by wheel, keys and bar anywhere in 4 GiB', async () => {
    const { page, requests, settle, go } = await openView();
    await go('0');
    await page.mouse.move(200, 300);
    for (let notch = 0; notch < 20; notch++) await page.mouse.wheel(0, 400);
    await settle();
    const address = await page.getByRole('rowheader').first().textContent();
    expect(Number.parseInt(address ?? '', 16)).toBeGreaterThan(0x1000);
    expect(requests.filter(({ type }) => type === 'show').length).toBeLessThan(40);
    await page.keyboard.press('Control+End');
    await settle();
    expect(await page.getByRole('rowheader').last().textContent()).toBe('FFFFFFF0');
    expect(await cursor(page)).toMatch(/^ffffffff=/);
    const bar = await page.getByRole('scrollbar').boundingBox();
    await page.mouse.click((bar?.x ?? 0) + 5, (bar?.y ?? 0) + (bar?.height ?? 0) / 2);
    await settle();
    const middle = Number.parseInt((await page.getByRole('rowheader').first().textContent()) ?? '', 16);
    expect(Math.abs(middle - 2 ** 31)).toBeLessThan(2 ** 26);
    expect(await page.locator('.hex .unmapped').count()).toBeGreaterThan(100);
    await page.close();
  });

  it('marks what changed and what differs from a kept moment', async () => {
    const { client, page, settle, go } = await openView();
    await go('7c59');
    await client.request('setFunctionBreakpoints', { breakpoints: [{ name: 'count' }] });
    await client.run('continue');
    await page.getByRole('button', { name: 'Compare' }).click();
    await settle();
    await client.run('next');
    await settle();
    const cell = rowOf(page, '00007C50').locator('.hex .cell').nth(9);
    expect(await cell.getAttribute('class')).toMatch(/changed differs/);
    expect(await cell.getAttribute('title')).toBe('changed, was 00');
    await page.getByRole('button', { name: 'Stop comparing' }).click();
    await settle();
    expect(await page.locator('.differs').count()).toBe(0);
    await page.close();
  });

  it('finds bytes and text, one after the other', async () => {
    const { client, page, settle, go } = await openView();
    client.machine?.memory.write(0x1234, new TextEncoder().encode('Needle'));
    client.machine?.memory.write(0x2234, new TextEncoder().encode('NEEDLE'));
    await go('0');
    await page.keyboard.press('Control+f');
    await page.getByRole('combobox', { name: 'Find what' }).selectOption('Text');
    await page.getByRole('textbox', { name: 'Text to find' }).fill('needle');
    await page.getByRole('textbox', { name: 'to', exact: true }).fill('ffff');
    await page.getByRole('textbox', { name: 'Text to find' }).focus();
    const next = async (): Promise<string> => {
      await page.keyboard.press('Enter');
      await drawn(page);
      while (client.host.runOne());
      await settle();
      return cursor(page);
    };
    expect(await next()).toBe('1234=4E');
    expect(await next()).toBe('2234=4E');
    expect(await next()).toBe('1234=4E');
    await page.getByLabel('Match case').check();
    await page.getByRole('textbox', { name: 'Text to find' }).press('ArrowLeft');
    expect(await next()).toBe('1234=4E');
    await page.keyboard.press('Escape');
    expect(await page.getByRole('search').isVisible()).toBe(false);
    await page.close();
  });

  it('comes back as it was, and fits into narrow panels', async () => {
    const { page, settle } = await openView({
      width: 380,
      state: { address: 0x7dfe, space: 'linear', groupSize: 2, text: '7dfe', follow: true },
    });
    await settle();
    expect(await cursor(page)).toBe('7dfe=AA55');
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    expect(await rowOf(page, '00007DF8').locator('.text .cell').count()).toBe(8);
    expect(await page.getByRole('button', { name: 'Follow' }).getAttribute('aria-pressed')).toBe('true');
    await page.close();
  });

  it('has nothing to complain about, its content security policy included', () => {
    expect(pages.problems).toEqual([]);
  });
});
