/** The bench's guests: boot sectors made of one frame and a kernel each, assembled by the NASM on PATH. */
import { join } from 'node:path';
import { mustRun, repositoryRoot } from '../run-command.ts';

const GUESTS = join(repositoryRoot, 'scripts', 'bench', 'guests');

/** First instruction of a guest, where a boot sector is loaded. */
export const ENTRY = 0x7c00;
/** Where nothing of a guest lies any more. */
export const BEHIND_GUEST = 0x7e00;
/** First instruction of the loop. */
export const LOOP = 0x7c40;
/** On the page of the loop: an instruction that is never executed, and a word that is never accessed. */
export const ASIDE = 0x7df8;
export const ASIDE_WORD = 0x7dfa;
/** On the page that `load-store` stores to: a word that is never accessed. */
export const DATA_WORD = 0x9ffe;

/** A part of a guest that is run so many times. */
export interface Kernel {
  readonly name: string;
  readonly description: string;
  readonly iterations: number;
}

/** The loops whose speed is measured, for some seconds: V8 runs the first tenths of a second in its first tier. */
export const kernels: readonly Kernel[] = [
  { name: 'arithmetic', description: 'arithmetic in registers', iterations: 30_000_000 },
  { name: 'load-store', description: 'loads and stores', iterations: 30_000_000 },
  { name: 'call-return', description: 'calls and returns', iterations: 24_000_000 },
  { name: 'branches', description: 'conditional branches', iterations: 15_000_000 },
];

export const realModeProgram: Kernel = {
  name: 'real-mode-program',
  description: 'a real-mode program (sieve, text, sort with far calls, decimal numbers, INT, far pointers)',
  iterations: 3_000,
};

/** Events of protected mode with paging; an iteration is one. */
export const eventKernels: readonly Kernel[] = [
  { name: 'context-switch', description: 'writes of CR3, three pages touched after each', iterations: 1_000_000 },
  { name: 'page-fault', description: 'page faults', iterations: 500_000 },
  { name: 'interrupt', description: 'software interrupts', iterations: 1_000_000 },
];

/** A loop of two instructions. */
export const EMPTY_KERNEL = 'empty';

/** In what a kernel runs: real mode, or 32-bit protected mode with paging. */
export type Frame = 'loop' | 'paged-loop';

/** Assembles the guest of a kernel into a directory; returns the image's path. */
export async function assembleGuest(
  directory: string,
  kernel: string,
  iterations: number,
  frame: Frame = 'loop',
): Promise<string> {
  const image = join(directory, `${frame}-${kernel}-${iterations}.img`);
  const definitions = [`-DCOUNT=${iterations}`, `-DKERNEL="${kernel}.inc"`];
  await mustRun('nasm', ['-f', 'bin', '-i', `${GUESTS}/`, ...definitions, '-o', image, join(GUESTS, `${frame}.asm`)]);
  return image;
}
