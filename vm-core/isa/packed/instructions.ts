/**
 * The packed instructions that compute a vector from one or two (SDM vol. 1 §5.4, §5.5, §5.6, §5.10 to §5.12): what each
 * does with 128 bits, from which the rows with MMX and XMM registers are made. (A table: exempt from the limit.)
 */
import type { CpuFeature } from '../cpu-feature.ts';
import * as aes from './aes.ts';
import { multiplyCarryless } from './carryless.ts';
import * as integers from './integers.ts';
import {
  ofJoined,
  operation,
  reversed,
  shuffled,
  unary,
  upperHalf,
  type VectorFunction,
  bytesOfLanes,
  joined,
} from './lanes.ts';
import * as sha from './sha.ts';
import * as shuffles from './shuffles.ts';

/** What the operands of an instruction are: a second one alone; both; with an immediate byte. */
export type PackedForm = 'unary' | 'binary' | 'unary immediate' | 'binary immediate';

/** One instruction; the opcode is with its prefix, which the form with MMX registers has not. */
export interface PackedInstruction {
  readonly opcode: string;
  readonly name: string;
  readonly form: PackedForm;
  readonly compute: VectorFunction;
  readonly feature: CpuFeature;
  /** With MMX registers: the feature that brings it, and what it does where that is not the lower half of `compute`. */
  readonly mmx?: {
    readonly feature: CpuFeature;
    readonly compute?: VectorFunction;
    /** Of a memory operand only 32 bits are read. */
    readonly reads32Bits?: boolean;
  };
}

type Entry = readonly [opcode: string, name: string, compute: VectorFunction, mmx?: PackedInstruction['mmx']];

function group(feature: CpuFeature, form: PackedForm, entries: readonly Entry[]): readonly PackedInstruction[] {
  return entries.map(([opcode, name, compute, mmx]) => {
    const common = { opcode: /^(66|NP|F2|F3) /.test(opcode) ? opcode : `66 ${opcode}`, name, form, compute, feature };
    return mmx ? { ...common, mmx } : common;
  });
}

const mmx = { feature: 'MMX' } as const;
const mmxOfSse = { feature: 'SSE' } as const;
const mmxOfSse2 = { feature: 'SSE2' } as const;
const mmxOfSsse3 = { feature: 'SSSE3' } as const;

/** Of MMX operands, both of which become one vector. */
const joining = (compute: VectorFunction, feature: CpuFeature) => ({ feature, compute: ofJoined(compute) });
const unpackingLow = { feature: 'MMX', reads32Bits: true } as const;
/** The upper halves of MMX operands by turns are the upper half of what the lower halves of vectors become. */
const unpackingHigh = (compute: VectorFunction) => ({
  feature: 'MMX' as const,
  compute: ((s, x, y, selector) => upperHalf(s, compute(s, x, y, selector))) satisfies VectorFunction,
});

