/** Drives the workbench of a real VS Code in a browser the way a person does: keys, clicks, and what is to be seen. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Frame, type Locator, type Page } from 'playwright-core';

/** How long anything may take before it counts as broken: a machine that does more than these tests is slow. */
const PATIENCE_MS = 90_000;
/** How long the effect of a key or a click is waited for before it counts as lost and is made again. */
const GESTURE_MS = 15_000;
/** The same for a list that opens at once unless something else takes the focus. */
const OPENING_MS = 5000;

const BROWSER_COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The installed Chromium; undefined where there is none. */
export function browserPath(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const paths = BROWSER_COMMANDS.flatMap((command) => folders.map((folder) => join(folder, command)));
  return paths.find((path) => existsSync(path));
}

/** A picture as the page's canvas holds it. */
export interface CanvasPicture {
  readonly width: number;
  readonly height: number;
  /** RGBA, row by row. */
  readonly pixels: Uint8Array;
}

/** What VS Code notes once everything is restored that was open, and once extensions have contributed what they do. */
const STARTED = ['code/didRestoreEditors', 'code/didStartWorkbench', 'code/didLoadExtensions'];

/** Waits until a workbench that was opened can be used: before that it may take keys and lose them. */
async function usable(page: Page): Promise<void> {
  await page.locator('.monaco-workbench .part.statusbar').waitFor();
  await page.waitForFunction((marks) => marks.every((mark) => performance.getEntriesByName(mark).length > 0), STARTED);
}

/** Where something is that is in view. */
async function boxOf(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  const box = await locator.boundingBox();
  if (box === null) throw new Error(`${locator} is not in view`);
  return box;
}

