/** The test kernels, assembled: each from its beginning, the macros for descriptors, and the kernel itself, as one source. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KernelName = 'kernel-32' | 'kernel-64';
/** How it is started: directly, or from the first disk. */
export type KernelStart = 'multiboot' | 'boot-sector';

export interface KernelImage {
  readonly source: string;
  readonly image: Uint8Array;
  readonly listing: string;
  /** What the assembler's map says of labels; numbers of the source as well. */
  readonly symbols: ReadonlyMap<string, number>;
}

const SECTOR = 512;

/** It needs nasm. `change` may change the source before. */
export function assembleKernel(
  name: KernelName,
  start: KernelStart,
  change: (source: string) => string = (source) => source,
): KernelImage {
  const parts = [start, 'descriptors', name].map((part) =>
    readFileSync(join(import.meta.dirname, `${part}.asm`), 'utf8'),
  );
  const source = change(parts.join(''));
  const folder = mkdtempSync(join(tmpdir(), 'kernel-'));
  try {
    writeFileSync(join(folder, 'kernel.asm'), `[map symbols kernel.map]\n${source}`);
    execFileSync('nasm', ['-f', 'bin', '-o', 'mapped.bin', 'kernel.asm'], { cwd: folder });
    writeFileSync(join(folder, 'kernel.asm'), source);
    execFileSync('nasm', ['-f', 'bin', '-l', 'kernel.lst', '-o', 'kernel.bin', 'kernel.asm'], { cwd: folder });
    const read = (file: string) => readFileSync(join(folder, file));
    const symbols = readMap(read('kernel.map').toString('latin1'));
    return { source, image: wholeSectors(read('kernel.bin')), listing: read('kernel.lst').toString('latin1'), symbols };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function wholeSectors(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(Math.ceil(bytes.length / SECTOR) * SECTOR);
  whole.set(bytes);
  return whole;
}

/** `Real Virtual Name` for labels, `Value Name` for numbers. */
function readMap(text: string): ReadonlyMap<string, number> {
  const rows = text.matchAll(/^\s*(?:[0-9A-F]+ +)?([0-9A-F]+) +([\w.]+)\s*$/gm);
  return new Map([...rows].map(([, value = '', name = '']) => [name, Number.parseInt(value, 16)]));
}
