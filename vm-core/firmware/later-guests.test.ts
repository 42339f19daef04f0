/** Guests that use what came after the AT: VBE, APM, discs. They need the assembler nasm; without it they are skipped. */
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootSector, hasNasm } from '../../test/support/boot-sectors.ts';
import type { Device } from '../devices/device.ts';
import type { VgaState } from '../devices/vga/vga-state.ts';
import { createOverlayStore } from '../machine/overlay-block-store.ts';
import { bootableDisc } from './bootable-disc.ts';
import { diskOf, type Guest, promising, start } from './guest-runner.ts';

const guestOf = (code: string): Guest => start({ disk: diskOf(bootSector(code)) });

describe.skipIf(!hasNasm)('a boot sector of later days', () => {
  it('draws into 1920x1080 pixels of 32 bits through the linear framebuffer', async () => {
    const guest = guestOf(`
      mov ax, 4f02h
      mov bx, 4192h
      int 10h
      mov [600h], ax
      mov ax, 4f01h
      mov cx, 192h
      mov di, 800h
      int 10h
      cli
      lgdt [descriptors]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      mov bx, 8
      mov fs, bx
      and al, 0feh
      mov cr0, eax
      sti
      mov edi, [828h]
      mov dword [fs:edi], 00112233h
      mov dword [fs:edi + (1920 * 1079 + 1919) * 4], 00445566h
      jmp done
descriptors: dw 15
      dd table
      dw 0
table: dq 0
      dq 00cf92000000ffffh`);
    await guest.run();
    expect(guest.word(0x600)).toBe(0x004f);
    const { width, height, pixels } = guest.machine.display.render();
    const pixel = (index: number): number[] => [...pixels.subarray(index * 4, index * 4 + 3)];
    expect([width, height]).toEqual([1920, 1080]);
    expect([pixel(0), pixel(1)]).toEqual([
      [0x11, 0x22, 0x33],
      [0, 0, 0],
    ]);
    expect(pixel(1920 * 1080 - 1)).toEqual([0x44, 0x55, 0x66]);
  });

  /** Sets the mode 144h, moves the window by the far function of the mode information, and draws into it. */
  const windowGuest = `
      xor ax, ax
      mov es, ax
      mov ax, 4f01h
      mov cx, 144h
      mov di, 800h
      int 10h
      mov [600h], ax
      mov ax, 4f02h
      mov bx, 144h
      int 10h
      mov [602h], ax
      xor bx, bx
      mov dx, 1
      call far [80ch]
      mov ax, 0a000h
      mov es, ax
      mov dword [es:0], 00778899h
      mov ax, [828h]
      mov [604h], ax
      mov ax, [82ah]
      mov [606h], ax`;
  const drawn = ({ machine }: Guest): unknown => {
    const { width, height, pixels } = machine.display.render();
    return { width, height, pixel: [...pixels.subarray(0x10000, 0x10003)] };
  };
  const DRAWN = { width: 1024, height: 768, pixel: [0x77, 0x88, 0x99] };

  it('draws through the window', async () => {
    const guest = guestOf(windowGuest);
    await guest.run();
    expect([guest.word(0x600), guest.word(0x602), guest.word(0x606)]).toEqual([0x4f, 0x4f, 0xe000]);
    expect(drawn(guest)).toEqual(DRAWN);
  });

  const otherVideoBios = '/usr/share/seabios/vgabios-isavga.bin';
  it.skipIf(!existsSync(otherVideoBios))(
    'draws through the window with the video BIOS of Debian’s seabios',
    async () => {
      const vgaFirmware = new Uint8Array(readFileSync(otherVideoBios));
      const guest = start({ disk: diskOf(bootSector(windowGuest)), vgaFirmware });
      await guest.run();
      expect([guest.word(0x600), guest.word(0x602), guest.word(0x604), guest.word(0x606)]).toEqual([
        0x4f, 0x4f, 0, 0xe000,
      ]);
      expect(drawn(guest)).toEqual(DRAWN);
    },
  );

  it('switches to protected mode through INT 15h, 89h', async () => {
    const guest = guestOf(`
      mov si, table
      mov bx, 2028h
      mov ah, 89h
      int 15h
      mov [600h], cs
      mov [602h], ds
      mov [604h], es
      mov [606h], ss
      mov [608h], ax
      smsw ax
      mov [60ah], ax
      mov [60ch], sp
      int 80h
      mov word [60eh], 1234h
      cli
      hlt
handler:
      mov word [610h], 5678h
      iret
table: dq 0
      dw 63
      dd table
      dw 0
      dw 81h * 8 - 1
      dd idt - 80h * 8
      dw 0
      dq 000092000000ffffh
      dq 000092000000ffffh
      dq 000092000000ffffh
      dq 00009a000000ffffh
      dq 0
idt:  dw handler, 30h, 8600h, 0`);
    await guest.run();
    const words = Array.from({ length: 9 }, (_, index) => guest.word(0x600 + index * 2));
    expect(words).toEqual([0x30, 0x18, 0x20, 0x28, 0, 0x0001, 0x7000, 0x1234, 0x5678]);
  });

  it('moves window and picture and sets colours through the protected-mode interface of VBE', async () => {
    const guest = guestOf(`
      mov ax, 4f02h
      mov bx, 101h
      int 10h
      mov ax, 4f06h
      mov bl, 0
      mov cx, 1024
      int 10h
      mov ax, 4f0ah
      mov bl, 0
      int 10h
      mov [600h], ax
      push ds
      push es
      pop ds
      mov si, di
      xor ax, ax
      mov es, ax
      mov di, 8000h
      rep movsb
      pop ds
      cli
      lgdt [descriptors]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      jmp 8:protected
bits 32
protected:
      mov ax, 10h
      mov ds, ax
      mov es, ax
      mov ss, ax
      mov esp, 7000h
      mov ebp, 12345678h
      mov edx, 3
      mov eax, 4f05h
      xor ebx, ebx
      movzx ecx, word [8000h]
      add ecx, 8000h
      call ecx
      mov [602h], ax
      ; Line 5, pixel 16: byte 5 * 1024 + 16, in doublewords.
      mov eax, 4f07h
      mov ecx, (5 * 1024 + 16) / 4
      xor edx, edx
      movzx esi, word [8002h]
      add esi, 8000h
      call esi
      mov [604h], ax
      mov eax, 4f09h
      mov ecx, 2
      mov edx, 0feh
      mov edi, colors
      movzx esi, word [8004h]
      add esi, 8000h
      call esi
      mov [606h], bp
      jmp $ + 2
      cli
      hlt
colors: db 1, 2, 3, 0, 4, 5, 6, 0
descriptors: dw 23
      dd table
table: dq 0
      dq 00cf9a000000ffffh
      dq 00cf92000000ffffh
bits 16`);
    await guest.run();
    expect([guest.word(0x600), guest.word(0x602), guest.word(0x604), guest.word(0x606)]).toEqual([
      ...[0x004f, 0x004f, 0x004f, 0x5678],
    ]);
    const { dispi, dac } = (guest.machine.devices.get('vga') as Device).state as unknown as VgaState;
    expect(dispi).toMatchObject({ bank: 3, xOffset: 16, yOffset: 5, virtualWidth: 1024 });
    expect([...dac.subarray(0xfe * 3)]).toEqual([3, 2, 1, 6, 5, 4]);
  });

  it('prints through INT 17h and prints the screen through INT 05h', { timeout: 60_000 }, async () => {
    const guest = guestOf(`
      mov ax, 0001h
      int 10h
      mov ah, 01h
      xor dx, dx
      int 17h
      mov [600h], ax
      mov si, text
.next:
      lodsb
      test al, al
      jz .done
      mov ah, 0
      int 17h
      mov [602h], ax
      mov ah, 0eh
      int 10h
      jmp .next
.done:
      int 05h
      mov al, [500h]
      mov [604h], al
      jmp done
text: db 'Hello', 0`);
    const printed: number[] = [];
    guest.machine.onOutput = (device, channel, bytes) => {
      if (`${device}/${channel}` === 'parallel-1/parallel') printed.push(...bytes);
    };
    await guest.run();
    expect([guest.word(0x600) >> 8, guest.word(0x602) >> 8, guest.word(0x604) & 0xff]).toEqual([0x90, 0x90, 0]);
    const rows = [`Hello${' '.repeat(35)}`, ...new Array<string>(24).fill(' '.repeat(40))];
    expect(String.fromCharCode(...printed)).toBe(`Hello\r\n${rows.map((row) => `${row}\r\n`).join('')}`);
  });

  it('sleeps and switches off through APM', async () => {
    const guest = guestOf(`
      mov ax, 5301h
      xor bx, bx
      int 15h
      mov ax, 5305h
      int 15h
      setc [600h]
      mov ax, 5307h
      mov bx, 1
      mov cx, 3
      int 15h
      mov byte [602h], 1`);
    expect(await guest.run()).toMatchObject({ reason: 'request', request: { kind: 'power-off' } });
    expect([guest.word(0x600), guest.word(0x602)]).toEqual([0, 0]);
    expect(guest.machine.time).toBeGreaterThan(guest.machine.retired);
    expect(guest.logs).toEqual([]);
  });

  it.each([
    ['jump to FFFF:0000', 'jmp 0ffffh:0'],
    ['warm jump', 'mov word [472h], 1234h\n jmp 0ffffh:0'],
    ['INT 19h', 'int 19h'],
    ['keyboard controller', 'mov al, 0feh\n out 64h, al\n hlt'],
    ['port 92h', 'in al, 92h\n or al, 1\n out 92h, al\n hlt'],
    ['port CF9h', 'mov dx, 0cf9h\n mov al, 2\n out dx, al\n mov al, 6\n out dx, al\n hlt'],
    ['the output port of the keyboard controller', 'mov al, 0d1h\n out 64h, al\n mov al, 0feh\n out 60h, al\n hlt'],
    ['triple fault', 'lidt [none]\n int 3\nnone: dw 0, 0, 0'],
  ])('boots again by %s', async (_, code) => {
    const guest = guestOf(`
      inc word [600h]
      cmp word [600h], 2
      je done
      mov ax, 0013h
      int 10h
      in al, 21h
      mov al, 0ffh
      out 21h, al
      ${code}`);
    const result = await guest.run();
    if (result.reason === 'triple-fault' || result.reason === 'request') {
      if (result.reason === 'request') expect(result.request).toEqual({ kind: 'reset' });
      guest.machine.reset();
      await guest.run();
    }
    expect(guest.word(0x600)).toBe(2);
    expect(guest.machine.display.text() === undefined).toBe(code === 'int 19h');
  });

  it('sees the keyboard light up with its locks', async () => {
    const guest = guestOf(`
      mov byte [417h], 20h
again: mov ah, 1
      int 16h
      hlt
      jmp again`);
    const { state } = guest.machine.devices.get('keyboard') as Device;
    const lights = (): number => (state['keyboard'] as { leds: number }).leds;
    await guest.run(100_000_000);
    expect(lights()).toBe(2);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x3a, 0xba));
    await guest.run(100_000_000);
    expect(lights()).toBe(6);
    guest.machine.input('keyboard', 'keys', Uint8Array.of(0x45, 0xc5, 0x46, 0xc6));
    await guest.run(100_000_000);
    expect(lights()).toBe(5);
    expect(guest.machine.memory.read(0x497, 1)[0]).toBe(5);
  });

  it('starts from a disc without emulation and reads on', async () => {
    const code = bootSector(`
      mov [600h], cs
      mov [602h], dl
      mov ah, 42h
      mov si, packet
      int 13h
      setc [603h]
      mov ax, [8000h]
      mov [604h], ax
      jmp done
packet: db 16, 0
      dw 1, 8000h, 0
      dq 21`);
    const image = new Uint8Array(4096);
    image.set(code);
    image.set([0x34, 0x12], 2048);
    const bytes = bootableDisc(image, { loadCount: 4 });
    const guest = start({ cdrom: createOverlayStore(promising('cd.iso', bytes)) });
    await guest.run();
    expect([guest.word(0x600), guest.word(0x602), guest.word(0x604)]).toEqual([0, 0x00e0, 0x1234]);
    expect(guest.logs).toEqual([]);
  });

  it('starts from a disc that stands for a floppy', async () => {
    const code = bootSector(`
      mov [600h], dl
      mov ax, 0201h
      mov bx, 8000h
      mov cx, 0002h
      xor dx, dx
      int 13h
      setc [601h]
      mov ax, [8000h]
      mov [602h], ax`);
    const image = new Uint8Array(1440 * 1024);
    image.set(code);
    image.set([0x78, 0x56], 512);
    const cdrom = diskOf(bootableDisc(image, { media: 2, loadSegment: 0x1000 }));
    // Its code is made for 0000:7C00.
    const wrong = start({ cdrom });
    await wrong.run(10_000_000);
    expect(wrong.machine.memory.read(0x10000, 2)).toEqual(image.slice(0, 2));
    const guest = start({ cdrom: diskOf(bootableDisc(image, { media: 2 })) });
    await guest.run();
    expect([guest.word(0x600), guest.word(0x602)]).toEqual([0, 0x5678]);
  });
});
