/** Steps to the next branch and the view of the last branches in a real VS Code. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

const TEST_MS = 180_000;
const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
  'x86vm.openScreenOnStart': false,
};
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

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable)('branches', () => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create('sources');
    await folder.write('branches.asm', SOURCE);
    await folder.assembleSource('branches');
    await mkdir(join(folder.path, '.vscode'));
    const program = { program: 'branches.img', listing: 'branches.lst', stopOnEntry: true };
    const configurations = [{ type: 'x86vm', request: 'launch', name: 'Boot the branches', ...program }];
    await folder.write(join('.vscode', 'launch.json'), JSON.stringify({ version: '0.2.0', configurations }));
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path };
    server = await startServer({ ...options, vsix: packagePath, settings: SETTINGS });
    workbench = await Workbench.open(server.url);
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  const at = (text: string): Promise<number> => folder.lineOf('branches.asm', text);
  const row = (frame: Frame, text: RegExp): Locator => frame.locator('.row').filter({ hasText: text });

  it('are recorded when the view asks for it, step by step', { timeout: TEST_MS }, async () => {
    const { page } = workbench;
    await workbench.openFile('branches.asm');
    await page.keyboard.press('F5');
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

  it('are stepped to by key and from the toolbar, and lead to their source', { timeout: TEST_MS }, async () => {
    const { page } = workbench;
    await workbench.tab('branches.asm').click();
    await workbench.toggleBreakpoint(await at('call routine'));
    await workbench.debugButton('debug-continue').click();
    await workbench.waitForStop('branches.asm', await at('call routine'));
    await page.keyboard.press('Alt+F11');
    await workbench.waitForStop('branches.asm', await at('routine: int'));
    await workbench.debugButton('git-commit').click();
    await workbench.waitForStop('branches.asm', await at('service:'));
    await page.locator('.debug-pane', { hasText: 'Paused after a branch' }).waitFor();
    const frame = await workbench.viewFrame('branches-view', 'INT 21h');
    const texts = await frame.locator('.row .kind').allTextContents();
    expect(texts).toEqual(['Software interrupt: INT 21h', 'Call', 'Conditional jump']);
    await row(frame, /19 times/).waitFor();
    await row(frame, /Call/).locator('.end').first().click();
    const line = String(await at('call routine'));
    await page.locator('.active-line-number', { hasText: new RegExp(`^${line}$`) }).waitFor();
  });
});
