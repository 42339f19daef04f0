import { expect, it } from 'vitest';
import { diskOf, type Guest, start } from '../guest-runner.ts';

/** A machine whose boot sector halts at once, having booted. */
async function booted(drive: 'floppy' | 'disk', size: number): Promise<Guest> {
  const image = new Uint8Array(size);
  image.set([0xfa, 0xf4], 0);
  image.set([0x55, 0xaa], 510);
  const guest = start({ [drive]: diskOf(image) });
  await guest.run();
  expect(guest.machine.cpus[0].state.eip).toBe(0x7c02);
  return guest;
}

const byte = (guest: Guest, address: number): number => guest.word(address) & 0xff;

it.each([
  { kib: 360, state: 0x93, controller: 0x04, rate: 2 },
  { kib: 720, state: 0x97, controller: 0x07, rate: 2 },
  { kib: 1200, state: 0x15, controller: 0x07, rate: 0 },
  { kib: 1440, state: 0x17, controller: 0x07, rate: 0 },
  { kib: 2880, state: 0xd7, controller: 0x07, rate: 3 },
])('a floppy of $kib KiB finds its controller ready and its drive described', async ({ kib, ...expected }) => {
  const guest = await booted('floppy', kib * 1024);
  const { state } = guest.machine.devices.get('floppy-controller') ?? {};
  expect(state).toMatchObject({ dor: 0x0c, specify: [0xdf, 0x02], senses: [], interrupt: false, phase: 'command' });
  expect(state).toMatchObject({ command: [], rate: expected.rate });
  expect([byte(guest, 0x490), byte(guest, 0x48f), byte(guest, 0x43e)]).toEqual([
    expected.state,
    expected.controller,
    0,
  ]);
  expect(guest.logs).toEqual([]);
});

it('without a drive the controller is out of reset, too, and the machine starts all the same', async () => {
  const guest = await booted('disk', 512);
  expect(guest.machine.devices.get('floppy-controller')?.state).toMatchObject({ dor: 0x0c, senses: [] });
  expect([byte(guest, 0x490), byte(guest, 0x48f), byte(guest, 0x43e)]).toEqual([0, 0, 0]);
});

it('finds it so after a reset by the keyboard controller as well', async () => {
  const guest = await booted('floppy', 512);
  guest.machine.reset();
  expect(guest.machine.devices.get('floppy-controller')?.state).toMatchObject({ dor: 0 });
  await guest.run();
  expect(guest.machine.devices.get('floppy-controller')?.state).toMatchObject({ dor: 0x0c, senses: [] });
});
