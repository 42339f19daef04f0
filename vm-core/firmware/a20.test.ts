/**
 * The A20 gate as programs of the time of DOS use it: each way to switch it, data and code across 1 MiB, and code that was
 * decoded before. They need the assembler nasm; without it they are skipped.
 */
import { describe, expect, it } from 'vitest';
import { bootSector, hasNasm } from '../../test/support/boot-sectors.ts';
import { diskOf, type Guest, start } from './guest-runner.ts';

const ways: Readonly<Record<string, { readonly open: string; readonly close: string }>> = {
  'port 92h': {
    open: 'in al, 92h\n or al, 2\n out 92h, al',
    // The keyboard controller's gate is open at power-on; both must be closed.
    close: 'mov al, 0ddh\n out 64h, al\n in al, 92h\n and al, 0fdh\n out 92h, al',
  },
  'the output port of the keyboard controller': {
    open: 'mov al, 0d1h\n out 64h, al\n mov al, 0dfh\n out 60h, al',
    close: 'mov al, 0d1h\n out 64h, al\n mov al, 0ddh\n out 60h, al',
  },
  'commands of the keyboard controller': {
    open: 'mov al, 0dfh\n out 64h, al',
    close: 'mov al, 0ddh\n out 64h, al',
  },
  'INT 15h': { open: 'mov ax, 2401h\n int 15h', close: 'mov ax, 2400h\n int 15h' },
};

async function run(code: string): Promise<Guest> {
  const guest = start({ disk: diskOf(bootSector(code)) });
  const result = await guest.run();
  expect(result.reason).toMatch(/^(halted|limit)$/);
  return guest;
}

const words = (guest: Guest, at: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => guest.word(at + index * 2));

describe.skipIf(!hasNasm).each(Object.entries(ways))('A20 by %s', (_name, { open, close }) => {
  it('lets addresses above 1 MiB wrap around while it is closed', async () => {
    const guest = await run(`
      mov ax, 0ffffh
      mov es, ax
      ${close}
      mov word [700h], 1111h
      mov word [es:710h], 2222h
      mov ax, [700h]
      mov [600h], ax
      ${open}
      mov word [es:710h], 3333h
      mov ax, [700h]
      mov [602h], ax
      mov ax, [es:710h]
      mov [604h], ax
      ${close}
      mov ax, [es:710h]
      mov [606h], ax`);
    expect(words(guest, 0x600, 4)).toEqual([0x2222, 0x2222, 0x3333, 0x2222]);
    expect([...guest.machine.memory.read(0x100700, 2)]).toEqual([0x33, 0x33]);
  });

  it('takes code from where it points now, also code that ran before', async () => {
    const guest = await run(
      `
      mov ax, 0ffffh
      mov es, ax
      ${open}
      mov dword [700h], 0cb1111b8h    ; mov ax, 1111h; retf
      mov dword [es:710h], 0cb2222b8h
      mov di, 600h
      mov cx, 3
again:
      push cx
      ${open}
      call 0ffffh:710h
      stosw_to_di
      ${close}
      call 0ffffh:710h
      stosw_to_di
      pop cx
      loop again
      ; A store through the one address changes code that was decoded at the other.
      mov word [es:711h], 4444h
      call 0:700h
      stosw_to_di
      call 0ffffh:710h
      stosw_to_di`.replaceAll('stosw_to_di', 'mov [di], ax\n add di, 2'),
    );
    expect(words(guest, 0x600, 8)).toEqual([0x2222, 0x1111, 0x2222, 0x1111, 0x2222, 0x1111, 0x4444, 0x4444]);
  });

  it('splits an instruction at 1 MiB', async () => {
    // The last byte of the ROM, 00h, is ADD r/m8,r8; what follows is its ModR/M: AL,AL or AL,CL, later AL,DL; then RETF.
    const guest = await run(`
      mov ax, 0ffffh
      mov es, ax
      ${open}
      cli
      mov word [es:10h], 0cbc0h
      mov word [0], 0cbc8h
      mov cx, 5
      mov dx, 9
      mov al, 1
      call 0ffffh:0fh
      mov [600h], al
      ${close}
      mov al, 1
      call 0ffffh:0fh
      mov [601h], al
      mov byte [0], 0d0h
      mov al, 1
      call 0ffffh:0fh
      mov [602h], al
      ${open}
      mov al, 1
      call 0ffffh:0fh
      mov [603h], al`);
    expect([...guest.machine.memory.read(0x600, 4)]).toEqual([2, 6, 10, 2]);
  });

  it('splits data at 1 MiB, of single accesses and of strings', async () => {
    const guest = await run(`
      mov ax, 0ffffh
      mov es, ax
      ${open}
      mov dword [es:10h], 44332211h
      ${close}
      cli
      mov dword [0], 88776655h
      mov eax, [es:0eh]
      mov [600h], eax
      push es
      pop ds
      xor ax, ax
      mov es, ax
      mov si, 0fh
      mov di, 604h
      mov cx, 4
      rep movsb
      push es
      pop ds
      ${open}
      mov ax, 0ffffh
      mov es, ax
      mov eax, [es:0eh]
      mov [608h], eax`);
    // F000:FFFE holds the model, FCh, and a zero.
    expect([...guest.machine.memory.read(0x600, 12)]).toEqual([
      ...[0xfc, 0, 0x55, 0x66],
      ...[0, 0x55, 0x66, 0x77],
      ...[0xfc, 0, 0x11, 0x22],
    ]);
  });
});

