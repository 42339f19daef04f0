/** What people without a mouse, without sight or with few colours need of the views, checked in every state of a session. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawn, post, ViewPages } from '../test/webviews/view-page.ts';
import { browserPath } from '../test/end-to-end/workbench.ts';

/** The theme variables of VS Code's dark high contrast that the views use. */
const HIGH_CONTRAST = `:root {
  --vscode-editor-background: #000000; --vscode-foreground: #ffffff; --vscode-sideBar-background: #000000;
  --vscode-contrastBorder: #6fc3df; --vscode-contrastActiveBorder: #f38518; --vscode-focusBorder: #f38518;
  --vscode-descriptionForeground: #b2b2b2; --vscode-disabledForeground: #a5a5a5; --vscode-editor-foreground: #ffffff;
  --vscode-input-background: #000000; --vscode-input-foreground: #ffffff; --vscode-input-border: #6fc3df;
  --vscode-dropdown-background: #000000; --vscode-dropdown-foreground: #ffffff;
  --vscode-errorForeground: #f48771; --vscode-textLink-foreground: #21a6ff;
}`;

/** Elements that people operate. */
const CONTROLS = 'button, input, select, canvas, [tabindex], [role="grid"]';

/** What is wrong with the names, roles and references of a page, in words. */
const problemsOf = (page: Page): Promise<readonly string[]> =>
  page.evaluate((controls) => {
    const problems: string[] = [];
    const called = (element: Element): string => element.outerHTML.slice(0, 80).replace(/\s+/g, ' ');
    const nameOf = (element: Element): string =>
      element.getAttribute('aria-label') ??
      (element as HTMLInputElement).labels?.[0]?.textContent?.trim() ??
      element.textContent?.trim() ??
      '';
    const visible = (element: Element): boolean => element.checkVisibility();
    for (const element of [...document.querySelectorAll(controls)].filter(visible)) {
      if (nameOf(element) === '') problems.push(`no name: ${called(element)}`);
      if ((element as HTMLElement).tabIndex > 0) problems.push(`an order of its own: ${called(element)}`);
    }
    for (const name of ['aria-describedby', 'aria-controls', 'aria-activedescendant', 'aria-labelledby']) {
      for (const element of document.querySelectorAll(`[${name}]`)) {
        for (const id of (element.getAttribute(name) ?? '').split(' ')) {
          if (visible(element) && document.getElementById(id) === null) problems.push(`${name} of ${called(element)}`);
        }
      }
    }
    const ids = [...document.querySelectorAll('[id]')].map(({ id }) => id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) problems.push(`two of #${id}`);
    for (const cell of document.querySelectorAll('[role="gridcell"], [role="rowheader"]')) {
      if (cell.closest('[role="row"]')?.closest('[role="grid"]') === null) problems.push(`outside: ${called(cell)}`);
    }
    for (const icon of document.querySelectorAll('.codicon')) {
      if (icon.getAttribute('aria-hidden') !== 'true') problems.push(`an icon is read: ${called(icon)}`);
    }
    if (document.querySelectorAll('[role="status"]').length !== 1) problems.push('not one place for what happens');
    if (document.querySelectorAll('main, [role="main"]').length !== 1) problems.push('not one main part');
    return problems;
  }, CONTROLS);

/** What the keyboard stands on, and whether that can be seen. */
const focused = (page: Page): Promise<{ readonly name: string; readonly seen: boolean }> =>
  page.evaluate(() => {
    const element = document.activeElement ?? document.body;
    const outlines = [element, ...element.querySelectorAll('.cursor')].map((part) => getComputedStyle(part));
    const seen = outlines.some(({ outlineStyle, outlineWidth }) => outlineStyle !== 'none' && outlineWidth !== '0px');
    const label = (element as HTMLInputElement).labels?.[0]?.textContent?.trim();
    const name = element.getAttribute('aria-label') ?? label ?? element.textContent?.trim() ?? '';
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

/** The lowest contrast of a text with what is behind it, as WCAG 2.2 §1.4.3 counts it, and the text. */
const lowestContrast = (page: Page): Promise<{ readonly ratio: number; readonly text: string }> =>
  page.evaluate(() => {
    const parts = (color: string): readonly number[] => (color.match(/[\d.]+/g) ?? []).map(Number);
    const luminance = (color: string): number => {
      const [red = 0, green = 0, blue = 0] = parts(color).map((part) => {
        const share = part / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const behind = (element: Element | null): string => {
      if (element === null) return 'rgb(255, 255, 255)';
      const { backgroundColor } = getComputedStyle(element);
      return (parts(backgroundColor)[3] ?? 1) > 0 ? backgroundColor : behind(element.parentElement);
    };
    let lowest = { ratio: 21, text: '' };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement;
      const text = node.textContent?.trim() ?? '';
      if (
        element === null ||
        text === '' ||
        !element.checkVisibility() ||
        element.closest('script, :disabled, .text-mirror')
      )
        continue;
      const [one, other] = [luminance(getComputedStyle(element).color), luminance(behind(element))];
      const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
      if (ratio < lowest.ratio) lowest = { ratio, text };
    }
    return lowest;
  });

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

  const open = async (view: string): Promise<Page> => {
    const page = await pages.open(view, { receive: () => undefined });
    await page.evaluate((css) => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(css);
      document.adoptedStyleSheets = [sheet];
    }, HIGH_CONTRAST);
    return page;
  };

  it.each([
    ['screen', frame],
    ['memory', block],
    ['page-tables', ranges],
  ])('have names, roles and enough contrast in every state: %s', async (view, content) => {
    const page = await open(view);
    for (const state of ['none', 'running', 'stopped', 'ended']) {
      await post(page, { type: 'status', state, detail: '', ...paging });
      await post(page, content);
      await drawn(page);
      expect(await problemsOf(page), state).toEqual([]);
      const { ratio, text } = await lowestContrast(page);
      expect(ratio, `${state}: ${text}`).toBeGreaterThan(7);
    }
    await page.close();
  });

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

  it('say what is on the screen and in memory to who cannot see it', async () => {
    const screen = await open('screen');
    await post(screen, { type: 'status', state: 'stopped', detail: 'Paused after a step' });
    await post(screen, frame);
    expect(await screen.getByRole('document', { name: 'Text on the guest screen' }).textContent()).toContain('A>');
    await screen.getByRole('status').filter({ hasText: 'Paused after a step' }).waitFor();
    const memory = await open('memory');
    await post(memory, { type: 'status', state: 'stopped', detail: '' });
    await post(memory, block);
    await memory.getByRole('gridcell', { name: '00, CS:IP, changed' }).waitFor();
    await screen.close();
    await memory.close();
    expect(pages.problems).toEqual([]);
  });
});
