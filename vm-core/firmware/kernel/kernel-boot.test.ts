/** Kernels booted directly, on the real machine. Those of source need the assembler nasm; without it they are skipped. */
import { describe, expect, it } from 'vitest';
import { assemble, hasNasm } from '../../../test/support/boot-sectors.ts';
import { slot } from '../../state/layout.ts';
import { type Guest, start } from '../guest-runner.ts';
import { ByteWriter } from './byte-writer.ts';
import { type KernelImages, planKernel } from './kernel-boot.ts';

const MIB = 1 << 20;
/** Where test kernels write down what they find. */
const NOTES = 0x300000;

const moduleOf = (name: string, text: string, commandLine = '') => ({
  name,
  bytes: Uint8Array.from(text, (letter) => letter.charCodeAt(0)),
  commandLine,
});

/** Boots until the kernel halts. */
async function boot(image: Uint8Array, more: Partial<KernelImages> = {}): Promise<Guest> {
  const guest = start({ kernel: { name: 'test kernel', image, commandLine: 'one two=3', modules: [], ...more } });
  await guest.run();
  expect(guest.machine.cpus[0].state.read8(slot.HALTED)).toBe(1);
  return guest;
}

function reader({ machine }: Guest) {
  const bytes = (address: number, length: number): Uint8Array<ArrayBuffer> => machine.memory.read(address, length);
  const u32 = (address: number): number => new DataView(bytes(address, 4).buffer).getUint32(0, true);
  const text = (address: number): string => {
    const all = bytes(address, 256);
    return String.fromCharCode(...all.subarray(0, all.indexOf(0)));
  };
  return { bytes, u32, text };
}

/** An ELF executable with one segment: file and class as asked, linked `high` above where it is loaded. */
function elfOf(bits: 32 | 64, physical: number, code: Uint8Array, bssSize: number, high = 0): Uint8Array {
  const wide = bits === 64;
  const word = (writer: ByteWriter, ...values: number[]) => (wide ? writer.u64(...values) : writer.u32(...values));
  const header = wide ? 0x40 : 0x34;
  const program = wide ? 0x38 : 0x20;
  const at = 0x80;
  const file = new ByteWriter()
    .u8(0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1, 0)
    .u64(0)
    .u16(2, wide ? 62 : 3)
    .u32(1);
  word(file, physical + high, header, 0);
  file.u32(0).u16(header, program, 1, 0, 0, 0);
  if (wide) file.u32(1, 7).u64(at, physical + high, physical, code.length, code.length + bssSize, 16);
  else file.u32(1, at, physical + high, physical, code.length, code.length + bssSize, 7, 16);
  return file.align(at).raw(code).finish();
}

/** 32-bit code that notes EAX, EBX, the segment registers' selectors and CR0, and a word of its .bss; then halts. */
const NOTING = `
  mov [${NOTES}], eax
  mov [${NOTES + 4}], ebx
  mov [${NOTES + 8}], esi
  mov word [${NOTES + 12}], ds
  mov word [${NOTES + 14}], cs
  mov eax, cr0
  mov [${NOTES + 16}], eax
  pushfd_done:
  cli
  hlt
  jmp pushfd_done`;

const multibootFlat = (flags = 0, more = '') => `
bits 32
org 100000h
  jmp entry
  align 4
header: dd 1badb002h, ${flags | 0x10000}, -(1badb002h + ${flags | 0x10000})
  dd header, 100000h, end_of_data, end_of_bss, entry
  ${more}
entry: ${NOTING}
end_of_data:
end_of_bss equ end_of_data + 100000h`;

