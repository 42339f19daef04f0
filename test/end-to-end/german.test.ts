/** What a German VS Code shows: the manifest, the session, and the views all speak German. */
import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

const TEST_MS = 180_000;
/** In the web extension host, whose language is the page's: the workbench itself needs no language pack for that. */
const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
  'remote.extensionKind': { 'x86-vm-debugger.x86-vm-debugger': ['web'] },
};

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable)('a German VS Code', () => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create('image-and-listing');
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path };
    server = await startServer({ ...options, vsix: packagePath, settings: SETTINGS });
    workbench = await Workbench.open(server.url, 'de');
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  it('speaks German where the extension, its sessions and its views speak', { timeout: TEST_MS }, async () => {
    const { page } = workbench;
    await workbench.openFile('boot.asm');
    await page.keyboard.press('F5');
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    await page.locator('.debug-call-stack', { hasText: '7C00' }).waitFor();
    await page.getByText('Angehalten am Bootsektor').first().waitFor();
    await page.locator('.debug-breakpoints', { hasText: 'Dreifachfehler' }).waitFor();
    await page.locator('.debug-variables', { hasText: 'Register' }).waitFor();
    await page
      .getByRole('button', { name: /^Geräte/ })
      .first()
      .waitFor();
    await workbench.viewTab('Bildschirm: Boot the image').waitFor();
    const screen = await workbench.viewFrame('canvas', 'Angehalten am Bootsektor');
    await screen.getByRole('button', { name: 'Tastatur übernehmen' }).waitFor();
    await workbench.stop();
    await screen.getByText('Beendet').waitFor();
  });
});
