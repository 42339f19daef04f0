/** Moves between vectors, parts of them, memory and general registers (SDM vol. 1 §5.4.1, §5.5.1.1, §5.6.1.1, §5.7.2). */
import type { Value } from '../../wasm/function-builder.ts';
import type { CpuFeature } from '../cpu-feature.ts';
import { type InstructionRow, row, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';
import { beginMmx, takeX87Registers, withMmx } from '../mmx.ts';
import type { Operand, UnitOperand } from '../operand.ts';
import { bytesOfLanes } from '../packed/lanes.ts';
import type { Semantics } from '../semantics.ts';

type Alignment = 'aligned' | undefined;

function first(s: Semantics, operand: UnitOperand | undefined, alignment?: Alignment): Value {
  return s.readVector(operand as UnitOperand, alignment)[0] as Value;
}

function put(s: Semantics, operand: UnitOperand | undefined, value: Value, alignment?: Alignment): void {
  s.writeVector(operand as UnitOperand, [value], 'keep', alignment);
}

const isMemory = (operand: UnitOperand | undefined) => operand?.kind === 'memory' || operand?.kind === 'vectorMemory';

const moveAligned: UnitSemanticsFunction = (s, to, from) => put(s, to, first(s, from, 'aligned'), 'aligned');
const moveUnaligned: UnitSemanticsFunction = (s, to, from) => put(s, to, first(s, from));

/** MOVSS, MOVSD: a register keeps what lies above, but from memory zeros come there. */
function moveLowest(bytes: 4 | 8): UnitSemanticsFunction {
  const count = 16 / bytes;
  const merged = bytesOfLanes([0, ...Array.from({ length: count - 1 }, (_, n) => count + 1 + n)], bytes);
  return (s, to, from) => {
    const y = first(s, from);
    put(s, to, isMemory(to) || isMemory(from) ? y : s.f.shuffle(y, first(s, to), merged));
  };
}

/** MOVQ: the lower half, with zeros above. */
const moveLowerHalf: UnitSemanticsFunction = (s, to, from) => {
  put(s, to, s.f.shuffle(first(s, from), s.f.v128(0n, 0n), bytesOfLanes([0, 2], 8)));
};

/** Into the destination go two quadwords out of it (0, 1) and out of the source (2, 3). */
const quadwords =
  (...lanes: readonly [number, number]): UnitSemanticsFunction =>
  (s, to, from) => {
    const y = first(s, from);
    put(s, to, s.f.shuffle(first(s, to), y, bytesOfLanes(lanes, 8)));
  };

/** MOVHPS to memory. */
const storeUpperHalf: UnitSemanticsFunction = (s, to, from) => {
  const x = first(s, from);
  put(s, to, s.f.shuffle(x, x, bytesOfLanes([1, 1], 8)));
};

/** MOVDDUP. */
const duplicateLower: UnitSemanticsFunction = (s, to, from) => {
  const y = first(s, from);
  put(s, to, s.f.shuffle(y, y, bytesOfLanes([0, 0], 8)));
};

/** MOVD, MOVQ: from a general register or memory, with zeros above; and back. */
const moveFromGeneral: UnitSemanticsFunction = (s, to, from) => {
  const value = s.read(from as Operand);
  const lane = value.type === 'i64' ? 'i64x2.replace_lane' : 'i32x4.replace_lane';
  put(s, to, s.f.operateOnLane(lane, 0, s.f.v128(0n, 0n), value));
};
const moveToGeneral: UnitSemanticsFunction = (s, to, from) => {
  const place = to as Operand;
  const lane = place.bits === 64 ? 'i64x2.extract_lane' : 'i32x4.extract_lane';
  s.write(place, s.f.operateOnLane(lane, 0, first(s, from)));
};

/** EMMS: all x87 registers are empty. */
const emptyRegisters: UnitSemanticsFunction = (s) => {
  beginMmx(s);
  takeX87Registers(s, 0);
};

const sse = { feature: 'SSE' } as const;
const sse2 = { feature: 'SSE2' } as const;
const sse3 = { feature: 'SSE3' } as const;
const mmx = { feature: 'MMX' } as const;

type Group = readonly (readonly [opcode: string, name: string, operands: string])[];

const group = (feature: CpuFeature, run: UnitSemanticsFunction, rows: Group): readonly InstructionRow[] =>
  rows.map(([opcode, name, operands]) => unitRow('SSE', opcode, name, operands, run, { feature }));

export const vectorMoveRows: readonly InstructionRow[] = [
  ...group('SSE', moveUnaligned, [
    ['NP 0F 10', 'MOVUPS', 'Vdq,Wdq'],
    ['NP 0F 11', 'MOVUPS', 'Wdq,Vdq'],
    ['NP 0F 13', 'MOVLPS', 'Mq,Vdq'],
  ]),
  ...group('SSE', moveAligned, [
    ['NP 0F 28', 'MOVAPS', 'Vdq,Wdq'],
    ['NP 0F 29', 'MOVAPS', 'Wdq,Vdq'],
    ['NP 0F 2B', 'MOVNTPS', 'Mdq,Vdq'],
  ]),
  ...group('SSE2', moveUnaligned, [
    ['66 0F 10', 'MOVUPD', 'Vdq,Wdq'],
    ['66 0F 11', 'MOVUPD', 'Wdq,Vdq'],
    ['66 0F 13', 'MOVLPD', 'Mq,Vdq'],
    ['F3 0F 6F', 'MOVDQU', 'Vdq,Wdq'],
    ['F3 0F 7F', 'MOVDQU', 'Wdq,Vdq'],
  ]),
  ...group('SSE2', moveAligned, [
    ['66 0F 28', 'MOVAPD', 'Vdq,Wdq'],
    ['66 0F 29', 'MOVAPD', 'Wdq,Vdq'],
    ['66 0F 2B', 'MOVNTPD', 'Mdq,Vdq'],
    ['66 0F 6F', 'MOVDQA', 'Vdq,Wdq'],
    ['66 0F 7F', 'MOVDQA', 'Wdq,Vdq'],
    ['66 0F E7', 'MOVNTDQ', 'Mdq,Vdq'],
  ]),
  ...group('SSE3', moveUnaligned, [['F2 0F F0', 'LDDQU', 'Vdq,Mdq']]),
  ...group('SSE4.1', moveAligned, [['66 0F 38 2A', 'MOVNTDQA', 'Vdq,Mdq']]),
  ...group('SSE', moveLowest(4), [
    ['F3 0F 10', 'MOVSS', 'Vdq,Wd'],
    ['F3 0F 11', 'MOVSS', 'Wd,Vdq'],
  ]),
  ...group('SSE2', moveLowest(8), [
    ['F2 0F 10', 'MOVSD', 'Vdq,Wq'],
    ['F2 0F 11', 'MOVSD', 'Wq,Vdq'],
  ]),
  unitRow('SSE', 'NP 0F 12', 'MOVLPS', 'Vdq,Mq', quadwords(2, 1), sse),
  unitRow('SSE', 'NP 0F 12', 'MOVHLPS', 'Vdq,Udq', quadwords(3, 1), sse),
  unitRow('SSE', '66 0F 12', 'MOVLPD', 'Vdq,Mq', quadwords(2, 1), sse2),
  unitRow('SSE', 'NP 0F 16', 'MOVHPS', 'Vdq,Mq', quadwords(0, 2), sse),
  unitRow('SSE', 'NP 0F 16', 'MOVLHPS', 'Vdq,Udq', quadwords(0, 2), sse),
  unitRow('SSE', '66 0F 16', 'MOVHPD', 'Vdq,Mq', quadwords(0, 2), sse2),
  unitRow('SSE', 'NP 0F 17', 'MOVHPS', 'Mq,Vdq', storeUpperHalf, sse),
  unitRow('SSE', '66 0F 17', 'MOVHPD', 'Mq,Vdq', storeUpperHalf, sse2),
  unitRow('SSE', 'F2 0F 12', 'MOVDDUP', 'Vdq,Wq', duplicateLower, sse3),
  unitRow('SSE', 'F3 0F 7E', 'MOVQ', 'Vdq,Wq', moveLowerHalf, sse2),
  unitRow('SSE', '66 0F D6', 'MOVQ', 'Wq,Vdq', moveLowerHalf, sse2),
  unitRow('SSE', '66 0F 6E', 'MOVD', 'Vdq,Ey', moveFromGeneral, sse2),
  unitRow('SSE', '66 0F 7E', 'MOVD', 'Ey,Vdq', moveToGeneral, sse2),
  unitRow('SSE', 'F3 0F D6', 'MOVQ2DQ', 'Vdq,Nq', withMmx(moveUnaligned), sse2),
  unitRow('SSE', 'F2 0F D6', 'MOVDQ2Q', 'Pq,Udq', withMmx(moveUnaligned), sse2),
  unitRow('MMX', 'NP 0F 6E', 'MOVD', 'Pq,Ey', withMmx(moveFromGeneral), mmx),
  unitRow('MMX', 'NP 0F 7E', 'MOVD', 'Ey,Pq', withMmx(moveToGeneral), mmx),
  unitRow('MMX', 'NP 0F 6F', 'MOVQ', 'Pq,Qq', withMmx(moveUnaligned), mmx),
  unitRow('MMX', 'NP 0F 7F', 'MOVQ', 'Qq,Pq', withMmx(moveUnaligned), mmx),
  unitRow('MMX', 'NP 0F E7', 'MOVNTQ', 'Mq,Pq', withMmx(moveUnaligned), sse),
  unitRow('MMX', 'NP 0F 77', 'EMMS', '', emptyRegisters, mmx),
  row('NP 0F C3', 'MOVNTI', 'My,Gy', (s, to, from) => s.write(to as Operand, s.read(from as Operand)), sse2),
];
