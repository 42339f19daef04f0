/** Memory views and the device tree in a real VS Code. */
import { describe, expect } from 'vitest';
import type { FolderKind } from './guest-folder.ts';
import { runnable, setStage, WEB_HOST } from './stage.ts';

/** Both kinds of extension host, with what a folder needs to hold for them. */
const RUNS: readonly { readonly host: string; readonly folder: FolderKind; readonly settings: object }[] = [
  { host: 'node', folder: 'sources', settings: {} },
  { host: 'web', folder: 'image-and-listing', settings: WEB_HOST },
];

describe.skipIf(!runnable).for(RUNS)('memory and devices in the $host extension host', (run) => {
  const settings = { 'x86vm.openScreenOnStart': false, ...run.settings };
  const stage = setStage({ name: `memory-${run.host}`, folder: run.folder, settings });
  const { step } = stage;

  /** Rows of the device tree. */
  const deviceRow = (text: RegExp) =>
    stage.page
      .locator('.pane', { has: stage.page.getByRole('button', { name: /Devices Section/ }) })
      .locator('.monaco-list-row', { hasText: text });

  step('show the guest from its first stop on, and what a step changes', async ({ workbench, folder, page }) => {
    await workbench.openFile('boot.asm');
    await workbench.startDebugging();
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));

    await workbench.run('x86 VM: Open Memory View');
    const frame = await workbench.viewFrame('.cursor');
    await frame.locator('.cursor.pointed[data-at="31744"]', { hasText: 'EA' }).waitFor();

    const box = frame.getByRole('textbox', { name: 'Address' });
    await workbench.enter(box, '0x600', frame.locator('.cursor[data-at="1536"]'));
    await frame.getByRole('grid').pressSequentially('5a5b');
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

  step('show the next session in the view that is there', async ({ workbench, folder }) => {
    // By its tab: the box that opens files would offer the memory view, which is named after the file, first.
    await workbench.tab('boot.asm').click();
    await workbench.startDebugging();
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    const frame = await workbench.viewFrame('.cursor');
    await frame.getByText('Paused').waitFor();
    await frame.locator('.pointed[data-at="31744"]', { hasText: 'EA' }).waitFor();
    await workbench.stop();
  });
});
