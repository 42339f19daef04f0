/**
 * A webview's page in a headless browser, under the content security policy it ships with, joined to whatever plays the
 * extension. Buffers cross between the two as arrays of numbers.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { mustRun, repositoryRoot } from '../../scripts/run-command.ts';
import { browserPath } from '../end-to-end/workbench.ts';

const ORIGIN = 'https://view.test';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.ttf': 'font/ttf',
};

/** What stands for an `ArrayBuffer` on the way. */
interface Crossing {
  readonly buffer: readonly number[];
}

/** What a page needs to be opened. */
export interface PageOptions {
  /** Takes what the page posts to the extension. */
  readonly receive: (message: unknown) => void;
  readonly width?: number;
  readonly height?: number;
  /** What `getState` gives: what an earlier page has kept. */
  readonly state?: unknown;
  /** The language of VS Code, and its translations. */
  readonly language?: string;
  readonly texts?: Readonly<Record<string, string>>;
}

/** A browser with the bundled views. */
export class ViewPages {
  /** What pages wrote to their console or threw, violations of their policy included. */
  readonly problems: string[] = [];
  private readonly browser: Browser;
  private readonly folder: string;

  private constructor(browser: Browser, folder: string) {
    this.browser = browser;
    this.folder = folder;
  }

  /** Bundles the views as they ship and starts a browser; undefined where there is none. */
  static async start(): Promise<ViewPages | undefined> {
    const executablePath = browserPath();
    if (executablePath === undefined) return undefined;
    const folder = mkdtempSync(join(tmpdir(), 'views-'));
    const webpack = join(repositoryRoot, 'node_modules', 'webpack', 'bin', 'webpack.js');
    const command = [webpack, '--config-name', 'webviews', '--output-path', folder];
    await mustRun(process.execPath, command, { directory: repositoryRoot });
    const args = ['--no-sandbox', '--disable-gpu', '--disable-background-networking'];
    return new ViewPages(await chromium.launch({ executablePath, args }), folder);
  }

  async stop(): Promise<void> {
    await this.browser.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Opens a view by its name. */
  async open(
    view: string,
    { receive, width = 900, height = 600, state, language = 'en', texts = {} }: PageOptions,
  ): Promise<Page> {
    const page = await this.browser.newPage({ viewport: { width, height } });
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => this.problems.push(message.text()));
    page.on('pageerror', (error) => this.problems.push(String(error)));
    await page.exposeFunction('toExtension', (message: Readonly<Record<string, unknown>>) =>
      receive(withBuffers(message)),
    );
    await page.addInitScript(pretendToBeVsCode, state);
    await page.route('**/*', (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      if (name !== '')
        return route.fulfill({ path: join(this.folder, name), contentType: CONTENT_TYPES[extname(name)] ?? '' });
      return route.fulfill({ body: this.page(view, language, texts), contentType: 'text/html' });
    });
    await page.goto(ORIGIN);
    return page;
  }

  private page(view: string, language: string, texts: Readonly<Record<string, string>>): string {
    return readFileSync(join(this.folder, `${view}.html`), 'utf8')
      .replaceAll('{{cspSource}}', ORIGIN)
      .replaceAll('{{nonce}}', 'n0nce')
      .replaceAll('{{script}}', `${ORIGIN}/${view}.js`)
      .replaceAll('{{style}}', `${ORIGIN}/${view}.css`)
      .replaceAll('{{codicons}}', `${ORIGIN}/codicon.css`)
      .replaceAll('{{codeEditor}}', `${ORIGIN}/code-editor.js`)
      .replaceAll('{{codeEditorStyle}}', `${ORIGIN}/code-editor.css`)
      .replaceAll('{{speaker}}', `${ORIGIN}/speaker-worklet.js`)
      .replaceAll('{{language}}', language)
      .replaceAll('{{texts}}', JSON.stringify(texts).replaceAll('&', '&amp;').replaceAll('"', '&quot;'));
  }
}

/** Posts a message to a page as the extension does. */
export async function post(page: Page, message: object): Promise<void> {
  const crossing = Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name,
      value instanceof ArrayBuffer ? { buffer: [...new Uint8Array(value)] } : value,
    ]),
  );
  await page.evaluate((data) => {
    const message = Object.fromEntries(
      Object.entries(data as Record<string, unknown>).map(([name, value]) => [
        name,
        typeof value === 'object' && value !== null && 'buffer' in value
          ? Uint8Array.from((value as Crossing).buffer).buffer
          : value,
      ]),
    );
    window.postMessage(message, '*');
  }, crossing);
}

/** Waits until the page has drawn what it was told. */
export async function drawn(page: Page): Promise<void> {
  await page.evaluate(
    () => new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve()))),
  );
}

function withBuffers(message: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(message).map(([name, value]) => [
      name,
      typeof value === 'object' && value !== null && 'buffer' in value
        ? Uint8Array.from((value as Crossing).buffer).buffer
        : value,
    ]),
  );
}

/** Runs in the page before its own script. */
function pretendToBeVsCode(state: unknown): void {
  const globals = globalThis as unknown as {
    toExtension: (message: unknown) => void;
    acquireVsCodeApi: unknown;
    keptState: unknown;
  };
  globals.keptState = state;
  globals.acquireVsCodeApi = () => ({
    getState: () => globals.keptState,
    setState: (kept: unknown) => {
      globals.keptState = kept;
    },
    postMessage: (message: Record<string, unknown>) =>
      globals.toExtension(
        Object.fromEntries(
          Object.entries(message).map(([name, value]) => [
            name,
            value instanceof ArrayBuffer ? { buffer: [...new Uint8Array(value)] } : value,
          ]),
        ),
      ),
  });
}
