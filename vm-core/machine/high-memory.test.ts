/**
 * RAM above 4 GiB: what firmware and boot information tell of it, and code that reaches it by PSE-36, PAE and long mode. The
 * guests need the assembler nasm; without it they are skipped.
 */
import { describe, expect, it } from 'vitest';
import { assemble, bootSector, hasNasm } from '../../test/support/boot-sectors.ts';
import { diskOf, type Guest, start } from '../firmware/guest-runner.ts';
import { HIGH_RAM } from '../memory/guest-ram.ts';
import { slot } from '../state/layout.ts';
import { cmosContents } from './cmos-contents.ts';
import type { MachineConfig } from './machine.ts';

const MIB = 1 << 20;
const NOTES = 0x300000;
const SPLIT: Partial<MachineConfig> = { memorySize: 24 * MIB, memoryLowSize: 16 * MIB };

const view = (guest: Guest, address: number, length: number) =>
  new DataView(guest.machine.memory.read(address, length).buffer);

const multibootKernel = (code: string) =>
  assemble(`bits 32
    org 100000h
    jmp entry
    align 4
    header: dd 1badb002h, 10000h, -(1badb002h + 10000h), header, 100000h, 0, 0, entry
    entry: ${code}
    cli
    hlt`);

async function boot(cpuModel: MachineConfig['cpuModel'], code: string): Promise<Guest> {
  const kernel = { name: 'k', image: multibootKernel(code), commandLine: '', modules: [] };
  const guest = start({ ...SPLIT, cpuModel, kernel });
  guest.machine.memory.write(HIGH_RAM + 0x1234, Uint8Array.of(0x78, 0x56, 0x34, 0x12));
  await guest.run();
  expect(guest.machine.cpus[0].state.read8(slot.HALTED)).toBe(1);
  return guest;
}

describe('a machine', () => {
  it('takes only sizes that fit', () => {
    expect(() => start({ memorySize: 4 * MIB, memoryLowSize: 8 * MIB })).toThrow('memoryLow: 8388608 bytes');
    expect(() => start({ memorySize: 4 * MIB, memoryLowSize: 0 })).toThrow('memoryLow: 0 bytes');
    expect(() => start({ memorySize: 4 * MIB, memoryLowSize: 4 * MIB })).not.toThrow();
  });

  it('has nothing between its low and its high memory, and nothing behind', () => {
    const { memory } = start(SPLIT).machine;
    const isThere = [0, 16 * MIB - 1, 16 * MIB, HIGH_RAM - 1, HIGH_RAM, HIGH_RAM + 8 * MIB - 1, HIGH_RAM + 8 * MIB].map(
      (at) => memory.read(at, 1).length,
    );
    // The last bytes of the 4 GiB are the BIOS.
    expect(isThere).toEqual([1, 1, 0, 1, 1, 1, 0]);
    memory.write(HIGH_RAM - 2, Uint8Array.of(1, 2, 3, 4));
    expect([...memory.read(HIGH_RAM, 2)]).toEqual([3, 4]);
    expect([memory.ramSize, memory.read(HIGH_RAM + 8 * MIB - 2, 4).length]).toEqual([16 * MIB, 2]);
  });

  it('logs which of its pages were written by their addresses', () => {
    const { machine } = start(SPLIT);
    machine.dirtyLog.begin();
    for (const at of [0x5000, 16 * MIB - 1, HIGH_RAM, HIGH_RAM + 8 * MIB - 1])
      machine.memory.write(at, Uint8Array.of(1));
    const pages = [0x5000, 16 * MIB - 0x1000, HIGH_RAM, HIGH_RAM + 8 * MIB - 0x1000];
    expect(machine.dirtyLog.dirtyPages(0, HIGH_RAM * 2, 10)).toEqual(pages);
    expect(machine.dirtyLog.dirtyPages(0, HIGH_RAM * 2, 3)).toEqual(pages.slice(0, 3));
    expect(machine.dirtyLog.dirtyPages(HIGH_RAM, HIGH_RAM + 0x1000, 3)).toEqual([HIGH_RAM]);
  });
});

