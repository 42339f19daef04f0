/** The room that a Linux kernel says it needs while it starts (The Linux/x86 Boot Protocol, init_size). */
import { expect, it } from 'vitest';
import { slot } from '../../state/layout.ts';
import { start } from '../guest-runner.ts';
import { planKernel } from './kernel-boot.ts';

const MIB = 1 << 20;

/** Boot protocol 2.12, loaded high; its real-mode part is cli; hlt. */
function linuxOf(initSize: number): Uint8Array {
  const image = new Uint8Array(2048);
  const view = new DataView(image.buffer);
  image[0x1f1] = 1;
  view.setUint16(0x1fe, 0xaa55, true);
  // jmp short 268h
  image.set([0xeb, 0x66], 0x200);
  image.set([0x48, 0x64, 0x72, 0x53], 0x202);
  view.setUint16(0x206, 0x20c, true);
  image[0x211] = 1;
  view.setUint32(0x22c, 0x37ff_ffff, true);
  view.setUint32(0x238, 2047, true);
  view.setUint32(0x260, initSize, true);
  image.set([0xfa, 0xf4], 0x268);
  return image;
}

it('is kept free, and left to the kernel to clear', async () => {
  const kernel = { name: 'bz', image: linuxOf(8 * MIB), commandLine: '', modules: [] };
  const guest = start({ kernel });
  guest.machine.memory.write(2 * MIB, Uint8Array.of(0xee));
  await guest.run();
  expect(guest.machine.cpus[0].state.read8(slot.HALTED)).toBe(1);
  expect(guest.machine.memory.read(2 * MIB, 1)[0]).toBe(0xee);
  expect(() => planKernel(kernel, { low: 8 * MIB, high: 0 })).toThrow('wants to be loaded at 100000h to 900000h');
});
