/**
 * The decoder of the newest model against iced-x86 in all three modes. `DECODER_RATE=1000` (npm run test:full) goes through
 * every combination of prefixes, opcode and ModR/M, and every VEX prefix; otherwise some of a thousand are taken.
 */
import { describe, expect, it } from 'vitest';
import { compare } from './compare.ts';
import { anyBytes, prefixed, prefixedCount, random, vexed } from './strings.ts';

const RATE = Number(process.env['DECODER_RATE'] ?? 5);
const ROUNDS = Number(process.env['DECODER_ROUNDS'] ?? 40_000);
const SEED = Number(process.env['DECODER_SEED'] ?? 0x4864);

describe.each([16, 32, 64] as const)('%d-bit code', { timeout: 3_600_000 }, (mode) => {
  it('agrees with iced-x86 on prefixes × opcodes × ModR/M', () => {
    const { compared, differences } = compare(mode, prefixed(mode, random(SEED + mode), RATE));
    expect(differences.slice(0, 40)).toEqual([]);
    expect(compared).toBeGreaterThan((prefixedCount(mode) * RATE) / 1000 / 20);
  });

  it('agrees with iced-x86 on VEX prefixes', () => {
    const { compared, differences } = compare(mode, vexed(random(SEED - mode), RATE));
    expect(differences.slice(0, 40)).toEqual([]);
    expect(compared).toBeGreaterThan(RATE);
  });

  it(`agrees with iced-x86 on ${ROUNDS} random byte strings`, () => {
    const { compared, differences } = compare(mode, anyBytes(random(SEED * mode), ROUNDS));
    expect(differences.slice(0, 40)).toEqual([]);
    expect(compared).toBeGreaterThan(ROUNDS / 4);
  });
});
