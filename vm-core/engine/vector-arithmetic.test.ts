/** Floating-point arithmetic on vectors: results, the exceptions in MXCSR, and the faults of those that are not masked. */
import { describe, expect, it } from 'vitest';
import type { CpuModel } from '../isa/cpu-model.ts';
import { CR4_OSFXSR, CR4_OSXMMEXCPT } from '../state/control-bits.ts';
import { slot } from '../state/layout.ts';
import { findRegister, type Register } from '../state/register-table.ts';
import { programMachine } from './guest-program.ts';

const HLT = 0xf4;
const [XMM0, XMM1] = ['XMM0', 'XMM1'].map(findRegister) as [Register, Register];
const MASKED = 0x1f80;
const [INVALID, ZERO_DIVIDE, INEXACT] = [1, 4, 0x20];

const bits32 = (value: number) => BigInt(new Uint32Array(Float32Array.of(value).buffer)[0] as number);
const singles = (...values: readonly number[]) =>
  values.reduce((sum, value, n) => sum | (bits32(value) << BigInt(32 * n)), 0n);
const doubles = (low: number, high: number) => {
  const [first, second] = new BigUint64Array(Float64Array.of(low, high).buffer) as unknown as [bigint, bigint];
  return first | (second << 64n);
};

/** Runs one instruction with XMM0 and XMM1. */
function run(
  code: readonly number[],
  x: bigint,
  y: bigint,
  mxcsr: number,
  control4: number = CR4_OSFXSR | CR4_OSXMMEXCPT,
  model: CpuModel = 'max',
) {
  const { processor, loop } = programMachine([...code, HLT], undefined, model);
  const { state } = processor;
  state.write32(slot.CR4, control4);
  state.writeRegister(XMM0, x);
  state.writeRegister(XMM1, y);
  state.write32(slot.MXCSR, mxcsr);
  processor.refresh();
  loop.stopOnExceptions = new Set([6, 7, 13, 19]);
  const result = loop.run({ instructionsMax: 10 });
  return {
    vector: result.reason === 'exception' ? result.event.vector : undefined,
    result: state.readRegister(XMM0),
    mxcsr: state.read32(slot.MXCSR),
    flags: state.eflags & 0x8d5,
  };
}

const ADDPS = [0x0f, 0x58, 0xc1];
const DIVPS = [0x0f, 0x5e, 0xc1];
const ADDSD = [0xf2, 0x0f, 0x58, 0xc1];
const HSUBPD = [0x66, 0x0f, 0x7d, 0xc1];
const CVTPD2DQ = [0xf2, 0x0f, 0xe6, 0xc1];
const CVTSI2SS_EAX = [0xf3, 0x66, 0x0f, 0x2a, 0xc0];
const ROUNDPS = [0x66, 0x0f, 0x3a, 0x08, 0xc1];
const DPPS = [0x66, 0x0f, 0x3a, 0x40, 0xc1];
const COMISS = [0x0f, 0x2f, 0xc1];

