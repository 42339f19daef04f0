/**
 * The whole chain in a real VS Code: the packaged extension, F5 on the example, and what a person sees and does then.
 * Once with the extension in the Node extension host, which assembles, and once in the web extension host, which boots an
 * image made beforehand.
 */
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { type FolderKind, GuestFolder } from './guest-folder.ts';
import { litPixelCount } from './picture.ts';
import { browserPath, Workbench } from './workbench.ts';

const EXTENSION = 'x86-vm-debugger.x86-vm-debugger';
const TEST_MS = 180_000;

/** One kind of extension host: its user settings and what the folder holds for it. */
interface Run {
  readonly host: 'node' | 'web';
  readonly folder: FolderKind;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** The picture in the README, made anew with UPDATE=1. */
const PICTURE = join(repositoryRoot, 'docs', 'images', 'screen.png');

const COMMON_SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.colorTheme': 'Default Dark Modern',
  'debug.internalConsoleOptions': 'neverOpen',
  'editor.minimap.enabled': false,
  'terminal.integrated.gpuAcceleration': 'off',
};
const RUNS: readonly Run[] = [
  { host: 'node', folder: 'sources', settings: COMMON_SETTINGS },
  {
    host: 'web',
    folder: 'image-and-listing',
    settings: { ...COMMON_SETTINGS, 'remote.extensionKind': { [EXTENSION]: ['web'] } },
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

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable).for(RUNS)('the extension in the $host extension host', (run) => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create(run.folder);
    await folder.write('wrong.asm', sector('mov ax, nowhere'));
    await folder.write('echo.asm', ECHO);
    if (run.host === 'web') await folder.assembleSource('echo');
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path };
    server = await startServer({ ...options, vsix: packagePath, settings: run.settings });
    workbench = await Workbench.open(server.url);
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  // The steps are one run: what comes after a failure would only fail slowly.
  let failed = false;
  const step = (name: string, body: () => Promise<void>) =>
    it(name, { timeout: TEST_MS }, async () => {
      if (failed) throw new Error('an earlier step failed');
      failed = true;
      onTestFailed(async () => {
        const path = join(tmpdir(), `x86vm-${run.host}-${name.replace(/\W+/g, '-')}.png`);
        await workbench.page.screenshot({ path });
        console.log(`what VS Code showed: ${path}`);
      });
      await body();
      failed = false;
    });

  step('F5 stops at the first instruction of the boot sector', async () => {
    await workbench.openFile('boot.asm');
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    expect(await workbench.topFrame().textContent()).toContain('0000:7C00');
  });

  step('a breakpoint of the gutter is hit', async () => {
    await workbench.openFile('console.asm');
    const line = await folder.lineOf('console.asm', 'int 0x10');
    await workbench.toggleBreakpoint(line);
    await workbench.debugButton('debug-continue').click();
    await workbench.waitForStop('console.asm', line);
  });

  step('values stand behind the lines above, and a hover reads without a mouse', async () => {
    const { page } = workbench;
    const line = await folder.lineOf('console.asm', 'mov ah, 0x0e');
    const lines = page.locator('.view-line');
    await lines.filter({ hasText: 'ah = 0x0e (14)' }).filter({ hasText: 'mov' }).waitFor();
    await workbench.goToLine(line);
    for (const key of ['Home', ...Array.from('mov ', () => 'ArrowRight')]) await page.keyboard.press(key);
    await workbench.run('Debug: Show Hover');
    await page.locator('.debug-hover-widget', { hasText: '0x0e (14)' }).waitFor();
    await page.keyboard.press('Escape');
  });

  step('stepping over INT 10h puts the letter on the screen', async () => {
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

  step('the sidebar shows that LODSB changed AX', async () => {
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

  step('the disassembly view shows the instruction', async () => {
    await workbench.run('Open Disassembly View');
    const rows = workbench.page.locator('.disassembly-view .monaco-list-row');
    await rows
      .filter({ hasText: /test\s+al, ?al/i })
      .first()
      .waitFor();
    await workbench.run('View: Close Editor');
  });

  step('a key pressed in the screen view reaches the guest', async () => {
    await workbench.openFile('stage2.asm');
    const line = await folder.lineOf('stage2.asm', 'mov [key], al');
    await workbench.toggleBreakpoint(line);
    await workbench.debugButton('debug-continue').click();
    await workbench.screenText(/Press a key/);
    await workbench.typeIntoScreen('x');
    await workbench.waitForStop('stage2.asm', line);
    await workbench.expandVariable('EAX');
    await workbench.variable('AL').locator('.value', { hasText: '0x78' }).waitFor();
    if (process.env['UPDATE'] === '1' && run.host === 'node') await workbench.page.screenshot({ path: PICTURE });
  });

  step('the machine goes on while its screen is hidden, and the picture is right when it is shown', async () => {
    const line = await folder.lineOf('stage2.asm', 'say visited');
    await workbench.toggleBreakpoint(line);
    await workbench.run('View: Focus Next Editor Group');
    await workbench.openFile('README.md');
    await workbench.debugButton('debug-continue').click();
    await workbench.waitForStop('stage2.asm', line);
    await workbench.page.locator('.tabs-container .tab', { hasText: 'Screen:' }).click();
    await workbench.eventually(async () => {
      const { width, height } = await workbench.screenPicture();
      return width === 720 && height === 400 ? true : undefined;
    }, 'the text screen after the picture');
    await workbench.removeBreakpoints();
  });

  step('a running machine can be paused', async () => {
    await workbench.debugButton('debug-continue').click();
    await workbench.debugButton('debug-pause').click();
    await workbench.debugButton('debug-continue').waitFor();
    await workbench.topFrame().waitFor();
  });

  step('restart stands at the start again, stop ends the session', async () => {
    await workbench.debugButton('debug-restart').click();
    await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
    await workbench.stop();
  });

  step('a terminal talks with the guest over its serial port, until the machine is gone', async () => {
    if (run.host === 'node') {
      await workbench.openFile('echo.asm');
      await workbench.page.keyboard.press('F5');
    } else {
      await workbench.openImage('echo.img');
      await workbench.run('x86 VM: Boot and Debug Image');
    }
    await workbench.waitForStop('echo.asm', 2);
    await workbench.runAndChoose('x86 VM: Open Serial Terminal', 'COM1');
    await workbench.page.locator('.terminal.xterm.focus').waitFor();
    await workbench.debugButton('debug-continue').click();
    await workbench.run('Terminal: Focus Terminal');
    await workbench.page.keyboard.type('hello');
    await workbench.terminalText().filter({ hasText: 'hello' }).waitFor();
    await workbench.stop();
    await workbench.terminalText().filter({ hasText: 'The machine is gone' }).waitFor();
    await workbench.run('Terminal: Focus Terminal');
    await workbench.page.keyboard.press('x');
    await workbench.terminalText().waitFor({ state: 'detached' });
  });

  if (run.host === 'node') {
    step('F5 on an included source boots the source that includes it', async () => {
      await workbench.openFile('console.asm');
      await workbench.page.keyboard.press('F5');
      await workbench.waitForStop('boot.asm', await folder.lineOf('boot.asm', 'jmp 0x0000:.segment_zero'));
      await workbench.stop();
    });

    step('the debug view and the first steps greet a newcomer', async () => {
      await workbench.page.getByText('This folder has assembly sources').waitFor();
      await workbench.run('x86 VM: First Steps');
      await workbench.page.locator('.gettingStartedContainer').getByText('Write a boot sector').waitFor();
      await workbench.run('View: Close Editor');
    });

    step('F5 on an image of unknown source stops in the disassembly', async () => {
      await workbench.openImage('plain.img');
      await workbench.page.keyboard.press('F5');
      const rows = workbench.page.locator('.disassembly-view .monaco-list-row');
      await rows
        .filter({ hasText: /0x00007c00.*jmp/ })
        .first()
        .waitFor();
      await workbench.variable('EAX').waitFor();
      await workbench.stop();
      await workbench.run('View: Close Editor');
    });

    step('errors of the assembler are in the Problems view until they are gone', async () => {
      await workbench.openFile('wrong.asm');
      await workbench.page.keyboard.press('F5');
      await workbench.dismissDialog(/nowhere|wrong\.asm/);
      await workbench.run('Problems: Focus on Problems View');
      const problem = workbench.page.locator('.markers-panel .monaco-list-row', { hasText: 'nowhere' });
      await problem.filter({ hasText: 'Ln 2' }).waitFor();
      await folder.write('wrong.asm', sector('mov ax, $$'));
      await workbench.openFile('wrong.asm');
      await workbench.page.keyboard.press('F5');
      await workbench.waitForStop('wrong.asm', 2);
      await problem.waitFor({ state: 'hidden' });
      await workbench.stop();
    });
  }
});
