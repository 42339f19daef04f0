/** Nobody of those that are compared is left without work, and who does all of it does exactly that. */
import { describe, expect, it } from 'vitest';
import { eventKernels, kernels, longProgram, messageKernel, modifyingKernels } from './guest-images.ts';
import { realModeProgram, systemCall, unitKernels, wideKernel } from './guest-images.ts';
import { programs } from './program-images.ts';
import { type PeerName, shareOf, type Shares } from './shares.ts';

const LEAST = 1000;
const PEERS: readonly PeerName[] = [
  ...(['x86 VM, interpreter', 'v86', 'v86, interpreter only', 'QEMU TCG', 'QEMU TCG that counts', 'Bochs'] as const),
  'this computer',
];

describe('what a peer does of the work', () => {
  it('is what the row says, else what its kind does, else all', () => {
    expect(shareOf('QEMU TCG', 100)).toBe(100);
    expect(shareOf('Bochs', 160)).toBe(10);
    expect(shareOf('Bochs', 160, { Bochs: 1 / 2 })).toBe(80);
    expect(shareOf('Bochs', 10, { Bochs: 1 / 64 })).toBe(1);
  });

  const single = [realModeProgram, longProgram, wideKernel, systemCall, messageKernel];
  const works: readonly { readonly name: string; readonly all: number; readonly shares?: Shares }[] = [
    ...[...kernels, ...unitKernels, ...modifyingKernels, ...eventKernels, ...single].map(
      ({ name, iterations, shares }) => ({ name, all: iterations, ...(shares && { shares }) }),
    ),
    ...programs.flatMap(({ source, rounds, work }) =>
      ([32, 64] as const).map((codeSize) => ({ name: source, all: rounds * work[codeSize].times, ...work[codeSize] })),
    ),
  ];
  it.for(works)('$name: a whole number of turns, not more than there are', ({ all, shares }) => {
    expect(Number.isInteger(all)).toBe(true);
    for (const peer of PEERS) {
      const part = shareOf(peer, all, shares);
      expect(part).toBeLessThanOrEqual(all);
      // So that the part is the share that is meant.
      expect(part).toBeGreaterThanOrEqual(Math.min(all / 64, LEAST));
    }
  });
});
