/** A guest with several processors in a real VS Code: its threads in the call stack, and what is about one of them. */
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { describe, expect } from 'vitest';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { runnable, setStage, writeLaunch } from './stage.ts';

const SOURCE = 'processors.asm';

describe.skipIf(!runnable)('a guest with several processors', () => {
  const stage = setStage({
    name: 'processors',
    folder: 'sources',
    settings: { 'x86vm.openScreenOnStart': false },
    prepare: async (folder) => {
      await copyFile(join(repositoryRoot, 'test', 'dap', 'fixtures', SOURCE), join(folder.path, SOURCE));
      await writeLaunch(folder, { name: 'Four', program: `\${workspaceFolder}/${SOURCE}`, cpu: 'max', cpus: 4 });
    },
  });
  const { step } = stage;

  const threads = (): Locator => stage.page.locator('.debug-call-stack .monaco-list-row .thread');
  /** The row of a thread by the text that it begins with. */
  const thread = (text: string): Locator => threads().filter({ hasText: text });

  /** The frame of a thread at the top of its call stack, which is open. */
  const frame = (text: string): Locator =>
    stage.page.locator('.debug-call-stack .monaco-list-row .stack-frame').filter({ hasText: text });

  step(
    'has a thread for each, and stops where one of them meets its breakpoint',
    async ({ workbench, folder, page }) => {
      await workbench.openFile(SOURCE);
      await workbench.startDebugging();
      await workbench.waitForStop(SOURCE, await folder.lineOf(SOURCE, 'start:'));
      await thread('CPU 0 · real mode').waitFor();
      await thread('CPU 3 · waiting for SIPI').waitFor();
      expect(await threads().count()).toBe(4);

      await workbench.goToLine(await folder.lineOf(SOURCE, 'again:'));
      await workbench.runAndChoose('x86 VM: Add Breakpoint for One CPU…', 'CPU 2');
      await page.locator('.codicon-debug-breakpoint-conditional').first().waitFor();
      await workbench.debugButton('debug-continue').click();
      await thread('CPU 2').filter({ hasText: 'Breakpoint' }).waitFor();
      await frame('again (0010:00007CBA)').waitFor();
      await thread('CPU 1 · 32-bit, ring 0').waitFor();
      await workbench.variable('ESP').locator('.value', { hasText: '0x00007000' }).waitFor();
    },
  );

  step('steps one of them, while the others run or stand still', async ({ workbench }) => {
    await workbench.debugButton('debug-step-over').click();
    await thread('CPU 2').filter({ hasText: 'Step' }).waitFor();
    await frame('again+0x5 (0010:00007CBF)').waitFor();
    await workbench.chooseInMenu(thread('CPU 2'), 'Step This CPU Alone');
    await frame('again+0x7 (0010:00007CC1)').waitFor();
    await workbench.stop();
  });
});
