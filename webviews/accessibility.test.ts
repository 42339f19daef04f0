/** What people without a mouse, without sight or with few colours need of the views, checked in every state of a session. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { themeNames, useTheme, violationsOf } from '../test/webviews/axe.ts';
import { drawn, post, ViewPages } from '../test/webviews/view-page.ts';
import { browserPath } from '../test/end-to-end/workbench.ts';

/** What no rule of axe-core asks of these views: silent icons, and one place where they say what happens. */
const problemsOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate(() => {
    const icons = [...document.querySelectorAll('.codicon')].filter(
      (icon) => icon.getAttribute('aria-hidden') !== 'true',
    );
    const problems = icons.map((icon) => `an icon is read: ${icon.outerHTML.slice(0, 80)}`);
    if (document.querySelectorAll('[role="status"]').length !== 1) problems.push('not one place for what happens');
    return problems;
  });

/** What the keyboard stands on, and whether that can be seen: by an outline or, of a text field, by its border. */
const focused = (page: Page): Promise<{ readonly name: string; readonly seen: boolean }> =>
  page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const inner = element.shadowRoot?.activeElement;
    const parts = [
      ...element.querySelectorAll('.cursor, .row.active'),
      ...(element.shadowRoot?.querySelectorAll('*') ?? []),
    ];
    const probe = Object.assign(document.createElement('span'), { hidden: true });
    probe.style.color = 'var(--vscode-focusBorder)';
    document.body.append(probe);
    const focusColor = getComputedStyle(probe).color;
    probe.remove();
    const seen = [element, ...parts].some((part) => {
      const { outlineStyle, outlineWidth, borderTopColor, borderTopWidth } = getComputedStyle(part);
      if (outlineStyle !== 'none' && outlineWidth !== '0px') return true;
      return inner !== undefined && borderTopColor === focusColor && borderTopWidth !== '0px';
    });
    const label = (element as HTMLInputElement).labels?.[0]?.textContent?.trim();
    const labelledBy = document.getElementById(element.getAttribute('aria-labelledby') ?? '')?.textContent?.trim();
    const ownName = labelledBy ?? inner?.getAttribute('aria-label') ?? element.getAttribute('aria-label') ?? label;
    const name = ownName ?? element.getAttribute('label') ?? element.textContent?.trim() ?? '';
    return { name: element === document.body ? '' : name, seen };
  });

/** The names of the controls in the order in which Tab reaches them, from the first. */
async function tabOrder(page: Page): Promise<readonly string[]> {
  const names: string[] = [];
  await page.evaluate(() => {
    const start = Object.assign(document.createElement('span'), { tabIndex: -1 });
    document.body.prepend(start);
    start.focus();
  });
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab');
    const { name, seen } = await focused(page);
    if (name === '' || (name === names[0] && names.length > 1)) break;
    expect(seen, `${name} shows that it has the focus`).toBe(true);
    if (names.at(-1) !== name) names.push(name);
  }
  return names;
}

const block = {
  type: 'block',
  space: 'linear',
  address: 0,
  bytes: new ArrayBuffer(4096),
  marks: new Uint8Array(4096).fill(3).buffer,
  pointers: [{ name: 'CS:IP', linear: 16, physical: 16 }],
  widths: { linear: 32, physical: 32, shown: 32 },
};
const frame = {
  type: 'frame',
  width: 8,
  height: 4,
  aspectRatio: 4 / 3,
  top: 0,
  pixels: new ArrayBuffer(128),
  text: ['A>'],
};

/** What a page-table view is told beside the state, and one page of four KiB. */
const paging = {
  ...{ levels: 2, root: 0x1000, isCr3: true, controls: ['WP'] },
  ...{ memoryTypes: ['WB', 'WT', 'UC-', 'UC'], userKeys: 0, supervisorKeys: 0 },
};
/** What a view of the last branches is told beside the state. */
const end = { address: 0x7c00, place: '0000:7C00', symbol: 'start', line: 'boot.asm:1' };
const branches = {
  isRecording: true,
  rows: [{ from: end, to: end, kind: 'interrupt', name: 'IRQ 0 (INT 08h)', levels: '3 → 0', count: 3 }],
};
/** What a view of compiled code is told beside the state. */
const compiled = {
  totals: { regions: 1, modules: 1, bytes: 900, compiled: 1, dropped: 0, evicted: 0, share: 0.97 },
  rows: [
    {
      ...{ id: '7c0f', address: 0x7c0f, place: '0000:7C0F', symbol: 'again', line: 'hot.asm:7', codeSize: 16 },
      ...{ guestBytes: 7, codeBytes: 900, blocks: 1, entries: 3, instructions: 90_000 },
      links: [{ id: '7c0f', name: 'again' }],
      exits: [{ why: 'budget', count: 3 }],
    },
  ],
};
const ranges = {
  type: 'ranges',
  ranges: Float64Array.of(0x400000, 0x1000, 0x3000, 0x1000, 3, 0).buffer,
  complete: true,
};