const arithmetic: readonly PackedInstruction[] = group('SSE2', 'binary', [
  ['0F D4', 'PADDQ', operation('i64x2.add'), mmxOfSse2],
  ['0F D5', 'PMULLW', operation('i16x8.mul'), mmx],
  ['0F D8', 'PSUBUSB', operation('i8x16.sub_sat_u'), mmx],
  ['0F D9', 'PSUBUSW', operation('i16x8.sub_sat_u'), mmx],
  ['0F DA', 'PMINUB', operation('i8x16.min_u'), mmxOfSse],
  ['0F DB', 'PAND', operation('v128.and'), mmx],
  ['0F DC', 'PADDUSB', operation('i8x16.add_sat_u'), mmx],
  ['0F DD', 'PADDUSW', operation('i16x8.add_sat_u'), mmx],
  ['0F DE', 'PMAXUB', operation('i8x16.max_u'), mmxOfSse],
  ['0F DF', 'PANDN', reversed('v128.andnot'), mmx],
  ['0F E0', 'PAVGB', operation('i8x16.avgr_u'), mmxOfSse],
  ['0F E3', 'PAVGW', operation('i16x8.avgr_u'), mmxOfSse],
  ['0F E4', 'PMULHUW', integers.multiplyHigh('u'), mmxOfSse],
  ['0F E5', 'PMULHW', integers.multiplyHigh('s'), mmx],
  ['0F E8', 'PSUBSB', operation('i8x16.sub_sat_s'), mmx],
  ['0F E9', 'PSUBSW', operation('i16x8.sub_sat_s'), mmx],
  ['0F EA', 'PMINSW', operation('i16x8.min_s'), mmxOfSse],
  ['0F EB', 'POR', operation('v128.or'), mmx],
  ['0F EC', 'PADDSB', operation('i8x16.add_sat_s'), mmx],
  ['0F ED', 'PADDSW', operation('i16x8.add_sat_s'), mmx],
  ['0F EE', 'PMAXSW', operation('i16x8.max_s'), mmxOfSse],
  ['0F EF', 'PXOR', operation('v128.xor'), mmx],
  ['0F F4', 'PMULUDQ', integers.multiplyEven('u'), mmxOfSse2],
  ['0F F5', 'PMADDWD', operation('i32x4.dot_i16x8_s'), mmx],
  ['0F F6', 'PSADBW', integers.sumOfDistances, mmxOfSse],
  ['0F F8', 'PSUBB', operation('i8x16.sub'), mmx],
  ['0F F9', 'PSUBW', operation('i16x8.sub'), mmx],
  ['0F FA', 'PSUBD', operation('i32x4.sub'), mmx],
  ['0F FB', 'PSUBQ', operation('i64x2.sub'), mmxOfSse2],
  ['0F FC', 'PADDB', operation('i8x16.add'), mmx],
  ['0F FD', 'PADDW', operation('i16x8.add'), mmx],
  ['0F FE', 'PADDD', operation('i32x4.add'), mmx],
  ['0F 64', 'PCMPGTB', operation('i8x16.gt_s'), mmx],
  ['0F 65', 'PCMPGTW', operation('i16x8.gt_s'), mmx],
  ['0F 66', 'PCMPGTD', operation('i32x4.gt_s'), mmx],
  ['0F 74', 'PCMPEQB', operation('i8x16.eq'), mmx],
  ['0F 75', 'PCMPEQW', operation('i16x8.eq'), mmx],
  ['0F 76', 'PCMPEQD', operation('i32x4.eq'), mmx],
]);

const narrow = (name: Parameters<typeof operation>[0]): readonly [VectorFunction, PackedInstruction['mmx']] => [
  operation(name),
  joining(operation(name), 'MMX'),
];

const unpack = (size: 1 | 2 | 4) => shuffles.interleaved(size, 'low');

const order: readonly PackedInstruction[] = group('SSE2', 'binary', [
  ['0F 60', 'PUNPCKLBW', unpack(1), unpackingLow],
  ['0F 61', 'PUNPCKLWD', unpack(2), unpackingLow],
  ['0F 62', 'PUNPCKLDQ', unpack(4), unpackingLow],
  ['0F 63', 'PACKSSWB', ...narrow('i8x16.narrow_i16x8_s')],
  ['0F 67', 'PACKUSWB', ...narrow('i8x16.narrow_i16x8_u')],
  ['0F 68', 'PUNPCKHBW', shuffles.interleaved(1, 'high'), unpackingHigh(unpack(1))],
  ['0F 69', 'PUNPCKHWD', shuffles.interleaved(2, 'high'), unpackingHigh(unpack(2))],
  ['0F 6A', 'PUNPCKHDQ', shuffles.interleaved(4, 'high'), unpackingHigh(unpack(4))],
  ['0F 6B', 'PACKSSDW', ...narrow('i16x8.narrow_i32x4_s')],
  ['0F 6C', 'PUNPCKLQDQ', joined],
  ['0F 6D', 'PUNPCKHQDQ', shuffles.interleaved(8, 'high')],
]);

