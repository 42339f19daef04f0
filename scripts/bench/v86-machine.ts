/**
 * The bench's own program for v86: boots an image of up to 32 KiB by a ROM that only copies it to where a boot sector belongs, so that no
 * other BIOS is needed, and passes the serial port to standard output.
 */
import { readFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { debianFile } from '../debian-package.ts';
import { COMMAND_LINE, LINUX_MEMORY } from './linux-kernel.ts';
import { dirname, join } from 'node:path';

const ROM_SIZE = 0x10000;
const RESET_VECTOR = 0xfff0;
const IMAGE_IN_ROM = 0x100;
const MEMORY_SIZE = 16 << 20;
const END_MARK = 'E'.charCodeAt(0);

// DS gets the segment of the ROM; the sector is copied and entered.
const copyAndJump = (words: number) => [
  0xfc, // cld
  ...[0x0e, 0x1f], // push cs / pop ds
  ...[0x31, 0xc0, 0x8e, 0xc0], // xor ax,ax / mov es,ax
  ...[0xbe, 0x00, 0x01], // mov si,100h
  ...[0xbf, 0x00, 0x7c], // mov di,7C00h
  ...[0xb9, words & 0xff, words >> 8], // mov cx,words
  ...[0xf3, 0xa5], // rep movsw
  ...[0xea, 0x00, 0x7c, 0x00, 0x00], // jmp 0:7C00h
];
const JUMP_TO_START = [0xea, 0x00, 0x00, 0x00, 0xf0]; // jmp F000:0

function makeRom(image: Uint8Array): ArrayBuffer {
  const rom = new Uint8Array(ROM_SIZE);
  rom.set([0x31, 0xe4, 0x8e, 0xd4, 0xbc, 0x00, 0x70, ...copyAndJump(image.length / 2)]); // xor sp,sp / mov ss,sp / mov sp,7000h
  rom.set(image, IMAGE_IN_ROM);
  rom.set(JUMP_TO_START, RESET_VECTOR);
  return rom.buffer;
}

const wasmPath = (): string => join(dirname(createRequire(import.meta.url).resolve('v86')), 'v86.wasm');

/** Runs an image until the guest says that it is done; with its compiler or by its interpreter alone. */
export async function runV86(image: string, engine: 'compiler' | 'interpreter'): Promise<void> {
  const { V86 } = await import('v86');
  const emulator = new V86({
    wasm_path: wasmPath(),
    memory_size: MEMORY_SIZE,
    vga_memory_size: 2 << 20,
    bios: { buffer: makeRom(readFileSync(image)) },
    disable_jit: engine === 'interpreter',
    autostart: true,
  });
  emulator.add_listener('serial0-output-byte', (byte: number) => {
    writeSync(1, Uint8Array.of(byte));
    if (byte === END_MARK) process.exit(0);
  });
}

/** Boots Linux until the process is ended, with its compiler and SeaBIOS, which its way of booting a kernel needs. */
export async function runV86Linux(kernel: string, initrd: string): Promise<void> {
  const { V86 } = await import('v86');
  const bios = debianFile('seabios', 'usr/share/seabios/bios.bin');
  const videoBios = debianFile('seabios', 'usr/share/seabios/vgabios-stdvga.bin');
  if (bios === undefined || videoBios === undefined) throw new Error('no package seabios');
  const emulator = new V86({
    wasm_path: wasmPath(),
    memory_size: LINUX_MEMORY << 20,
    vga_memory_size: 2 << 20,
    bios: imageOf(bios),
    vga_bios: imageOf(videoBios),
    bzimage: imageOf(kernel),
    initrd: imageOf(initrd),
    cmdline: COMMAND_LINE,
    autostart: true,
  });
  emulator.add_listener('serial0-output-byte', (byte: number) => writeSync(1, Uint8Array.of(byte)));
}

const imageOf = (path: string): { buffer: ArrayBuffer } => ({ buffer: new Uint8Array(readFileSync(path)).buffer });
