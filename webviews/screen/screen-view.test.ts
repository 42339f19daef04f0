import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ScreenUpdate } from '../../debug-adapter/protocol/screen.ts';
import { mustRun, repositoryRoot } from '../../scripts/run-command.ts';
import { browserPath } from '../../test/end-to-end/workbench.ts';
import { type Heard, listenIn } from '../../test/webviews/heard-sound.ts';

const ORIGIN = 'https://view.test';
const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.ttf': 'font/ttf',
};

const executablePath = browserPath();

/** Bundles the view as it ships, into a folder of its own. */
async function bundleView(folder: string): Promise<void> {
  const webpack = join(repositoryRoot, 'node_modules', 'webpack', 'bin', 'webpack.js');
  const command = [webpack, '--config-name', 'webviews', '--output-path', folder];
  await mustRun(process.execPath, command, { directory: repositoryRoot });
}

/** What the page keeps in place of the extension. */
interface TestWindow extends Window {
  sent: { readonly type: string; readonly scanCodes?: readonly number[]; readonly png?: ArrayBuffer }[];
}

describe.skipIf(executablePath === undefined)('screen view in a browser', () => {
  let folder = '';
  let browser: Browser;
  const problems: string[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'screen-view-'));
    await bundleView(folder);
    browser = await chromium.launch({
      executablePath: executablePath as string,
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    });
  });

  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** Opens the page under the policy it ships with; a violation of it is a problem. */
  async function openView(): Promise<Page> {
    const page = await browser.newPage({ viewport: { width: 900, height: 700 } });
    page.setDefaultTimeout(10_000);
    page.on('console', (message) => problems.push(message.text()));
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.addInitScript(() => {
      const window = globalThis as unknown as TestWindow & { acquireVsCodeApi: unknown };
      window.sent = [];
      window.acquireVsCodeApi = () => ({
        postMessage: (message: TestWindow['sent'][number]) => window.sent.push(message),
      });
    });
    await page.route('**/*', (route) => {
      const name = new URL(route.request().url()).pathname.slice(1);
      if (name !== '')
        return route.fulfill({ path: join(folder, name), contentType: CONTENT_TYPES[extname(name)] ?? '' });
      const html = readFileSync(join(folder, 'screen.html'), 'utf8')
        .replaceAll('{{cspSource}}', ORIGIN)
        .replaceAll('{{nonce}}', 'n0nce')
        .replaceAll('{{script}}', `${ORIGIN}/screen.js`)
        .replaceAll('{{style}}', `${ORIGIN}/screen.css`)
        .replaceAll('{{codicons}}', `${ORIGIN}/codicon.css`)
        .replaceAll('{{speaker}}', `${ORIGIN}/speaker-worklet.js`)
        .replaceAll('{{language}}', 'en')
        .replaceAll('{{texts}}', '{}');
      return route.fulfill({ body: html, contentType: 'text/html' });
    });
    await page.goto(ORIGIN);
    // As VS Code has it on most desktops, whatever fonts this machine has.
    await page.evaluate(() => document.documentElement.style.setProperty('--vscode-font-size', '13px'));
    return page;
  }

  const status = (state: string, detail = ''): unknown => ({ type: 'status', state, detail });
  const send = (page: Page, message: unknown): Promise<void> =>
    page.evaluate((data) => {
      window.postMessage(data, '*');
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
    }, message);

  /** A picture of one colour. */
  const sendFrame = (page: Page, width: number, height: number, color: readonly number[], text?: readonly string[]) =>
    page.evaluate(
      ([frameWidth, frameHeight, rgb, rows]) => {
        const pixels = new Uint8ClampedArray(frameWidth * frameHeight * 4);
        for (let position = 0; position < pixels.length; position += 4) pixels.set([...rgb, 255], position);
        const frame: ScreenUpdate = {
          type: 'frame',
          width: frameWidth,
          height: frameHeight,
          aspectRatio: 4 / 3,
          top: 0,
          pixels: pixels.buffer,
          ...(rows === undefined ? {} : { text: rows }),
        };
        window.postMessage(frame, '*', [pixels.buffer]);
        return new Promise<void>((resolve) => requestAnimationFrame(() => requestAnimationFrame(() => resolve())));
      },
      [width, height, color, text] as const,
    );

  const sentKeys = (page: Page): Promise<string> =>
    page.evaluate(() =>
      (window as unknown as TestWindow).sent
        .flatMap(({ scanCodes }) => scanCodes ?? [])
        .map((code) => code.toString(16).padStart(2, '0'))
        .join(' '),
    );

  const sentTypes = (page: Page): Promise<readonly string[]> =>
    page.evaluate(() => (window as unknown as TestWindow).sent.map(({ type }) => type));

  it('shows each picture in the guest’s pixels and the monitor’s shape', async () => {
    const page = await openView();
    await send(page, status('running'));
    await sendFrame(page, 320, 200, [170, 0, 85]);
    const shown = await page.evaluate(() => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const box = canvas.getBoundingClientRect();
      const pixel = canvas.getContext('2d')?.getImageData(319, 199, 1, 1).data;
      return { size: [canvas.width, canvas.height], box: [box.width, box.height], pixel: [...(pixel ?? [])] };
    });
    expect(shown).toEqual({ size: [320, 200], box: [640, 480], pixel: [170, 0, 85, 255] });
    await sendFrame(page, 720, 400, [1, 2, 3]);
    expect(await page.locator('canvas').boundingBox()).toMatchObject({ width: 720, height: 540 });
    await page.close();
  });

  it('draws rows into the picture that it has, several at once', async () => {
    const page = await openView();
    await sendFrame(page, 4, 4, [10, 20, 30]);
    await page.evaluate(() => {
      for (const [top, shade] of [
        [1, 100],
        [3, 200],
      ] as const) {
        const pixels = Uint8ClampedArray.from({ length: 16 }, (_, at) => (at % 4 === 3 ? 255 : shade)).buffer;
        window.postMessage({ type: 'frame', width: 4, height: 4, aspectRatio: 4 / 3, top, pixels }, '*');
      }
      return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    });
    const reds = await page.evaluate(() => {
      const canvas = document.querySelector('canvas') as HTMLCanvasElement;
      const image = canvas.getContext('2d')?.getImageData(0, 0, 4, 4).data ?? [];
      return [0, 1, 2, 3].map((row) => image[row * 16]);
    });
    expect(reds).toEqual([10, 100, 10, 200]);
    await page.close();
  });

  it('captures the mouse for a guest that listens to it, with the keyboard', async () => {
    const page = await openView();
    await send(page, status('running'));
    await sendFrame(page, 320, 200, [0, 0, 0]);
    const canvas = page.locator('canvas');
    const locked = () => page.evaluate(() => document.pointerLockElement?.tagName ?? 'none');
    await canvas.click();
    expect(await locked()).toBe('none');
    await send(page, { type: 'mouse', wanted: true });
    await page.getByText('Click the screen to give it the mouse').waitFor();
    await canvas.click();
    await page.getByText('Keys and the mouse go to the guest').waitFor();
    expect(await locked()).toBe('CANVAS');
    // The picture is shown at twice its size.
    await page.evaluate(() => {
      const element = document.querySelector('canvas') as HTMLCanvasElement;
      for (const [type, init] of [
        ['mousemove', { movementX: 20, movementY: -10 }],
        ['mousedown', { buttons: 2, button: 2 }],
        ['mouseup', { buttons: 0, button: 2 }],
      ] as const) {
        element.dispatchEvent(new MouseEvent(type, { bubbles: true, ...init }));
      }
      element.dispatchEvent(new WheelEvent('wheel', { deltaY: -100, cancelable: true }));
    });
    const mouse = await page.evaluate(() =>
      (window as unknown as TestWindow).sent.filter(({ type }) => type === 'mouse').map(({ type: _, ...rest }) => rest),
    );
    expect(mouse).toEqual([
      { buttons: 0, dx: 10, dy: -5, dz: 0 },
      { buttons: 2, dx: 0, dy: 0, dz: 0 },
      { buttons: 0, dx: 0, dy: 0, dz: 0 },
      { buttons: 0, dx: 0, dy: 0, dz: -1 },
    ]);
    await page.keyboard.down('Control');
    await page.keyboard.down('Alt');
    await page.keyboard.up('Alt');
    await page.waitForFunction(() => document.pointerLockElement === null);
    expect(await page.getByRole('button', { name: 'Capture Keyboard' }).count()).toBe(1);
    await page.close();
  });

  it('gives the mouse back where the machine stops, and passes on the Escape that took it', async () => {
    const page = await openView();
    await send(page, status('running'));
    await send(page, { type: 'mouse', wanted: true });
    await page.locator('canvas').click();
    await page.getByText('Keys and the mouse go to the guest').waitFor();
    await send(page, status('stopped', 'breakpoint'));
    await page.waitForFunction(() => document.pointerLockElement === null);
    expect(await sentKeys(page)).toBe('');
    await send(page, status('running'));
    await page.locator('canvas').click();
    await page.getByText('Keys and the mouse go to the guest').waitFor();
    // As a browser does that keeps the key for itself.
    await page.evaluate(() => document.exitPointerLock());
    await page.getByText('Click the screen to give it the mouse').waitFor();
    expect(await sentKeys(page)).toBe('01 81');
    await page.close();
  });

  it('takes the keyboard on a click, gives it back on Ctrl+Alt, and releases what was held', async () => {
    const page = await openView();
    await send(page, status('running'));
    await page.locator('canvas').click();
    await page.keyboard.press('a');
    await page.keyboard.press('Tab');
    await page.keyboard.down('ArrowUp');
    expect(await sentKeys(page)).toBe('1e 9e 0f 8f e0 48');
    expect(await page.getByText('Press Ctrl+Alt to release').count()).toBe(1);
    await page.getByRole('button', { name: 'Release Keyboard' }).click();
    expect(await sentKeys(page)).toBe('1e 9e 0f 8f e0 48 e0 c8');
    await page.keyboard.press('b');
    expect(await sentKeys(page)).toBe('1e 9e 0f 8f e0 48 e0 c8');
    await page.keyboard.up('ArrowUp');
    await page.locator('canvas').focus();
    await page.keyboard.press('Enter');
    await page.keyboard.down('Control');
    await page.keyboard.down('Alt');
    await page.keyboard.up('Alt');
    expect(await page.getByRole('button', { name: 'Capture Keyboard' }).count()).toBe(1);
    expect(await sentKeys(page)).toBe('1e 9e 0f 8f e0 48 e0 c8 1d 38 b8 9d');
    await page.close();
  });

  it('stands on the picture when the view gets the focus', async () => {
    const page = await openView();
    await send(page, status('running'));
    await page.evaluate(() => window.dispatchEvent(new Event('focus')));
    await page.keyboard.press('Enter');
    await page.keyboard.press('a');
    expect(await sentKeys(page)).toBe('1e 9e');
    await page.getByRole('button', { name: 'Release Keyboard' }).focus();
    await page.evaluate(() => window.dispatchEvent(new Event('focus')));
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe('BUTTON');
    await page.close();
  });

  it('lets go of the keyboard when it loses the focus or the machine', async () => {
    const page = await openView();
    await send(page, status('running'));
    await page.locator('canvas').click();
    await page.keyboard.down('Shift');
    await page.locator('canvas').blur();
    expect(await sentKeys(page)).toBe('2a aa');
    await page.locator('canvas').click();
    await send(page, status('ended'));
    expect(await page.getByRole('button', { name: 'Capture Keyboard' }).isDisabled()).toBe(true);
    await page.locator('canvas').click();
    await page.keyboard.press('c');
    expect(await sentKeys(page)).toBe('2a aa');
    await page.close();
  });

  it('sends Ctrl+Alt+Del, reset, a whole PNG, and says that it is there', async () => {
    const page = await openView();
    await send(page, status('stopped', 'breakpoint'));
    await sendFrame(page, 8, 4, [9, 9, 9]);
    for (const name of ['Ctrl+Alt+Del', 'Reset', 'Screenshot']) await page.getByRole('button', { name }).click();
    await page.waitForFunction(() => (window as unknown as TestWindow).sent.some(({ type }) => type === 'screenshot'));
    const sent = await page.evaluate(() =>
      (window as unknown as TestWindow).sent.map(({ type, png }) =>
        png === undefined
          ? type
          : `${type} ${[...new Uint8Array(png.slice(1, 4))].map((byte) => String.fromCharCode(byte)).join('')}`,
      ),
    );
    expect(sent).toEqual(['visible', 'keys', 'reset', 'screenshot PNG']);
    expect(await sentKeys(page)).toBe('1d 38 e0 53 e0 d3 b8 9d');
    expect(await page.getByRole('status').textContent()).toContain('Paused: breakpoint');
    await page.close();
  });

  it('mirrors the text for screen readers, in text modes only', async () => {
    const page = await openView();
    await sendFrame(page, 8, 4, [0, 0, 0], ['A>dir', '', 'ok']);
    const mirror = page.getByRole('document', { name: 'Text on the guest screen' });
    expect((await mirror.locator('div').allTextContents()).map((row) => row.trim())).toEqual(['A>dir', '', 'ok']);
    expect(await mirror.getAttribute('aria-live')).toBe('off');
    expect(await page.getByRole('button', { name: 'Copy Text' }).isDisabled()).toBe(false);
    await sendFrame(page, 8, 4, [0, 0, 0]);
    expect(await mirror.count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Copy Text' }).isDisabled()).toBe(true);
    await page.close();
  });

  it('copies the text, and says so or why not', async () => {
    const page = await openView();
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: ORIGIN });
    await sendFrame(page, 8, 4, [0, 0, 0], ['A>dir', 'ok', '']);
    await page.getByRole('button', { name: 'Copy Text' }).click();
    await page.getByText('Text copied.').waitFor();
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('A>dir\nok');
    await page.evaluate(() => {
      navigator.clipboard.writeText = () => Promise.reject(new Error('no'));
    });
    await page.getByRole('button', { name: 'Copy Text' }).click();
    await page.getByText('The text could not be copied').waitFor();
    await page.close();
  });

  it('plays the speaker at its pitch once it is turned on, and is silent while the machine is held', async () => {
    const page = await openView();
    await page.evaluate(listenIn);
    await send(page, status('running'));
    const sound = page.getByRole('button', { name: 'Sound' });
    expect(await sound.getAttribute('aria-pressed')).toBe('false');
    await sound.click();
    expect(await sound.getAttribute('aria-pressed')).toBe('true');
    expect(await sentTypes(page)).toEqual(['visible', 'sound-switch', 'listen']);
    const tone = { at: 5, level: 1, next: 0.0005, high: 0.0005, low: 0.0005 };
    await page.waitForFunction(() => (window as unknown as Heard).analyser?.context.state === 'running');
    await send(page, { type: 'sound', playing: true, changes: [tone] });
    await page.waitForFunction(() => Math.abs((window as unknown as Heard).pitch() - 1000) < 25);
    await send(page, { type: 'sound', playing: false, changes: [] });
    await page.waitForFunction(() => (window as unknown as Heard).pitch() === 0);
    await send(page, {
      type: 'sound',
      playing: true,
      changes: [{ ...tone, at: 6, next: 0.001, high: 0.001, low: 0.001 }],
    });
    await page.waitForFunction(() => Math.abs((window as unknown as Heard).pitch() - 500) < 25);
    // As when the worker dies: the session does not say that the speaker is silent.
    await send(page, status('ended', 'The x86 VM stopped working'));
    await page.waitForFunction(() => (window as unknown as Heard).pitch() === 0);
    await send(page, status('running'));
    await send(page, { type: 'sound', playing: true, changes: [tone] });
    await page.waitForFunction(() => Math.abs((window as unknown as Heard).pitch() - 1000) < 25);
    await sound.click();
    await page.waitForFunction(() => (window as unknown as Heard).pitch() === 0);
    expect(await sentTypes(page)).toEqual(['visible', 'sound-switch', 'listen', 'sound-switch', 'listen']);
    await page.close();
  });

  it('takes up the switch of an earlier view', async () => {
    const page = await openView();
    await send(page, { type: 'preferences', sound: true });
    expect(await page.getByRole('button', { name: 'Sound' }).getAttribute('aria-pressed')).toBe('true');
    expect(await sentTypes(page)).toEqual(['visible', 'listen']);
    await page.close();
  });

  it('shows how fast a guest runs, and tells screen readers when they ask', async () => {
    const page = await openView();
    await send(page, status('running'));
    await send(page, { type: 'speed', instructionsPerSecond: 1.42e8, compiledShare: 0.975 });
    const speed = page.getByRole('img', { name: '142 million instructions a second, 97% executed by compiled code' });
    expect(await speed.textContent()).toBe('142M/s · 97% compiled');
    expect(await page.getByRole('status').textContent()).not.toContain('142');
    await page.setViewportSize({ width: 260, height: 420 });
    await page.waitForFunction(() => document.documentElement.scrollWidth <= window.innerWidth);
    await send(page, status('stopped', 'breakpoint at 0000:7C00'));
    expect(await speed.count()).toBe(0);
    await page.close();
  });

  it('fits into narrow panels', async () => {
    const page = await openView();
    await page.setViewportSize({ width: 260, height: 420 });
    await send(page, status('stopped', 'breakpoint at 0000:7C00'));
    await sendFrame(page, 720, 400, [0, 0, 0]);
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    expect(overflow).toBeLessThanOrEqual(0);
    const box = await page.locator('canvas').boundingBox();
    expect(box?.width).toBeGreaterThan(200);
    expect(box?.width).toBeLessThanOrEqual(260);
    await page.close();
  });

  it('has nothing to complain about, its content security policy included', () => {
    expect(problems).toEqual([]);
  });
});