const chosen: readonly PackedInstruction[] = [
  ...group('SSE2', 'unary immediate', [
    ['66 0F 70', 'PSHUFD', shuffles.chooseDoublewords],
    ['F3 0F 70', 'PSHUFHW', shuffles.chooseWords('high')],
    ['F2 0F 70', 'PSHUFLW', shuffles.chooseWords('low')],
  ]),
  ...group('SSE', 'binary immediate', [['NP 0F C6', 'SHUFPS', shuffles.combineSingles]]),
  ...group('SSE2', 'binary immediate', [['66 0F C6', 'SHUFPD', shuffles.combineDoubles]]),
];

const ofNumbers = (feature: CpuFeature, prefix: 'NP' | '66', suffix: 'PS' | 'PD') =>
  group(feature, 'binary', [
    [`${prefix} 0F 14`, `UNPCKL${suffix}`, shuffles.interleaved(suffix === 'PS' ? 4 : 8, 'low')],
    [`${prefix} 0F 15`, `UNPCKH${suffix}`, shuffles.interleaved(suffix === 'PS' ? 4 : 8, 'high')],
    [`${prefix} 0F 54`, `AND${suffix}`, operation('v128.and')],
    [`${prefix} 0F 55`, `ANDN${suffix}`, reversed('v128.andnot')],
    [`${prefix} 0F 56`, `OR${suffix}`, operation('v128.or')],
    [`${prefix} 0F 57`, `XOR${suffix}`, operation('v128.xor')],
  ]);

const secondAlone = (lanes: readonly number[]): VectorFunction => {
  const shuffle = shuffled(bytesOfLanes(lanes, 4));
  return (s, _, y, selector) => shuffle(s, y, y, selector);
};

const sse3: readonly PackedInstruction[] = group('SSE3', 'unary', [
  ['F3 0F 12', 'MOVSLDUP', secondAlone([0, 0, 2, 2])],
  ['F3 0F 16', 'MOVSHDUP', secondAlone([1, 1, 3, 3])],
]);

const pairs = (
  size: 2 | 4,
  name: Parameters<typeof integers.neighbours>[1],
): readonly [VectorFunction, PackedInstruction['mmx']] => [
  integers.neighbours(size, name),
  joining(integers.neighbours(size, name), 'SSSE3'),
];

const ssse3: readonly PackedInstruction[] = [
  ...group('SSSE3', 'binary', [
    ['0F 38 00', 'PSHUFB', shuffles.byNumbers(0x8f), { ...mmxOfSsse3, compute: shuffles.byNumbers(0x87) }],
    ['0F 38 01', 'PHADDW', ...pairs(2, 'i16x8.add')],
    ['0F 38 02', 'PHADDD', ...pairs(4, 'i32x4.add')],
    ['0F 38 03', 'PHADDSW', ...pairs(2, 'i16x8.add_sat_s')],
    ['0F 38 04', 'PMADDUBSW', integers.multiplyBytes, mmxOfSsse3],
    ['0F 38 05', 'PHSUBW', ...pairs(2, 'i16x8.sub')],
    ['0F 38 06', 'PHSUBD', ...pairs(4, 'i32x4.sub')],
    ['0F 38 07', 'PHSUBSW', ...pairs(2, 'i16x8.sub_sat_s')],
    ['0F 38 08', 'PSIGNB', integers.signed('i8x16'), mmxOfSsse3],
    ['0F 38 09', 'PSIGNW', integers.signed('i16x8'), mmxOfSsse3],
    ['0F 38 0A', 'PSIGND', integers.signed('i32x4'), mmxOfSsse3],
    ['0F 38 0B', 'PMULHRSW', integers.multiplyRounded, mmxOfSsse3],
  ]),
  ...group('SSSE3', 'unary', [
    ['0F 38 1C', 'PABSB', unary('i8x16.abs'), mmxOfSsse3],
    ['0F 38 1D', 'PABSW', unary('i16x8.abs'), mmxOfSsse3],
    ['0F 38 1E', 'PABSD', unary('i32x4.abs'), mmxOfSsse3],
  ]),
  ...group('SSSE3', 'binary immediate', [
    ['0F 3A 0F', 'PALIGNR', shuffles.aligned, { ...mmxOfSsse3, compute: shuffles.alignedHalves }],
  ]),
];