describe.skipIf(browserPath() === undefined)('the views for everybody', () => {
  let pages: ViewPages;

  beforeAll(async () => {
    pages = (await ViewPages.start()) as ViewPages;
  });

  afterAll(async () => {
    await pages?.stop();
  });

  const open = async (
    view: string,
    theme: (typeof themeNames)[number] = 'highContrast',
    height = 600,
  ): Promise<Page> => {
    const page = await pages.open(view, { receive: () => undefined, height });
    await useTheme(page, theme);
    return page;
  };

  const contents = [
    ['screen', {}, frame],
    ['memory', {}, block],
    ['page-tables', paging, ranges],
    ['branches', branches, { type: 'failed', message: 'there is no memory at this address' }],
    ['compiled-code', compiled, { type: 'failed', message: 'this code is compiled no more' }],
  ] as const;
  const views = contents.flatMap(([view, status, content]) =>
    themeNames.map((theme) => ({ view, theme, status, content })),
  );

  it.each(views)(
    'break no rule of axe-core in any state: $view, $theme',
    { timeout: 90_000 },
    async ({ view, theme, status, content }) => {
      // Rows of memory are alike, and axe-core takes long for each of their cells.
      const page = await open(view, theme, view === 'memory' ? 200 : 600);
      const states = theme === 'highContrast' ? ['none', 'running', 'stopped', 'ended'] : ['none', 'stopped'];
      for (const state of states) {
        await post(page, { type: 'status', state, detail: '', ...status });
        await post(page, content);
        if (view === 'screen') await post(page, { type: 'speed', instructionsPerSecond: 1.42e8, compiledShare: 0.97 });
        await drawn(page);
        expect(await violationsOf(page, theme), state).toEqual([]);
        expect(await problemsOf(page), state).toEqual([]);
      }
      await page.close();
    },
  );

  it.each([
    ['screen', 'Sound'],
    ['memory', 'Follow'],
  ])('show without colours which switches are on: %s', async (view, name) => {
    const page = await open(view);
    const button = page.getByRole('button', { name });
    const mark = () => button.evaluate((element) => getComputedStyle(element).boxShadow);
    expect(await mark()).toBe('none');
    await button.click();
    await page.waitForFunction(() => document.querySelector('[aria-pressed="true"]') !== null);
    expect(await mark()).toMatch(/^rgb\(243, 133, 24\).*-3px.*inset$/);
    await page.close();
  });

  it('are walked through by Tab in the order in which they are read: screen', async () => {
    const page = await open('screen');
    await post(page, { type: 'status', state: 'running', detail: '' });
    await post(page, frame);
    await drawn(page);
    expect(await tabOrder(page)).toEqual([
      ...['Capture Keyboard', 'Ctrl+Alt+Del', 'Copy Text', 'Screenshot', 'Sound', 'Reset'],
      'Guest screen',
    ]);
    await page.close();
  });

  it('are walked through by Tab in the order in which they are read: memory', async () => {
    const page = await open('memory');
    await post(page, { type: 'status', state: 'stopped', detail: '' });
    await post(page, block);
    await drawn(page);
    await page.keyboard.press('Control+f');
    await page.getByRole('button', { name: 'Find', exact: true }).click();
    await page.getByRole('textbox', { name: 'Bytes to find' }).waitFor();
    expect(await tabOrder(page)).toEqual([
      ...['Address', 'Address space', 'Group', 'Text', 'Follow', 'Find', 'Compare', 'CS:IP'],
      ...['Bytes to find', 'Find what', 'from', 'to', 'Find Next', 'Close', 'Memory'],
    ]);
    await page.close();
  });

  it('are walked through by Tab in the order in which they are read: page tables', async () => {
    const page = await open('page-tables');
    await post(page, { type: 'status', state: 'stopped', detail: '', ...paging });
    await post(page, ranges);
    await drawn(page);
    expect(await tabOrder(page)).toEqual([
      ...['Root table', 'Search', 'Mapped ranges', 'User', 'Writable', 'Executable', 'W+X', 'Global', 'Changed'],
      ...['Mapped ranges', 'Walk', 'Who maps this frame?'],
    ]);
    await page.close();
  });

  it('are walked through by Tab in the order in which they are read: branches', async () => {
    const page = await open('branches');
    await post(page, { type: 'status', state: 'stopped', ...branches });
    await drawn(page);
    expect(await tabOrder(page)).toEqual([
      ...['Stop Recording', 'Step to Next Branch', 'Clear', 'Last branches', 'Go to Branch', 'Go to Target'],
    ]);
    await page.close();
  });

  it('say what is on the screen and in memory to who cannot see it', async () => {
    const screen = await open('screen');
    await post(screen, { type: 'status', state: 'stopped', detail: 'Step' });
    await post(screen, frame);
    expect(await screen.getByRole('document', { name: 'Text on the guest screen' }).textContent()).toContain('A>');
    await screen.getByRole('status').filter({ hasText: 'Paused: Step' }).waitFor();
    const memory = await open('memory');
    await post(memory, { type: 'status', state: 'stopped', detail: '' });
    await post(memory, block);
    await memory.getByRole('gridcell', { name: '00, CS:IP, changed' }).waitFor();
    await screen.close();
    await memory.close();
    expect(pages.problems).toEqual([]);
  });
});
