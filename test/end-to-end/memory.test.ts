/** Memory views and the device tree in a real VS Code. */
import { existsSync } from 'node:fs';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { type FolderKind, GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

const TEST_MS = 180_000;
const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
  'x86vm.openScreenOnStart': false,
};

/** Both kinds of extension host, with what a folder needs to hold for them. */
const RUNS: readonly { readonly host: string; readonly folder: FolderKind; readonly settings: object }[] = [
  { host: 'node', folder: 'sources', settings: SETTINGS },
  {
    host: 'web',
    folder: 'image-and-listing',
    settings: { ...SETTINGS, 'remote.extensionKind': { 'x86-vm-debugger.x86-vm-debugger': ['web'] } },
  },
];

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable).for(RUNS)('memory and devices in the $host extension host', (run) => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create(run.folder);
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path };
    server = await startServer({ ...options, vsix: packagePath, settings: { ...run.settings } });
    workbench = await Workbench.open(server.url);
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  /** The frame of the memory view's page. */
  const memoryFrame = (): Promise<Frame> =>
    workbench.eventually(async () => {
      for (const frame of workbench.page.frames()) {
        const has = await frame.evaluate(() => document.querySelector('.cursor') !== null).catch(() => false);
        if (has && frame !== workbench.page.mainFrame()) return frame;
      }
      return undefined;
    }, 'a memory view');

  /** Rows of the device tree. */
  const deviceRow = (text: RegExp) =>
    workbench.page
      .locator('.pane', { has: workbench.page.getByRole('button', { name: /Devices Section/ }) })
      .locator('.monaco-list-row', { hasText: text });

  it('show the guest from its first stop on, and what a step changes', { timeout: TEST_MS }, async () => {
    const { page } = workbench;
    await workbench.openFile('boot.asm');
    await page.keyboard.press('F5');
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));

    await workbench.run('x86 VM: Open Memory View');
    const frame = await memoryFrame();
    await frame.locator('.cursor.pointed[data-at="31744"]', { hasText: 'EA' }).waitFor();

    await frame.getByRole('textbox', { name: 'Address' }).fill('0x600');
    await page.keyboard.press('Enter');
    await frame.locator('.cursor[data-at="1536"]').waitFor();
    await page.keyboard.type('5a5b');
    await frame.locator('.hex [data-at="1537"]', { hasText: '5B' }).waitFor();
    expect(await frame.locator('.hex [data-at="1536"]').textContent()).toBe('5A');

    await workbench.debugButton('debug-step-over').click();
    await frame.getByRole('button', { name: 'CS:IP' }).click();
    await frame.locator('.cursor.pointed[data-at="31749"]').waitFor();

    await page.getByRole('button', { name: /Devices Section/ }).click();
    await deviceRow(/^pic-master/).click();
    await deviceRow(/^IRR\s*0x00/).waitFor();

    await workbench.stop();
    await frame.getByText('Ended').waitFor();
  });

  it('show the next session in the view that is there', { timeout: TEST_MS }, async () => {
    // By its tab: the box that opens files would offer the memory view, which is named after the file, first.
    await workbench.tab('boot.asm').click();
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    const frame = await memoryFrame();
    await frame.getByText('Paused').waitFor();
    await frame.locator('.pointed[data-at="31744"]', { hasText: 'EA' }).waitFor();
    await workbench.stop();
  });
});
