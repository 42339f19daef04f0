/** The page-table view in a real VS Code, of a guest in 64-bit mode. */
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

/**
 * Maps 512 KiB to themselves, of which the last page is read-only, 2 MiB without the right to execute, and all of it again
 * for the kernel's half; in 64-bit mode it reads from the last page and then takes it away without telling the processor.
 */
const SOURCE = `        org 0x7c00
PML4    equ 0x1000
PDPT    equ 0x2000
PD      equ 0x3000
PT      equ 0x4000
        xor ax, ax
        mov ds, ax
        mov es, ax
        cli
        mov di, PML4
        mov cx, 0x2000
        rep stosw
        mov word [PML4], PDPT | 3
        mov word [PML4 + 511 * 8], PDPT | 3
        mov word [PDPT], PD | 7
        mov word [PD], PT | 7
        mov dword [PD + 8], 0x200083
        mov dword [PD + 12], 0x80000000
        mov di, PT
        mov eax, 7
page:   stosd
        add di, 4
        add eax, 0x1000
        cmp eax, 0x80000
        jb page
        mov byte [PT + 0x7f * 8], 5
        mov eax, 0xa0
        mov cr4, eax
        mov eax, PML4
        mov cr3, eax
        mov ecx, 0xc0000080
        xor edx, edx
        mov eax, 0x900
        wrmsr
        lgdt [pointer]
        mov eax, 0x80010011
        mov cr0, eax
        jmp 8:long_mode
        bits 64
long_mode:
        mov rax, [0x7f000]
mapped: mov qword [PT + 0x7f * 8], 0
gone:   jmp gone
        align 8
gdt:    dq 0, 0x00af9b000000ffff
pointer: dw 15
        dd gdt
        times 510 - ($ - $$) db 0
        dw 0xaa55
`;

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable)('the page-table view', () => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create('sources');
    await folder.write('tables.asm', SOURCE);
    await folder.assembleSource('tables');
    await mkdir(join(folder.path, '.vscode'));
    const program = { program: 'tables.img', listing: 'tables.lst', cpu: 'x86-64-v3', stopOnEntry: true };
    const configurations = [{ type: 'x86vm', request: 'launch', name: 'Boot the tables', ...program }];
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

  const rows = (frame: Frame): Locator => frame.locator('vscode-tab-panel:not([hidden]) .row');
  const row = (frame: Frame, text: RegExp): Locator => rows(frame).filter({ hasText: text });

  it('says that a guest in real mode has none', { timeout: TEST_MS }, async () => {
    await workbench.openFile('tables.asm');
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop('tables.asm', await folder.lineOf('tables.asm', 'xor ax, ax'));
    await workbench.run('x86 VM: Open Page Tables');
    const frame = await workbench.viewFrame('page-tables-view');
    await frame.locator('.empty', { hasText: 'Paging is off' }).waitFor();
  });

  it('shows what a guest in long mode maps, marks what changes, and walks', { timeout: TEST_MS }, async () => {
    const { page } = workbench;
    await workbench.tab('tables.asm').click();
    await workbench.toggleBreakpoint(await folder.lineOf('tables.asm', 'mapped:'));
    await workbench.debugButton('debug-continue').click();
    await workbench.waitForStop('tables.asm', await folder.lineOf('tables.asm', 'mapped:'));
    await workbench.viewTab('Page Tables').click();
    const frame = await workbench.viewFrame('page-tables-view', '4-level');
    expect(await frame.locator('.status').textContent()).toContain('4-level · CR3 00001000 · WP · NXE');
    await row(frame, /0000000000000000–000000000007EFFF.*→ 00000000.*508 KiB.*W\+X/s).waitFor();
    await row(frame, /000000000007F000–000000000007FFFF.*RO/s).waitFor();
    await row(frame, /FFFFFF8000200000–FFFFFF80003FFFFF.*→ 00200000.*2 MiB.*NX/s).waitFor();
    expect(await rows(frame).count()).toBe(6);

    await workbench.debugButton('debug-step-over').click();
    await workbench.waitForStop('tables.asm', await folder.lineOf('tables.asm', 'gone:'));
    await row(frame, /000000000007F000–000000000007FFFF.*unmapped/s).waitFor();
    await frame.getByRole('tab', { name: 'Cached translations' }).click();
    await row(frame, /000000000007F000.*stale: now the PTE is not present/s).waitFor();

    await frame.getByRole('tab', { name: 'Walk' }).click();
    await frame.getByRole('textbox', { name: 'Linear address' }).fill('0x7f123');
    await page.keyboard.press('Enter');
    await frame.locator('.outcome', { hasText: 'error code 00h (no bits): the PTE is not present' }).waitFor();
    expect(await frame.locator('.steps li').count()).toBe(4);
  });
});