export class Workbench {
  readonly page: Page;
  private readonly browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.browser = browser;
    this.page = page;
  }

  /** Opens the workbench at a server's address and waits until it can be used; extensions find it in `language`. */
  static async open(url: string, language = 'en'): Promise<Workbench> {
    const executablePath = browserPath();
    if (executablePath === undefined) throw new Error(`none of ${BROWSER_COMMANDS.join(', ')} is installed`);
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.setDefaultTimeout(PATIENCE_MS);
    // Where VS Code itself looks; without a language pack its own texts stay English.
    await page.addInitScript((name) => Object.assign(globalThis, { _VSCODE_NLS_LANGUAGE: name }), language);
    await page.goto(url);
    await usable(page);
    await page.locator('.explorer-folders-view .monaco-list-row').first().waitFor();
    return new Workbench(browser, page);
  }

  /** Closes the window and opens it again. */
  async reload(): Promise<void> {
    await this.page.reload();
    await usable(this.page);
  }

  /** Lets an error go unhandled in a worker of a web extension host. */
  async breakWorker(name: string, message: string): Promise<void> {
    for (const worker of this.page.workers()) {
      const its = await worker.evaluate(() => self.name).catch(() => '');
      if (!its.endsWith(name)) continue;
      await worker.evaluate((text) => {
        setTimeout(() => {
          throw new Error(text);
        });
      }, message);
      return;
    }
    throw new Error(`no worker ${name}`);
  }

  async close(): Promise<void> {
    await this.browser.close();
  }

  /** Opens a source of the folder by its name. */
  async openFile(name: string): Promise<void> {
    await this.open(name);
    await this.page.locator('.monaco-editor .view-line').first().waitFor();
  }

  /** Opens an image of the folder, which VS Code does not show. */
  async openImage(name: string): Promise<void> {
    await this.open(name);
    await this.page.getByText('not displayed in the text editor').waitFor();
  }

  private async open(name: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: name });
    const tab = this.tab(name).and(this.page.locator('.active')).first();
    await this.insist(() => this.choose('Control+P', name, row), tab);
  }

  /** Makes a gesture until what it leads to is to be seen. Only for gestures that do no harm when made twice. */
  async insist(gesture: () => Promise<void>, effect: Locator, state: 'visible' | 'hidden' = 'visible'): Promise<void> {
    for (const deadline = performance.now() + PATIENCE_MS; ; ) {
      try {
        await gesture();
        await effect.waitFor({ state, timeout: GESTURE_MS });
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
      }
    }
  }

  /** Types a text into a box and confirms it, until what that leads to is to be seen. */
  async enter(box: Locator, text: string, effect: Locator): Promise<void> {
    const timeout = GESTURE_MS;
    await this.insist(async () => {
      await box.fill(text, { timeout });
      await box.press('Enter', { timeout });
    }, effect);
  }

  /** Starts debugging as F5 does, until there is a session or a dialog tells why not. */
  async startDebugging(): Promise<void> {
    const answer = this.page.locator('.debug-toolbar:visible, .monaco-dialog-box:visible').first();
    await this.insist(async () => {
      // Once more in front of a session that was only slow it would let that continue.
      if (!(await answer.isVisible())) await this.page.keyboard.press('F5');
    }, answer);
  }

  /**
   * Closes an editor as a click of the middle button on its tab does, which the debug toolbar may lie over. The command would
   * close another one while the focus is still on its way.
   */
  async closeEditor(tab: Locator): Promise<void> {
    const close = () => tab.dispatchEvent('auxclick', { button: 1 }, { timeout: GESTURE_MS });
    await this.insist(async () => ((await tab.isVisible()) ? close() : undefined), tab, 'hidden');
  }

  /** Runs a command from the command palette by its full title. */
  async run(title: string): Promise<void> {
    await this.chooseCommand(title);
    await this.page.locator('.quick-input-widget input').first().waitFor({ state: 'hidden' });
  }

  /** Runs a command that asks, and gives the answer that stands in its list. */
  async runAndChoose(title: string, answer: string): Promise<void> {
    await this.chooseCommand(title);
    const rows = this.page.locator('.quick-input-list .monaco-list-row');
    await rows.filter({ hasText: answer }).first().click();
    await this.page.locator('.quick-input-widget input').first().waitFor({ state: 'hidden' });
  }

  private async chooseCommand(title: string): Promise<void> {
    const label = this.page.locator('.label-name', { hasText: new RegExp(`^${title}$`) });
    await this.choose('F1', `>${title}`, this.page.locator('.quick-input-list .monaco-list-row', { has: label }));
  }

  /** Opens a list by its key, filters it and takes a row. A view that takes the focus meanwhile closes the list: again. */
  private async choose(key: string, filter: string, row: Locator): Promise<void> {
    const timeout = GESTURE_MS;
    for (const deadline = performance.now() + PATIENCE_MS; ; ) {
      try {
        await this.page.keyboard.press(key);
        await this.page.locator('.quick-input-widget input').first().fill(filter, { timeout: OPENING_MS });
        await row.first().click({ timeout });
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        // The list is made when it opens: what the workbench has learned since is in a new one.
        await this.page.keyboard.press('Escape');
      }
    }
  }

  tab(name: string): Locator {
    return this.page.locator(`.tabs-container .tab[data-resource-name="${name}"]`);
  }

  /** The tab of a view, which has a title instead of a file. */
  viewTab(title: string): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: title });
  }

  /** A button of the debug toolbar by its codicon, such as `debug-continue`. */
  debugButton(icon: string): Locator {
    return this.page.locator(`.debug-toolbar .codicon-${icon}`);
  }

  /** Makes a session the one that the debug views show, where there are several. */
  async showSession(name: string): Promise<void> {
    await this.page.locator('.debug-toolbar select').selectOption({ label: name });
  }

  /** Ends the session. */
  async stop(): Promise<void> {
    const toolbar = this.page.locator('.debug-toolbar');
    await this.insist(
      async () => {
        if (await toolbar.isVisible()) await this.debugButton('debug-stop').click({ timeout: GESTURE_MS });
      },
      toolbar,
      'hidden',
    );
  }

  /** The text of a terminal, which its renderer without a canvas keeps in the page. */
  terminalText(): Locator {
    return this.page.locator('.terminal .xterm-rows').first();
  }

  /** The top frame of the call stack, as its row shows it: name, file and line. */
  topFrame(): Locator {
    return this.page.locator('.debug-call-stack .monaco-list-row .stack-frame').first();
  }

  /** Waits until the session stands at a line of a file and the frame's registers are there. */
  async waitForStop(file: string, line: number): Promise<void> {
    await this.topFrame()
      .filter({ hasText: file })
      .locator('.line-number', { hasText: new RegExp(`^${line}(:|$)`) })
      .waitFor();
    await this.page.locator('.debug-top-stack-frame-line, .debug-top-stack-frame-column').first().waitFor();
    await this.page.locator('.debug-variables .monaco-list-row').first().waitFor();
  }

  /** A row of the Variables view by its name. */
  variable(name: string): Locator {
    const rows = this.page.locator('.debug-variables .monaco-list-row');
    return rows.filter({ has: this.page.locator('.name', { hasText: new RegExp(`^${name}\\s*[:=]?\\s*$`) }) });
  }

  /** Sets a breakpoint by a click into the glyph margin beside a line of the editor in front. */
  async setBreakpoint(line: number): Promise<void> {
    await this.goToLine(line);
    const editor = this.page.locator('.editor-group-container.active');
    const number = editor.locator('.margin-view-overlays .line-numbers', { hasText: new RegExp(`^${line}$`) });
    const breakpoints = editor.locator('.codicon-debug-breakpoint');
    const isSet = async (): Promise<boolean> => {
      const [at, glyphs] = [await boxOf(number), await breakpoints.all()];
      const boxes = await Promise.all(glyphs.map((glyph) => glyph.boundingBox({ timeout: 1000 }).catch(() => null)));
      return boxes.some(
        (box) => box !== null && Math.abs(box.y + box.height / 2 - at.y - at.height / 2) < at.height / 2,
      );
    };
    let clickedAt = Number.NEGATIVE_INFINITY;
    await this.eventually(async () => {
      if (await isSet()) return true;
      if (performance.now() - clickedAt < GESTURE_MS) return undefined;
      const [box, margin] = [await boxOf(number), await boxOf(editor.locator('.glyph-margin').first())];
      await this.page.mouse.click(margin.x + 8, box.y + box.height / 2);
      clickedAt = performance.now();
      return undefined;
    }, `a breakpoint on line ${line}`);
  }

  /** Removes every breakpoint. */
  async removeBreakpoints(): Promise<void> {
    await this.run('Remove All Breakpoints');
    await this.page.locator('.codicon-debug-breakpoint').first().waitFor({ state: 'hidden' });
  }

  /** Opens a row of the Variables view unless it is open. */
  async expandVariable(name: string): Promise<void> {
    const row = this.variable(name);
    await row.waitFor();
    const open = row.and(this.page.locator('[aria-expanded="true"]'));
    await this.insist(async () => {
      if (!(await open.isVisible())) await row.click({ timeout: GESTURE_MS });
    }, open);
  }

  /** Waits for a notification where they are kept: by itself each is shown for some seconds only. */
  async notification(text: RegExp): Promise<void> {
    await this.run('Notifications: Show Notifications');
    await this.page.locator('.notifications-center .notification-list-item', { hasText: text }).waitFor();
  }

  /** Waits for a modal dialog with a text and cancels it. */
  async dismissDialog(text: RegExp): Promise<void> {
    const dialog = this.page.locator('.monaco-dialog-box', { hasText: text });
    await dialog.waitFor();
    await this.insist(() => this.page.keyboard.press('Escape'), dialog, 'hidden');
  }

  /** Puts the cursor on a line of the editor in front. */
  async goToLine(line: number): Promise<void> {
    const input = this.page.locator('.quick-input-widget input').first();
    const timeout = GESTURE_MS;
    await this.insist(async () => {
      if (await input.isVisible()) await this.page.keyboard.press('Escape');
      await this.page.keyboard.press('Control+G');
      await input.fill(`:${line}`, { timeout });
      const answer = this.page.locator('.quick-input-list .monaco-list-row', {
        hasText: new RegExp(`line ${line}\\b`),
      });
      await answer.waitFor({ timeout });
      await input.press('Enter', { timeout });
      await input.waitFor({ state: 'hidden', timeout });
    }, this.page
      .locator('.editor-group-container.active .active-line-number', { hasText: new RegExp(`^${line}$`) })
      .first());
  }

  /** The frame of the screen view's page, inside the two frames of a webview. */
  screenFrame(): Promise<Frame> {
    return this.viewFrame('canvas');
  }

  /** The frame of a view's page that has an element and shows a text, whichever panel it is in. */
  viewFrame(selector: string, text = ''): Promise<Frame> {
    const shows = (frame: Frame) =>
      frame
        .evaluate(
          ([css, words]) => document.querySelector(css) !== null && (document.body.textContent ?? '').includes(words),
          [selector, text] as const,
        )
        .catch(() => false);
    return this.eventually(async () => {
      for (const frame of this.page.frames()) {
        if (frame !== this.page.mainFrame() && (await shows(frame))) return frame;
      }
      return undefined;
    }, `a view with ${selector} ${text}`);
  }

  /** Opens the context menu of something and chooses an entry. A menu ignores the mouse while it opens. */
  async chooseInMenu(place: Locator, entry: string): Promise<void> {
    const label = this.page.locator('.monaco-menu .action-label', { hasText: entry });
    await this.insist(() => place.click({ button: 'right', timeout: GESTURE_MS }), label);
    await this.eventually(async () => {
      if (!(await label.isVisible())) return true;
      await label.click({ delay: 200, timeout: 1000 }).catch(() => undefined);
      return undefined;
    }, `the menu to close on ${entry}`);
  }

  /** What the screen view's canvas shows. */
  async screenPicture(): Promise<CanvasPicture> {
    const frame = await this.screenFrame();
    // A million numbers take seconds on their way to here; as characters they are one thing.
    const { pixels, ...size } = await frame.evaluate(() => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const image = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height);
      const characters = Array.from(image?.data ?? [], (byte) => String.fromCharCode(byte));
      return { width: canvas.width, height: canvas.height, pixels: btoa(characters.join('')) };
    });
    return { ...size, pixels: Buffer.from(pixels, 'base64') };
  }

  /** Waits for a text on the guest's text screen, which the view keeps for screen readers. */
  async screenText(text: RegExp): Promise<void> {
    const frame = await this.screenFrame();
    await frame.locator('.text-mirror').filter({ hasText: text }).waitFor({ state: 'attached' });
  }

  /** Clicks the guest's picture, which takes the keyboard, and presses a key. */
  async typeIntoScreen(key: string): Promise<void> {
    const frame = await this.screenFrame();
    await frame.locator('canvas').click();
    await frame.locator('canvas.captured').waitFor();
    await this.page.keyboard.press(key);
  }

  /** Asks again with every picture of the page until there is an answer. */
  async eventually<T>(ask: () => Promise<T | undefined>, what: string): Promise<T> {
    const deadline = performance.now() + PATIENCE_MS;
    while (performance.now() < deadline) {
      const answer = await ask();
      if (answer !== undefined) return answer;
      await this.page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
    }
    throw new Error(`waited ${PATIENCE_MS} ms for ${what}`);
  }
}
