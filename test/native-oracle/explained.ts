/**
 * Differences between this machine's processor and ours that the manual allows: which fault of several comes first where
 * it says no order, results it leaves undefined, and what the two makers of processors do each their own way.
 */
import { RF } from '../../vm-core/state/lazy-flags.ts';
import type { Case, Outcome } from './case.ts';
import { CODE, PAGE_SIZE } from './case.ts';
import { explainedForIntel } from './explained-intel.ts';
import { bothFault, EXECUTE_ONLY, type Explained, isFault, LOCK, vector } from './explained-facts.ts';
import { hasArea } from './state-areas.ts';

function crossesEnd({ rip, code }: Case): boolean {
  return Number(rip) + code.length > CODE + PAGE_SIZE;
}

/** Of the x87 control word: denormal operands are told of. */
const isDenormalUnmasked = ({ state }: Case) => ((state[0] as number) & 2) === 0;

/** Top of the stack and tags of the x87 are those of another state. */
function hasStackOf(state: Uint8Array, other: Uint8Array): boolean {
  return state[3] === other[3] && state[4] === other[4];
}

/** A repeated instruction that has stored over its own bytes, which are below 64 KiB. */
function storesOverItself({ row, code, general, rip }: Case, native: Outcome): boolean {
  const isRepeated = /^(MOVS|STOS)B?$/.test(row.name) && code.some((byte) => byte === 0xf2 || byte === 0xf3);
  const ends = [general[7], native.general[7]].map((index) => Number(BigInt.asUintN(16, index as bigint)));
  const elementSize = 8;
  const last = Number(rip) + code.length;
  return isRepeated && Math.min(...ends) < last && Math.max(...ends) + elementSize > Number(rip);
}

const MANY_ACCESSES = /^(FLDENV|FNSTENV|FRSTOR|FNSAVE|FBLD|FBSTP)$/;

