/** The compiler chosen in launch.json, in both kinds of extension hosts: the screen's status, and the view of compiled code. */
import type { Frame, Locator } from 'playwright-core';
import { describe, expect } from 'vitest';
import { runnable, setStage, WEB_HOST, writeLaunch } from './stage.ts';

const SOURCE = `        org 0x7c00
start:  xor ax, ax
        mov ds, ax
again:  add ax, [number]
        dec cx
        jnz again
        jmp again
number: dw 3
        times 510 - ($ - $$) db 0
        dw 0xaa55
`;

const HOSTS = [
  ['node', {}],
  ['web', WEB_HOST],
] as const;

describe.skipIf(!runnable).each(HOSTS)('compiled code in a %s extension host', (host, settings) => {
  const stage = setStage({
    name: `compiled-code-${host}`,
    folder: 'sources',
    settings: { ...settings },
    prepare: async (folder) => {
      await folder.write('hot.asm', SOURCE);
      await folder.assembleSource('hot');
      const program = { program: 'hot.img', listing: 'hot.lst', engine: 'compiler', stopOnEntry: true };
      await writeLaunch(folder, { name: 'Boot the loop', ...program });
    },
  });
  const { step } = stage;

  const line = (frame: Frame, side: string, text: string): Locator =>
    frame.locator(`#${side} .view-line`).filter({ hasText: text }).first();

  step('is what the screen tells of while the guest runs', async ({ workbench, folder }) => {
    await workbench.openFile('hot.asm');
    await workbench.startDebugging();
    await workbench.waitForStop('hot.asm', await folder.lineOf('hot.asm', 'start:'));
    await workbench.run('x86 VM: Open Compiled Code');
    const frame = await workbench.viewFrame('compiled-code-view');
    await frame.locator('.empty', { hasText: 'Nothing has run often enough to be compiled.' }).waitFor();
    await workbench.run('x86 VM: Open Screen');
    const screen = await workbench.viewFrame('screen-view');
    await workbench.debugButton('debug-continue').click();
    await screen.locator('.speed', { hasText: /[0-9.]+[MB]\/s · [89][0-9]% compiled/ }).waitFor();
  });

  step('is listed while the guest runs, and shown beside its source', async ({ workbench, page }) => {
    await workbench.run('x86 VM: Open Compiled Code');
    const frame = await workbench.viewFrame('compiled-code-view');
    await frame.getByRole('button', { name: 'Refresh' }).click();
    await frame.locator('.row', { hasText: /again · hot\.asm:4/ }).waitFor();
    await workbench.debugButton('debug-pause').click();
    await frame.locator('.status', { hasText: 'Paused' }).waitFor();
    await line(frame, 'guest', 'dec cx').click();
    await frame.locator('.notice', { hasText: /^\s*[0-9]+ lines of generated code/ }).waitFor();
    expect(await frame.locator('#generated .marked-line').count()).toBeGreaterThan(2);
    await page.keyboard.press('Control+f');
    await frame.locator('#guest .find-widget.visible').waitFor();
  });
});
