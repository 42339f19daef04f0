/** Packed instructions: values by hand, the state of the x87 under MMX, alignment (SDM vol. 2B; the native oracle has the rest). */
import { afterAll, describe, expect, it } from 'vitest';
import { slot } from '../state/layout.ts';
import { addFeatures, mmxSlot, readVector, runVectors, vectorSlot, writeVector } from './vector-guest.ts';

const PLACE = 0x600;

afterAll(addFeatures('MMX', 'SSE', 'SSE2', 'SSSE3', 'SSE4.1'));

const X = '80007fff000100ff0123456789abcdef';
const Y = '800000020003ff01fedcba9876543210';

/** XMM1 and XMM2, or MM1 and MM2, are X and Y; the first becomes this, which a calculator has found. */
const results: readonly (readonly [name: string, code: string, xmm: string, mmx?: string])[] = [
  ['PADDUSB', '0fdcca', 'ff007fff0004ffffffffffffffffffff', 'ffffffffffffffff'],
  ['PMULHW', '0fe5ca', '400000000000fffffffeed2fc94df635', 'fffeed2fc94df635'],
  ['PACKSSWB', '0f63ca', '8002038080807f7f807f017f7f7f8080', '80807f7f7f7f8080'],
  ['PACKUSWB', '0f67ca', '000203000000ffff00ff01ffffff0000', '0000ffffffff0000'],
  ['PUNPCKHBW', '0f68ca', '80800000007f02ff00000301ff0001ff', 'fe01dc23ba459867'],
  ['PMADDWD', '0ff5ca', '4000fffeffff0202ed2dbf3cbf838b0c', 'ed2dbf3cbf838b0c'],
  ['PSADBW', '0ff6ca', '000000000000037b0000000000000440', '0000000000000440'],
  ['PSHUFB', '0f3800ca', '00efefabef8900cd000000002367abef', '000000002367abef'],
  ['PHSUBSW', '0f3807ca', '7ffffefebbbcbbbc7fff00fe44444444', 'bbbcbbbc44444444'],
  ['PMULHRSW', '0f380bca', '800000020000fffefffdda5e929cec6b', 'fffdda5e929cec6b'],
  ['PALIGNR', '0f3a0fca05', '6789abcdef800000020003ff01fedcba', '6789abcdeffedcba'],
  ['PSHUFD, PSHUFW', '0f70ca1b', '76543210fedcba980003ff0180000002', '32107654ba98fedc'],
  ['PSIGNW', '0f3809ca', '80007fff0001ff01feddba9989abcdef', 'feddba9989abcdef'],
  ['PSRAW', '0f71e104', 'f80007ff0000000f00120456f89afcde', '00120456f89afcde'],
  ['PBLENDW', '0f3a0ecaa5', '80007fff000300ff0123ba9889ab3210'],
  ['MPSADBW', '0f3a42ca06', '007d027a020101ff0004021c02210141'],
  ['PHMINPOSUW', '0f3841ca', '00000000000000000000000000060002'],
  ['PSLLDQ', '0f73f903', 'ff000100ff0123456789abcdef000000'],
];

describe('packed instructions', () => {
  it.each(results)('%s computes XMM registers', (_, code, expected) => {
    const { state, vector } = runVectors(`66${code}`, (machine) => {
      writeVector(machine, vectorSlot(1), X);
      writeVector(machine, vectorSlot(2), Y);
    });
    expect(vector).toBeUndefined();
    expect(readVector(state, vectorSlot(1), 16)).toBe(expected);
  });

  const ofMmx = results.flatMap(([name, code, , expected]) => (expected ? [{ name, code, expected }] : []));
  it.each(ofMmx)('$name computes MMX registers', ({ code, expected }) => {
    const { state, vector } = runVectors(code, (machine) => {
      writeVector(machine, mmxSlot(1), X.slice(16));
      writeVector(machine, mmxSlot(2), Y.slice(16));
      machine.processor.state.write16(slot.FSW, 0x7a00);
      machine.processor.state.write8(slot.FTW, 5);
    });
    expect(vector).toBeUndefined();
    expect(readVector(state, mmxSlot(1), 10)).toBe(`ffff${expected}`);
    // The top of the stack is register 0, and all are in use; the condition codes stay.
    expect(state.read16(slot.FSW)).toBe(0x4200);
    expect(state.read8(slot.FTW)).toBe(0xff);
  });

  it('shift by counts of 64 bits', () => {
    // psllw xmm1,xmm2: FFFFh shifted by 15, 16 and 2^32.
    for (const [count, expected] of [
      ['000000000000000f', '8000'],
      ['0000000000000010', '0000'],
      ['0000000100000000', '0000'],
    ] as const) {
      const { state } = runVectors('660ff1ca', (machine) => {
        writeVector(machine, vectorSlot(1), 'f'.repeat(32));
        writeVector(machine, vectorSlot(2), 'f'.repeat(16) + count);
      });
      expect(readVector(state, vectorSlot(1), 16)).toBe(expected.repeat(8));
    }
  });

  it.each([
    { name: 'of 128 bits must be aligned', code: '660ffc0e0806', vector: 13 },
    { name: 'of 128 bits', code: '660ffc0e0006', vector: undefined },
    { name: 'of 64 bits', code: '0ffc0e0306', vector: undefined },
  ])('take memory: $name', ({ code, vector }) => {
    const result = runVectors(code, ({ map }) => {
      for (let n = 0; n < 32; n++) map.write(PLACE + n, 1, n);
    });
    expect(result.vector).toBe(vector);
    if (vector !== undefined) expect(readVector(result.state, vectorSlot(1), 16)).toBe('0'.repeat(32));
    else if (code.startsWith('66')) expect(readVector(result.state, vectorSlot(1), 4)).toBe('03020100');
    else expect(readVector(result.state, mmxSlot(1), 8)).toBe('0a09080706050403');
  });

  it('wait for exceptions of the x87 before they change anything', () => {
    const { state, vector } = runVectors('0ffcca', (machine) => {
      machine.processor.state.write32(slot.CR0, machine.processor.state.read32(slot.CR0) | 0x20);
      machine.processor.state.write16(slot.FSW, 0xb881);
    });
    expect(vector).toBe(16);
    expect(state.read16(slot.FSW)).toBe(0xb881);
  });
});
