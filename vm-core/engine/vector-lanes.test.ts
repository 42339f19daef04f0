/** Lanes in and out of vectors, masks, moves of parts, EMMS: values by hand (the native oracle has the rest). */
import { afterAll, describe, expect, it } from 'vitest';
import { DS, slot } from '../state/layout.ts';
import { addFeatures, mmxSlot, readVector, runVectors, vectorSlot, writeVector } from './vector-guest.ts';

afterAll(addFeatures('MMX', 'SSE', 'SSE2', 'SSE3', 'SSE4.1'));

const X = '0f0e0d0c0b0a09080706050403020100';
const Y = '8f7e8d7c8b7a89788776857483728170';

/** XMM1 and XMM2 are X and Y, EAX is 89ABCDEFh, memory at 600h counts from A0h. */
function run(code: string) {
  return runVectors(code, (machine) => {
    writeVector(machine, vectorSlot(1), X);
    writeVector(machine, vectorSlot(2), Y);
    writeVector(machine, vectorSlot(0), '80007fff8000000080ff000000008000');
    machine.processor.state.write32(slot.EAX, 0x89ab_cdef);
    for (let n = 0; n < 32; n++) machine.map.write(0x600 + n, 1, 0xa0 + n);
  });
}

describe('lanes', () => {
  it.each([
    ['PINSRB', '660f3a20c813', '0f0e0d0c0b0a090807060504ef020100'],
    ['PINSRB from memory', '660f3a200e01060f', 'a10e0d0c0b0a09080706050403020100'],
    ['PINSRW', '660fc4c80a', '0f0e0d0c0b0a09080706cdef03020100'],
    ['PINSRD', '660f3a22c802', '0f0e0d0c89abcdef0706050403020100'],
    ['INSERTPS', '660f3a21ca91', '0f0e0d0c0b0a09088b7a897800000000'],
    ['INSERTPS from memory', '660f3a210e000628', '00000000a3a2a1a00706050403020100'],
    ['PBLENDVB', '660f3810ca', '8f0e0d7c8b0a09088776050403028100'],
    ['BLENDVPS', '660f3814ca', '8f7e8d7c8b7a89788776857403020100'],
    ['PMOVSXBD', '660f3821ca', 'ffffff8300000072ffffff8100000070'],
    ['PMOVZXWQ from memory', '660f38340e0206', '000000000000a5a4000000000000a3a2'],
    ['MOVHLPS', '0f12ca', '0f0e0d0c0b0a09088f7e8d7c8b7a8978'],
    ['MOVLHPS', '0f16ca', '87768574837281700706050403020100'],
    ['MOVSS', 'f30f10ca', '0f0e0d0c0b0a09080706050483728170'],
    ['MOVSS from memory', 'f30f100e0106', '000000000000000000000000a4a3a2a1'],
    ['MOVDDUP from memory', 'f20f120e0106', 'a8a7a6a5a4a3a2a1a8a7a6a5a4a3a2a1'],
    ['MOVQ', 'f30f7eca', '00000000000000008776857483728170'],
    ['MOVD', '660f6ec8', '00000000000000000000000089abcdef'],
  ])('%s', (_, code, expected) => {
    const { state, vector } = run(code);
    expect(vector).toBeUndefined();
    expect(readVector(state, vectorSlot(1), 16)).toBe(expected);
  });

  it.each([
    ['PEXTRB', '660f3a14c81d', 0x0d],
    ['PEXTRW', '660fc5c109', 0x0302],
    ['PEXTRD', '660f3a16c803', 0x0f0e0d0c],
    ['EXTRACTPS', '660f3a17c801', 0x07060504],
    ['PMOVMSKB', '660fd7c2', 0xaaaa],
    ['MOVMSKPD', '660f50c2', 3],
    ['MOVD', '660f7ec8', 0x03020100],
  ])('%s', (_, code, expected) => {
    const { state, vector } = run(code);
    expect(vector).toBeUndefined();
    expect(state.read32(slot.EAX)).toBe(expected);
  });

  it('PTEST tells of bits that both have, and of those that are missing', () => {
    // ptest xmm1,xmm1; ptest xmm1,xmm3, which is 0; ptest xmm3,xmm1
    for (const [code, flags] of [
      ['660f3817c9', 1],
      ['660f3817cb', 0x41],
      ['660f3817d9', 0x40],
    ] as const) {
      expect(run(code).state.eflags & 0x8d5).toBe(flags);
    }
  });

  it('MASKMOVDQU stores the bytes whose mask has its top bit set', () => {
    // maskmovdqu xmm1,xmm2, DI being 600h
    const { machine, vector } = runVectors('bf0006660ff7ca', (machine) => {
      writeVector(machine, vectorSlot(1), X);
      writeVector(machine, vectorSlot(2), Y);
      for (let n = 0; n < 16; n++) machine.map.write(0x600 + n, 1, 0xa0 + n);
    });
    expect(vector).toBeUndefined();
    for (let n = 0; n < 16; n++) expect(machine.map.read(0x600 + n, 1)).toBe(n % 2 === 0 ? 0xa0 + n : n);
  });

  it('MASKMOVDQU goes on behind 64 KiB where the segment does, also with addresses of 16 bits', () => {
    // maskmovdqu xmm1,xmm1, DI being 0FFF8h
    const { machine, vector } = runVectors('bff8ff660ff7c9', (machine) => {
      const { state } = machine.processor;
      state.setSegment(DS, { ...state.segment(DS), limit: 0xffff_ffff });
      writeVector(machine, vectorSlot(1), 'ff'.repeat(16));
      for (const at of [0, 0xfff8, 0x1_0000]) machine.map.write(at, 4, 0x1234_5678);
    });
    expect(vector).toBeUndefined();
    expect([0, 0xfff8, 0x1_0000].map((at) => machine.map.read(at, 4) >>> 0)).toEqual([
      0x1234_5678, 0xffff_ffff, 0xffff_ffff,
    ]);
  });

  it('EMMS leaves all registers of the x87 empty', () => {
    const { state } = runVectors('0f6ec80f77', (machine) => machine.processor.state.write16(slot.FSW, 0x3800));
    expect([state.read8(slot.FTW), state.read16(slot.FSW)]).toEqual([0, 0]);
    expect(readVector(state, mmxSlot(1), 10)).toBe('ffff0000000000000000');
  });
});