describe('what is told of it', () => {
  it('by the CMOS RAM: bytes 5Bh–5Dh, in 64 KiB', () => {
    const config = { ...SPLIT, cpuModel: '386', memorySize: 2048 * MIB, memoryLowSize: 32 * MIB } as MachineConfig;
    const bytes = cmosContents(config);
    expect([bytes[0x34], bytes[0x35]]).toEqual([0, 1]);
    const above = (bytes[0x5b] as number) | ((bytes[0x5c] as number) << 8) | ((bytes[0x5d] as number) << 16);
    expect(above * 0x10000).toBe(2016 * MIB);
    expect([...cmosContents({ ...config, memoryLowSize: 2048 * MIB }).slice(0x5b, 0x5e)]).toEqual([0, 0, 0]);
  });

  it.skipIf(!hasNasm)('by E820, and not by the older services', async () => {
    const sector = bootSector(`
      xor ax, ax
      mov es, ax
      mov di, 600h
      xor ebx, ebx
      next: mov edx, 534d4150h
      mov ecx, 20
      mov eax, 0e820h
      int 15h
      jc over
      add di, 20
      test ebx, ebx
      jnz next
      over: mov [5feh], di
      mov ax, 0e801h
      int 15h
      mov [5f0h], ax
      mov [5f2h], bx
      mov ah, 88h
      int 15h
      mov [5f4h], ax`);
    const guest = start({ ...SPLIT, cpuModel: '486', disk: diskOf(sector) });
    await guest.run();
    const entries = (guest.word(0x5fe) - 0x600) / 20;
    const ranges = Array.from({ length: entries }, (_, n) => {
      const entry = view(guest, 0x600 + n * 20, 20);
      return [entry.getBigUint64(0, true), entry.getBigUint64(8, true), entry.getUint32(16, true)];
    });
    expect(ranges.at(-1)).toEqual([BigInt(HIGH_RAM), BigInt(8 * MIB), 1]);
    expect(ranges).toContainEqual([BigInt(MIB), BigInt(15 * MIB), 1]);
    expect([guest.word(0x5f0), guest.word(0x5f2), guest.word(0x5f4)]).toEqual([15 * 1024, 0, 15 * 1024]);
  });

  it.skipIf(!hasNasm)('by Multiboot’s memory map', async () => {
    const guest = await boot('486', `mov [${NOTES}], ebx`);
    const info = view(guest, view(guest, NOTES, 4).getUint32(0, true), 64);
    expect([info.getUint32(4, true), info.getUint32(8, true)]).toEqual([639, 15 * 1024]);
    const [length, at] = [info.getUint32(44, true), info.getUint32(48, true)];
    const map = view(guest, at, length);
    const last = length - 24;
    expect([map.getUint32(last, true), map.getBigUint64(last + 4, true), map.getBigUint64(last + 12, true)]).toEqual([
      20,
      BigInt(HIGH_RAM),
      BigInt(8 * MIB),
    ]);
  });

  it.skipIf(!hasNasm)('by the map of Multiboot 2', async () => {
    const image = assemble(`bits 32
      org 100000h
      header: dd 0e85250d6h, 0, end - header, -(0e85250d6h + end - header)
      dw 2, 0
      dd 24, header, 100000h, 0, 0
      dw 3, 0
      dd 12, end, 0
      dw 0, 0
      dd 8
      end: mov [${NOTES}], ebx
      cli
      hlt`);
    const guest = start({ ...SPLIT, kernel: { name: 'k', image, commandLine: '', modules: [] } });
    await guest.run();
    const u32 = (at: number) => view(guest, at, 4).getUint32(0, true);
    let tag = u32(NOTES) + 8;
    while (u32(tag) !== 6 && u32(tag) !== 0) tag += (u32(tag + 4) + 7) & ~7;
    expect([u32(tag), u32(tag + 8)]).toEqual([6, 24]);
    const last = view(guest, tag + u32(tag + 4) - 24, 24);
    const fields = [last.getBigUint64(0, true), last.getBigUint64(8, true), last.getUint32(16, true)];
    expect(fields).toEqual([BigInt(HIGH_RAM), BigInt(8 * MIB), 1]);
  });

  it.skipIf(!hasNasm)('by the firmware configuration: size, etc/e820, and DMA goes there', async () => {
    const guest = await boot(
      '486',
      `mov dx, 510h
       mov ax, 3
       out dx, ax
       inc dx
       mov edi, ${NOTES}
       mov ecx, 8
       rep insb
       mov dword [${NOTES + 0x100}], 0a002000h  [DMA: item 20h, select and read]
       mov dword [${NOTES + 0x104}], 28000000h  [40 bytes]
       mov dword [${NOTES + 0x108}], 01000000h  [to 4 GiB + 2000h]
       mov dword [${NOTES + 0x10c}], 00200000h
       mov dx, 518h
       mov eax, ${NOTES + 0x100}
       bswap eax
       out dx, eax`.replaceAll(/\[(DMA|40 bytes|to 4)[^\]]*\]/g, ''),
    );
    expect(view(guest, NOTES, 8).getBigUint64(0, true)).toBe(BigInt(24 * MIB));
    const file = view(guest, HIGH_RAM + 0x2000, 40);
    const entry = (at: number) => [
      file.getBigUint64(at, true),
      file.getBigUint64(at + 8, true),
      file.getUint32(at + 16, true),
    ];
    expect([entry(0), entry(20)]).toEqual([
      [0n, BigInt(16 * MIB), 1],
      [BigInt(HIGH_RAM), BigInt(8 * MIB), 1],
    ]);
  });
});

