/** Records written by templates beside those of the decoder, for random heads with random displacements and immediates. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MEMORY_PAGES_MAX } from './interpreter.ts';
import type { OperandSize } from '../isa/operand.ts';
import { BlockRecords } from './block-records.ts';
import { type Draw, drawFrom } from './compiler/random-program.ts';
import * as record from './record.ts';

const ROUNDS = Number(process.env['FUZZ_ROUNDS'] ?? 20);
const HEADS = 300;
const REPEATS = 4;
const CODE = 0x1000;
const DECODED = 0x2000;
const KNOWN = 0x3000;
const PREFIXES = [0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x3e, 0x64, 0x65, 0x40, 0x41, 0x44, 0x48, 0x49, 0x4c, 0x4f];

/** Bytes that begin with an instruction of any kind, most often a usual one. */
function drawHead(draw: Draw): number[] {
  const prefixes = Array.from({ length: Math.max(0, draw(6) - 3) }, () => PREFIXES[draw(PREFIXES.length)] as number);
  const opcode = draw(3) === 0 ? [0x0f, draw(256)] : [draw(256)];
  return [...prefixes, ...opcode, draw(256), draw(256)];
}

function recordAt(bytes: Uint8Array, at: number): number[] {
  // The number of a fresh immediate means nothing here.
  return [...bytes.subarray(at, at + record.RECORD_SIZE)].map((byte, n) => (n === record.RECORD_FRESH ? 0 : byte));
}

for (const codeSize of [16, 32, 64] as const satisfies readonly OperandSize[]) {
  it(`a record of ${codeSize}-bit code by its template is the decoder's`, { timeout: 120_000 }, () => {
    let [known, decoded] = [0, 0];
    const property = fc.property(fc.integer(), (seed) => {
      const draw = drawFrom(seed);
      const memory = new WebAssembly.Memory({ initial: 1, maximum: MEMORY_PAGES_MAX });
      const bytes = new Uint8Array(memory.buffer);
      const records = new BlockRecords(memory, 'x86-64-v3');
      for (let n = 0; n < HEADS; n++) {
        const head = drawHead(draw);
        for (let repeat = 0; repeat < REPEATS; repeat++) {
          for (let at = CODE; at < CODE + 32; at++) bytes[at] = draw(256);
          bytes.set(repeat === 0 ? head : head.slice(0, head.length - draw(3)), CODE);
          const offset = draw(960);
          const length = records.templates.write(CODE, codeSize, KNOWN, offset);
          const { endsBlock } = records.templates;
          const instruction = records.decode((at) => bytes[CODE + at] as number, codeSize);
          records.write(codeSize, DECODED, offset + instruction.length);
          records.templates.learn(CODE, codeSize, DECODED, instruction);
          decoded++;
          if (length === 0) continue;
          known++;
          expect(length, String(head)).toBe(instruction.length);
          expect(endsBlock, String(head)).toBe(records.endsBlock);
          expect(recordAt(bytes, KNOWN), String(head)).toEqual(recordAt(bytes, DECODED));
        }
      }
    });
    fc.assert(property, { numRuns: ROUNDS });
    expect(known).toBeGreaterThan(decoded / 5);
  });
}
