/** Properties of listings that hold for any bytes: code, data, holes where nothing is mapped, whatever is known of starts. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CodeSource, disassemble, type ListedInstruction } from './disassemble.ts';

const RUNS = Number(process.env['FUZZ_ROUNDS'] ?? 60);
const BASE = 0x7c00;

interface World extends CodeSource {
  /** How often memory was read. */
  reads: number;
}

/** Memory at BASE with holes; `known` are offsets from BASE. */
function world(bytes: Uint8Array, holes: readonly (readonly [number, number])[], known: readonly number[]): World {
  const isMapped = (at: number): boolean =>
    at >= 0 && at < bytes.length && !holes.some(([start, length]) => at >= start && at < start + length);
  const starts = known.map((offset) => BASE + offset).toSorted((left, right) => left - right);
  return {
    reads: 0,
    codeSizeOf: () => 16,
    read(address, length) {
      this.reads++;
      let mapped = 0;
      while (mapped < length && isMapped(address - BASE + mapped)) mapped++;
      return bytes.slice(address - BASE, address - BASE + mapped);
    },
    offsetOf: (address) => address & 0xffff,
    knownStarts: (start, end) => starts.filter((address) => address >= start && address < end),
  };
}

const anyWorld = fc
  .record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 1500 }),
    holes: fc.array(fc.tuple(fc.nat(1500), fc.integer({ min: 1, max: 300 })), { maxLength: 3 }),
    known: fc.array(fc.nat(1500), { maxLength: 20 }),
  })
  .map(({ bytes, holes, known }) => world(bytes, holes, known));

const anyAddress = fc.integer({ min: BASE - 400, max: BASE + 1900 });

const widthOf = ({ bytes }: ListedInstruction): number => Math.max(1, bytes.length);
const shown = (lines: readonly ListedInstruction[]): string[] =>
  lines.map(({ address, instruction }) => `${address.toString(16)} ${instruction?.text ?? '??'}`);

describe('a listing of anything', () => {
  it('has as many lines as asked for, without gap or overlap, with the address at its place', () => {
    fc.assert(
      fc.property(
        anyWorld,
        anyAddress,
        fc.integer({ min: -150, max: 100 }),
        fc.integer({ min: 1, max: 150 }),
        (source, address, offset, count) => {
          const lines = disassemble(source, address, offset, count);
          expect(lines).toHaveLength(count);
          for (const [index, line] of lines.entries()) {
            const next = lines[index + 1];
            if (next) expect(next.address).toBe(line.address + widthOf(line));
            expect(line.instruction === undefined).toBe(source.read(line.address, 1).length === 0);
          }
          if (offset <= 0 && -offset < count) expect(lines[-offset]?.address).toBe(address);
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('shows the same lines however far back and forward it reaches', () => {
    fc.assert(
      fc.property(
        anyWorld,
        anyAddress,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 200 }),
        (source, address, near, more) => {
          const far = near + more;
          const all = shown(disassemble(source, address, -far, far + 40));
          expect(shown(disassemble(source, address, -near, near))).toEqual(all.slice(more, far));
          // In pages, as a client scrolls.
          expect(shown(disassemble(source, address, -far, more))).toEqual(all.slice(0, more));
          expect(shown(disassemble(source, address, 0, 20))).toEqual(all.slice(far, far + 20));
          expect(shown(disassemble(source, address, 20, 20))).toEqual(all.slice(far + 20, far + 40));
        },
      ),
      { numRuns: RUNS },
    );
  });

  it('begins a line at every known start that it covers', () => {
    fc.assert(
      fc.property(anyWorld, anyAddress, fc.integer({ min: 0, max: 200 }), (source, address, before) => {
        const lines = disassemble(source, address, -before, before + 100);
        const first = lines[0]?.address ?? 0;
        const last = lines.at(-1)?.address ?? 0;
        const addresses = new Set(lines.map((line) => line.address));
        for (const start of source.knownStarts(first, last)) expect(addresses).toContain(start);
      }),
      { numRuns: RUNS },
    );
  });

  it('reads memory in proportion to what it shows', () => {
    fc.assert(
      fc.property(anyWorld, anyAddress, fc.integer({ min: 1, max: 300 }), (source, address, count) => {
        source.reads = 0;
        const lines = disassemble(source, address, -count, count);
        const covered = address - (lines[0]?.address ?? address);
        expect(source.reads).toBeLessThan(covered + 1000);
      }),
      { numRuns: RUNS },
    );
  });
});

/** Instructions that compilers make, by their bytes. */
const instruction = fc.constantFrom(
  ...[
    [0x90],
    [0xb8, 0x34, 0x12],
    [0x01, 0xd8],
    [0x8b, 0x46, 0xfe],
    [0xe8, 0x10, 0x00],
    [0x74, 0x05],
    [0xc7, 0x06, 0x00, 0x06, 0x34, 0x12],
    [0x66, 0xb8, 0x78, 0x56, 0x34, 0x12],
    [0x26, 0x8a, 0x07],
    [0xc3],
    [0xcd, 0x10],
    [0xf3, 0xa4],
  ],
);

it('a listing of code with its lines known is that code', () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 150, maxLength: 400 }), fc.nat(149), (code, at) => {
      const starts: number[] = [];
      let length = 0;
      for (const bytes of code) {
        starts.push(length);
        length += bytes.length;
      }
      const source = world(Uint8Array.from(code.flat()), [], starts);
      const address = BASE + (starts[at] as number);
      const listed = disassemble(source, address, -at, code.length);
      expect(listed.map((line) => line.address - BASE)).toEqual(starts);
      expect(listed.map((line) => [...line.bytes])).toEqual(code);
    }),
    { numRuns: RUNS },
  );
});

it('a listing of code of which nothing is known falls into step with it', () => {
  fc.assert(
    fc.property(fc.array(instruction, { minLength: 300, maxLength: 300 }), (code) => {
      const source = world(Uint8Array.from(code.flat()), [], []);
      const last = code.flat().length - (code.at(-1) as number[]).length;
      const expected = code.slice(-21, -1).map((bytes) => bytes.join());
      const listed = disassemble(source, BASE + last, -20, 20).map(({ bytes }) => [...bytes].join());
      // Bytes in the middle of instructions may be instructions too, but not for long.
      expect(listed.filter((bytes, index) => bytes === expected[index]).length).toBeGreaterThan(12);
    }),
    { numRuns: RUNS },
  );
});
