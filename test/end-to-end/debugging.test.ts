/**
 * The whole chain in a real VS Code: the packaged extension, F5 on the example, and what a person sees and does then.
 * Once with the extension in the Node extension host, which assembles, and once in the web extension host, which boots an
 * image made beforehand.
 */
import { join } from 'node:path';
import { describe, expect } from 'vitest';
import { repositoryRoot } from '../../scripts/run-command.ts';
import type { FolderKind } from './guest-folder.ts';
import { litPixelCount } from './picture.ts';
import { runnable, setStage, WEB_HOST } from './stage.ts';

/** One kind of extension host: its user settings and what the folder holds for it. */
interface Run {
  readonly host: 'node' | 'web';
  readonly folder: FolderKind;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The picture in the README, made anew with UPDATE=1. */
const PICTURE = join(repositoryRoot, 'docs', 'images', 'screen.png');

const COMMON_SETTINGS = {
  'workbench.colorTheme': 'Dark Modern',
  'editor.minimap.enabled': false,
  'terminal.integrated.gpuAcceleration': 'off',
};
const RUNS: readonly Run[] = [
  { host: 'node', folder: 'sources', settings: COMMON_SETTINGS },
  {
    host: 'web',
    folder: 'image-and-listing',
    settings: { ...COMMON_SETTINGS, ...WEB_HOST },
  },
];

/** A boot sector of one statement, on line 2. */
const sector = (statement: string): string =>
  `        org 0x7c00\n        ${statement}\n        times 510 - ($ - $$) db 0\n        dw 0xaa55\n`;

/** Sends back what comes on the first serial port, at 8 data bits. */
const ECHO = `        org 0x7c00
        mov dx, 0x3fb
        mov al, 3
        out dx, al
again:  mov dx, 0x3fd
        in al, dx
        test al, 1
        jz again
        mov dx, 0x3f8
        in al, dx
        out dx, al
        jmp again
        times 510 - ($ - $$) db 0
        dw 0xaa55
`;

describe.skipIf(!runnable).for(RUNS)('the extension in the $host extension host', (run) => {
  const { step } = setStage({
    name: run.host,
    folder: run.folder,
    settings: run.settings,
    prepare: async (folder) => {
      await folder.write('wrong.asm', sector('mov ax, nowhere'));
      await folder.write('echo.asm', ECHO);
      if (run.host === 'web') await folder.assembleSource('echo');
    },
  });

  step('F5 stops at the first instruction of the boot sector', async ({ workbench, folder }) => {
    await workbench.page.locator('.monaco-workbench[class*="themes-dark_modern-json"]').waitFor();
    await workbench.openFile('boot.asm');
    await workbench.startDebugging();
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    expect(await workbench.topFrame().textContent()).toContain('0000:7C00');
  });

  step('a breakpoint of the gutter is hit', async ({ workbench, folder }) => {
    await workbench.openFile('console.asm');
    const line = await folder.lineOf('console.asm', 'int 0x10');
    await workbench.setBreakpoint(line);
    await workbench.debugButton('debug-continue').click();
    await workbench.waitForStop('console.asm', line);
  });

  step(
    'values stand behind the lines above, and a hover reads without a mouse',
    async ({ workbench, folder, page }) => {
      const line = await folder.lineOf('console.asm', 'mov ah, 0x0e');
      const lines = page.locator('.view-line');
      await lines.filter({ hasText: 'ah = 0x0e (14)' }).filter({ hasText: 'mov' }).waitFor();
      const hover = page.locator('.debug-hover-widget', { hasText: '0x0e (14)' });
      await workbench.insist(async () => {
        await workbench.goToLine(line);
        for (const key of ['Home', ...Array.from('mov ', () => 'ArrowRight')]) await page.keyboard.press(key);
        await workbench.run('Debug: Show Hover');
      }, hover);
      await page.keyboard.press('Escape');
    },
  );

  step('stepping over INT 10h puts the letter on the screen', async ({ workbench, folder }) => {
    const line = await folder.lineOf('console.asm', 'int 0x10');
    const cell = { row: 1, column: 0 };
    expect(litPixelCount(await workbench.screenPicture(), cell)).toBe(0);
    await workbench.debugButton('debug-step-over').click();
    await workbench.waitForStop('console.asm', line + 1);
    await workbench.eventually(async () => {
      const lit = litPixelCount(await workbench.screenPicture(), cell);
      return lit > 0 ? lit : undefined;
    }, 'the letter S');
  });

  step('the sidebar shows that LODSB changed AX', async ({ workbench, folder }) => {
    await workbench.expandVariable('EAX');
    await workbench.removeBreakpoints();
    await workbench.debugButton('debug-step-out').click();
    const load = await folder.lineOf('console.asm', 'lodsb');
    await workbench.waitForStop('console.asm', await folder.lineOf('console.asm', 'jmp .next'));
    await workbench.debugButton('debug-step-over').click();
    await workbench.waitForStop('console.asm', load);
    await workbench.debugButton('debug-step-over').click();
    await workbench.waitForStop('console.asm', load + 1);
    await workbench.variable('AX').locator('.value.changed', { hasText: '0x0e74' }).waitFor();
  });

  step('the disassembly view shows the instruction', async ({ workbench, page }) => {
    await workbench.run('Open Disassembly View');
    const rows = page.locator('.disassembly-view .monaco-list-row');
    await rows
      .filter({ hasText: /test\s+al, ?al/i })
      .first()
      .waitFor();
    await workbench.closeEditor(workbench.viewTab('Disassembly'));
  });

  step('a key pressed in the screen view reaches the guest', async ({ workbench, folder, page }) => {
    await workbench.openFile('stage2.asm');
    const line = await folder.lineOf('stage2.asm', 'mov [key], al');
    await workbench.setBreakpoint(line);
    await workbench.debugButton('debug-continue').click();
    await workbench.screenText(/Press a key/);
    await workbench.typeIntoScreen('x');
    await workbench.waitForStop('stage2.asm', line);
    await workbench.expandVariable('EAX');
    await workbench.variable('AL').locator('.value', { hasText: '0x78' }).waitFor();
    if (process.env['UPDATE'] === '1' && run.host === 'node') await page.screenshot({ path: PICTURE });
  });

  step(
    'the machine goes on while its screen is hidden, and the picture is right when it is shown',
    async ({ workbench, folder, page }) => {
      const line = await folder.lineOf('stage2.asm', 'say visited');
      await workbench.setBreakpoint(line);
      await workbench.run('View: Focus Next Editor Group');
      await workbench.openFile('README.md');
      await workbench.debugButton('debug-continue').click();
      await workbench.waitForStop('stage2.asm', line);
      await page.locator('.tabs-container .tab', { hasText: 'Screen:' }).click();
      await workbench.eventually(async () => {
        const { width, height } = await workbench.screenPicture();
        return width === 720 && height === 400 ? true : undefined;
      }, 'the text screen after the picture');
      await workbench.removeBreakpoints();
    },
  );

  step('a running machine can be paused', async ({ workbench }) => {
    await workbench.debugButton('debug-continue').click();
    await workbench.debugButton('debug-pause').click();
    await workbench.debugButton('debug-continue').waitFor();
    await workbench.topFrame().waitFor();
  });

  step('restart stands at the start again, stop ends the session', async ({ workbench, folder }) => {
    await workbench.debugButton('debug-restart').click();
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    await workbench.stop();
  });

  step(
    'a terminal talks with the guest over its serial port, until the machine is gone',
    async ({ workbench, page }) => {
      if (run.host === 'node') {
        await workbench.openFile('echo.asm');
        await workbench.startDebugging();
      } else {
        await workbench.openImage('echo.img');
        await workbench.run('x86 VM: Boot and Debug Image');
      }
      await workbench.waitForStop('echo.asm', 2);
      await workbench.runAndChoose('x86 VM: Open Serial Terminal', 'COM1');
      await page.locator('.terminal.xterm.focus').waitFor();
      const keyboard = page.locator('.terminal .xterm-helper-textarea').first();
      await workbench.debugButton('debug-continue').click();
      await keyboard.pressSequentially('hello');
      await workbench.terminalText().filter({ hasText: 'hello' }).waitFor();
      await workbench.stop();
      await workbench.terminalText().filter({ hasText: 'The machine is gone' }).waitFor();
      await keyboard.press('x');
      await workbench.terminalText().waitFor({ state: 'detached' });
    },
  );

  if (run.host === 'node') {
    step('F5 on an included source boots the source that includes it', async ({ workbench, folder }) => {
      await workbench.openFile('console.asm');
      await workbench.startDebugging();
      await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
      await workbench.stop();
    });

    step('the debug view and the first steps greet a newcomer', async ({ workbench, page }) => {
      await page.getByText('This folder has assembly sources').waitFor();
      await workbench.run('x86 VM: First Steps');
      await page.locator('.gettingStartedContainer').getByText('Write a boot sector').waitFor();
      await workbench.closeEditor(workbench.viewTab('Debug an x86 boot sector'));
    });

    step('F5 on an image of unknown source stops in the disassembly', async ({ workbench, page }) => {
      await workbench.openImage('plain.img');
      await workbench.startDebugging();
      const rows = page.locator('.disassembly-view .monaco-list-row');
      await rows
        .filter({ hasText: /0x00007c00.*jmp/ })
        .first()
        .waitFor();
      await workbench.variable('EAX').waitFor();
      await workbench.stop();
      await workbench.closeEditor(workbench.viewTab('Disassembly'));
    });

    step(
      'errors of the assembler are in the Problems view until they are gone',
      async ({ workbench, folder, page }) => {
        await workbench.openFile('wrong.asm');
        await workbench.startDebugging();
        await workbench.dismissDialog(/nowhere|wrong\.asm/);
        await workbench.run('Problems: Focus on Problems View');
        const problem = page.locator('.markers-panel .monaco-list-row', { hasText: 'nowhere' });
        await problem.filter({ hasText: 'Ln 2' }).waitFor();
        await folder.write('wrong.asm', sector('mov ax, $$'));
        await workbench.openFile('wrong.asm');
        await workbench.startDebugging();
        await workbench.waitForStop('wrong.asm', 2);
        await problem.waitFor({ state: 'hidden' });
        await workbench.stop();
      },
    );
  }
});
