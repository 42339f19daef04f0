/** The screen view's speaker and mouse in a real VS Code, with a guest that plays a tone and reads its mouse. */
import type { Frame } from 'playwright-core';
import { describe, expect } from 'vitest';
import { type Heard, listenIn } from '../webviews/heard-sound.ts';
import { runnable, setStage } from './stage.ts';

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

describe.skipIf(!runnable)('the screen view', () => {
  const { step } = setStage({
    name: 'screen',
    folder: 'sources',
    prepare: (folder) => folder.write('tone.asm', SOURCE),
  });

  const pitch = (frame: Frame, hz: number) =>
    frame.waitForFunction((wanted) => {
      const heard = (window as unknown as Heard).pitch();
      return wanted === 0 ? heard === 0 : Math.abs(heard - wanted) < 25;
    }, hz);

  step('lets the speaker be heard when it is turned on, while the machine runs', async ({ workbench }) => {
    await workbench.openFile('tone.asm');
    await workbench.startDebugging();
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

  step('gives the mouse to a guest that listens to it, and takes it back', async ({ workbench, folder, page }) => {
    await workbench.setBreakpoint(await folder.lineOf('tone.asm', 'pressed: jmp packet'));
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

  step('remembers that the speaker was on', async ({ workbench }) => {
    await workbench.closeEditor(workbench.viewTab('Screen:'));
    await workbench.run('x86 VM: Open Screen');
    const frame = await workbench.screenFrame();
    await frame.locator('button[aria-pressed="true"]', { hasText: 'Sound' }).waitFor();
  });
});
