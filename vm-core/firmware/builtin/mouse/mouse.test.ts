/** The pointing device interface, used by guests as drivers do. They need the assembler nasm; without it they are skipped. */
import { describe, expect, it } from 'vitest';
import { bootSector, hasNasm } from '../../../../test/support/boot-sectors.ts';
import { encodeMouseEvent, type MouseEvent } from '../../../devices/keyboard-controller/mouse.ts';
import { diskOf, type Guest, start } from '../../guest-runner.ts';

/** Calls INT 15h, C2h with `ax` and `bx`; keeps AX, BX, CX, DX and CF from `at` on. */
const call = (ax: number, bx: number, at: number): string => `
      mov ax, ${ax}
      mov bx, ${bx}
      int 15h
      mov [${at}], ax
      mov [${at + 2}], bx
      mov [${at + 4}], cx
      mov [${at + 6}], dx
      setc [${at + 8}]`;

/** Keeps how often it was called at 800h, and behind it the words of the packets: status, X, Y, Z. */
const handler = `
handler:
      push bp
      mov bp, sp
      push ax
      push ds
      push di
      xor ax, ax
      mov ds, ax
      mov di, [802h]
      inc word [800h]
      mov ax, [bp + 12]
      mov [di], ax
      mov ax, [bp + 10]
      mov [di + 2], ax
      mov ax, [bp + 8]
      mov [di + 4], ax
      mov ax, [bp + 6]
      mov [di + 6], ax
      add word [802h], 8
      pop di
      pop ds
      pop ax
      pop bp
      retf`;

const setHandler = `
      mov dword [800h], 08100000h
      xor ax, ax
      mov es, ax
      mov ax, 0c207h
      mov bx, handler
      int 15h
      mov [600h], ax`;

/** Lets the user do something once the guest waits, with 0A5h at 7F0h. */
async function runWithMouse(code: string, events: readonly Partial<MouseEvent>[]): Promise<Guest> {
  const guest = start({ disk: diskOf(bootSector(code)) });
  while ((guest.machine.memory.read(0x7f0, 1)[0] as number) !== 0xa5) {
    const { reason } = guest.machine.run({ instructionsMax: 100_000, timeMax: guest.machine.time + 1_000_000 });
    expect(['limit', 'halted']).toContain(reason);
    if (guest.machine.time > 2_000_000_000) throw new Error('the guest does not get ready');
  }
  for (const event of events) {
    guest.machine.input('keyboard', 'mouse', encodeMouseEvent({ buttons: 0, dx: 0, dy: 0, dz: 0, ...event }));
  }
  await guest.run();
  return guest;
}

const words = (guest: Guest, at: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => guest.word(at + index * 2));

/** Waits for so many packets, then halts for good. */
const waitFor = (packets: number): string => `
      mov byte [7f0h], 0a5h
.wait:
      hlt
      cmp word [800h], ${packets}
      jb .wait
      cli
      hlt`;