export const explained: readonly Explained[] = [
  ...explainedForIntel,
  {
    reason:
      'AMD lets memory operands of the SHA instructions lie anywhere; SDM vol. 2B table 2-21 (type 4) wants them aligned',
    applies: ({ row, rip }, _native, ours) =>
      /^SHA(1|256)/.test(row.name) && ours.vector === vector.GP && ours.rip === rip,
  },
  {
    reason: 'AMD has MOVNTSS and MOVNTSD (SSE4A)',
    applies: ({ row, code }, _native, ours) =>
      /^MOVNTP[SD]$/.test(row.name) && ours.vector === vector.UD && (code.includes(0xf2) || code.includes(0xf3)),
  },
  {
    reason: 'AMD pushes a denormal number that is loaded even if it is told of without a mask',
    applies: (test, native) =>
      test.row.name === 'FLD' && isDenormalUnmasked(test) && ((native.state[2] as number) & 0x82) === 0x82,
  },
  {
    reason:
      'in which order the x87 reaches the parts of an image or a decimal number, and which of them must be aligned',
    applies: (test, native, ours) =>
      (MANY_ACCESSES.test(test.row.name) || test.row.operands.includes('Mt')) &&
      (bothFault(test, native, ours) || native.vector === vector.AC || ours.vector === vector.AC),
  },
  {
    reason: 'how many bytes of an invalid instruction are fetched, so that the next page may fault (SDM vol. 3A §6.9)',
    applies: (test, native, ours) => {
      const vectors = [native.vector, ours.vector].sort((a, b) => a - b);
      return crossesEnd(test) && vectors[0] === vector.UD && vectors[1] === vector.PF;
    },
  },
  {
    reason: 'which of the two operands in memory is looked at first (SDM vol. 2A CMPS, MOVS say no order)',
    applies: (test, native, ours) => /^(CMPS|MOVS)B?$/.test(test.row.name) && bothFault(test, native, ours),
  },
  {
    reason: 'AMD reads the outer stack pointer of a far return before it checks the selector',
    applies: (test, native, ours) => /^RET_FAR/.test(test.row.name) && bothFault(test, native, ours),
  },
  {
    reason: 'AMD refuses INS and OUTS that the ports refuse even if they are to be repeated zero times',
    applies: ({ row, general }, native) =>
      /^(INS|OUTS)$/.test(row.name) && native.vector === vector.GP && ((general[1] as bigint) & 0xffffn) === 0n,
  },
  {
    reason: 'what a call or ENTER has pushed before it faults, and whether it pushes before it looks at its target',
    applies: (test, native, ours) => /^(ENTER|CALL)/.test(test.row.name) && bothFault(test, native, ours),
  },
  {
    reason: 'whether alignment or the segment is checked first (SDM vol. 3A §6.9 says no order)',
    applies: (test, native, ours) => test.row.name === 'CMPXCHG8B' && bothFault(test, native, ours),
  },
  {
    reason: 'AMD wants the offset to be canonical as well, before the base of FS or GS is added',
    applies: (test, native, ours) =>
      test.mode === 64 && test.code.some((byte) => byte === 0x64 || byte === 0x65) && bothFault(test, native, ours),
  },
  {
    reason: 'AMD makes CR8 of CR0 by LOCK',
    applies: ({ row, code }) => /^MOV_(TO|FROM)_CR$/.test(row.name) && code.includes(LOCK),
  },
  {
    reason: 'AMD leaves the x87 alone where CVTPI2PS has its integers in memory (SDM vol. 2A CVTPI2PS: it is taken)',
    applies: ({ row, form, state, rip }, native, ours) =>
      row.name === 'CVTPI2PS' &&
      form.memory &&
      (native.vector === ours.vector ? hasStackOf(native.state, state) : ours.vector === vector.MF && ours.rip === rip),
  },
  {
    reason: 'AMD has a bit of MXCSR that lets vectors in memory be misaligned',
    applies: ({ row }, native) => /^V?LDMXCSR$/.test(row.name) && ((native.state[26] as number) & 2) !== 0,
  },
  {
    reason: 'CLFLUSH and its like may name a code segment that cannot be read (SDM vol. 2A CLFLUSH); ours refuses it',
    applies: ({ row, selectors }, native, ours) =>
      /^CL(FLUSH|FLUSHOPT|WB)$/.test(row.name) && selectors[1] === EXECUTE_ONLY && native.rip !== ours.rip,
  },
  {
    reason: 'AMD executes VERR and VERW with LOCK, which is #UD (SDM vol. 2A LOCK)',
    applies: ({ row, code }, _native, ours) =>
      /^VER[RW]$/.test(row.name) && code.includes(LOCK) && ours.vector === vector.UD,
  },
  {
    reason: 'AMD reads 32 bits for MOVSXD of 16, Intel 16 (SDM vol. 2B MOVSXD)',
    applies: ({ row, code }, native) => row.name === 'MOVSXD' && code.includes(0x66) && native.vector >= vector.SS,
  },
  {
    reason: 'AMD leaves RF clear where a gather is left in its middle by a trap (SDM vol. 2C VPGATHERDD sets it)',
    applies: ({ row, rip }, native, ours) =>
      row.name.includes('GATHER') &&
      native.vector === vector.DB &&
      ours.vector === vector.DB &&
      native.rip === rip &&
      (native.flags ^ ours.flags) === RF,
  },
  {
    reason:
      'whether alignment, which may be #AC, the segment or a page of an area is checked first (SDM vol. 2A FXSAVE)',
    applies: (test, native, ours) => hasArea(test.row) && bothFault(test, native, ours),
  },
  {
    reason:
      'a repeated instruction that stores over itself goes on as it was until something interrupts it; ours is what it has become at the next repetition, as the manual allows (SDM vol. 3A §11.6)',
    applies: storesOverItself,
  },
  {
    reason: 'any byte of the states that are asked for may be looked at, written or not (SDM vol. 1 §13.13)',
    applies: (test, native, ours) => hasArea(test.row) && isFault(native, test, native.rip) && ours.rip !== test.rip,
  },
];
