import { describe, expect, it } from 'vitest';
import type { MachineConfig } from '../machine/machine.ts';
import { diskOf, start } from './guest-runner.ts';

describe('without a bootable disk', () => {
  const textOf = async (config: Partial<MachineConfig>): Promise<string> => {
    const guest = start(config);
    const { message } = await requestOf(guest);
    await guest.run(100_000_000);
    expect((guest.machine.display.text() ?? []).join('')).toContain(message);
    return (guest.machine.display.text() ?? []).join('');
  };

  const requestOf = async (guest: ReturnType<typeof start>): Promise<{ readonly message: string }> => {
    const result = await guest.run(100_000_000);
    if (result?.reason !== 'request' || result.request.kind !== 'boot-failure') throw new Error('no boot failure');
    return result.request;
  };

  it('tells the embedder why, and the screen', async () => {
    expect(await textOf({})).toContain('No bootable disk: the machine has no floppy, disk or CD-ROM image');
    expect(await textOf({ disk: diskOf(new Uint8Array(1024)) })).toContain(
      'No bootable disk: disk image boot.img has no 55AA signature',
    );
    expect(await textOf({ floppy: diskOf(new Uint8Array(512)) })).toContain(
      'floppy image boot.img has neither a 55AA signature nor code in its first sector',
    );
    expect(await textOf({ disk: diskOf(new Uint8Array(0)) })).toContain('disk image boot.img is empty');
  });

  it('starts a floppy without a signature and says so', async () => {
    const program = Uint8Array.of(0xb8, 0x58, 0x0e, 0xcd, 0x10, 0xfa, 0xf4);
    const guest = start({ floppy: diskOf(program) });
    await guest.run(100_000_000);
    expect(guest.machine.display.text()?.[1]).toBe('X');
    expect(guest.logs[0]).toContain('has no 55AA signature');
  });
});
