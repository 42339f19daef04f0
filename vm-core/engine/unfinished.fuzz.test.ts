/** Any program over RAM and a device that answers some accesses later: nobody can tell (docs/decisions/0011). */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dword, MAPPED, RAM_PAGE, runWithDevice } from './later-guest.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 25);

/** Mostly around the two places where RAM and the device meet. */
const address = fc.oneof(
  fc.integer({ min: MAPPED - 9, max: MAPPED + 12 }),
  fc.integer({ min: MAPPED + 0x10000 - 9, max: MAPPED + 0x10000 + 4 }),
  fc.integer({ min: RAM_PAGE, max: RAM_PAGE + 64 }),
);
/** Instructions with a memory operand that is a displacement; the digits are those of ModR/M and what stands before it. */
const withMemory = fc.constantFrom(
  ...['8b 05', '89 1d', '01 05', '13 0d', '19 15', 'f7 1d', 'ff 05', '87 35', '0f c1 1d', '0f b1 0d', '0f c7 0d'],
  ...['66 01 05', '66 87 1d', '00 05', 'd1 15', '0f ab 05', 'ff 35', '8f 05', '66 ff 35', '0f b7 05', '0f c8 39 05'],
);
const piece = fc.oneof(
  fc.tuple(withMemory, address).map(([code, place]) => `${code} ${dword(place)}`),
  address.map((place) => `bf ${dword(place)}`), // mov edi
  address.map((place) => `be ${dword(place)}`), // mov esi
  address.map((place) => `bc ${dword(place)}`), // mov esp
  fc.nat(5).map((count) => `b9 ${dword(count)}`), // mov ecx
  fc.constantFrom('a5', 'a4', '66 a5', 'ab', 'ad', 'a7', 'ae', 'f3 a5', 'f3 a4', 'f3 ab', 'f3 a6', 'f2 af'),
  fc.constantFrom('60', '61', '9c', '9d', '50', '5b', 'c8 08 00 02', 'f9', 'fd', 'fc', '40', '4b', '0e 07', 'cd 20'),
);

it('runs as with one that answers at once', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(piece, { minLength: 1, maxLength: 14 }),
      fc.constantFrom(8 as const, 32 as const),
      async (pieces, width) => {
        const setup = { program: `${pieces.join(' ')} f4` };
        const { waits: none, memory, ...atOnce } = await runWithDevice(setup, 'at once', width);
        const { waits, memory: memoryThen, ...mixed } = await runWithDevice(setup, 'mixed', width);
        expect(mixed).toEqual(atOnce);
        expect(Buffer.compare(memory, memoryThen)).toBe(0);
        expect(none).toEqual([]);
        expect(waits.length).toBeLessThanOrEqual(mixed.asked.length);
      },
    ),
    { numRuns: ROUNDS },
  );
});