describe('arithmetic on vectors', () => {
  it.each([
    { name: 'by the host', mxcsr: MASKED | INEXACT },
    { name: 'exactly', mxcsr: MASKED },
  ])('computes $name', ({ mxcsr }) => {
    const sums = run(ADDPS, singles(1, 2, 3, -4), singles(0.5, -2, 2 ** 24, 4), mxcsr);
    expect(sums.result).toBe(singles(1.5, 0, 2 ** 24 + 4, 0));
    expect(sums.mxcsr).toBe(MASKED | INEXACT);
    expect(run(ADDSD, doubles(1, 7), doubles(2, 9), mxcsr).result).toBe(doubles(3, 7));
    expect(run(HSUBPD, doubles(5, 3), doubles(1, 4), mxcsr)).toMatchObject({ result: doubles(2, -3), mxcsr });
  });

  it('tells of exceptions that are masked, and of those of all lanes', () => {
    const { result, mxcsr } = run(DIVPS, singles(1, 0, 1, 6), singles(0, 0, 3, 3), MASKED);
    expect(result & 0xffff_ffffn).toBe(bits32(Number.POSITIVE_INFINITY));
    expect((result >> 32n) & 0xffff_ffffn).toBe(0xffc0_0000n);
    expect(mxcsr).toBe(MASKED | INVALID | ZERO_DIVIDE | INEXACT);
  });

  it.each([
    { control4: CR4_OSFXSR | CR4_OSXMMEXCPT, vector: 19 },
    { control4: CR4_OSFXSR, vector: 6 },
  ])('faults where one is not masked, with vector $vector', ({ control4, vector }) => {
    const x = singles(1, 1, 1, 1);
    const masks = MASKED & ~(ZERO_DIVIDE << 7);
    const found = run(DIVPS, x, singles(0, 3, 3, 3), masks, control4);
    // The quotients that are inexact are not computed.
    expect(found).toMatchObject({ vector, result: x, mxcsr: masks | ZERO_DIVIDE });
  });

  it('compares into EFLAGS', () => {
    const [ZF, PF, CF] = [0x40, 4, 1];
    const flagsOf = (x: number, y: number) => run(COMISS, singles(x), singles(y), MASKED).flags;
    expect([flagsOf(2, 1), flagsOf(1, 2), flagsOf(0, -0), flagsOf(1, Number.NaN)]).toEqual([0, CF, ZF, ZF | PF | CF]);
  });

  it('converts to integers as MXCSR rounds, and tells what does not fit', () => {
    const upward = MASKED | 0x4000;
    expect(run(CVTPD2DQ, ~0n, doubles(2.5, -2.5), MASKED).result).toBe(0xffff_fffe_0000_0002n);
    expect(run(CVTPD2DQ, ~0n, doubles(2.5, -2.5), upward).result).toBe(0xffff_fffe_0000_0003n);
    const beyond = run(CVTPD2DQ, ~0n, doubles(2 ** 31, 1), MASKED);
    expect(beyond).toMatchObject({ result: 0x1_8000_0000n, mxcsr: MASKED | INVALID });
  });

  it('rounds by its immediate byte, or by MXCSR, and tells of it or not', () => {
    const x = singles(1.5, -1.5, 2.5, 3);
    const [down, byMxcsr, silently] = [1, 4, 8];
    const rounded = (immediate: number) => run([...ROUNDPS, immediate], 0n, x, MASKED | 0x4000);
    expect(rounded(down)).toMatchObject({ result: singles(1, -2, 2, 3), mxcsr: MASKED | 0x4000 | INEXACT });
    expect(rounded(byMxcsr | silently)).toMatchObject({ result: singles(2, -1, 3, 3), mxcsr: MASKED | 0x4000 });
  });

  it('sums products of the lanes that are named, into those that are', () => {
    const sum = (immediate: number) =>
      run([...DPPS, immediate], singles(1, 2, 3, 4), singles(5, 6, Number.NaN, 8), MASKED).result;
    expect(sum(0xb5)).toBe(singles(49, 0, 49, 0));
    expect(sum(0xf6)).toBe(singles(0, Number.NaN, Number.NaN, 0));
  });

  it('takes an integer from a general register', () => {
    expect(run(CVTSI2SS_EAX, singles(7, 8), 0n, MASKED).result).toBe(singles(0, 8));
  });

  it('loads no reserved bits into MXCSR', () => {
    // push a doubleword (66 68), then ldmxcsr [bp], of which SP is a copy
    const load = (value: number, model?: CpuModel) => {
      const bytes = [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
      return run([0x66, 0x68, ...bytes, 0x89, 0xe5, 0x0f, 0xae, 0x56, 0x00], 0n, 0n, MASKED, CR4_OSFXSR, model);
    };
    expect(load(0xffff)).toMatchObject({ vector: undefined, mxcsr: 0xffff });
    expect(load(0x1_1f80)).toMatchObject({ vector: 13, mxcsr: MASKED });
    // DAZ came with later processors: MXCSR_MASK of the Pentium III has not got it.
    expect(load(0xffbf, 'pentium3')).toMatchObject({ vector: undefined, mxcsr: 0xffbf });
    expect(load(0x1fc0, 'pentium3')).toMatchObject({ vector: 13, mxcsr: MASKED });
  });
});