describe.skipIf(!hasNasm)('a Multiboot kernel', () => {
  it('is loaded by its address fields, with .bss cleared, and told of memory, command line and modules', async () => {
    const modules = [moduleOf('first', 'ABC', 'first of two'), moduleOf('second', 'x'.repeat(5000))];
    const guest = await boot(assemble(multibootFlat()), { modules });
    const { bytes, u32, text } = reader(guest);
    expect(u32(NOTES)).toBe(0x2badb002);
    expect([u32(NOTES + 12), u32(NOTES + 16) & 0x80000001]).toEqual([0x100018, 1]);
    const info = u32(NOTES + 4);
    expect(u32(info) & 0b1001001101).toBe(0b1001001101);
    expect([u32(info + 4), u32(info + 8)]).toEqual([639, 15 * 1024]);
    expect(text(u32(info + 16))).toBe('one two=3');
    expect(text(u32(info + 64))).toBe('x86 VM Debugger');
    expect(u32(info + 20)).toBe(2);
    const list = u32(info + 24);
    const [first, second] = [u32(list), u32(list + 16)] as const;
    expect([first % 4096, second % 4096, first > 0x200000, second > first]).toEqual([0, 0, true, true]);
    expect([u32(list + 4) - first, u32(list + 20) - second]).toEqual([3, 5000]);
    expect(String.fromCharCode(...bytes(first, 3))).toBe('ABC');
    expect(text(u32(list + 8))).toBe('first of two');
  });

  it('finds the memory map that the BIOS gives', async () => {
    const { u32 } = reader(await boot(assemble(multibootFlat())));
    const info = u32(NOTES + 4);
    const [length, map] = [u32(info + 44), u32(info + 48)];
    const ranges: number[][] = [];
    for (let at = map; at < map + length; at += u32(at) + 4) ranges.push([u32(at + 4), u32(at + 12), u32(at + 20)]);
    expect(ranges).toContainEqual([0, 639 * 1024, 1]);
    expect(ranges).toContainEqual([MIB, 15 * MIB, 1]);
    expect(ranges).toContainEqual([0xffff0000, 0x10000, 2]);
  });

  it('gets the graphics mode that it asks for', async () => {
    const guest = await boot(assemble(multibootFlat(4, 'dd 0, 800, 600, 32')));
    const { u32 } = reader(guest);
    const info = u32(NOTES + 4);
    expect([u32(info + 88), u32(info + 96), u32(info + 100), u32(info + 104)]).toEqual([0xe0000000, 3200, 800, 600]);
    const { width, height } = guest.machine.display.render();
    expect([width, height]).toEqual([800, 600]);
  });

  it.each([32, 64] as const)('is loaded from an ELF%i file that is linked high', async (bits) => {
    const code = assemble(`bits 32
      org 200000h
      jmp entry
      align 4
      dd 1badb002h, 0, -1badb002h
      entry: mov ecx, [bss]
      mov [${NOTES + 20}], ecx
      ${NOTING}
      align 4
      bss:`);
    const guest = start({
      kernel: {
        name: 'k',
        image: elfOf(bits, 0x200000, code, 4096, 0xc0000000 - 0x200000),
        commandLine: '',
        modules: [],
      },
    });
    guest.machine.memory.write(0x200000, new Uint8Array(8192).fill(0xee));
    await guest.run();
    const { u32 } = reader(guest);
    expect([u32(NOTES), u32(NOTES + 20)]).toEqual([0x2badb002, 0]);
  });

  it('starts anew after a reset', async () => {
    const guest = await boot(assemble(multibootFlat()));
    guest.machine.memory.write(NOTES, new Uint8Array(8));
    guest.machine.reset();
    await guest.run();
    expect(reader(guest).u32(NOTES)).toBe(0x2badb002);
  });
});

const multiboot2 = (tags: string) => `
bits 32
org 100000h
  jmp entry
  align 8
header: dd 0e85250d6h, 0, header_end - header, -(0e85250d6h + header_end - header)
  ${tags}
  align 8
  dw 0, 0
  dd 8
header_end:
entry: ${NOTING}
end_of_data:`;
const ADDRESSES = `dw 2, 0
  dd 24, header, 100000h, 0, 0
  dw 3, 0
  dd 12, entry`;

/** The tags of the information, by type: address of the content, and its size. */
function tagsOf(guest: Guest): Map<number, { at: number; size: number }> {
  const { u32 } = reader(guest);
  const info = u32(NOTES + 4);
  const tags = new Map<number, { at: number; size: number }>();
  for (let at = info + 8; at < info + u32(info); at += Math.ceil(u32(at + 4) / 8) * 8) {
    tags.set(u32(at), { at: at + 8, size: u32(at + 4) - 8 });
  }
  return tags;
}

