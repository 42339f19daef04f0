/**
 * Direct boot: what a boot loader would do with a kernel, worked out beforehand. A plan says which bytes go where in guest
 * memory and with which registers the kernel starts; the firmware carries it out in the place of INT 19h.
 */
import type { GuestRam } from '../../memory/guest-ram.ts';
import { isElf } from './elf.ts';
import { isLinux, planLinux } from './linux.ts';
import { findMultibootHeader, planMultiboot } from './multiboot.ts';
import { findMultiboot2Header, planMultiboot2 } from './multiboot2.ts';

/** A file that is loaded with a kernel. */
export interface KernelModule {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly commandLine: string;
}

/** Where a Linux kernel is entered: in real mode, in 32-bit protected mode, or in 64-bit mode (Linux boot protocol). */
export type KernelEntry = '16-bit' | '32-bit' | '64-bit';

/** A kernel and what comes with it. */
export interface KernelImages {
  /** For messages. */
  readonly name: string;
  readonly image: Uint8Array;
  readonly commandLine: string;
  /** Linux takes it as its initial RAM disk, Multiboot kernels as their first module. */
  readonly initrd?: KernelModule;
  /** For Multiboot kernels, in order. */
  readonly modules: readonly KernelModule[];
  /** For Linux; default: 16-bit, from where the kernel asks the BIOS itself. */
  readonly entry?: KernelEntry;
}

/** Bytes for a place in guest memory; zeros follow up to `size`. */
export interface KernelPiece {
  readonly address: number;
  readonly bytes: Uint8Array;
  readonly size: number;
}

/** 32-bit general registers that a kernel is told something in; the others are 0. */
export type StartRegisters = Readonly<
  Partial<Record<'EAX' | 'EBX' | 'ECX' | 'EDX' | 'ESI' | 'EDI' | 'EBP' | 'ESP', number>>
>;

/** How the processor stands at the kernel's first instruction. Interrupts are off. */
export type KernelStart =
  | { readonly mode: 'real'; readonly cs: number; readonly ip: number; readonly data: number; readonly sp: number }
  /** Flat segments: code 10h, data 18h, of a GDT in the BIOS's memory. */
  | { readonly mode: 'protected'; readonly eip: number; readonly registers: StartRegisters }
  /** The same with 64-bit code, and the first 4 GiB mapped to themselves by the tables at `pageTable`. */
  | { readonly mode: 'long'; readonly eip: number; readonly pageTable: number; readonly registers: StartRegisters };

/** A linear graphics mode that a kernel asks for. */
export interface KernelVideo {
  readonly width: number;
  readonly height: number;
  readonly bitsPerPixel: 8 | 15 | 16 | 24 | 32;
}

export interface KernelPlan {
  /** What was recognised, for the log: `Multiboot 1, ELF32`. */
  readonly title: string;
  readonly pieces: readonly KernelPiece[];
  readonly start: KernelStart;
  readonly video?: KernelVideo;
  /** Physical address of the image's first byte, where its bytes lie in memory as in the file. */
  readonly loadAddress?: number;
}

/** Works out how to boot. Throws an Error that names the kernel and says what is wrong and what to do. */
export function planKernel(images: KernelImages, ram: GuestRam): KernelPlan {
  const { name, image } = images;
  if (image.length === 0) throw new Error(`kernel: ${name} is empty`);
  const second = findMultiboot2Header(image);
  if (second !== undefined) return planMultiboot2(images, second, ram);
  const first = findMultibootHeader(image);
  if (first !== undefined) return planMultiboot(images, first, ram);
  if (isLinux(image)) return planLinux(images, ram);
  const kind = isElf(image) ? 'an ELF file without a Multiboot header' : 'no kernel that can be booted directly';
  throw new Error(
    `kernel: ${name} is ${kind}; it needs a Multiboot header (1BADB002h in its first 8 KiB, aligned to 4), ` +
      'a Multiboot 2 header (E85250D6h in its first 32 KiB, aligned to 8), or to be a Linux bzImage ("HdrS" at 202h). ' +
      'A disk image goes to `program`, `disk` or `floppy`',
  );
}

/** Linear address of the kernel's first instruction. */
export function entryOf({ start }: KernelPlan): number {
  if (start.mode === 'real') return start.cs * 16 + start.ip;
  return start.eip;
}
