/** The decoder of the 386 against iced-x86: random byte strings have the same length in both, or are invalid in both. */
import { Decoder as IcedDecoder, DecoderOptions } from 'iced-x86';
import { describe, expect, it } from 'vitest';
import { Decoder } from '../../vm-core/isa/decoder.ts';
import { instructionRows } from '../../vm-core/isa/instruction-table.ts';
import { random } from './strings.ts';

const ROUNDS = Number(process.env['DECODER_ROUNDS'] ?? 60_000);

/** Generations whose instructions a 386 has, by iced-x86's names of CPUID features (INTEL8086 … INTEL386). */
const FEATURES_386 = new Set([0, 1, 2, 3, 4]);

/**
 * Opcodes that iced-x86 gives to a processor of the 386's time and that are invalid here: they belong to steppings and
 * undocumented variants (0F 05/07 LOADALL, 0F 10–13 UMOV, 0F A6/A7 XBTS/IBTS) or are x87 and reserved forms.
 */
const OTHERS = /^0f(04|05|07|1[0-3]|a6|a7|aa|0d|1[89a-f]|0b|b9|ff)/;

function withoutPrefixes(hex: string): string {
  return hex.replace(/^(26|2e|36|3e|64|65|66|67|f2|f3)+/, '');
}

describe.each([16, 32] as const)('%d-bit code', (codeSize) => {
  it(`agrees with iced-x86 on ${ROUNDS} random byte strings`, () => {
    const next = random(codeSize * 2654435761);
    const decoder = new Decoder();
    const differences = new Map<string, string>();
    for (let round = 0; round < ROUNDS; round++) {
      const bytes = Uint8Array.from({ length: 16 }, () => next() & 0xff);
      if (round % 4 === 0) bytes[0] = 0x0f;
      const ours = decoder.decode((at) => bytes[at] ?? 0, codeSize);
      const iced = new IcedDecoder(codeSize, bytes, DecoderOptions.MovTr);
      const theirs = iced.decode();
      const hex = Buffer.from(bytes).toString('hex');
      const isOld = theirs.cpuidFeatures().every((feature) => FEATURES_386.has(feature));
      if (ours.rowIndex >= 0) {
        const row = instructionRows[ours.rowIndex];
        if (row?.name === 'ESC') continue;
        if (theirs.isInvalid || theirs.length !== ours.length) {
          differences.set(`${row?.opcode} ${row?.name}`, `${hex}: ours ${ours.length}, iced ${theirs.length}`);
        }
      } else if (!theirs.isInvalid && isOld && !OTHERS.test(withoutPrefixes(hex))) {
        differences.set(withoutPrefixes(hex).slice(0, 4), `${hex}: ours invalid, iced ${theirs.length}`);
      }
      theirs.free();
      iced.free();
    }
    expect([...differences].slice(0, 40)).toEqual([]);
  });
});
