/** What a German VS Code shows: the manifest, the session, and the views all speak German. */
import { describe } from 'vitest';
import { runnable, setStage, WEB_HOST } from './stage.ts';

describe.skipIf(!runnable)('a German VS Code', () => {
  // In the web extension host, whose language is the page's: the workbench itself needs no language pack for that.
  const { step } = setStage({ name: 'german', folder: 'image-and-listing', settings: WEB_HOST, language: 'de' });

  step('speaks German where the extension, its sessions and its views speak', async ({ workbench, folder, page }) => {
    await workbench.openFile('boot.asm');
    await workbench.startDebugging();
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    await page.locator('.debug-call-stack', { hasText: '7C00' }).waitFor();
    await page.locator('.debug-pane').getByText('Bootsektor', { exact: true }).first().waitFor();
    await page.locator('.debug-breakpoints', { hasText: 'Dreifachfehler' }).waitFor();
    await page.locator('.debug-variables', { hasText: 'Register' }).waitFor();
    await page
      .getByRole('button', { name: /^Geräte/ })
      .first()
      .waitFor();
    await workbench.viewTab('Bildschirm: Boot the image').waitFor();
    const screen = await workbench.viewFrame('canvas', 'Angehalten: Bootsektor');
    await screen.getByRole('button', { name: 'Tastatur übernehmen' }).waitFor();
    await workbench.stop();
    await screen.getByText('Beendet').waitFor();
  });
});