/** Reads 1234h of the high memory through C0000000h, adds 1, writes it to 2000h there, and notes it. */
const USE = `
  mov eax, [0c0001234h]
  inc eax
  mov [0c0002000h], eax
  mov [0c0001fffh], al
  mov [${NOTES}], eax`;

function expectUsed(guest: Guest): void {
  expect(view(guest, NOTES, 4).getUint32(0, true)).toBe(0x12345679);
  expect(view(guest, HIGH_RAM + 0x1ffc, 8).getBigUint64(0, true)).toBe(0x1234_5679_7900_0000n);
}

describe.skipIf(!hasNasm)('code reaches it', () => {
  it('by PSE-36', async () => {
    const guest = await boot(
      'pentium3',
      `mov edi, 200000h
       xor eax, eax
       mov ecx, 400h
       rep stosd
       mov dword [200000h], 83h
       mov dword [200c00h], 2083h
       mov eax, 10h
       mov cr4, eax
       mov eax, 200000h
       mov cr3, eax
       mov eax, cr0
       or eax, 80000000h
       mov cr0, eax
       ${USE}`,
    );
    expectUsed(guest);
  });

  it('by PAE, with its tables there too', async () => {
    const guest = await boot(
      'pentium3',
      `mov edi, 200000h
       xor eax, eax
       mov ecx, 1000h
       rep stosd
       mov dword [200000h], 201001h
       mov dword [200018h], 202001h
       mov dword [201000h], 83h
       mov dword [201008h], 200083h
       mov dword [202000h], 83h
       mov dword [202004h], 1
       mov eax, 20h
       mov cr4, eax
       mov eax, 200000h
       mov cr3, eax
       mov eax, cr0
       or eax, 80000000h
       mov cr0, eax
       mov dword [0c0003000h], 3         ; a table in the high memory, for C0200000h
       mov dword [0c0003004h], 1
       mov dword [202008h], 3003h
       mov dword [20200ch], 1
       mov dword [0c0200ff0h], 5
       ${USE}`,
    );
    expectUsed(guest);
    expect(view(guest, HIGH_RAM + 0xff0, 4).getUint32(0, true)).toBe(5);
    // Accessed and dirty were set there.
    expect(view(guest, HIGH_RAM + 0x3000, 4).getUint32(0, true)).toBe(0x63);
  });

  it('by long mode, and runs and changes itself there', async () => {
    const guest = await boot(
      'x86-64-v3',
      `mov edi, 200000h
       xor eax, eax
       mov ecx, 1000h
       rep stosd
       mov dword [200000h], 201003h
       mov dword [201000h], 202003h
       mov dword [201020h], 83h          ; 4 GiB: a page of 1 GiB
       mov dword [201024h], 1
       mov dword [202000h], 83h
       mov dword [202008h], 200083h
       mov eax, 20h
       mov cr4, eax
       mov eax, 200000h
       mov cr3, eax
       mov ecx, 0c0000080h
       rdmsr
       or eax, 100h
       wrmsr
       mov eax, cr0
       or eax, 80000000h
       mov cr0, eax
       lgdt [table]
       jmp 8:wide
       align 8
       gdt: dq 0, 00af9b000000ffffh, 00cf93000000ffffh
       table: dw 23
       dd gdt
       bits 64
       wide: mov ax, 10h
       mov ds, ax
       mov es, ax
       mov ss, ax
       mov rsp, 100600000h
       mov rdi, 100400ff8h
       mov rsi, piece
       mov ecx, piece_end - piece
       rep movsb
       mov rax, 100400ff8h
       mov ebx, 3
       again: call rax
       mov [${NOTES} + rbx * 8], r8
       inc byte [rax + 3]                ; what is added
       dec ebx
       jnz again
       mov rdx, [rsp - 8]
       mov [${NOTES}], rdx
       cli
       hlt
       piece: add r8, 5
       mov rcx, 1122334455667788h
       ret
       piece_end: bits 32`,
    );
    const notes = view(guest, NOTES, 32);
    expect([3, 2, 1].map((n) => notes.getBigUint64(n * 8, true))).toEqual([5n, 11n, 18n]);
    expect(view(guest, HIGH_RAM + 0x400ff8, 4).getUint32(0, true)).toBe(0x08c0_8349);
    const back = notes.getBigUint64(0, true);
    expect(back > BigInt(MIB) && back < BigInt(2 * MIB)).toBe(true);
  });
});