describe.skipIf(!hasNasm)('INT 15h, C2h', () => {
  it('resets the mouse and tells its kind, status, rate and resolution', async () => {
    const guest = start({
      disk: diskOf(
        bootSector(
          call(0xc201, 0x1234, 0x600) +
            call(0xc202, 0x0600, 0x610) +
            call(0xc203, 0x0100, 0x620) +
            call(0xc206, 0x0200, 0x630) +
            call(0xc206, 0x0000, 0x640) +
            call(0xc206, 0x0100, 0x650) +
            call(0xc204, 0x5500, 0x660),
        ),
      ),
    });
    await guest.run();
    expect(words(guest, 0x600, 2)).toEqual([0x0001, 0x00aa]);
    for (const at of [0x600, 0x610, 0x620, 0x630, 0x640, 0x650, 0x660]) {
      expect([at, guest.word(at) >> 8, guest.word(at + 8) & 0xff]).toEqual([at, 0, 0]);
    }
    // Scaling 2:1; 2 counts per millimetre; 200 a second.
    expect([guest.word(0x642) & 0xff, guest.word(0x644) & 0xff, guest.word(0x646) & 0xff]).toEqual([0x10, 1, 200]);
    expect(guest.word(0x662)).toBe(0x0000);
    expect(guest.logs).toEqual([]);
  });

  it('refuses what it does not know, and to enable without a handler', async () => {
    const guest = start({
      disk: diskOf(
        bootSector(
          call(0xc200, 0x0100, 0x600) +
            call(0xc200, 0x0200, 0x610) +
            call(0xc202, 0x0700, 0x620) +
            call(0xc203, 0x0400, 0x630) +
            call(0xc205, 0x0900, 0x640) +
            call(0xc205, 0x0000, 0x650) +
            call(0xc206, 0x0300, 0x660) +
            call(0xc208, 0x0000, 0x670),
        ),
      ),
    });
    await guest.run();
    const status = (at: number): number[] => [guest.word(at) >> 8, guest.word(at + 8) & 0xff];
    expect(status(0x600)).toEqual([5, 1]);
    for (const at of [0x610, 0x620, 0x630, 0x640, 0x650, 0x660]) expect([at, ...status(at)]).toEqual([at, 2, 1]);
    expect(status(0x670)).toEqual([1, 1]);
  });

  it('calls the handler for each packet, with status, X, Y and Z on the stack', async () => {
    const guest = await runWithMouse(
      `${setHandler}${call(0xc205, 0x0300, 0x610)}${call(0xc200, 0x0100, 0x620)}${waitFor(3)}${handler}`,
      [{ dx: 5, dy: 3 }, { buttons: 1 }, { buttons: 0, dx: -7, dy: -300 }],
    );
    expect([guest.word(0x600) >> 8, guest.word(0x610) >> 8, guest.word(0x620) >> 8]).toEqual([0, 0, 0]);
    expect(words(guest, 0x810, 12)).toEqual([
      ...[0x08, 5, 3, 0],
      ...[0x09, 0, 0, 0],
      // -300 does not fit: -255, which is 01h with the sign bit, comes first.
      ...[0x38, 0xf9, 0x01, 0],
    ]);
    expect(guest.logs).toEqual([]);
  });

  it('gives the fourth byte of a packet as Z', async () => {
    // Rates of 200, 100 and 80 packets a second, one after the other, ask for the wheel.
    const knock = [0x0600, 0x0500, 0x0400];
    const guest = await runWithMouse(
      `${setHandler}${call(0xc205, 0x0400, 0x610)}${knock.map((rate) => call(0xc202, rate, 0x620)).join('')}
      ${call(0xc204, 0, 0x620)}${call(0xc200, 0x0100, 0x630)}${waitFor(1)}${handler}`,
      [{ dz: -1 }],
    );
    expect(guest.word(0x622) >> 8).toBe(3);
    expect(words(guest, 0x810, 4)).toEqual([0x08, 0, 0, 0xff]);
  });

  it('stops calling once it is disabled, and keeps a key that came in between', async () => {
    const guest = start({
      disk: diskOf(
        bootSector(`${setHandler}${call(0xc200, 0x0100, 0x610)}
      cli
      mov byte [7f0h], 0a5h
.key: in al, 64h
      test al, 1
      jz .key
      ${call(0xc200, 0x0000, 0x620)}
      sti
      mov ah, 0
      int 16h
      mov [630h], ax
      jmp done
      ${handler}`),
      ),
    });
    while ((guest.machine.memory.read(0x7f0, 1)[0] as number) !== 0xa5) {
      guest.machine.run({ instructionsMax: 10_000 });
      if (guest.machine.time > 2_000_000_000) throw new Error('the guest does not get ready');
    }
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x1e, 0x9e));
    guest.machine.run({ instructionsMax: 400_000 });
    guest.machine.input('keyboard', 'mouse', encodeMouseEvent({ buttons: 0, dx: 1, dy: 0, dz: 0 }));
    await guest.run();
    expect([guest.word(0x620) >> 8, guest.word(0x630), guest.word(0x800)]).toEqual([0, 0x1e61, 0]);
    expect(guest.machine.devices.get('keyboard')?.state['mouse']).toMatchObject({ reporting: false });
  });
});
