/**
 * How much of the work of a row each of those that are compared does. Work that takes the fastest of them two seconds would
 * keep some others for minutes: they do a part of it, and what they take is reckoned up to all of it.
 */

/** Whom a row may name beside this machine as it comes, which does all of the work. */
export type PeerName =
  | 'x86 VM, interpreter'
  | 'v86'
  | 'v86, interpreter only'
  | 'QEMU TCG'
  | 'QEMU TCG that counts'
  | 'Bochs'
  | 'this computer';

/** Parts of the work, of those who do not do all of it. */
export type Shares = Readonly<Partial<Record<PeerName, number>>>;

/** Those that interpret, or count; a kernel or a program may say otherwise. */
const USUAL_SHARES: Shares = {
  'x86 VM, interpreter': 1 / 8,
  'v86, interpreter only': 1 / 16,
  'QEMU TCG that counts': 1 / 4,
  Bochs: 1 / 16,
};

/** How many iterations or rounds of so many a peer does. */
export function shareOf(peer: PeerName, all: number, shares: Shares = {}): number {
  return Math.ceil(all * (shares[peer] ?? USUAL_SHARES[peer] ?? 1));
}

/** Those that interpret, or count, of which one turn is enough. */
export function isSteady(peer: PeerName): boolean {
  return USUAL_SHARES[peer] !== undefined;
}
