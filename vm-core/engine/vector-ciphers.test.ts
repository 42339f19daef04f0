/** AES, SHA, carry-less products and string comparisons: published examples and values by hand (the native oracle has the rest). */
import { afterAll, describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { addFeatures, readVector, runVectors, vectorSlot, writeVector } from './vector-guest.ts';

afterAll(addFeatures('SSE', 'SSE2', 'SSE4.2', 'AESNI', 'PCLMULQDQ', 'SHA'));

/** Runs code with XMM0 and those that follow. */
function run(code: string, registers: readonly string[], lengths: readonly [number, number] = [0, 0]) {
  const { state, vector } = runVectors(code, (machine) => {
    registers.forEach((value, n) => {
      writeVector(machine, vectorSlot(n), value);
    });
    machine.processor.state.write32(slot.EAX, lengths[0]);
    machine.processor.state.write32(slot.EDX, lengths[1]);
  });
  expect(vector).toBeUndefined();
  return state;
}

/** The first byte is the lowest. */
const ofBytes = (text: string) => (text.match(/../g) as string[]).reverse().join('');
const none = '0'.repeat(32);

/** FIPS 197 appendix B: what the first round begins with, its key, and what comes of it without and with mixing and key. */
const begun = ofBytes('193de3bea0f4e22b9ac68d2ae9f84808');
const key = ofBytes('a0fafe1788542cb123a339392a6c7605');
const shifted = ofBytes('d4bf5d30e0b452aeb84111f11e2798e5');
const mixed = ofBytes('046681e5e0cb199a48f8d37a2806264c');
const ended = ofBytes('a49c7ff2689f352b6b5bea43026a5049');

const results: readonly (readonly [name: string, code: string, registers: readonly string[], expected: string])[] = [
  ['AESENC', '660f38dcca', [none, begun, key], ended],
  ['AESENCLAST', '660f38ddca', [none, begun, none], shifted],
  ['AESDECLAST', '660f38dfca', [none, shifted, none], begun],
  ['AESIMC', '660f38dbca', [none, none, mixed], shifted],
  // FIPS 197 appendix A.1: the first expansion of its key.
  [
    ...(['AESKEYGENASSIST', '660f3adfca01', [none, none, ofBytes('2b7e151628aed2a6abf7158809cf4f3c')]] as const),
    ofBytes('34e4b524e5b52434018a84eb8b84eb01'),
  ],
  // Gueron and Kounavis, Intel's white paper on PCLMULQDQ.
  [
    ...(['PCLMULQDQ', '660f3a44ca00'] as const),
    [none, '7b5b54657374566563746f725d53475d', '48692853686179295b477565726f6e5d'],
    '1d4d84c85c3440c0929633d5d36f0451',
  ],
  // FIPS 180-4, the example of "abc": four rounds of SHA-1, two of SHA-256.
  [
    ...(['SHA1RNDS4', '0f3accca00'] as const),
    [none, '67452301efcdab8998badcfe10325476', '25354570000000000000000000000000'],
    'cdd8e11ba1390f08626414dbc045bf0c',
  ],
  [
    ...(['SHA256RNDS2', '0f38cbca'] as const),
    ['000000000000000071374491a3ec9318', '3c6ef372a54ff53a1f83d9ab5be0cd19', '6a09e667bb67ae85510e527f9b05688c'],
    '5a6ad9ad5d6aebcd78ce7989fa2a4622',
  ],
];

it.each(results)('%s computes the published example', (_, code, registers, expected) => {
  expect(readVector(run(code, registers), vectorSlot(1), 16)).toBe(expected);
});

it('AESDEC undoes mixing between rounds', () => {
  // aesimc xmm2,xmm2; aesenc with that key undone: aesdec of what AESENC begins with, against its parts
  const back = readVector(run('660f38dfca', [none, shifted, none]), vectorSlot(1), 16);
  const unmixed = readVector(run('660f38dbca', [none, none, back]), vectorSlot(1), 16);
  expect(readVector(run('660f38deca', [none, shifted, none]), vectorSlot(1), 16)).toBe(unmixed);
});

describe('string comparisons', () => {
  const text = (value: string) => ofBytes(Buffer.from(value.padEnd(16, '\0'), 'latin1').toString('hex'));
  const [CF, ZF, SF, OF] = [1, 0x40, 0x80, 0x800];

  it.each([
    // The first of "sea" is at 0; there is no end in the second register.
    { name: 'any', code: '660f3a63ca00', x: 'xn', y: 'sand and sea one', index: 2, flags: CF | SF },
    { name: 'any, the last', code: '660f3a63ca40', x: 'xn', y: 'sand and sea one', index: 14, flags: CF | SF },
    { name: 'not in a range', code: '660f3a63ca14', x: 'az', y: 'sand and', index: 4, flags: CF | ZF | SF },
    { name: 'differences', code: '660f3a63ca18', x: 'sand', y: 'same', index: 2, flags: CF | ZF | SF },
    { name: 'a part', code: '660f3a63ca0c', x: 'and', y: 'sand and', index: 1, flags: CF | ZF | SF },
    { name: 'a part at the end', code: '660f3a63ca0c', x: 'onex', y: 'sand and sea one', index: 13, flags: CF | SF },
    { name: 'nothing', code: '660f3a63ca00', x: 'q', y: 'sand', index: 16, flags: ZF | SF },
    { name: 'words', code: '660f3a63ca09', x: 'saxxse', y: 'saxxse', index: 0, flags: CF | ZF | SF | OF },
  ])('PCMPISTRI finds $name', ({ code, x, y, index, flags }) => {
    const state = run(code, [none, text(x), text(y)]);
    expect([state.read32(slot.ECX), state.eflags & 0x8d5]).toEqual([index, flags]);
  });

  it('PCMPESTRM makes masks of bits and of bytes, for lengths of either sign', () => {
    const strings = [none, text('an'), text('sand and sea one')];
    expect(readVector(run('660f3a60ca00', strings, [2, 8]), vectorSlot(0), 16)).toBe('66'.padStart(32, '0'));
    expect(readVector(run('660f3a60ca40', strings, [-2, -8]), vectorSlot(0), 16)).toBe(
      '00ffff0000ffff00'.padStart(32, '0'),
    );
    expect(readVector(run('660f3a60ca00', strings, [2, 0x8000_0000]), vectorSlot(0), 16)).toBe(
      '4866'.padStart(32, '0'),
    );
  });
});
