/** AVX: halves, zeros above, lanes that a mask keeps from faulting, and what XCR0 forbids. */
import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../isa/cpu-model.ts';
import { Decoder } from '../isa/decoder.ts';
import { instructionRows } from '../isa/instruction-table.ts';
import type { OperandSize } from '../isa/operand.ts';
import { CR0_PE, CR4_OSFXSR, CR4_OSXSAVE, CR4_PAE } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { LongGuest } from './long-guest.ts';
import { readVector, runVectors, vectorSlot, writeVector } from './vector-guest.ts';

const LOW = 0x0000_0004_0000_0003_0000_0002_0000_0001n;
const HIGH = 0x0000_0008_0000_0007_0000_0006_0000_0005n;
const of = (low: bigint, high: bigint) => low | (high << 128n);

/** Runs code with YMM1 of small numbers, YMM2 with their halves exchanged, YMM0 of ones. */
function run(code: string, prepare: (guest: LongGuest) => void = () => {}): { guest: LongGuest; end: string } {
  const guest = new LongGuest(Uint8Array.from(`${code} f4`.split(' '), (digits) => Number.parseInt(digits, 16)));
  guest.set('CR4', BigInt(CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE));
  guest.set('XCR0', 7n);
  guest.set('YMM0', 2n ** 256n - 1n);
  guest.set('YMM1', of(LOW, HIGH));
  guest.set('YMM2', of(HIGH, LOW));
  prepare(guest);
  guest.machine.processor.refresh();
  return { guest, end: guest.runToHalt() };
}

it.each([
  { name: 'vpaddd ymm0,ymm1,ymm2', code: 'c5 f5 fe c2', result: of(LOW + HIGH, LOW + HIGH) },
  { name: 'vpaddd xmm0,xmm1,xmm2', code: 'c5 f1 fe c2', result: LOW + HIGH },
  { name: 'vperm2f128 ymm0,ymm1,ymm2,21h', code: 'c4 e3 75 06 c2 21', result: of(HIGH, HIGH) },
  { name: 'vperm2f128 ymm0,ymm1,ymm2,80h', code: 'c4 e3 75 06 c2 80', result: LOW },
  { name: 'vextracti128 xmm0,ymm1,1', code: 'c4 e3 7d 39 c8 01', result: HIGH },
  { name: 'vpermd ymm0,ymm1,ymm2', code: 'c4 e2 75 36 c2', result: undefined },
  { name: 'vzeroupper', code: 'c5 f8 77', result: 2n ** 128n - 1n },
])('$name', ({ code, result }) => {
  const { guest, end } = run(code);
  expect(end).toBe('program');
  // Numbers 1 to 8 modulo 8 of 5, 6, 7, 8, 1, 2, 3, 4.
  const permuted = of(0x0000_0001_0000_0008_0000_0007_0000_0006n, 0x0000_0005_0000_0004_0000_0003_0000_0002n);
  expect(guest.get('YMM0')).toBe(result ?? permuted);
});

it('reads no lane whose mask is clear: what is not mapped there does not matter', () => {
  const masked = 'c4 e2 71 2c 07'; // vmaskmovps xmm0,xmm1,[rdi]
  const prepare = (mask: bigint) => (guest: LongGuest) => {
    guest.map(0x21000n, 0x21000, 0);
    guest.set('RDI', 0x20ff8n);
    guest.write64(0x20ff8, 0x2222_2222_1111_1111n);
    guest.set('XMM1', mask);
  };
  const { guest, end } = run(masked, prepare(0x8000_0000_0000_0000n));
  expect([end, guest.get('YMM0')]).toEqual(['program', 0x2222_2222_0000_0000n]);
  const faulting = run(masked, prepare(0x8000_0000n << 64n));
  expect([faulting.end, faulting.guest.get('CR2'), faulting.guest.get('YMM0')]).toEqual([
    ...['vector 14', 0x21000n, 2n ** 256n - 1n],
  ]);
});

it.each([
  ['without its state in XCR0', 3n, BigInt(CR4_PAE | CR4_OSXSAVE)],
  ['without CR4.OSXSAVE', 7n, BigInt(CR4_PAE)],
])('is invalid %s', (_, xcr0, control4) => {
  const { end } = run('c5 f8 77', (guest) => {
    guest.set('XCR0', xcr0);
    guest.set('CR4', control4);
  });
  expect(end).toBe('vector 6');
});

it('is invalid in real mode', () => {
  const { vector } = runVectors('c5f877', ({ processor: { state } }) => {
    state.write32(slot.CR4, CR4_OSFXSR | CR4_OSXSAVE);
    state.write32(slot.XCR0, 7);
  });
  expect(vector).toBe(6);
});

