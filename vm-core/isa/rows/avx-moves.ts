/** Moves, broadcasts and moves by a mask with VEX prefixes (SDM vol. 1 §14.3, §14.7; vol. 2C). */
import { slot, vectorSlots } from '../../state/layout.ts';
import type { Value } from '../../wasm/function-builder.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { type Operand, UPPER_HALF, type UnitOperand } from '../operand.ts';
import { bytesOfLanes } from '../packed/lanes.ts';
import type { Semantics } from '../semantics.ts';
import { put, vectors, vexOpcode, vexRow256, vexRows } from '../vex.ts';

const first = (s: Semantics, operand: UnitOperand | undefined): Value => vectors(s, operand)[0] as Value;

const moveAligned: UnitSemanticsFunction = (s, to, from) => put(s, to, vectors(s, from, 'aligned'), 'aligned');
const moveUnaligned: UnitSemanticsFunction = (s, to, from) => put(s, to, vectors(s, from));

/** Lanes of two vectors, by their numbers. */
const lanesOf =
  (bytes: 4 | 8, ...lanes: readonly number[]): UnitSemanticsFunction =>
  (s, to, x, y) => {
    const second = first(s, y);
    put(s, to, [s.f.shuffle(first(s, x), second, bytesOfLanes(lanes, bytes))]);
  };

const storeUpperHalf: UnitSemanticsFunction = (s, to, from) => {
  const x = first(s, from);
  put(s, to, [s.f.shuffle(x, x, bytesOfLanes([1, 1], 8))]);
};

/** MOVQ: the lower half, with zeros above. */
const moveLowerHalf: UnitSemanticsFunction = (s, to, from) =>
  put(s, to, [s.f.shuffle(first(s, from), s.f.v128(0n, 0n), bytesOfLanes([0, 2], 8))]);

const duplicateLower: UnitSemanticsFunction = (s, to, from) =>
  put(
    s,
    to,
    vectors(s, from).map((half) => s.f.shuffle(half, half, bytesOfLanes([0, 0], 8))),
  );

const moveFromGeneral: UnitSemanticsFunction = (s, to, from) => {
  const value = s.read(from as Operand);
  const lane = value.type === 'i64' ? 'i64x2.replace_lane' : 'i32x4.replace_lane';
  put(s, to, [s.f.operateOnLane(lane, 0, s.f.v128(0n, 0n), value)]);
};
const moveToGeneral: UnitSemanticsFunction = (s, to, from) => {
  const place = to as Operand;
  const lane = place.bits === 64 ? 'i64x2.extract_lane' : 'i32x4.extract_lane';
  s.write(place, s.f.operateOnLane(lane, 0, first(s, from)));
};

/** VZEROUPPER, VZEROALL: of the registers that the mode can name. */
const clearRegisters =
  (from: 0 | typeof UPPER_HALF): UnitSemanticsFunction =>
  (s) => {
    for (const at of vectorSlots.slice(0, s.addressBits === 64 ? 16 : 8)) {
      for (let half = from; half <= UPPER_HALF; half += UPPER_HALF)
        s.writeVector({ kind: 'fixedVector', slot: at + half }, [s.f.v128(0n, 0n)]);
    }
  };

const isLong = (operand: UnitOperand | undefined) => (operand as { readonly bits: number }).bits === 256;

/** The lowest lane everywhere. */
const broadcast =
  (bytes: 1 | 2 | 4 | 8): UnitSemanticsFunction =>
  (s, to, from) => {
    const y = first(s, from);
    const all = s.f.shuffle(y, y, bytesOfLanes(new Array<number>(16 / bytes).fill(0), bytes));
    const copy = s.f.copy(all);
    put(s, to, isLong(to) ? [copy, copy] : [copy]);
  };

const broadcastHalf: UnitSemanticsFunction = (s, to, from) => {
  const y = first(s, from);
  put(s, to, [y, y]);
};

/** VMASKMOV, VPMASKMOV: lanes whose mask has the top bit set; others are zero, or not written. None is ever #AC. */
const loadMasked =
  (bytes: 4 | 8): UnitSemanticsFunction =>
  (s, to, masks) => {
    const { f } = s;
    const start = f.copy(s.effectiveAddress());
    const lanes = bytes === 4 ? 'i32x4' : 'i64x2';
    const halves = vectors(s, masks).map((mask, half) => {
      const vector = f.variable(f.v128(0n, 0n));
      const bits = f.copy(f.operate(`${lanes}.bitmask`, mask));
      for (let lane = 0; lane < 16 / bytes; lane++) {
        s.if(s.bit(bits, lane), () => {
          const offset = s.add(start, s.addressConstant(half * 16 + lane * bytes));
          const value = s.load('instruction', offset, bytes === 4 ? 32 : 64, 'any');
          f.set(vector, f.operateOnLane(`${lanes}.replace_lane`, lane, vector, value));
        });
      }
      return vector;
    });
    put(s, to, halves);
  };