const sse4: readonly PackedInstruction[] = [
  ...group('SSE4.1', 'binary', [
    ['0F 38 28', 'PMULDQ', integers.multiplyEven('s')],
    ['0F 38 29', 'PCMPEQQ', operation('i64x2.eq')],
    ['0F 38 2B', 'PACKUSDW', operation('i16x8.narrow_i32x4_u')],
    ['0F 38 38', 'PMINSB', operation('i8x16.min_s')],
    ['0F 38 39', 'PMINSD', operation('i32x4.min_s')],
    ['0F 38 3A', 'PMINUW', operation('i16x8.min_u')],
    ['0F 38 3B', 'PMINUD', operation('i32x4.min_u')],
    ['0F 38 3C', 'PMAXSB', operation('i8x16.max_s')],
    ['0F 38 3D', 'PMAXSD', operation('i32x4.max_s')],
    ['0F 38 3E', 'PMAXUW', operation('i16x8.max_u')],
    ['0F 38 3F', 'PMAXUD', operation('i32x4.max_u')],
    ['0F 38 40', 'PMULLD', operation('i32x4.mul')],
  ]),
  ...group('SSE4.1', 'unary', [['0F 38 41', 'PHMINPOSUW', integers.smallestWord]]),
  ...group('SSE4.1', 'binary immediate', [
    ['0F 3A 0C', 'BLENDPS', shuffles.blended(2)],
    ['0F 3A 0D', 'BLENDPD', shuffles.blended(4)],
    ['0F 3A 0E', 'PBLENDW', shuffles.blended(1)],
    ['0F 3A 42', 'MPSADBW', integers.movingDistances],
  ]),
  ...group('SSE4.2', 'binary', [['0F 38 37', 'PCMPGTQ', operation('i64x2.gt_s')]]),
];

const ciphers: readonly PackedInstruction[] = [
  ...group('AESNI', 'unary', [['0F 38 DB', 'AESIMC', aes.inverseMixColumns]]),
  ...group('AESNI', 'binary', [
    ['0F 38 DC', 'AESENC', aes.encryptRound(false)],
    ['0F 38 DD', 'AESENCLAST', aes.encryptRound(true)],
    ['0F 38 DE', 'AESDEC', aes.decryptRound(false)],
    ['0F 38 DF', 'AESDECLAST', aes.decryptRound(true)],
  ]),
  ...group('AESNI', 'unary immediate', [['0F 3A DF', 'AESKEYGENASSIST', aes.assistKey]]),
  ...group('PCLMULQDQ', 'binary immediate', [['0F 3A 44', 'PCLMULQDQ', multiplyCarryless]]),
];

const digests: readonly PackedInstruction[] = [
  ...group('SHA', 'binary', [
    ['NP 0F 38 C8', 'SHA1NEXTE', sha.sha1NextE],
    ['NP 0F 38 C9', 'SHA1MSG1', sha.sha1Message1],
    ['NP 0F 38 CA', 'SHA1MSG2', sha.sha1Message2],
    ['NP 0F 38 CB', 'SHA256RNDS2', sha.sha256Rounds],
    ['NP 0F 38 CC', 'SHA256MSG1', sha.sha256Message1],
    ['NP 0F 38 CD', 'SHA256MSG2', sha.sha256Message2],
  ]),
  ...group('SHA', 'binary immediate', [['NP 0F 3A CC', 'SHA1RNDS4', sha.sha1Rounds]]),
];

/** All of them; PSHUFW, which has no form with XMM registers, is not among them. */
export const packedInstructions: readonly PackedInstruction[] = [
  ...arithmetic,
  ...order,
  ...chosen,
  ...ofNumbers('SSE', 'NP', 'PS'),
  ...ofNumbers('SSE2', '66', 'PD'),
  ...sse3,
  ...ssse3,
  ...sse4,
  ...ciphers,
  ...digests,
];
