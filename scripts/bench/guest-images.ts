/** The bench's guests: boot sectors made of one frame and a kernel each, assembled by the NASM on PATH. */
import { join } from 'node:path';
import { mustRun, repositoryRoot } from '../run-command.ts';
import type { Shares } from './shares.ts';

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
  /** Work for one and a half to two seconds of the fastest of those that compile. */
  readonly iterations: number;
  /** How much of it others do than its kind has them do. */
  readonly shares?: Shares;
  /** Runs at level 3; of the frames with paging. */
  readonly isUser?: boolean;
  /** What it calculates with besides general registers; of the frames with paging. */
  readonly unit?: 'x87' | 'SSE2' | 'AVX2';
  /** Has a routine that is called once before the loop; of the frames with paging. */
  readonly prepares?: boolean;
}

const A_QUARTER = 1 / 4;
/** Of kernels on which those that interpret are not far behind. */
const HALF_FOR_INTERPRETERS: Shares = { 'x86 VM, interpreter': 1 / 2, 'v86, interpreter only': 1 / 2, Bochs: 1 / 2 };

/** The loops whose speed is measured. */
export const kernels: readonly Kernel[] = [
  {
    name: 'arithmetic',
    description: 'arithmetic in registers',
    iterations: 360_000_000,
    shares: { v86: A_QUARTER },
  },
  { name: 'load-store', description: 'loads and stores', iterations: 240_000_000, shares: { v86: A_QUARTER } },
  { name: 'call-return', description: 'calls and returns', iterations: 96_000_000 },
  { name: 'branches', description: 'conditional branches', iterations: 90_000_000 },
];

export const realModeProgram: Kernel = {
  name: 'real-mode-program',
  description: 'a real-mode program (sieve, text, sort with far calls, decimal numbers, INT, far pointers)',
  iterations: 36_000,
  shares: { v86: A_QUARTER },
};

export const longProgram: Kernel = {
  name: 'long-program',
  description: 'a program (sieve, text, sort with calls, decimal numbers, INT, a list)',
  iterations: 40_000,
  shares: { 'QEMU TCG': A_QUARTER },
};

/** Floating point and packed instructions, each kernel about ten of them. */
export const unitKernels: readonly Kernel[] = [
  {
    name: 'x87',
    description: 'floating point of the x87',
    iterations: 8_000_000,
    shares: HALF_FOR_INTERPRETERS,
    unit: 'x87',
  },
  { name: 'scalar-double', description: 'floating point of SSE2, one number', iterations: 60_000_000, unit: 'SSE2' },
  { name: 'packed-single', description: 'floating point of SSE, four numbers', iterations: 48_000_000, unit: 'SSE2' },
  {
    name: 'packed-integer',
    description: 'packed integers of SSE2',
    iterations: 144_000_000,
    shares: { v86: A_QUARTER, 'QEMU TCG': A_QUARTER },
    unit: 'SSE2',
  },
];

export const wideKernel: Kernel = {
  name: 'avx2',
  description: 'packed integers and numbers of AVX2 and FMA',
  iterations: 30_000_000,
  unit: 'AVX2',
};

/** Code that changes code: as compilers and trampolines of the guest do. */
export const modifyingKernels: readonly Kernel[] = [
  {
    name: 'self-modifying',
    description: 'a loop that rewrites an immediate of its own, once in 1,000 instructions',
    iterations: 300_000,
    shares: { ...HALF_FOR_INTERPRETERS, 'QEMU TCG': A_QUARTER },
  },
  {
    name: 'made-code',
    description: 'a function that is written anew before each 100 calls',
    iterations: 200_000,
    shares: HALF_FOR_INTERPRETERS,
  },
];

/** A system call by an interrupt, and those that go into another level and back. */
const userInterrupt: Kernel = {
  name: 'interrupt',
  description: 'software interrupts from level 3 to level 0',
  iterations: 12_000_000,
  shares: HALF_FOR_INTERPRETERS,
  isUser: true,
};

export const systemCall: Kernel = {
  name: 'system-call',
  description: 'SYSCALL and SYSRET',
  iterations: 16_000_000,
  shares: HALF_FOR_INTERPRETERS,
  isUser: true,
};

/** Events of protected mode with paging; an iteration is one. */
export const eventKernels: readonly Kernel[] = [
  {
    name: 'context-switch',
    description: 'writes of CR3, three pages touched after each',
    iterations: 4_000_000,
    shares: { ...HALF_FOR_INTERPRETERS, 'QEMU TCG': A_QUARTER, Bochs: A_QUARTER },
  },
  { name: 'page-fault', description: 'page faults', iterations: 8_000_000, shares: HALF_FOR_INTERPRETERS },
  { name: 'interrupt', description: 'software interrupts', iterations: 16_000_000, shares: HALF_FOR_INTERPRETERS },
  userInterrupt,
  {
    name: 'task-switch',
    description: 'switches to another task and back, with CR3, registers and stacks',
    iterations: 1_000_000,
    shares: { 'v86, interpreter only': 1, 'QEMU TCG': A_QUARTER, Bochs: A_QUARTER },
    isUser: true,
    prepares: true,
  },
];

/** A loop of two instructions. */
export const EMPTY_KERNEL = 'empty';

export const messageKernel: Kernel = {
  name: 'message',
  description: 'messages to another processor that are answered by one',
  iterations: 300_000,
  shares: { ...HALF_FOR_INTERPRETERS, Bochs: 1 },
};

/** In what a kernel runs: real mode, 32-bit protected mode with paging, 64-bit mode, or protected mode and a second processor. */
export type Frame = 'loop' | 'paged-loop' | 'long-loop' | 'two-processors';

/** Assembles the guest of a kernel into a directory; returns the image's path. */
export async function assembleGuest(
  directory: string,
  { name, iterations, isUser, unit, prepares }: Omit<Kernel, 'description' | 'shares'>,
  frame: Frame = 'loop',
): Promise<string> {
  const image = join(directory, `${frame}-${name}-${iterations}${isUser ? '-user' : ''}.img`);
  const definitions = [
    ...[`-DCOUNT=${iterations}`, `-DKERNEL="${name}.inc"`],
    ...(isUser ? ['-DUSER'] : []),
    ...(prepares ? ['-DPREPARES'] : []),
    ...(unit ? ['-DUNITS'] : []),
    ...(unit === 'AVX2' ? ['-DAVX'] : []),
  ];
  await mustRun('nasm', ['-f', 'bin', '-i', `${GUESTS}/`, ...definitions, '-o', image, join(GUESTS, `${frame}.asm`)]);
  return image;
}