const storeMasked =
  (bytes: 4 | 8): UnitSemanticsFunction =>
  (s, _, masks, from) => {
    const { f } = s;
    const start = f.copy(s.effectiveAddress());
    const lanes = bytes === 4 ? 'i32x4' : 'i64x2';
    const values = vectors(s, from);
    const bits = vectors(s, masks).map((mask) => f.copy(f.operate(`${lanes}.bitmask`, mask)));
    const each = (work: (offset: Value, value: Value) => void) => {
      values.forEach((value, half) => {
        for (let lane = 0; lane < 16 / bytes; lane++) {
          s.if(s.bit(bits[half] as Value, lane), () => {
            const offset = f.copy(s.add(start, s.addressConstant(half * 16 + lane * bytes)));
            work(offset, f.operateOnLane(`${lanes}.extract_lane`, lane, value));
          });
        }
      });
    };
    each((offset) => s.requireWritable('instruction', offset, bytes, 'any'));
    each((offset, value) => s.store('instruction', offset, bytes === 4 ? 32 : 64, value, 'any'));
  };

/** VMASKMOVDQU: bytes whose mask has the top bit set go to [rDI]. */
const storeBytesMasked: UnitSemanticsFunction = (s, from, masks) => {
  const { f } = s;
  const bits = f.copy(f.operate('i8x16.bitmask', first(s, masks)));
  const value = first(s, from);
  const start = f.copy(s.readAddressRegister(slot.EDI));
  const offset = (n: number) => s.add(start, s.addressConstant(n));
  for (let n = 0; n < 16; n += 8) s.requireWritable('instruction', offset(n), 8);
  for (let n = 0; n < 16; n++) {
    const byte = f.operateOnLane('i8x16.extract_lane_u', n, value);
    s.if(s.bit(bits, n), () => s.store('instruction', offset(n), 8, byte));
  }
};

const avx: readonly [CpuFeature, undefined] = ['AVX', undefined];
const both: readonly [CpuFeature, CpuFeature] = ['AVX', 'AVX'];
const avx2: readonly [CpuFeature, CpuFeature] = ['AVX2', 'AVX2'];
const long: readonly [undefined, CpuFeature] = [undefined, 'AVX'];

type Features = readonly [CpuFeature | undefined, CpuFeature | undefined];
type Group = readonly (readonly [opcode: string, name: string, operands: string])[];

const group = (features: Features, run: UnitSemanticsFunction, rows: Group): readonly InstructionRow[] =>
  rows.flatMap(([opcode, name, operands]) => vexRows(opcode, name, operands, run, features));

/** MOVSS and MOVSD: from and to memory, and of registers with what the second operand has above. */
const lowest = (opcode: string, name: string, size: 'd' | 'q'): readonly InstructionRow[] => {
  const merged = size === 'd' ? lanesOf(4, 4, 1, 2, 3) : lanesOf(8, 2, 1);
  const [load, store] = [vexOpcode(`${opcode} 10`, 'LIG'), vexOpcode(`${opcode} 11`, 'LIG')];
  const feature = { feature: 'AVX' } as const;
  return [
    unitRow('AVX', load, name, `Vdq,M${size}`, moveUnaligned, feature),
    unitRow('AVX', load, name, 'Vdq,Hdq,Udq', merged, feature),
    unitRow('AVX', store, name, `M${size},Vdq`, moveUnaligned, feature),
    unitRow('AVX', store, name, 'Udq,Hdq,Vdq', merged, feature),
  ];
};

const broadcasts = (
  [
    ['58', 'VPBROADCASTD', 'd', 4],
    ['59', 'VPBROADCASTQ', 'q', 8],
    ['78', 'VPBROADCASTB', 'b', 1],
    ['79', 'VPBROADCASTW', 'w', 2],
  ] as const
).flatMap(([opcode, name, size, bytes]) =>
  (['128', '256'] as const).map((length) => {
    const operands = `V${length === '128' ? 'dq' : 'qq'},W${size}`;
    const at = vexOpcode(`66 0F 38 ${opcode}`, length, 'W0');
    return unitRow('AVX', at, name, operands, broadcast(bytes), { feature: 'AVX2' });
  }),
);

/** VBROADCASTSS and VBROADCASTSD: AVX has them from memory only. */
const broadcastsOfNumbers = (['128', '256'] as const).flatMap((length) => {
  const to = length === '128' ? 'Vdq' : 'Vqq';
  const rows = (opcode: string, name: string, size: 'd' | 'q', bytes: 4 | 8) => {
    const at = vexOpcode(`66 0F 38 ${opcode}`, length, 'W0');
    return [
      unitRow('AVX', at, name, `${to},M${size}`, broadcast(bytes), { feature: 'AVX' }),
      unitRow('AVX', at, name, `${to},Udq`, broadcast(bytes), { feature: 'AVX2' }),
    ];
  };
  return [...rows('18', 'VBROADCASTSS', 'd', 4), ...(length === '256' ? rows('19', 'VBROADCASTSD', 'q', 8) : [])];
});

