/** A guest with several processors in a real VS Code: its threads in the call stack, and what is about one of them. */
import { existsSync } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

const TEST_MS = 180_000;
const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
  'x86vm.openScreenOnStart': false,
};
const SOURCE = 'processors.asm';

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable)('a guest with several processors', () => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create('sources');
    await copyFile(join(repositoryRoot, 'test', 'dap', 'fixtures', SOURCE), join(folder.path, SOURCE));
    const machine = { program: `\${workspaceFolder}/${SOURCE}`, cpu: 'max', cpus: 4 };
    const configurations = [{ type: 'x86vm', request: 'launch', name: 'Four', ...machine }];
    await mkdir(join(folder.path, '.vscode'));
    await folder.write(join('.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path, vsix: packagePath, settings: SETTINGS };
    server = await startServer(options);
    workbench = await Workbench.open(server.url);
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  const threads = (): Locator => workbench.page.locator('.debug-call-stack .monaco-list-row .thread');
  /** The row of a thread by the text that it begins with. */
  const thread = (text: string): Locator => threads().filter({ hasText: text });

  /** The frame of a thread at the top of its call stack, which is open. */
  const frame = (text: string): Locator =>
    workbench.page.locator('.debug-call-stack .monaco-list-row .stack-frame').filter({ hasText: text });

  it('has a thread for each, and stops where one of them meets its breakpoint', { timeout: TEST_MS }, async () => {
    await workbench.openFile(SOURCE);
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop(SOURCE, await folder.lineOf(SOURCE, 'start:'));
    await thread('CPU 0 · real mode').waitFor();
    await thread('CPU 3 · waiting for SIPI').waitFor();
    expect(await threads().count()).toBe(4);

    await workbench.goToLine(await folder.lineOf(SOURCE, 'again:'));
    await workbench.runAndChoose('x86 VM: Add Breakpoint for One CPU…', 'CPU 2');
    await workbench.page.locator('.codicon-debug-breakpoint-conditional').first().waitFor();
    await workbench.debugButton('debug-continue').click();
    await thread('CPU 2').filter({ hasText: 'Paused at a breakpoint' }).waitFor();
    await frame('again (0010:00007CBA)').waitFor();
    await thread('CPU 1 · 32-bit, ring 0').waitFor();
    await workbench.variable('ESP').locator('.value', { hasText: '0x00007000' }).waitFor();
  });

  it('steps one of them, while the others run or stand still', { timeout: TEST_MS }, async () => {
    await workbench.debugButton('debug-step-over').click();
    await thread('CPU 2').filter({ hasText: 'Paused after a step' }).waitFor();
    await frame('again+0x5 (0010:00007CBF)').waitFor();
    await workbench.chooseInMenu(thread('CPU 2'), 'Step This CPU Alone');
    await frame('again+0x7 (0010:00007CC1)').waitFor();
    await workbench.stop();
  });
});
