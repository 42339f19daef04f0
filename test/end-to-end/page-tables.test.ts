/** The page-table view in a real VS Code, of a guest in 64-bit mode. */
import type { Frame, Locator } from 'playwright-core';
import { describe, expect } from 'vitest';
import { runnable, setStage, writeLaunch } from './stage.ts';

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

describe.skipIf(!runnable)('the page-table view', () => {
  const { step } = setStage({
    name: 'page-tables',
    folder: 'sources',
    settings: { 'x86vm.openScreenOnStart': false },
    prepare: async (folder) => {
      await folder.write('tables.asm', SOURCE);
      await folder.assembleSource('tables');
      const program = { program: 'tables.img', listing: 'tables.lst', cpu: 'x86-64-v3', stopOnEntry: true };
      await writeLaunch(folder, { name: 'Boot the tables', ...program });
    },
  });

  const rows = (frame: Frame): Locator => frame.locator('vscode-tab-panel:not([hidden]) .row');
  const row = (frame: Frame, text: RegExp): Locator => rows(frame).filter({ hasText: text });

  step('says that a guest in real mode has none', async ({ workbench, folder }) => {
    await workbench.openFile('tables.asm');
    await workbench.startDebugging();
    await workbench.waitForStop('tables.asm', await folder.lineOf('tables.asm', 'xor ax, ax'));
    await workbench.run('x86 VM: Open Page Tables');
    const frame = await workbench.viewFrame('page-tables-view');
    await frame.locator('.empty', { hasText: 'Paging is off' }).waitFor();
  });

  step('shows what a guest in long mode maps, marks what changes, and walks', async ({ workbench, folder }) => {
    await workbench.tab('tables.asm').click();
    await workbench.setBreakpoint(await folder.lineOf('tables.asm', 'mapped:'));
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
    const outcome = frame.locator('.outcome', { hasText: 'error code 00h (no bits): the PTE is not present' });
    await workbench.enter(frame.getByRole('textbox', { name: 'Linear address' }), '0x7f123', outcome);
    expect(await frame.locator('.steps li').count()).toBe(4);
  });
});