const masked = (
  [
    ['2C', '2E', 'MASKMOVPS', 4, both, 'W0'],
    ['2D', '2F', 'MASKMOVPD', 8, both, 'W0'],
    ['8C', '8E', 'PMASKMOVD', 4, avx2, 'W0'],
    ['8C', '8E', 'PMASKMOVQ', 8, avx2, 'W1'],
  ] as const
).flatMap(([load, store, name, bytes, features, w]) => [
  ...vexRows(`66 0F 38 ${load}`, name, 'Vdq,Hdq,Mdq', loadMasked(bytes), features, w),
  ...vexRows(`66 0F 38 ${store}`, name, 'Mdq,Hdq,Vdq', storeMasked(bytes), features, w),
]);

export const avxMoveRows: readonly InstructionRow[] = [
  ...group(both, moveUnaligned, [
    ['NP 0F 10', 'MOVUPS', 'Vdq,Wdq'],
    ['NP 0F 11', 'MOVUPS', 'Wdq,Vdq'],
    ['66 0F 10', 'MOVUPD', 'Vdq,Wdq'],
    ['66 0F 11', 'MOVUPD', 'Wdq,Vdq'],
    ['F3 0F 6F', 'MOVDQU', 'Vdq,Wdq'],
    ['F3 0F 7F', 'MOVDQU', 'Wdq,Vdq'],
    ['F2 0F F0', 'LDDQU', 'Vdq,Mdq'],
  ]),
  ...group(both, moveAligned, [
    ['NP 0F 28', 'MOVAPS', 'Vdq,Wdq'],
    ['NP 0F 29', 'MOVAPS', 'Wdq,Vdq'],
    ['66 0F 28', 'MOVAPD', 'Vdq,Wdq'],
    ['66 0F 29', 'MOVAPD', 'Wdq,Vdq'],
    ['66 0F 6F', 'MOVDQA', 'Vdq,Wdq'],
    ['66 0F 7F', 'MOVDQA', 'Wdq,Vdq'],
    ['NP 0F 2B', 'MOVNTPS', 'Mdq,Vdq'],
    ['66 0F 2B', 'MOVNTPD', 'Mdq,Vdq'],
    ['66 0F E7', 'MOVNTDQ', 'Mdq,Vdq'],
  ]),
  ...group(['AVX', 'AVX2'], moveAligned, [['66 0F 38 2A', 'MOVNTDQA', 'Vdq,Mdq']]),
  ...lowest('F3 0F', 'VMOVSS', 'd'),
  ...lowest('F2 0F', 'VMOVSD', 'q'),
  ...group(avx, moveUnaligned, [
    ['NP 0F 13', 'MOVLPS', 'Mq,Vdq'],
    ['66 0F 13', 'MOVLPD', 'Mq,Vdq'],
  ]),
  ...group(avx, lanesOf(8, 2, 1), [
    ['NP 0F 12', 'MOVLPS', 'Vdq,Hdq,Mq'],
    ['66 0F 12', 'MOVLPD', 'Vdq,Hdq,Mq'],
  ]),
  ...group(avx, lanesOf(8, 3, 1), [['NP 0F 12', 'MOVHLPS', 'Vdq,Hdq,Udq']]),
  ...group(avx, lanesOf(8, 0, 2), [
    ['NP 0F 16', 'MOVHPS', 'Vdq,Hdq,Mq'],
    ['NP 0F 16', 'MOVLHPS', 'Vdq,Hdq,Udq'],
    ['66 0F 16', 'MOVHPD', 'Vdq,Hdq,Mq'],
  ]),
  ...group(avx, storeUpperHalf, [
    ['NP 0F 17', 'MOVHPS', 'Mq,Vdq'],
    ['66 0F 17', 'MOVHPD', 'Mq,Vdq'],
  ]),
  ...group(avx, moveLowerHalf, [
    ['F3 0F 7E', 'MOVQ', 'Vdq,Wq'],
    ['66 0F D6', 'MOVQ', 'Wq,Vdq'],
  ]),
  ...group(avx, duplicateLower, [['F2 0F 12', 'MOVDDUP', 'Vdq,Wq']]),
  ...group(long, duplicateLower, [['F2 0F 12', 'MOVDDUP', 'Vdq,Wdq']]),
  ...group(avx, moveFromGeneral, [['66 0F 6E', 'MOVD', 'Vdq,Ey']]),
  ...group(avx, moveToGeneral, [['66 0F 7E', 'MOVD', 'Ey,Vdq']]),
  ...group(avx, storeBytesMasked, [['66 0F F7', 'MASKMOVDQU', 'Vdq,Udq']]),
  unitRow('AVX', 'VEX.128.0F 77', 'VZEROUPPER', '', clearRegisters(UPPER_HALF), { feature: 'AVX' }),
  unitRow('AVX', 'VEX.256.0F 77', 'VZEROALL', '', clearRegisters(0), { feature: 'AVX' }),
  ...broadcasts,
  ...broadcastsOfNumbers,
  vexRow256('66 0F 38 1A', 'VBROADCASTF128', 'Vqq,Mdq', broadcastHalf, 'AVX'),
  vexRow256('66 0F 38 5A', 'VBROADCASTI128', 'Vqq,Mdq', broadcastHalf, 'AVX2'),
  ...masked,
];
