/** Sessions that share a window, panels that come and go while they run, windows and workers that are gone: in a real VS Code. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFailed } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { repositoryRoot } from '../../scripts/run-command.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

const TEST_MS = 180_000;
const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
};
const WEB = { 'remote.extensionKind': { 'x86-vm-debugger.x86-vm-debugger': ['web'] } };

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
/** What the hexadecimal column of a memory view shows at 7C02h. */
const hexOf = (letter: string): string => letter.charCodeAt(0).toString(16).toUpperCase();

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

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable).for([
  { host: 'node', settings: SETTINGS },
  { host: 'web', settings: { ...SETTINGS, ...WEB } },
] as const)('sessions in the $host extension host', ({ host, settings }) => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create('sources');
    for (const word of ['first', 'second']) {
      await folder.write(`${word}.asm`, says(`the ${word} guest`));
      await folder.assembleSource(word);
    }
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path };
    server = await startServer({ ...options, vsix: packagePath, settings });
    workbench = await Workbench.open(server.url);
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  let failed = false;
  const step = (name: string, body: () => Promise<void>) =>
    it(name, { timeout: TEST_MS }, async () => {
      if (failed) throw new Error('an earlier step failed');
      failed = true;
      onTestFailed(async () => {
        const path = join(tmpdir(), `x86vm-sessions-${host}-${name.replace(/\W+/g, '-')}.png`);
        await workbench.page.screenshot({ path });
        console.log(`what VS Code showed: ${path}`);
      });
      await body();
      failed = false;
    });

  /** Boots one of the guests and stands at its first instruction. */
  const boot = async (name: string): Promise<void> => {
    await workbench.run('View: Focus First Editor Group');
    if (host === 'node') {
      await workbench.openFile(`${name}.asm`);
      await workbench.run('x86 VM: Assemble and Debug');
    } else {
      await workbench.openImage(`${name}.img`);
      await workbench.run('x86 VM: Boot and Debug Image');
    }
    await workbench.waitForStop(`${name}.asm`, START);
  };
  const extension = host === 'node' ? 'asm' : 'img';
  const sessionRow = (name: string) => workbench.page.locator('.debug-call-stack .session', { hasText: `${name}.` });
  const threads = async (count: number): Promise<void> => {
    if (host !== 'node' || workerThreads() === undefined) return;
    await workbench.eventually(async () => (workerThreads() === count ? true : undefined), `${count} worker threads`);
  };

  step('two at once have a screen each', async () => {
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

  step('two at once have memory views and consoles of their own', async () => {
    const { page } = workbench;
    for (const name of ['first', 'second']) {
      await workbench.showSession(`${name}.${extension}`);
      await workbench.run('View: Focus First Editor Group');
      await workbench.run('x86 VM: Open Memory View');
      await workbench.viewTab(`Memory: ${name}.${extension}`).waitFor();
      const frame = await workbench.viewFrame('.cursor');
      await frame.getByRole('textbox', { name: 'Address' }).fill('7C06');
      await page.keyboard.press('Enter');
      await frame.locator('.cursor[data-at="31750"]', { hasText: hexOf(name.charAt(0)) }).waitFor();
      await workbench.run('View: Close Editor');
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

  step('the end of one leaves the other alone', async () => {
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

  step('a screen and a memory view that were closed while it runs come back right', async () => {
    const { page } = workbench;
    await workbench.viewTab(`Screen: first.${extension}`).click();
    await workbench.run('View: Close Editor');
    await workbench.viewTab(`Screen: first.${extension}`).waitFor({ state: 'detached' });
    await workbench.run('x86 VM: Open Screen');
    const screen = await workbench.viewFrame('canvas', 'the first guest');
    await screen.getByText('Running').waitFor();
    for (const round of [1, 2]) {
      await workbench.run('x86 VM: Open Memory View');
      const memory = await workbench.viewFrame('.cursor', 'Running');
      await memory.getByRole('textbox', { name: 'Address' }).fill('7C06');
      await page.keyboard.press('Enter');
      await memory.locator('.cursor[data-at="31750"]', { hasText: hexOf('f') }).waitFor();
      if (round === 1) await workbench.run('View: Close Editor');
    }
  });

  step('nothing goes on when its window is gone, and the next one works', async () => {
    await workbench.reload();
    await threads(0);
    await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
    await boot('second');
    await threads(1);
    await workbench.debugButton('debug-continue').click();
    await workbench.viewFrame('canvas', 'the second guest');
  });

  if (host === 'web') {
    step('a worker that dies is told of, and the next one works', async () => {
      const toast = workbench.page.locator('.notification-toast', { hasText: 'broken machine' });
      // It hides itself after some seconds, which a busy computer may take to answer that the worker was broken.
      await Promise.all([
        toast.filter({ hasText: 'The x86 VM stopped working' }).waitFor(),
        workbench.breakWorker('x86 VM', 'broken machine'),
      ]);
      await workbench.page.locator('.debug-toolbar').waitFor({ state: 'hidden' });
      await workbench.viewFrame('canvas', 'Ended: The x86 VM stopped working');
      await workbench.run('Notifications: Clear All Notifications');
      await boot('first');
      await workbench.debugButton('debug-continue').click();
      await workbench.viewTab(`Screen: first.${extension}`).last().click();
      await workbench.viewFrame('canvas', 'the first guest');
    });
  }

  step('stop ends it', async () => {
    await workbench.stop();
    await threads(0);
  });
});
