/** Moves of whole vectors (SDM vol. 1 §5.5.1.1, §5.6.1.1, §5.6.3). */
import { type InstructionRow, type UnitSemanticsFunction, unitRow } from '../instruction-row.ts';

const moveAligned: UnitSemanticsFunction = (s, to, from) => {
  s.writeVector(to, s.readVector(from, 'aligned'), 'keep', 'aligned');
};

const moveUnaligned: UnitSemanticsFunction = (s, to, from) => {
  s.writeVector(to, s.readVector(from));
};

const sse = { feature: 'SSE' } as const;
const sse2 = { feature: 'SSE2' } as const;

export const vectorMoveRows: readonly InstructionRow[] = [
  unitRow('SSE', 'NP 0F 10', 'MOVUPS', 'Vdq,Wdq', moveUnaligned, sse),
  unitRow('SSE', 'NP 0F 11', 'MOVUPS', 'Wdq,Vdq', moveUnaligned, sse),
  unitRow('SSE', 'NP 0F 28', 'MOVAPS', 'Vdq,Wdq', moveAligned, sse),
  unitRow('SSE', 'NP 0F 29', 'MOVAPS', 'Wdq,Vdq', moveAligned, sse),
  unitRow('SSE', '66 0F 10', 'MOVUPD', 'Vdq,Wdq', moveUnaligned, sse2),
  unitRow('SSE', '66 0F 11', 'MOVUPD', 'Wdq,Vdq', moveUnaligned, sse2),
  unitRow('SSE', '66 0F 28', 'MOVAPD', 'Vdq,Wdq', moveAligned, sse2),
  unitRow('SSE', '66 0F 29', 'MOVAPD', 'Wdq,Vdq', moveAligned, sse2),
  unitRow('SSE', 'F3 0F 6F', 'MOVDQU', 'Vdq,Wdq', moveUnaligned, sse2),
  unitRow('SSE', 'F3 0F 7F', 'MOVDQU', 'Wdq,Vdq', moveUnaligned, sse2),
  unitRow('SSE', '66 0F 6F', 'MOVDQA', 'Vdq,Wdq', moveAligned, sse2),
  unitRow('SSE', '66 0F 7F', 'MOVDQA', 'Wdq,Vdq', moveAligned, sse2),
];
