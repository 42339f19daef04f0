/** Small boot sectors on the real machine with the built-in BIOS. They need the assembler nasm; without it they are skipped. */
import { describe, expect, it } from 'vitest';
import { createOverlayStore } from '../machine/overlay-block-store.ts';
import { assemble, bootSector as sector, hasNasm } from '../../test/support/boot-sectors.ts';
import { diskOf, type Guest, promising, start } from './guest-runner.ts';

const guestOf = (code: string, rest?: string): Guest => start({ disk: diskOf(sector(code, rest)) });

describe.skipIf(!hasNasm)('a boot sector', () => {
  it('starts at 0000:7C00 with the registers that BIOSes leave', async () => {
    const guest = guestOf('mov [600h],ax\n mov [602h],dx\n mov [604h],cs\n mov [606h],sp\n pushf\n pop word [608h]');
    await guest.run();
    expect(guest.word(0x600)).toBe(0xaa55);
    expect(guest.word(0x602)).toBe(0x80);
    expect(guest.word(0x604)).toBe(0);
    expect(guest.word(0x606)).toBe(0x7000);
    expect(guest.word(0x608) & 0x200).toBe(0x200);
    expect(guest.logs).toEqual([]);
  });

  it('prints through INT 10h', async () => {
    const guest = guestOf(`
      mov si, text
next: lodsb
      test al, al
      jz done
      mov ah, 0eh
      mov bx, 7
      int 10h
      jmp next
text: db "Hello,", 13, 10, "BIOS!", 0`);
    await guest.run();
    expect(guest.machine.display.text()?.slice(0, 3)).toEqual(['x86 VM Debugger BIOS', 'Hello,', 'BIOS!']);
  });

  it('writes strings piece by piece and gets its registers back', async () => {
    const guest = guestOf(`
      mov ax, 1301h
      mov bx, 7
      mov cx, 26 * 3
      mov dx, 0a00h
      mov bp, text
      int 10h
      mov [600h], cx
      mov [602h], dx
      mov [604h], bp
      jmp done
text: times 3 db "abcdefghijklmnopqrstuvwxyz"`);
    await guest.run();
    const alphabet = 'abcdefghijklmnopqrstuvwxyz';
    expect(guest.machine.display.text()?.[10]).toBe(alphabet.repeat(3));
    expect([guest.word(0x600), guest.word(0x602)]).toEqual([78, 0x0a00]);
    expect(guest.word(0x604) >> 8).toBe(0x7c);
  });

  it('reads a key that comes later, with its scan code', async () => {
    const guest = guestOf(
      'xor ah,ah\n int 16h\n mov [600h],ax\n mov ah,1\n int 16h\n jnz done\n mov word [602h],1234h',
    );
    const waiting = await guest.run(100_000_000);
    expect(waiting.reason).not.toBe('waiting');
    expect(guest.word(0x600)).toBe(0);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x2a, 0x1e, 0x9e, 0xaa));
    await guest.run();
    expect(guest.word(0x600)).toBe(0x1e41);
    expect(guest.word(0x602)).toBe(0x1234);
  });

  it('takes arrow keys, Pause and Ctrl+Break', async () => {
    const guest = guestOf(`
      mov word [1bh*4], onbreak
      mov word [1bh*4+2], 0
      mov ah, 10h
      int 16h
      mov [600h], ax
      mov ah, 10h
      int 16h
      mov [602h], ax
      jmp done
onbreak: mov word [604h], 1
      iret`);
    await guest.run(100_000_000);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0xe0, 0x48, 0xe0, 0xc8));
    await guest.run(100_000_000);
    expect(guest.word(0x600)).toBe(0x48e0);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5));
    await guest.run(100_000_000);
    expect((guest.machine.memory.read(0x418, 1)[0] as number) & 8).toBe(8);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x2c, 0xac));
    await guest.run(100_000_000);
    expect((guest.machine.memory.read(0x418, 1)[0] as number) & 8).toBe(0);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x1d, 0x46, 0xc6, 0x9d));
    await guest.run();
    expect(guest.word(0x604)).toBe(1);
    expect(guest.word(0x602)).toBe(0);
  });

  it('is reset by Ctrl+Alt+Del', async () => {
    const guest = guestOf('idle: hlt\n jmp idle');
    await guest.run(100_000_000);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x1d, 0x38, 0xe0, 0x53));
    const result = await guest.run();
    expect(result).toMatchObject({ reason: 'request', request: { kind: 'reset' } });
    guest.machine.reset();
    await guest.run(100_000_000);
    expect(guest.machine.cpus[0].linearEip).toBe(0x7c01);
  });

  it('reads by CHS and LBA from an image that answers later, and writes to the overlay', async () => {
    const code = `
      mov ax, 0201h
      mov cx, 2
      mov dx, 80h
      mov bx, 8000h
      int 13h
      jc done
      mov si, packet
      mov ah, 42h
      mov dl, 80h
      int 13h
      jc done
      mov word [8000h], 0beefh
      mov ax, 0301h
      mov cx, 2
      mov dx, 80h
      mov bx, 8000h
      int 13h
      jc done
      mov word [600h], 600dh
      jmp done
packet: db 16, 0
      dw 2, 9000h, 0
      dq 200`;
    const image = new Uint8Array(300 * 512);
    image.set(sector(code));
    image.fill(0x22, 512, 1024);
    image.fill(0x33, 200 * 512, 202 * 512);
    const disk = createOverlayStore(promising('later.img', image));
    const guest = start({ disk });
    await guest.run();
    expect(guest.word(0x600)).toBe(0x600d);
    expect(guest.word(0x8002)).toBe(0x2222);
    expect(guest.word(0x93fe)).toBe(0x3333);
    const written = new Uint8Array(2);
    expect(disk.read(512, written)).toBeUndefined();
    expect([...written]).toEqual([0xef, 0xbe]);
    expect(image[512]).toBe(0x22);
  });

  it('is loaded from a floppy first, and reads the last sector of a short image as zeros', async () => {
    const code = 'mov [600h],dl\n mov ax,0201h\n mov cx,4f12h\n mov dh,1\n mov bx,8000h\n int 13h\n mov [602h],ax';
    const guest = start({ floppy: diskOf(sector(code)), disk: diskOf(sector('nop')) });
    await guest.run();
    expect(guest.word(0x600) & 0xff).toBe(0);
    expect(guest.word(0x602)).toBe(1);
    expect(guest.logs[0]).toContain('sector 2879 of drive 00h lies behind the end of boot.img');
  });

  it('gets the memory map', async () => {
    const guest = guestOf(`
      xor ebx, ebx
      mov di, 600h
next: mov eax, 0e820h
      mov edx, 534d4150h
      mov ecx, 20
      int 15h
      jc done
      inc word [500h + 10h]
      add di, 20
      test ebx, ebx
      jnz next
      mov word [500h + 12h], 600dh`);
    await guest.run();
    expect(guest.word(0x512)).toBe(0x600d);
    const count = guest.word(0x510);
    const bytes = guest.machine.memory.read(0x600, count * 20);
    const view = new DataView(bytes.buffer);
    const ranges = Array.from({ length: count }, (_, index) => [
      Number(view.getBigUint64(index * 20, true)),
      Number(view.getBigUint64(index * 20 + 8, true)),
      view.getUint32(index * 20 + 16, true),
    ]);
    expect(ranges).toEqual([
      [0, 0x9fc00, 1],
      [0x9fc00, 0x400, 2],
      [0xf0000, 0x10000, 2],
      [0x100000, 15 << 20, 1],
      [0xffff0000, 0x10000, 2],
    ]);
  });

  it('sees 18.2 timer ticks a second and INT 1Ch', async () => {
    const guest = guestOf(`
      mov word [1ch*4], tick
      mov word [1ch*4+2], 0
      xor ah, ah
      int 1ah
      mov [600h], dx
idle: hlt
      cmp word [602h], 10
      jb idle
      xor ah, ah
      int 1ah
      mov [604h], dx
      jmp done
tick: inc word [cs:602h]
      iret`);
    await guest.run();
    expect(guest.word(0x602)).toBe(10);
    expect(guest.word(0x604) - guest.word(0x600)).toBe(10);
    const seconds = guest.machine.time / guest.machine.ticksPerSecond;
    expect(seconds * 18.2).toBeGreaterThan(9);
    expect(seconds * 18.2).toBeLessThan(12);
  });

  it('waits for a given time', async () => {
    const guest = guestOf('mov ah,86h\n mov cx,1\n mov dx,86a0h\n int 15h\n setc [600h]\n mov [601h],ah');
    await guest.run();
    expect(guest.word(0x600)).toBe(0);
    const milliseconds = (guest.machine.time / guest.machine.ticksPerSecond) * 1000;
    expect(milliseconds).toBeGreaterThan(99);
    expect(milliseconds).toBeLessThan(106);
  });

  it('draws in mode 13h and in mode 12h', async () => {
    const guest = guestOf('mov ax,13h\n int 10h\n push 0a000h\n pop es\n mov byte [es:320*10+20],4');
    await guest.run();
    const frame = guest.machine.display.render();
    expect([frame.width, frame.height]).toEqual([320, 200]);
    const at = (10 * 320 + 20) * 4;
    expect([...frame.pixels.subarray(at, at + 3)]).toEqual([170, 0, 0]);
    expect([...frame.pixels.subarray(at + 4, at + 7)]).toEqual([0, 0, 0]);

    const planar = guestOf(
      'mov ax,12h\n int 10h\n mov ax,0c0eh\n mov cx,639\n mov dx,479\n int 10h\n mov ax,0e41h\n mov bx,2\n int 10h',
    );
    await planar.run();
    const picture = planar.machine.display.render();
    expect([picture.width, picture.height]).toEqual([640, 480]);
    expect([...picture.pixels.slice(-4, -1)]).toEqual([255, 255, 85]);
    const green = picture.pixels.findIndex((value, index) => index % 4 === 1 && value === 170);
    expect(green).toBeGreaterThan(0);
    expect(green).toBeLessThan(640 * 4 * 16);
  });

  it('sends and receives through INT 14h, and times out', async () => {
    const guest = guestOf(`
      mov ax, 00e3h
      xor dx, dx
      int 14h
      mov ax, 0148h
      int 14h
      mov ax, 0149h
      int 14h
      mov [600h], ah
      mov ah, 2
      int 14h
      mov [602h], ax
      mov ah, 2
      int 14h
      mov [604h], ah`);
    const sent: number[] = [];
    guest.machine.onOutput = (_device, channel, bytes) => {
      if (channel === 'serial') sent.push(...bytes);
    };
    guest.machine.input('uart-1', 'serial', Uint8Array.of(0x5a));
    await guest.run();
    expect(sent).toEqual([0x48, 0x49]);
    expect(guest.word(0x602) & 0xff).toBe(0x5a);
    expect(guest.word(0x602) >> 15).toBe(0);
    expect(guest.word(0x604) & 0x80).toBe(0x80);
  });

  it('hears from the BIOS about what has no handler', async () => {
    const guest = guestOf('int 21h\n mov ax,0fe00h\n int 15h\n setc [600h]\n mov [601h],ah');
    await guest.run();
    expect(guest.logs).toEqual([
      'BIOS: INT 21h called at 0000:7C00 has no handler',
      'BIOS: INT 15h, AX=FE00h is not provided',
    ]);
    expect(guest.word(0x600)).toBe(0x8601);
  });
});

describe.skipIf(!hasNasm)('an option ROM', () => {
  it('is called at power-on when its bytes sum up to zero', async () => {
    const rom = new Uint8Array(4096);
    rom.set(assemble('bits 16\ndw 0aa55h\ndb 8\nmov ax,1234h\nmov ds,ax\ninc word [cs:0]\ninc word [es:600h]\nretf'));
    const wrong = start({ vgaFirmware: rom, disk: diskOf(sector('nop')) });
    await wrong.run();
    expect(wrong.word(0x600)).toBe(0);
    const sum = rom.reduce((total, byte) => total + byte, 0) & 0xff;
    const right = start({
      vgaFirmware: rom.with(4095, (0x100 - sum) & 0xff),
      disk: diskOf(sector('mov [602h],ds')),
    });
    await right.run();
    expect([right.word(0x600), right.word(0x602)]).toEqual([1, 0]);
    expect(right.machine.display.text()?.[0]).toBe('x86 VM Debugger BIOS');
  });
});