describe.skipIf(!hasNasm)('a Multiboot 2 kernel', () => {
  it('is told by tags, which end with the end tag', async () => {
    const guest = await boot(assemble(multiboot2(ADDRESSES)), { modules: [moduleOf('m', 'DEF', 'args of m')] });
    const { bytes, u32, text } = reader(guest);
    expect(u32(NOTES)).toBe(0x36d76289);
    expect(u32(NOTES + 4) % 8).toBe(0);
    const tags = tagsOf(guest);
    expect([...tags.keys()]).toEqual([1, 2, 3, 4, 6, 8, 21, 0]);
    expect(text(tags.get(1)?.at ?? 0)).toBe('one two=3');
    const module = tags.get(3)?.at ?? 0;
    expect(String.fromCharCode(...bytes(u32(module), 3))).toBe('DEF');
    expect(text(module + 8)).toBe('args of m');
    const map = tags.get(6) ?? { at: 0, size: 0 };
    expect([u32(map.at), u32(map.at + 4), (map.size - 8) % 24]).toEqual([24, 0, 0]);
    expect(u32(tags.get(21)?.at ?? 0)).toBe(0x100000);
  });

  it('gets a graphics mode near what it asks for', async () => {
    const guest = await boot(assemble(multiboot2(`${ADDRESSES}\nalign 8\ndw 5, 0\ndd 20, 1920, 1080, 16`)));
    const { u32 } = reader(guest);
    const at = tagsOf(guest).get(8)?.at ?? 0;
    expect([u32(at), u32(at + 8), u32(at + 12), u32(at + 16)]).toEqual([0xe0000000, 3840, 1920, 1080]);
    expect(guest.machine.display.render().width).toBe(1920);
  });

  it('is moved if it can be and must', () => {
    const code = assemble(`bits 32
      align 8
      header: dd 0e85250d6h, 0, header_end - header, -(0e85250d6h + header_end - header)
      dw 10, 0
      dd 24, 400000h, 0ffffffh, 200000h, 2
      dw 0, 0
      dd 8
      header_end: hlt`);
    const images = { name: 'k', image: elfOf(32, 0x100000, code, 0), commandLine: '', modules: [] };
    const plan = planKernel(images, { low: 16 * MIB, high: 0 });
    expect(plan.pieces[0]?.address).toBe(0xe00000);
    expect(plan.start).toMatchObject({ mode: 'protected', eip: 0xe00000 });
  });
});

/** A file with the header of boot protocol 2.06 around 16-bit and 32-bit code. */
function linuxOf(setupCode: string, kernelCode: string, code64 = 'bits 64\n hlt'): Uint8Array {
  return assemble(`
bits 16
  times 1f1h db 0
  db 1
  times 1feh-($-$$) db 0
  dw 0aa55h
  jmp short setup
  db "HdrS"
  dw 20ch
  times 210h-($-$$) db 0
  db 0, 1
  times 22ch-($-$$) db 0
  dd 37ffffffh
  times 236h-($-$$) db 0
  dw 1
  dd 2047
  times 268h-($-$$) db 0
setup: ${setupCode}
  times 1024-($-$$) db 0
bits 32
kernel: ${kernelCode}
  times 1024+512-($-$$) db 0
${code64}
  times 1024+1024-($-$$) db 0`);
}

/** Notes RSI, CR0, EFER and a value beyond 32 bits. */
const NOTING_64 = `bits 64
  mov [abs ${NOTES}], rsi
  mov rax, cr0
  mov [abs ${NOTES + 8}], rax
  mov ecx, 0c0000080h
  rdmsr
  mov [abs ${NOTES + 16}], eax
  mov rax, 123456789abcdef0h
  mov [abs ${NOTES + 24}], rax
  cli
  hlt`;

const linuxKernel = linuxOf(
  `cli
  mov eax, [228h]
  mov fs, ax
  mov [700h], ss
  mov [702h], ds
  mov eax, [218h]
  mov [704h], eax
  mov eax, [21ch]
  mov [708h], eax
  hlt`,
  NOTING,
  NOTING_64,
);

