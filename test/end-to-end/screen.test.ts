/** The screen view's speaker and mouse in a real VS Code, with a guest that plays a tone and reads its mouse. */
import { existsSync } from 'node:fs';
import type { Frame } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packagePath } from '../../scripts/package.ts';
import { type RunningServer, startServer } from '../../scripts/vscode-server.ts';
import { type Heard, listenIn } from '../webviews/heard-sound.ts';
import { GuestFolder } from './guest-folder.ts';
import { browserPath, Workbench } from './workbench.ts';

const TEST_MS = 180_000;
const SETTINGS = {
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'debug.internalConsoleOptions': 'neverOpen',
};

/** A tone of 1,000 Hz from counter 2; then the mouse: packets whose left button is down end in `pressed`. */
const SOURCE = `        org 0x7c00
        cli
        mov al, 0xb6
        out 0x43, al
        mov ax, 1193
        out 0x42, al
        mov al, ah
        out 0x42, al
        mov al, 3
        out 0x61, al
        mov al, 0xa8
        out 0x64, al
        mov al, 0xd4
        out 0x64, al
        mov al, 0xf4
        out 0x60, al
        call byte_of_mouse
packet: call byte_of_mouse
        mov bl, al
        call byte_of_mouse
        mov cl, al
        call byte_of_mouse
        mov dl, al
        add [moved], cl
        test bl, 1
        jz packet
pressed: jmp packet
byte_of_mouse:
        in al, 0x64
        test al, 1
        jz byte_of_mouse
        in al, 0x60
        ret
moved:  db 0
        times 510 - ($ - $$) db 0
        dw 0xaa55
`;

const runnable = browserPath() !== undefined && existsSync(packagePath);

describe.skipIf(!runnable)('the screen view', () => {
  let folder: GuestFolder;
  let server: RunningServer;
  let workbench: Workbench;

  beforeAll(async () => {
    folder = await GuestFolder.create('sources');
    await folder.write('tone.asm', SOURCE);
    const options = { port: 0, dataDir: folder.serverData, folder: folder.path };
    server = await startServer({ ...options, vsix: packagePath, settings: SETTINGS });
    workbench = await Workbench.open(server.url);
  }, TEST_MS);

  afterAll(async () => {
    await workbench?.close();
    await server?.stop();
    await folder?.remove();
  });

  const pitch = (frame: Frame, hz: number) =>
    frame.waitForFunction((wanted) => {
      const heard = (window as unknown as Heard).pitch();
      return wanted === 0 ? heard === 0 : Math.abs(heard - wanted) < 25;
    }, hz);

  it('lets the speaker be heard when it is turned on, while the machine runs', { timeout: TEST_MS }, async () => {
    await workbench.openFile('tone.asm');
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop('tone.asm', 2);
    const frame = await workbench.screenFrame();
    await frame.evaluate(listenIn);
    const sound = frame.getByRole('button', { name: 'Sound' });
    expect(await sound.getAttribute('aria-pressed')).toBe('false');
    await sound.click();
    await frame.waitForFunction(() => (window as unknown as Heard).analyser?.context.state === 'running');
    await workbench.debugButton('debug-continue').click();
    await pitch(frame, 1000);
    await workbench.debugButton('debug-pause').click();
    await pitch(frame, 0);
    await workbench.debugButton('debug-continue').click();
    await pitch(frame, 1000);
  });

  it('gives the mouse to a guest that listens to it, and takes it back', { timeout: TEST_MS }, async () => {
    const { page } = workbench;
    await workbench.toggleBreakpoint(await folder.lineOf('tone.asm', 'pressed: jmp packet'));
    const frame = await workbench.screenFrame();
    const canvas = frame.locator('canvas');
    await canvas.click();
    await frame.getByText('Keys and the mouse go to the guest').waitFor();
    const box = await canvas.boundingBox();
    if (box === null) throw new Error('the picture is not in view');
    await page.mouse.move(box.x + box.width / 2 + 40, box.y + box.height / 2, { steps: 4 });
    await page.mouse.down();
    await workbench.waitForStop('tone.asm', await folder.lineOf('tone.asm', 'pressed: jmp packet'));
    // Left button, as the first byte of a packet has it.
    await workbench.expandVariable('EBX');
    await workbench.variable('BL').locator('.value', { hasText: '0x09' }).waitFor();
    await page.mouse.up();
    await frame.waitForFunction(() => document.pointerLockElement === null);
    await workbench.removeBreakpoints();
    await workbench.stop();
  });

  it('remembers that the speaker was on', { timeout: TEST_MS }, async () => {
    await workbench.viewTab('Screen:').click();
    await workbench.run('View: Close Editor');
    await workbench.run('x86 VM: Open Screen');
    const frame = await workbench.screenFrame();
    await frame.locator('button[aria-pressed="true"]', { hasText: 'Sound' }).waitFor();
  });
});
