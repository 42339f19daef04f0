/** Drives the workbench of a real VS Code in a browser the way a person does: keys, clicks, and what is to be seen. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium, type Frame, type Locator, type Page } from 'playwright-core';

/** How long a person would wait for anything before calling it broken. */
const PATIENCE_MS = 30_000;

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
  readonly pixels: readonly number[];
}

/** How often, and how long each time, a list of the workbench is given to open and show a row. */
const QUICK_INPUT_ATTEMPTS = 5;
const QUICK_INPUT_MS = 10_000;

/** Waits until a workbench that was opened has its parts. */
async function usable(page: Page): Promise<void> {
  await page.locator('.monaco-workbench .part.statusbar').waitFor();
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

  /** A window that is still being restored may take the row and show what it had before: again. */
  private async open(name: string): Promise<void> {
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: name });
    for (let attemptsLeft = QUICK_INPUT_ATTEMPTS; ; attemptsLeft--) {
      await this.choose('Control+P', name, row);
      try {
        await this.tab(name).and(this.page.locator('.active')).first().waitFor({ timeout: QUICK_INPUT_MS });
        return;
      } catch (error) {
        if (attemptsLeft === 1) throw error;
      }
    }
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
    for (let attemptsLeft = QUICK_INPUT_ATTEMPTS; ; attemptsLeft--) {
      try {
        await this.page.keyboard.press(key);
        await this.page.locator('.quick-input-widget input').first().fill(filter, { timeout: QUICK_INPUT_MS });
        await row.first().click({ timeout: QUICK_INPUT_MS });
        return;
      } catch (error) {
        if (attemptsLeft === 1) throw error;
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
    await this.debugButton('debug-stop').click();
    await this.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
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

  /** Clicks into the glyph margin beside a line of the editor in front. */
  async toggleBreakpoint(line: number): Promise<void> {
    await this.goToLine(line);
    const number = this.page.locator('.editor-group-container.active .margin-view-overlays .line-numbers', {
      hasText: new RegExp(`^${line}$`),
    });
    const box = await number.boundingBox();
    const margin = await this.page.locator('.editor-group-container.active .glyph-margin').first().boundingBox();
    if (box === null || margin === null) throw new Error(`line ${line} is not in view`);
    await this.page.mouse.click(margin.x + 8, box.y + box.height / 2);
    await this.page.locator('.codicon-debug-breakpoint').first().waitFor();
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
    if ((await row.getAttribute('aria-expanded')) === 'false') await row.click();
  }

  /** Waits for a modal dialog with a text and cancels it. */
  async dismissDialog(text: RegExp): Promise<void> {
    const dialog = this.page.locator('.monaco-dialog-box', { hasText: text });
    await dialog.waitFor();
    await this.page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
  }

  /** Puts the cursor on a line of the editor in front. */
  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press('Control+G');
    const input = this.page.locator('.quick-input-widget input').first();
    await input.fill(`:${line}`);
    await this.page.locator('.quick-input-list .monaco-list-row', { hasText: `line ${line}` }).waitFor();
    await this.page.keyboard.press('Enter');
    await input.waitFor({ state: 'hidden' });
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
    await place.click({ button: 'right' });
    const label = this.page.locator('.monaco-menu .action-label', { hasText: entry });
    await label.waitFor();
    await this.eventually(async () => {
      if (!(await label.isVisible())) return true;
      await label.click({ delay: 200, timeout: 1000 }).catch(() => undefined);
      return undefined;
    }, `the menu to close on ${entry}`);
  }

  /** What the screen view's canvas shows. */
  async screenPicture(): Promise<CanvasPicture> {
    const frame = await this.screenFrame();
    return frame.evaluate(() => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const image = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height);
      return { width: canvas.width, height: canvas.height, pixels: [...(image?.data ?? [])] };
    });
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