describe.skipIf(!hasNasm)('a Linux kernel', () => {
  it('is entered in real mode behind its boot sector, with a stack in its own segment', async () => {
    const initrd = moduleOf('initrd', 'cpio'.repeat(3000));
    const guest = await boot(linuxKernel, { initrd });
    const { bytes, u32, text } = reader(guest);
    expect(u32(0x10700)).toBe(0x10001000);
    const [address, size] = [u32(0x10704), u32(0x10708)];
    expect([address % 4096, size, address + size > 15 * MIB]).toEqual([0, 12000, true]);
    expect(String.fromCharCode(...bytes(address, 4))).toBe('cpio');
    expect(text(u32(0x10228))).toBe('one two=3');
    expect(bytes(0x10210, 1)[0]).toBe(0xff);
  });

  it('is entered in 32-bit mode with boot parameters that tell of memory', async () => {
    const { u32, text, bytes } = reader(await boot(linuxKernel, { entry: '32-bit' }));
    const parameters = u32(NOTES + 8);
    expect(u32(NOTES + 12)).toBe(0x100018);
    expect(text(u32(parameters + 0x228))).toBe('one two=3');
    expect(u32(parameters + 0x202)).toBe(0x53726448);
    expect(bytes(parameters + 0x1e8, 1)[0]).toBeGreaterThan(3);
    expect([u32(parameters + 0x2d0), u32(parameters + 0x2d8), u32(parameters + 0x2e0)]).toEqual([0, 639 * 1024, 1]);
  });

  it('is told of memory above 4 GiB', async () => {
    const kernel = { name: 'bz', image: linuxKernel, commandLine: '', modules: [], entry: '32-bit' } as const;
    const guest = start({ memorySize: 24 * MIB, memoryLowSize: 16 * MIB, kernel });
    await guest.run();
    const { u32, bytes } = reader(guest);
    const parameters = u32(NOTES + 8);
    const last = parameters + 0x2d0 + ((bytes(parameters + 0x1e8, 1)[0] ?? 0) - 1) * 20;
    expect([0, 4, 8, 12, 16].map((at) => u32(last + at))).toEqual([0, 1, 8 * MIB, 0, 1]);
  });

  it('is entered in 64-bit mode with memory mapped to itself', async () => {
    const guest = start({
      cpuModel: 'x86-64-v2',
      kernel: { name: 'bz', image: linuxKernel, commandLine: 'six four', modules: [], entry: '64-bit' },
    });
    await guest.run();
    const { u32, text } = reader(guest);
    expect(text(u32(u32(NOTES) + 0x228))).toBe('six four');
    expect([u32(NOTES + 8), u32(NOTES + 16)]).toEqual([0x80000011, 0x500]);
    expect([u32(NOTES + 24), u32(NOTES + 28)]).toEqual([0x9abcdef0, 0x12345678]);
  });

  it('has no 64-bit entry on a processor without that mode, or where it says so', () => {
    const kernel = { name: 'bz', image: linuxKernel, modules: [], commandLine: '', entry: '64-bit' as const };
    expect(() => start({ cpuModel: 'pentium3', kernel })).toThrow('a pentium3 has no 64-bit mode');
    const image = linuxKernel.slice();
    image[0x236] = 0;
    expect(() => start({ cpuModel: 'max', kernel: { ...kernel, image } })).toThrow('bz has no 64-bit entry');
  });

  it('takes no longer command line than it says, and no modules', () => {
    const images = { name: 'bz', image: linuxKernel, modules: [], commandLine: 'x'.repeat(2048) };
    expect(() => planKernel(images, { low: 16 * MIB, high: 0 })).toThrow(
      'the command line has 2048 bytes; bz takes at most 2047',
    );
    const withModule = { ...images, commandLine: '', modules: [moduleOf('m', '')] };
    expect(() => planKernel(withModule, { low: 16 * MIB, high: 0 })).toThrow(
      'bz is a Linux kernel, which takes no modules; give an initrd',
    );
  });
});

describe('a file that cannot be booted', () => {
  const plan = (image: Uint8Array, ramSize = 16 * MIB) =>
    planKernel({ name: 'k.elf', image, commandLine: '', modules: [] }, { low: ramSize, high: 0 });
  const header = (flags: number, ...fields: number[]) =>
    new ByteWriter().u32(0x1badb002, flags, -(0x1badb002 + flags), ...fields);

  it.each([
    ['is empty', new Uint8Array(0), 'k.elf is empty'],
    ['is something else', new Uint8Array(5000), 'no kernel that can be booted directly; it needs a Multiboot header'],
    ['is ELF without header', elfOf(32, MIB, new Uint8Array(100), 0), 'an ELF file without a Multiboot header'],
    ['requires the unknown', header(0x10).finish(), 'requires features that do not exist (flags 10h)'],
    ['is neither', header(0).raw(new Uint8Array(64)).finish(), 'without address fields and is no ELF file'],
    ['is cut off', header(0x10000, 0, 0).finish(), 'the Multiboot header of k.elf is cut off'],
    [
      'has wrong addresses',
      header(0x10000, 0x100000, 0x200000, 0, 0, 0).finish(),
      'the address fields of the Multiboot header of k.elf do not fit the file',
    ],
  ])('because it %s says so', (_, image, message) => {
    expect(() => plan(image)).toThrow(message);
  });

  it('says how much memory there is when a kernel wants more', () => {
    const image = elfOf(32, 0x2000000, header(0).raw(new Uint8Array(64)).finish(), 0);
    expect(() => plan(image)).toThrow(
      'wants to be loaded at 2000000h to 200004Ch, and the guest has RAM below 1000000h',
    );
    const overVideo = elfOf(32, 0x9f000, header(0).raw(new Uint8Array(64)).finish(), 0x2000);
    expect(() => plan(overVideo)).toThrow('without A0000h–FFFFFh');
  });

  it.each([...Array(400).keys()])('never throws anything but such messages (seed %i)', (seed) => {
    let state = seed * 2654435761;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    const image =
      seed % 2 === 0
        ? elfOf(32, MIB, header(0).raw(new Uint8Array(200)).finish(), 64)
        : header(0x10007, ...new Array(16).fill(0)).finish();
    for (let n = 0; n < 4; n++) image[random(Math.min(image.length, 0x90))] = random(256);
    try {
      plan(image);
    } catch (error) {
      expect((error as Error).message).toMatch(/^kernel: /);
    }
  });
});