describe.skipIf(!hasNasm)('A20 closed', () => {
  it('folds every odd megabyte onto the even one below', async () => {
    const guest = await run(`
      cli
      lgdt [descriptors]
      mov eax, cr0
      or al, 1
      mov cr0, eax
      mov bx, 8
      mov fs, bx
      and al, 0feh
      mov cr0, eax
      mov dword [fs:dword 200700h], 22222222h
      mov dword [fs:dword 300700h], 33333333h
      ${ways['INT 15h']?.close}
      mov eax, [fs:dword 300700h]
      mov [600h], eax
      mov dword [fs:dword 500700h], 44444444h
      ${ways['INT 15h']?.open}
      mov eax, [fs:dword 400700h]
      mov [604h], eax
      jmp done
descriptors: dw 15
      dd table
      dw 0
table: dq 0
      dq 00cf92000000ffffh`);
    expect(words(guest, 0x600, 4)).toEqual([0x2222, 0x2222, 0x4444, 0x4444]);
  });

  it('folds what page tables lead to, and the tables themselves', async () => {
    // A directory at 9000h whose one table is at 10A000h: with A20 closed that is A000h, which maps every page to itself.
    const guest = await run(`
      ${ways['INT 15h']?.close}
      cli
      xor ax, ax
      mov es, ax
      mov di, 9000h
      mov eax, 10a003h
      stosd
      xor eax, eax
      mov cx, 1023
      rep stosd
      mov di, 0a000h
      mov eax, 3
      mov cx, 1024
.entry:
      stosd
      add eax, 1000h
      loop .entry
      mov eax, 9000h
      mov cr3, eax
      lgdt [descriptors]
      mov eax, cr0
      or eax, 80000001h
      mov cr0, eax
      jmp 8:paged
paged:
      mov ax, 10h
      mov fs, ax
      mov dword [700h], 11111111h
      mov dword [fs:dword 100700h], 22222222h
      mov eax, [700h]
      mov [600h], eax
      hlt
descriptors: dw 23
      dd table
      dw 0
table: dq 0
      dq 00009a000000ffffh
      dq 00cf92000000ffffh`);
    expect(words(guest, 0x600, 2)).toEqual([0x2222, 0x2222]);
  });

  it('is told by INT 15h, 2402h, whatever closed it', async () => {
    const guest = await run(`
      mov ax, 2402h
      int 15h
      mov [600h], al
      ${ways['commands of the keyboard controller']?.close}
      mov ax, 2402h
      int 15h
      mov [601h], al
      ${ways['port 92h']?.open}
      mov ax, 2402h
      int 15h
      mov [602h], al
      mov ax, 2403h
      int 15h
      mov [603h], bl`);
    expect([...guest.machine.memory.read(0x600, 4)]).toEqual([1, 0, 1, 3]);
  });
});