describe('VEX.W1 of what moves a doubleword, outside of 64-bit mode', () => {
  const decodedName = (model: CpuModel, bytes: readonly number[], mode: OperandSize) =>
    instructionRows[new Decoder(model).decode((at) => bytes[at] ?? 0, mode).rowIndex]?.name;

  it.each([
    { name: 'vpextrd ecx,xmm1,3', w0: 'c4e37916c903', w1: 'c4e3f916c903' },
    { name: 'vpinsrd xmm1,xmm1,ebx,2', w0: 'c4e37122cb02', w1: 'c4e3f122cb02' },
  ])('is W0 on Intel and invalid on AMD: $name', ({ w0, w1 }) => {
    const results = [w0, w1].map((code) => {
      const { state, vector } = runVectors(code, (machine) => {
        const before = machine.processor.state;
        before.write32(slot.CR0, before.read32(slot.CR0) | CR0_PE);
        before.write32(slot.CR4, CR4_OSFXSR | CR4_OSXSAVE);
        before.write32(slot.XCR0, 7);
        before.write32(slot.EBX, 0x89ab_cdef);
        writeVector(machine, vectorSlot(1), '44444444333333332222222211111111');
      });
      return [vector, state.read32(slot.ECX) >>> 0, readVector(state, vectorSlot(1), 16)];
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[0]).not.toEqual([undefined, 0, '44444444333333332222222211111111']);
    expect(results[0]?.[0]).toBeUndefined();
    const [narrow, wide] = [w0, w1].map((code) => [...Buffer.from(code, 'hex')]) as [number[], number[]];
    for (const mode of [16, 32] as const) {
      expect(decodedName('skylake', wide, mode)).toBe(decodedName('amd-zen', narrow, mode));
      expect(decodedName('amd-zen', wide, mode)).toBeUndefined();
    }
    expect(decodedName('amd-zen', wide, 64)).toMatch(/Q$/);
  });
});

describe('a gather', () => {
  const gather = 'c4 e2 61 92 0c 97'; // vgatherdps xmm1,[rdi+xmm2*4],xmm3
  const prepare = (guest: LongGuest) => {
    guest.map(0x21000n, 0x21000, 0);
    guest.set('RDI', 0x20ff8n);
    guest.write64(0x20ff8, 0x2222_2222_1111_1111n);
    guest.write64(0x21000, 0x4444_4444_3333_3333n);
    guest.set('YMM1', 2n ** 256n - 1n);
    guest.set('YMM2', 0x0000_0000_0000_0003_0000_0000_0000_0001n);
    guest.set('YMM3', (1n << 255n) | 0x8000_0000_8000_0000_8000_0000_8000_0000n);
  };

  it('that faults keeps the elements before, and goes on behind them', () => {
    // Indices 1, 0, 3, 0: the third lies on a page that is not there.
    const { guest, end } = run(gather, prepare);
    expect([end, guest.get('CR2')]).toEqual(['vector 14', 0x21004n]);
    expect(guest.get('XMM1')).toBe(0xffff_ffff_ffff_ffff_1111_1111_2222_2222n);
    // What is left of the mask is all ones, and its upper half zero (SDM vol. 2C VPGATHERDD).
    expect(guest.get('YMM3')).toBe(0xffff_ffff_ffff_ffffn << 64n);
    guest.map(0x21000n, 0x21000);
    guest.write64(0x20ff8, 0x5555_5555_5555_5555n);
    guest.set('RIP', 0x7000n);
    guest.machine.processor.translations.flushAll();
    guest.machine.processor.refresh();
    expect(guest.runToHalt()).toBe('program');
    expect(guest.get('YMM1')).toBe(0x5555_5555_4444_4444_1111_1111_2222_2222n);
    expect(guest.get('YMM3')).toBe(0n);
  });

  it('that is stepped gives way to the trap for the elements that it has', () => {
    const { end, guest } = run(gather, (stepped) => {
      prepare(stepped);
      stepped.set('EFLAGS', 0x102n);
    });
    expect(end).toBe('vector 1');
    expect(guest.get('XMM1')).toBe(0xffff_ffff_ffff_ffff_1111_1111_2222_2222n);
  });

  it.each([
    ['the mask is the result', 'c4 e2 71 92 0c 97'],
    ['the indices are the result', 'c4 e2 61 92 14 97'],
    ['the indices are the mask', 'c4 e2 69 92 0c 97'],
    ['there is no SIB byte', 'c4 e2 61 92 0f'],
  ])('is invalid where %s', (_, code) => {
    expect(run(code, prepare).end).toBe('vector 6');
  });
});
