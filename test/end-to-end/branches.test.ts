/** Steps to the next branch and the view of the last branches in a real VS Code. */
import type { Frame, Locator } from 'playwright-core';
import { describe, expect } from 'vitest';
import { runnable, setStage, writeLaunch } from './stage.ts';

const SOURCE = `        org 0x7c00
start:  xor ax, ax
        mov ds, ax
        mov ss, ax
        mov sp, 0x7c00
        mov word [0x21 * 4], service
        mov word [0x21 * 4 + 2], ax
        mov cx, 20
again:  loop again
        call routine
        jmp $
routine: int 0x21
        ret
service: iret
        times 510 - ($ - $$) db 0
        dw 0xaa55
`;

describe.skipIf(!runnable)('branches', () => {
  const stage = setStage({
    name: 'branches',
    folder: 'sources',
    settings: { 'x86vm.openScreenOnStart': false },
    prepare: async (folder) => {
      await folder.write('branches.asm', SOURCE);
      await folder.assembleSource('branches');
      const program = { program: 'branches.img', listing: 'branches.lst', stopOnEntry: true };
      await writeLaunch(folder, { name: 'Boot the branches', ...program });
    },
  });
  const { step } = stage;

  const at = (text: string): Promise<number> => stage.folder.lineOf('branches.asm', text);
  const row = (frame: Frame, text: RegExp): Locator => frame.locator('.row').filter({ hasText: text });

  step('are recorded when the view asks for it, step by step', async ({ workbench }) => {
    await workbench.openFile('branches.asm');
    await workbench.startDebugging();
    await workbench.waitForStop('branches.asm', await at('start:'));
    await workbench.run('x86 VM: Open Last Branches');
    const frame = await workbench.viewFrame('branches-view');
    await frame.locator('.empty', { hasText: 'Branches are not recorded.' }).waitFor();
    await frame.getByRole('button', { name: 'Record Branches' }).click();
    await frame.locator('.empty', { hasText: 'No branch was taken' }).waitFor();
    await frame.getByRole('button', { name: 'Step to Next Branch' }).click();
    await workbench.waitForStop('branches.asm', await at('again:'));
    await row(frame, /again.*→.*again.*Conditional jump/s).waitFor();
  });

  step('are stepped to by key and from the toolbar, and lead to their source', async ({ workbench, page }) => {
    await workbench.tab('branches.asm').click();
    await workbench.setBreakpoint(await at('call routine'));
    await workbench.debugButton('debug-continue').click();
    await workbench.waitForStop('branches.asm', await at('call routine'));
    await page.keyboard.press('Alt+F11');
    await workbench.waitForStop('branches.asm', await at('routine: int'));
    await workbench.debugButton('git-commit').click();
    await workbench.waitForStop('branches.asm', await at('service:'));
    await page.locator('.debug-pane').getByText('Branch', { exact: true }).first().waitFor();
    const frame = await workbench.viewFrame('branches-view', 'INT 21h');
    const texts = await frame.locator('.row .kind').allTextContents();
    expect(texts).toEqual(['Software interrupt: INT 21h', 'Call', 'Conditional jump']);
    await row(frame, /19 times/).waitFor();
    await row(frame, /Call/).locator('.end').first().click();
    const line = String(await at('call routine'));
    await page.locator('.active-line-number', { hasText: new RegExp(`^${line}$`) }).waitFor();
  });
});
