/** Sessions that share a window, panels that come and go while they run, windows and workers that are gone: in a real VS Code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Frame, Locator } from 'playwright-core';
import { describe, expect } from 'vitest';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { runnable, setStage, WEB_HOST } from './stage.ts';

/** Says its word on the screen and on the serial port, then runs for ever. The word stands at 7C02h. */
const says = (word: string): string => `        org 0x7c00
        jmp short start
message: db "${word}", 10, 0
start:  xor ax, ax
        mov ds, ax
        cld
        mov si, message
next:   lodsb
        test al, al
        jz again
        mov dx, 0x3f8
        out dx, al
        mov ah, 0x0e
        xor bx, bx
        int 0x10
        jmp next
again:  jmp again
        times 510 - ($ - $$) db 0
        dw 0xaa55
`;
/** Line of the first instruction. */
const START = 2;
/** The cursor of a memory view at the first letter that differs, as the hexadecimal column shows it. */
const cursorAtWord = (frame: Frame, letter: string): Locator =>
  frame.locator('.cursor[data-at="31750"]', { hasText: letter.charCodeAt(0).toString(16).toUpperCase() });
const addressOf = (frame: Frame): Locator => frame.getByRole('textbox', { name: 'Address' });

/** Threads of our workers in the extension hosts of our server; undefined where the system does not tell. */
function workerThreads(): number | undefined {
  if (!existsSync('/proc/self/task')) return undefined;
  const cache = join(repositoryRoot, '.vscode-server-cache');
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8');
    } catch {
      return '';
    }
  };
  const tasksOf = (id: string): readonly string[] => {
    try {
      return readdirSync(`/proc/${id}/task`);
    } catch {
      return [];
    }
  };
  const hosts = readdirSync('/proc').filter((id) => {
    const command = /^\d+$/.test(id) ? read(`/proc/${id}/cmdline`) : '';
    return command.includes(cache) && command.includes('--type=extensionHost');
  });
  return hosts
    .flatMap((id) => tasksOf(id).map((task) => read(`/proc/${id}/task/${task}/comm`)))
    .filter((name) => name.trim() === 'x86 VM').length;
}

describe.skipIf(!runnable).for([
  { host: 'node', settings: {} },
  { host: 'web', settings: WEB_HOST },
] as const)('sessions in the $host extension host', ({ host, settings }) => {
  const stage = setStage({
    name: `sessions-${host}`,
    folder: 'sources',
    settings,
    prepare: async (folder) => {
      for (const word of ['first', 'second']) {
        await folder.write(`${word}.asm`, says(`the ${word} guest`));
        await folder.assembleSource(word);
      }
    },
  });
  const { step } = stage;

  /** Boots one of the guests and stands at its first instruction. */
  const boot = async (name: string): Promise<void> => {
    await stage.workbench.run('View: Focus First Editor Group');
    if (host === 'node') {
      await stage.workbench.openFile(`${name}.asm`);
      await stage.workbench.run('x86 VM: Assemble and Debug');
    } else {
      await stage.workbench.openImage(`${name}.img`);
      await stage.workbench.run('x86 VM: Boot and Debug Image');
    }
    await stage.workbench.waitForStop(`${name}.asm`, START);
  };
  const extension = host === 'node' ? 'asm' : 'img';
  const sessionRow = (name: string) => stage.page.locator('.debug-call-stack .session', { hasText: `${name}.` });
  const threads = async (count: number): Promise<void> => {
    if (host !== 'node' || workerThreads() === undefined) return;
    await stage.workbench.eventually(
      async () => (workerThreads() === count ? true : undefined),
      `${count} worker threads`,
    );
  };

  step('two at once have a screen each', async ({ workbench }) => {
    await boot('first');
    await workbench.debugButton('debug-continue').click();
    await workbench.viewFrame('canvas', 'the first guest');
    await boot('second');
    await workbench.debugButton('debug-continue').click();
    await workbench.viewFrame('canvas', 'the second guest');
    await workbench.viewFrame('canvas', 'the first guest');
    for (const name of ['first', 'second']) {
      await workbench.viewTab(`Screen: ${name}.${extension}`).waitFor();
    }
    await threads(2);
  });

  step('two at once have memory views and consoles of their own', async ({ workbench, page }) => {
    for (const name of ['first', 'second']) {
      await workbench.showSession(`${name}.${extension}`);
      await workbench.run('View: Focus First Editor Group');
      await workbench.run('x86 VM: Open Memory View');
      const tab = workbench.viewTab(`Memory: ${name}.${extension}`);
      await tab.waitFor();
      const frame = await workbench.viewFrame('.cursor');
      await workbench.enter(addressOf(frame), '7C06', cursorAtWord(frame, name.charAt(0)));
      await workbench.closeEditor(tab);
      await workbench.run('Debug Console: Focus on Debug Console View');
      await page
        .locator('.repl .monaco-list-row', { hasText: `the ${name} guest` })
        .first()
        .waitFor();
      const other = name === 'first' ? 'second' : 'first';
      expect(await page.locator('.repl .monaco-list-row', { hasText: `the ${other} guest` }).count()).toBe(0);
      await workbench.run('View: Toggle Panel Visibility');
    }
  });

  step('the end of one leaves the other alone', async ({ workbench }) => {
    await workbench.showSession(`second.${extension}`);
    await workbench.run('Debug: Stop');
    await sessionRow('second').waitFor({ state: 'hidden' });
    await threads(1);
    await workbench.viewTab(`Screen: first.${extension}`).click();
    const frame = await workbench.viewFrame('canvas', 'the first guest');
    await frame.getByText('Running').waitFor();
    await workbench.debugButton('debug-pause').click();
    await workbench.topFrame().filter({ hasText: 'again' }).waitFor();
    await workbench.debugButton('debug-continue').click();
  });

  step('a screen and a memory view that were closed while it runs come back right', async ({ workbench }) => {
    const tab = workbench.viewTab(`Screen: first.${extension}`);
    await workbench.closeEditor(tab);
    await workbench.run('x86 VM: Open Screen');
    const screen = await workbench.viewFrame('canvas', 'the first guest');
    await screen.getByText('Running').waitFor();
    for (const round of [1, 2]) {
      await workbench.run('x86 VM: Open Memory View');
      const memory = await workbench.viewFrame('.cursor', 'Running');
      await workbench.enter(addressOf(memory), '7C06', cursorAtWord(memory, 'f'));
      if (round === 1) await workbench.closeEditor(workbench.viewTab(`Memory: first.${extension}`));
    }
  });

  step('nothing goes on when its window is gone, and the next one works', async ({ workbench, page }) => {
    await workbench.reload();
    await threads(0);
    await page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await boot('second');
    await threads(1);
    await workbench.debugButton('debug-continue').click();
    await workbench.viewFrame('canvas', 'the second guest');
  });

  if (host === 'web') {
    step('a worker that dies is told of, and the next one works', async ({ workbench, page }) => {
      await workbench.breakWorker('x86 VM', 'broken machine');
      await page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
      await workbench.notification(/The x86 VM stopped working.*broken machine/s);
      await workbench.viewFrame('canvas', 'Ended: The x86 VM stopped working');
      await workbench.run('Notifications: Clear All Notifications');
      await boot('first');
      await workbench.debugButton('debug-continue').click();
      await workbench.viewTab(`Screen: first.${extension}`).last().click();
      await workbench.viewFrame('canvas', 'the first guest');
    });
  }

  step('stop ends it', async ({ workbench }) => {
    await workbench.stop();
    await threads(0);
  });
});
